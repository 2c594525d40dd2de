package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/state"
)

// Decide decides about an application: it may be applied where one of the candidates lets it.
func (r *Requirement) Decide(app Application, candidates []Candidate) Decision {
	best := Decision{Address: app.Address, Digest: app.Digest, Reason: NotRecorded, Detail: notRecorded}
	for i := range candidates {
		if made := r.judge(app, &candidates[i]); made.Reason.rank() > best.Reason.rank() {
			best = made
		}
	}
	return best
}

const notRecorded = "no plan of it was recorded for a pull request: \"gantry plan --record\" does that, run by a planner at the pull request's head"

// judge decides by one candidate alone.
func (r *Requirement) judge(app Application, c *Candidate) Decision {
	out := Decision{Address: app.Address, Digest: app.Digest}
	found, reason, detail := r.stands(app, c)
	if found != nil {
		out.Record = c.Recorded
	}
	if reason == OK && r.Protection.Approvals != nil {
		out.Approvers, reason, detail = r.approvers(app, r.Protection.Approvals, c, found)
	}
	out.Reason, out.Detail = reason, detail
	return out
}

// stands says whether a candidate is of what would be done, and may be used, whoever has
// approved it. It returns what was recorded of the application; nil where that is nothing.
func (r *Requirement) stands(app Application, c *Candidate) (*state.RecordedApplication, Reason, string) {
	found := c.Find(app.Address)
	switch {
	case found == nil:
		return nil, NotRecorded, notRecorded
	case found.Digest != app.Digest:
		return found, Another, fmt.Sprintf("what would be done is not what was recorded for %s", c.Recorded)
	}
	if reason, detail := r.recorder(c); reason != OK {
		return found, reason, detail
	}
	switch {
	case !c.ExpiresAt.IsZero() && !r.Now.Before(c.ExpiresAt):
		return found, Expired, fmt.Sprintf("the plan of %s expired at %s", c.Recorded, c.ExpiresAt.UTC().Format(time.RFC3339))
	case found.Use != nil && !found.Use.DoneAt.IsZero():
		return found, Used, fmt.Sprintf("the plan of %s was applied at %s, and a digest is applied once", c.Recorded, found.Use.At.UTC().Format(time.RFC3339))
	}
	reason, detail := r.merged(c)
	return found, reason, detail
}

// approvers are who has approved each pull request of a candidate, where enough have.
func (r *Requirement) approvers(app Application, need *state.ApprovalsNeeded, c *Candidate, found *state.RecordedApplication) ([]string, Reason, string) {
	var out []string
	for i := range c.Changes {
		approvers, reason, detail := r.approved(app, need, &c.Changes[i], c.since(found))
		if reason != OK {
			return nil, reason, detail
		}
		out = append(out, approvers...)
	}
	slices.Sort(out)
	return slices.Compact(out), OK, ""
}

// since is when an approval counts at the earliest: of a pull request since nothing else is
// planned of it. What a merge queue makes of several is planned when they are approved.
func (c *Candidate) since(found *state.RecordedApplication) time.Time {
	if c.Pull == 0 {
		return time.Time{}
	}
	return found.Since
}

// recorder says whether who recorded counts.
func (r *Requirement) recorder(c *Candidate) (Reason, string) {
	if planners := r.Protection.Planners; planners != nil {
		if why := Refused(planners, r.Trust, &c.By); why != "" {
			return Planner, fmt.Sprintf("the plan of %s was recorded by %s, and that does not count: %s", c.Recorded, &c.By, why)
		}
	}
	if signers := r.Protection.Signers; signers != nil && !slices.ContainsFunc(c.SignedBy, func(s Speaker) bool { return Signs(signers, s) }) {
		return Unsigned, fmt.Sprintf("the plan of %s is not signed by any of the protection's signers: record it with --sign-key", c.Recorded)
	}
	return OK, ""
}

// Refused says why somebody is none of the planners, empty where they are: nobody vouches
// for them, or nobody that is trusted here, or they are not named.
func Refused(planners []string, trust *identity.Trust, who *identity.Identity) string {
	switch {
	case who == nil || !who.Verified || who.Subject == "":
		return "nobody vouches for who that is"
	case !trusted(trust, who):
		return fmt.Sprintf("%q is none of those that may vouch for anybody here", who.Issuer)
	case !slices.ContainsFunc(planners, func(p string) bool { return names(p, who) }):
		return "it is none of the planners that the protection names"
	}
	return ""
}

