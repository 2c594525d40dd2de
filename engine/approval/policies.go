package approval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// PolicyDecision is whether there is the approval that a policy asks for.
type PolicyDecision struct {
	Policy string `json:"policy"` // the address of its block
	// Need tells the approvals apart that policies ask for: as plan.PolicyNeed has it.
	Need   string `json:"need"`
	Reason Reason `json:"reason,omitempty"` // empty: there is
	// Detail says why not, with the policy and whom it asks, in a sentence without a full stop.
	Detail string `json:"detail,omitempty"`
	// Record is what decided, as that of a Decision.
	Record    *state.Recorded `json:"-"`
	Approvers []string        `json:"approvers,omitempty"`
}

// Allowed reports whether there is the approval.
func (d *PolicyDecision) Allowed() bool { return d.Reason == OK }

// DecidePolicies says of each of the requirement's policies whether there is an approval of
// what would be done to an application, by those who may approve for the policy: what was
// recorded names the policy, so that they have seen what it is about.
func (r *Requirement) DecidePolicies(app Application, candidates []Candidate) []PolicyDecision {
	out := make([]PolicyDecision, len(r.Policies))
	for i := range r.Policies {
		out[i] = r.decidePolicy(app, &r.Policies[i], candidates)
	}
	return out
}

func (r *Requirement) decidePolicy(app Application, need *plan.PolicyNeed, candidates []Candidate) PolicyDecision {
	best := PolicyDecision{Policy: need.Policy, Need: need.String(), Reason: NotRecorded, Detail: notRecorded}
	if r.Protection.IsZero() {
		best.Reason, best.Detail = NoRules, "no protection is in force that says where approvals come from: add a protection block with branches, planners and approvals"
	} else {
		for i := range candidates {
			if made := r.judgePolicy(app, need, &candidates[i]); made.Reason.rank() > best.Reason.rank() {
				best = made
			}
		}
	}
	if !best.Allowed() {
		best.Detail = fmt.Sprintf("%s: %s", need, best.Detail)
	}
	return best
}

// judgePolicy decides by one candidate alone.
func (r *Requirement) judgePolicy(app Application, need *plan.PolicyNeed, c *Candidate) PolicyDecision {
	out := PolicyDecision{Policy: need.Policy, Need: need.String()}
	found, reason, detail := r.stands(app, c)
	if found != nil {
		out.Record = c.Recorded
	}
	switch {
	case reason != OK:
	case !slices.Contains(found.Policies, need.Policy):
		reason, detail = NotNamed, fmt.Sprintf("what was recorded for %s does not name it, so that nobody has approved that: the policy is newer, or another by now. Record a plan for another pull request", c.Recorded)
	default:
		asked := r.needed(need.Approvals)
		out.Approvers, reason, detail = r.approvers(app, &asked, c, found)
	}
	out.Reason, out.Detail = reason, detail
	return out
}

// needed is what a policy asks for, with what the protection asks of every approval: whose
// does not count there does not count for a policy.
func (r *Requirement) needed(policy *plan.PolicyApprovals) state.ApprovalsNeeded {
	var out, base state.ApprovalsNeeded
	if r.Protection.Approvals != nil {
		base = *r.Protection.Approvals
	}
	if policy == nil {
		out = base
	} else {
		out = state.ApprovalsNeeded(*policy)
	}
	excludes := func(group string) bool { return strings.HasPrefix(group, "!") }
	names := slices.ContainsFunc(out.Groups, func(group string) bool { return !excludes(group) })
	groups := slices.Clone(out.Groups)
	for _, group := range base.Groups {
		if (excludes(group) || !names) && !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	out.Groups, out.NotAuthor, out.Count = groups, out.NotAuthor || base.NotAuthor, max(out.Count, 1)
	return out
}

// Lacks says why there is not the approval that a policy asks for; empty where there is.
func (d *Decision) Lacks(need *plan.PolicyNeed) string {
	if found := d.policy(need); found != nil {
		return found.Detail
	}
	return need.String() + ": nobody has looked for that approval"
}

// policy is the decision about an approval that a policy asks for; nil where there is none.
func (d *Decision) policy(need *plan.PolicyNeed) *PolicyDecision {
	key := need.String()
	for i := range d.Policies {
		if d.Policies[i].Need == key {
			return &d.Policies[i]
		}
	}
	return nil
}

// Ask has the approvals count for a decision that policies ask for: it is refused where one of
// them is not there.
func (d *Decision) Ask(needs []plan.PolicyNeed) {
	for i := range needs {
		if !d.Allowed() {
			return
		}
		found := d.policy(&needs[i])
		if found == nil {
			d.Reason, d.Detail = NotApproved, d.Lacks(&needs[i])
			return
		}
		d.Reason, d.Detail = found.Reason, found.Detail
		if d.Record == nil || !found.Allowed() {
			d.Record = found.Record
		}
		d.Approvers = append(d.Approvers, found.Approvers...)
		slices.Sort(d.Approvers)
		d.Approvers = slices.Compact(d.Approvers)
	}
}
