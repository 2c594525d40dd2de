package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// Verdict is what was found out about a plan.
type Verdict struct {
	*engine.Approved
	// Next are the rules at the commit, where they may be in force from now on; nil where
	// they are already, or may not be.
	Next *state.Rules
	// Kept says why the rules in force stay, where the commit has others that are not approved.
	Kept string
	// Pulls are the pull requests that were looked at, by number.
	Pulls map[int64]*providers.PullRequest
}

// Judge decides for each application that a plan changes whether that is approved, by the
// rules in force.
func (g *Gatherer) Judge(ctx context.Context, s *Standing, p *plan.Plan) (*Verdict, error) {
	out := &Verdict{Approved: &engine.Approved{Commit: s.Commit, Branch: s.Branch}, Pulls: map[int64]*providers.PullRequest{}}
	requirement := g.requirement(s)
	requirement.Policies = policiesThatAsk(p, s)
	protection := &requirement.Protection
	asks := protection.Approvals != nil || protection.Planners != nil || protection.Signers != nil
	var candidates []approval.Candidate
	if asks || len(requirement.Policies) > 0 && !protection.IsZero() {
		recorded, err := g.Records.Recorded(ctx)
		if err != nil {
			return nil, err
		}
		looking := &looking{Gatherer: g, standing: s, requirement: &requirement, verdict: out, groups: map[string]map[string]bool{}}
		if candidates, err = looking.candidates(ctx, recorded, p); err != nil {
			return nil, err
		}
	}
	for i := range p.Applications {
		app := &p.Applications[i]
		if !app.HasChanges() {
			continue
		}
		decision := approval.Decision{Address: app.Address, Digest: app.Digest}
		if asks {
			decision = requirement.Decide(about(app, s.Config), candidates)
		}
		decision.Policies = requirement.DecidePolicies(about(app, s.Config), candidates)
		decision.Ask(app.NeedsApproval())
		out.Decisions = append(out.Decisions, decision)
	}
	if s.Moves() {
		next := state.Rules{Commit: s.Commit, Digest: s.Digest, Protection: approval.Of(s.At.Settings.Protection)}
		if asks && !s.First {
			record, why := requirement.RulesApproved(s.Digest, candidates)
			if record == nil {
				out.Kept = why
				return out, nil
			}
			next.Pull = record.Pull
		}
		out.Next = &next
	}
	return out, nil
}

// policiesThatAsk are the approvals that policies may ask for, each once: those of the plan, of
// the rules in force, and of the rules at the commit.
func policiesThatAsk(p *plan.Plan, s *Standing) []plan.PolicyNeed {
	var out []plan.PolicyNeed
	known := map[string]bool{}
	for _, policies := range [][]plan.Policy{p.Policies, engine.GuardsOf(s.Config).Policies, engine.GuardsOf(s.At).Policies} {
		for i := range policies {
			need := plan.PolicyNeed{Policy: policies[i].Address.String(), Approvals: policies[i].Approvals}
			if policies[i].Enforcement == plan.PolicyApprove && !known[need.String()] {
				known[need.String()] = true
				out = append(out, need)
			}
		}
	}
	return out
}

// about is an application as a decision knows it, under the names of the plan and of the rules
// in force.
func about(app *plan.Application, config *lang.Config) approval.Application {
	out := approval.Application{Address: app.Address, Digest: app.Digest, Names: [][2]string{{app.Project, app.Name}}}
	for _, known := range config.Applications {
		if known.Address != app.Address {
			continue
		}
		name := [2]string{"", known.Name}
		if known.Project != nil {
			name[0] = known.Project.Name
		}
		if !slices.Contains(out.Names, name) {
			out.Names = append(out.Names, name)
		}
	}
	return out
}

// looking is one gathering: nobody is asked twice.
type looking struct {
	*Gatherer
	standing    *Standing
	requirement *approval.Requirement
	verdict     *Verdict
	groups      map[string]map[string]bool // by group, then by login in lower case
}