// trusted reports whether the issuer of an identity is one that is trusted. What a pull
// request adds to those does not count before it is in force.
func trusted(trust *identity.Trust, who *identity.Identity) bool {
	if trust == nil {
		return false
	}
	switch who.Means {
	case identity.OIDC:
		return slices.ContainsFunc(trust.Issuers, func(i identity.Issuer) bool { return i.URL == who.Issuer })
	case identity.Kubernetes:
		return slices.ContainsFunc(trust.Clusters, func(c identity.Cluster) bool { return c.Name == who.Issuer })
	case identity.SSH:
		return slices.ContainsFunc(trust.Keys, func(k identity.Key) bool { return k.Name == who.Subject })
	default:
		return false
	}
}

// names reports whether a pattern is of an identity: "SUBJECT", or "ISSUER SUBJECT". An
// asterisk stands for anything in the subject, and for nothing in the issuer.
func names(pattern string, who *identity.Identity) bool {
	subject := pattern
	if issuer, rest, ok := strings.Cut(pattern, " "); ok {
		if issuer != who.Issuer {
			return false
		}
		subject = strings.TrimSpace(rest)
	}
	return like(subject, who.Subject)
}

func like(pattern, text string) bool {
	if pattern == text {
		return true
	}
	compiled, err := glob.Compile(pattern)
	return err == nil && compiled.Match(text)
}

// merged says whether what was recorded is what was merged, and is in what is applied.
func (r *Requirement) merged(c *Candidate) (Reason, string) {
	if c.Pull == 0 {
		switch {
		case !c.OnBranch:
			return NotMerged, fmt.Sprintf("%s is not in the history of what is applied", c.Recorded)
		case len(c.Unowned) > 0:
			return Direct, fmt.Sprintf("%s has commits that came with no pull request: %s", c.Recorded, shortened(c.Unowned))
		case len(c.Changes) == 0:
			return NoPull, fmt.Sprintf("the forge knows no pull request that %s merges", c.Recorded)
		}
	}
	for i := range c.Changes {
		change := &c.Changes[i]
		pull := &change.Pull
		switch {
		case change.Missing:
			return NoPull, fmt.Sprintf("the forge has no pull request #%d", pull.Number)
		case !pull.Merged:
			return NotMerged, fmt.Sprintf("#%d is not merged", pull.Number)
		case pull.Base != r.Branch:
			return OtherBranch, fmt.Sprintf("#%d was merged into %q, and %q is applied", pull.Number, pull.Base, r.Branch)
		case c.Pull != 0 && pull.Head != c.Head:
			return Moved, fmt.Sprintf("#%d was planned at %s, and merged at %s: it was pushed to in between", pull.Number, short(c.Head), short(pull.Head))
		case !change.Here:
			return NotHere, fmt.Sprintf("#%d was merged as %s, which is not in what is applied", pull.Number, short(pull.MergedAs))
		}
	}
	if len(c.Changes) == 0 {
		return NoPull, fmt.Sprintf("the forge knows nothing of #%d", c.Pull)
	}
	return OK, ""
}

func short(commit string) string { return commit[:min(len(commit), 8)] }

func shortened(commits []string) string {
	out := make([]string, len(commits))
	for i, commit := range commits {
		out[i] = short(commit)
	}
	return strings.Join(out, ", ")
}

// RulesApproved says whether a record lets the rules of its head be in force: by the same
// measure as a change of an application, but for the digest. The change must begin at the rules
// in force: who reviews one that begins at others does not see how these came to be.
func (r *Requirement) RulesApproved(digest string, candidates []Candidate) (*state.Recorded, string) {
	why := "no plan with these rules was recorded for a pull request"
	for i := range candidates {
		c := &candidates[i]
		if c.Rules != digest {
			continue
		}
		reason, detail := r.recorder(c)
		if reason == OK && !c.ExpiresAt.IsZero() && !r.Now.Before(c.ExpiresAt) {
			reason, detail = Expired, fmt.Sprintf("the plan of %s expired at %s", c.Recorded, c.ExpiresAt.UTC().Format(time.RFC3339))
		}
		if reason == OK {
			reason, detail = r.merged(c)
		}
		for j := range c.Changes {
			if reason == OK && r.Protection.Approvals != nil {
				_, reason, detail = r.approved(Application{}, r.Protection.Approvals, &c.Changes[j], time.Time{})
			}
		}
		if reason == OK && c.RulesBefore != r.Rules {
			reason, detail = Another, fmt.Sprintf("what was approved with %s changes other rules than those in force. Put these back first, and propose what is wanted in one pull request", c.Recorded)
		}
		if reason == OK {
			return c.Recorded, ""
		}
		why = detail
	}
	return nil, why
}
