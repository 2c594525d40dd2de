package approval

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// approved says who has approved a pull request, of those who count, and whether that is
// enough: of each person the last verdict, of exactly the head that was merged, and not from
// before since, when something else was planned of it. Forges tell times in seconds.
func (r *Requirement) approved(app Application, need *state.ApprovalsNeeded, change *Change, since time.Time) ([]string, Reason, string) {
	pull := &change.Pull
	var approvers, others []string
	for _, review := range last(change.Reviews) {
		why := r.counts(app, need, change, review.Login)
		switch {
		case review.Verdict == providers.ChangesRequested && why == "":
			return nil, Opposed, fmt.Sprintf("%q asks for changes of #%d", review.Login, pull.Number)
		case review.Verdict != providers.Approved:
			continue
		case why != "":
		case review.Commit == "":
			why = "the forge does not say which commit that is of"
		case review.Commit != pull.Head:
			why = fmt.Sprintf("that is of %s, and %s was merged", short(review.Commit), short(pull.Head))
		case review.At.Before(since.Truncate(time.Second)):
			why = fmt.Sprintf("something else was planned when it was given, and what is planned now since %s", since.UTC().Format(time.RFC3339))
		case review.Stale:
			why = "the forge says that it is out of date"
		default:
			approvers = append(approvers, review.Login)
			continue
		}
		others = append(others, fmt.Sprintf("the approval of %q does not count: %s", review.Login, why))
	}
	if len(approvers) >= need.Count {
		return approvers, OK, ""
	}
	detail := fmt.Sprintf("#%d has %d of %d approvals at %s", pull.Number, len(approvers), need.Count, short(pull.Head))
	if len(others) > 0 {
		detail += "; " + strings.Join(others, "; ")
	}
	return nil, NotApproved, detail
}

// last returns what each person said last, of what is a verdict, by login. A remark leaves
// the verdict as it was. Logins differ not by case.
func last(reviews []providers.Review) []providers.Review {
	sorted := slices.Clone(reviews)
	slices.SortStableFunc(sorted, func(a, b providers.Review) int { return a.At.Compare(b.At) })
	byLogin := map[string]providers.Review{}
	for _, review := range sorted {
		if review.Verdict != providers.Commented && review.Login != "" {
			byLogin[strings.ToLower(review.Login)] = review
		}
	}
	out := make([]providers.Review, 0, len(byLogin))
	for _, review := range byLogin {
		out = append(out, review)
	}
	slices.SortFunc(out, func(a, b providers.Review) int {
		return cmp.Compare(strings.ToLower(a.Login), strings.ToLower(b.Login))
	})
	return out
}

// counts says why the word of a person does not count, empty where it does.
func (r *Requirement) counts(app Application, need *state.ApprovalsNeeded, change *Change, login string) string {
	key := strings.ToLower(login)
	switch {
	case !need.NotAuthor:
	case change.Pull.Author == "":
		return "it is not known whether they are the author: nobody vouches for who that is"
	case strings.EqualFold(login, change.Pull.Author):
		return "it is the author's own"
	}
	asked, in := false, false
	for _, group := range need.Groups {
		name, without := strings.CutPrefix(group, "!")
		switch member := change.Members[name][key]; {
		case without && change.Members[name] == nil:
			return fmt.Sprintf("it is not known who is in the group %q, whose members do not count", name)
		case without && member:
			return fmt.Sprintf("members of %q do not count", name)
		case !without:
			asked, in = true, in || member
		}
	}
	if asked && !in {
		return "they are in none of the groups whose members count"
	}
	rights := access.Of(r.Roles, Person(change, login))
	if rights.Open() {
		if !asked {
			return "neither groups of the approvals block nor roles say who may approve"
		}
		return ""
	}
	if len(app.Names) == 0 {
		if decision := rights.CheckAll(access.Approve); !decision.Allowed {
			return decision.Because
		}
	}
	for _, name := range app.Names {
		if decision := rights.Check(access.Approve, name[0], name[1]); !decision.Allowed {
			return decision.Because
		}
	}
	return ""
}

// Person is who has a login at the forge, as roles see them: the subject is the login, the
// issuer the forge ("https://forge.example.com"), the groups those of the forge.
func Person(change *Change, login string) *identity.Identity {
	out := &identity.Identity{Name: login, Subject: login, Issuer: Issuer(change.Pull.URL), Means: identity.Forge, Verified: true}
	for group, members := range change.Members {
		if members[strings.ToLower(login)] {
			out.Groups = append(out.Groups, group)
		}
	}
	slices.Sort(out.Groups)
	return out
}

// Issuer is what a forge is called as the issuer of its people: scheme and host of the URL of
// a pull request there.
func Issuer(pull string) string {
	u, err := url.Parse(pull)
	if err != nil || u.Host == "" {
		return "forge"
	}
	return u.Scheme + "://" + u.Host
}

// Groups lists the groups that must be asked about, sorted: those of the approvals, of the
// protection and of policies, and those of roles that may let their members approve.
func (r *Requirement) Groups() []string {
	var asked, out []string
	if need := r.Protection.Approvals; need != nil {
		asked = need.Groups
	}
	for i := range r.Policies {
		if need := r.Policies[i].Approvals; need != nil {
			asked = append(asked[:len(asked):len(asked)], need.Groups...)
		}
	}
	for _, group := range asked {
		out = append(out, strings.TrimPrefix(group, "!"))
	}
	for i := range r.Roles {
		out = append(out, r.Roles[i].Groups...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