// candidates are the records that may be about what the plan changes, or about the rules, with
// what git and the forge know of those that could decide.
func (l *looking) candidates(ctx context.Context, recorded []*state.Recorded, p *plan.Plan) ([]approval.Candidate, error) {
	keys := signerKeys(l.requirement.Protection.Signers)
	var out []approval.Candidate
	for _, record := range recorded {
		c := approval.Candidate{Recorded: record, SignedBy: signedBy(record, keys, l.Now())}
		if l.decides(record, p) {
			if err := l.facts(ctx, &c); err != nil {
				return nil, fmt.Errorf("looking at %s: %w", record, err)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// decides reports whether a record has the very digest of something that the plan changes, or
// of the rules.
func (l *looking) decides(record *state.Recorded, p *plan.Plan) bool {
	if l.standing.Moves() && record.Rules == l.standing.Digest {
		return true
	}
	return slices.ContainsFunc(p.Applications, func(app plan.Application) bool {
		found := record.Find(app.Address)
		return app.HasChanges() && found != nil && found.Digest == app.Digest
	})
}

// facts asks git and the forge.
func (l *looking) facts(ctx context.Context, c *approval.Candidate) error {
	if c.Pull != 0 {
		pull, err := l.Forge.Pull(ctx, c.Pull)
		if errors.Is(err, providers.ErrNotFound) {
			c.Changes = []approval.Change{{Pull: providers.PullRequest{Number: c.Pull}, Missing: true}}
			return nil
		}
		if err != nil {
			return err
		}
		return l.change(ctx, c, pull)
	}
	var err error
	if c.OnBranch, err = l.History.Contains(ctx, l.standing.Commit, c.Head); err != nil || !c.OnBranch {
		return err
	}
	line, err := l.History.Mainline(ctx, c.Head, c.Base, mostQueued)
	if err != nil {
		return fmt.Errorf("what the merge queue has merged: %w", err)
	}
	return l.queued(ctx, c, line)
}

// mostQueued is how many commits a merge queue may have merged since what was planned against.
const mostQueued = 500

// change adds what there is to know of a pull request.
func (l *looking) change(ctx context.Context, c *approval.Candidate, pull *providers.PullRequest) error {
	l.verdict.Pulls[pull.Number] = pull
	out := approval.Change{Pull: *pull}
	var err error
	if pull.Merged {
		if out.Here, err = l.History.Contains(ctx, l.standing.Commit, pull.MergedAs); err != nil {
			return err
		}
	}
	if out.Here && (l.requirement.Protection.Approvals != nil || len(l.requirement.Policies) > 0) {
		if out.Reviews, err = l.Forge.Reviews(ctx, pull.Number); err != nil {
			return err
		}
		if out.Members, err = l.members(ctx, out.Reviews); err != nil {
			return err
		}
	}
	c.Changes = append(c.Changes, out)
	return nil
}

// members asks which of the groups that matter who said something belongs to.
func (l *looking) members(ctx context.Context, reviews []providers.Review) (map[string]map[string]bool, error) {
	for _, group := range l.requirement.Groups() {
		for _, review := range reviews {
			login := strings.ToLower(review.Login)
			if _, asked := l.groups[group][login]; asked || login == "" {
				continue
			}
			member, err := l.Forge.Member(ctx, group, review.Login)
			if errors.Is(err, providers.ErrNotFound) {
				break // a group of an issuer of identities, say
			}
			if err != nil {
				return nil, fmt.Errorf("asking who is in the group %q: %w", group, err)
			}
			if l.groups[group] == nil {
				l.groups[group] = map[string]bool{}
			}
			l.groups[group][login] = member
		}
	}
	return l.groups, nil
}

// signerKeys are the public keys among the signers of a protection.
func signerKeys(signers []string) *signature.Keys {
	out := &signature.Keys{}
	for _, signer := range signers {
		if keys, err := signature.ParseKeys([]byte(signer)); err == nil {
			out.Add(keys)
		}
	}
	return out
}

// signedBy are who signed a record, rightly, when it was recorded.
func signedBy(record *state.Recorded, keys *signature.Keys, now time.Time) []approval.Speaker {
	if len(record.Signed) == 0 || len(keys.IDs()) == 0 {
		return nil
	}
	statement, err := record.Statement()
	if err != nil {
		return nil
	}
	found, err := keys.VerifyStatement(record.Signed, statement, now)
	if err != nil {
		return nil // it stays unsigned, which is told
	}
	out := make([]approval.Speaker, len(found))
	for i, one := range found {
		out[i] = approval.Speaker{KeyID: one.KeyID}
	}
	return out
}
