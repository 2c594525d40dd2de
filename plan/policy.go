package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
)

// Policy is a rule that the changes of a plan must pass. It travels with the plan and is
// judged when that is made and when it is applied. It is no part of what is done, and so
// of no change digest.
type Policy struct {
	Address addr.Address `json:"address"`
	Kinds   []string     `json:"kinds,omitempty"`   // globs: "Kind", "group/Kind"
	Actions []Action     `json:"actions,omitempty"` // that it is asked about
	PolicyScope
	Enforcement PolicyEnforcement `json:"enforcement"`
	// Approvals says who approves what violates it; nil leaves that to the protection, or
	// nobody is asked.
	Approvals *PolicyApprovals `json:"approvals,omitempty"`
	// Violated and Message are late expressions as they travel; see lang/late. Violated is
	// empty where admission policies are asked.
	Violated json.RawMessage `json:"violated,omitempty"`
	Message  json.RawMessage `json:"message,omitempty"`
	// Manifests are admission policies of Kubernetes, their bindings and parameters.
	Manifests []object.Object `json:"manifests,omitempty"`
	// ClusterPolicies: the admission policies of each application's cluster are asked, too.
	ClusterPolicies bool              `json:"clusterPolicies,omitempty"`
	Exemptions      []PolicyExemption `json:"exemptions,omitempty"`
	Range           string            `json:"range,omitempty"` // file:line,column
}

// PolicyScope is which applications a policy, or an exemption of one, is for, as globs.
// An empty list is all; all lists must match.
type PolicyScope struct {
	Projects     []string `json:"projects,omitempty"`
	Applications []string `json:"applications,omitempty"`
	Clusters     []string `json:"clusters,omitempty"`
	Namespaces   []string `json:"namespaces,omitempty"`
}

// PolicyExemption is what a policy does not hold for.
type PolicyExemption struct {
	PolicyScope
	Kinds    []string  `json:"kinds,omitempty"`
	Names    []string  `json:"names,omitempty"`
	Policies []string  `json:"policies,omitempty"` // names of admission policies
	Reason   string    `json:"reason"`
	Until    time.Time `json:"until,omitzero"` // when it ends; zero is never
	Range    string    `json:"range,omitempty"`
}

// PolicyEnforcement is what comes of a policy that is violated.
type PolicyEnforcement string

// What comes of a violation.
const (
	PolicyDeny    PolicyEnforcement = "deny"    // the application cannot be applied
	PolicyWarn    PolicyEnforcement = "warn"    // it is shown
	PolicyApprove PolicyEnforcement = "approve" // the application needs an approval that names the policy
)

// PolicyResult is a violation of a policy by one change. What is not violated is not
// listed.
type PolicyResult struct {
	// Policy is the address of the policy's block: "policy.no_latest_tag".
	Policy string `json:"policy"`
	// Rule is the admission policy of Kubernetes that is violated, by its name; Binding the
	// one that has it asked. Both are empty where the policy is an expression.
	Rule        string            `json:"rule,omitempty"`
	Binding     string            `json:"binding,omitempty"`
	Enforcement PolicyEnforcement `json:"enforcement"`
	// Approvals says who approves it where that is the enforcement; nil leaves that to the
	// protection.
	Approvals *PolicyApprovals `json:"approvals,omitempty"`
	Object    object.ID        `json:"object"`
	Action    Action           `json:"action"`
	Message   string           `json:"message"`
	// Failed: the policy could not be evaluated, which is the reason.
	Failed bool `json:"failed,omitempty"`
	// Exempt is the reason for which the violation does not count; empty where it does.
	Exempt string    `json:"exempt,omitempty"`
	Until  time.Time `json:"until,omitzero"` // when the exemption ends
	// Range is where the policy, or the exemption, is written; Source where the object is
	// from: a file and a line of a source.
	Range  string `json:"range,omitempty"`
	Source string `json:"source,omitempty"`
}

// Blocks reports whether the application cannot be applied because of it.
func (r *PolicyResult) Blocks() bool {
	return r.Exempt == "" && r.Enforcement != PolicyWarn && r.Enforcement != PolicyApprove
}

// NeedsApproval reports whether the application is applied only with an approval because of it.
func (r *PolicyResult) NeedsApproval() bool {
	return r.Exempt == "" && r.Enforcement == PolicyApprove
}

// Name is what the violated policy is called: its address, and the admission policy.
func (r *PolicyResult) Name() string {
	if r.Rule == "" {
		return r.Policy
	}
	return r.Policy + ": " + r.Rule
}

// PolicyViolated is the summary of problems for which policies are the reason: each has its
// result, with the whole of it.
const PolicyViolated = "Policy is violated"

// IsOfPolicy reports whether the reason of a problem is a policy that is violated.
func (p *Problem) IsOfPolicy() bool { return p.Summary == PolicyViolated }

// PolicyApprovals says who approves what violates a policy.
type PolicyApprovals struct {
	Count     int      `json:"count"`            // how many
	Groups    []string `json:"groups,omitempty"` // as those of a protection's approvals
	NotAuthor bool     `json:"notAuthor,omitempty"`
}

// String is for people: "2 approvals by members of security, not by the author". That of nil
// is "an approval".
func (a *PolicyApprovals) String() string {
	if a == nil {
		return "an approval"
	}
	out := "1 approval"
	if a.Count > 1 {
		out = fmt.Sprintf("%d approvals", a.Count)
	}
	var in, not []string
	for _, group := range a.Groups {
		if name, without := strings.CutPrefix(group, "!"); without {
			not = append(not, name)
		} else {
			in = append(in, name)
		}
	}
	if len(in) > 0 {
		out += " by members of " + strings.Join(in, " or ")
	}
	if len(not) > 0 {
		out += ", not by members of " + strings.Join(not, " or ")
	}
	if a.NotAuthor {
		out += ", not by the author"
	}
	return out
}

// PolicyNeed is the approval that a policy asks for.
type PolicyNeed struct {
	Policy    string // the address of its block
	Approvals *PolicyApprovals
}

// String is for people, "policy.public_services needs 1 approval by members of security", and
// tells needs apart.
func (n *PolicyNeed) String() string { return n.Policy + " needs " + n.Approvals.String() }

// NeedsApproval lists the approvals that policies ask for, of an application that can be
// applied, each once and in order.
func (a *Application) NeedsApproval() []PolicyNeed {
	if a.IsBlocked() {
		return nil
	}
	return NeededApprovals(a.Policies)
}

// NeededApprovals lists the approvals that results ask for, each once and in order.
func NeededApprovals(results []PolicyResult) []PolicyNeed {
	var out []PolicyNeed
	known := map[string]bool{}
	for i := range results {
		r := &results[i]
		if !r.NeedsApproval() {
			continue
		}
		need := PolicyNeed{r.Policy, r.Approvals}
		if key := need.String(); !known[key] {
			known[key] = true
			out = append(out, need)
		}
	}
	slices.SortFunc(out, func(a, b PolicyNeed) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// NeedsApproval reports whether policies ask for an approval of any application that can be
// applied.
func (p *Plan) NeedsApproval() bool {
	return slices.ContainsFunc(p.Applications, func(a Application) bool { return len(a.NeedsApproval()) > 0 })
}
