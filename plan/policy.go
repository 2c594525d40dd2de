package plan

import (
	"encoding/json"
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
	Object      object.ID         `json:"object"`
	Action      Action            `json:"action"`
	Message     string            `json:"message"`
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
func (r *PolicyResult) Blocks() bool { return r.Exempt == "" && r.Enforcement != PolicyWarn }

// Name is what the violated policy is called: its address, and the admission policy.
func (r *PolicyResult) Name() string {
	if r.Rule == "" {
		return r.Policy
	}
	return r.Policy + ": " + r.Rule
}

// The summaries of problems for which policies are the reason: each has its result, with
// the whole of it.
const (
	PolicyViolated      = "Policy is violated"
	PolicyNeedsApproval = "Approval needed by a policy"
)

// IsOfPolicy reports whether the reason of a problem is a policy that is violated.
func (p *Problem) IsOfPolicy() bool {
	return p.Summary == PolicyViolated || p.Summary == PolicyNeedsApproval
}
