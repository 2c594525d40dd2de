package alarm

import (
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// Violated is a policy that is violated, once, with every change that violates it.
type Violated struct {
	Name        string // "policy.no_latest_tag", with the admission policy where it is one
	Enforcement plan.PolicyEnforcement
	Approvals   *plan.PolicyApprovals // who approves, where that is the enforcement
	Exempt      string                // why the violations do not count; empty where they do
	Until       time.Time
	Range       string // where the policy, or the exemption, is written
	Of          []Violation
}

// Violation is one change that violates a policy.
type Violation struct {
	Application addr.Address
	*plan.PolicyResult
}

// Level says what comes of it: "deny", "approve", "warn" or "exempt".
func (v *Violated) Level() string {
	if v.Exempt != "" {
		return "exempt"
	}
	return string(v.Enforcement)
}

// levels are what Level says, the worst first.
func levels() []string {
	return []string{string(plan.PolicyDeny), string(plan.PolicyApprove), string(plan.PolicyWarn), "exempt"}
}

// Violations lists the policies of a plan that are violated, the worst first. What is
// exempt comes last.
func Violations(p *plan.Plan) []*Violated {
	type same struct{ name, level, approvals, exempt, at string }
	var out []*Violated
	known := map[same]*Violated{}
	for i := range p.Applications {
		a := &p.Applications[i]
		for j := range a.Policies {
			r := &a.Policies[j]
			made := &Violated{Name: r.Name(), Enforcement: r.Enforcement, Approvals: r.Approvals, Exempt: r.Exempt, Until: r.Until, Range: r.Range}
			key := same{made.Name, made.Level(), r.Approvals.String(), r.Exempt, r.Range}
			if known[key] == nil {
				known[key] = made
				out = append(out, made)
			}
			known[key].Of = append(known[key].Of, Violation{a.Address, r})
		}
	}
	rank := func(v *Violated) int { return slices.Index(levels(), v.Level()) }
	slices.SortStableFunc(out, func(a, b *Violated) int { return rank(a) - rank(b) })
	return out
}

// PolicyWords counts violations: "2 denied by policies, 1 warning of policies"; empty where
// there are none.
func PolicyWords(p *plan.Plan) string {
	counts := map[string]int{}
	for _, v := range Violations(p) {
		counts[v.Level()] += len(v.Of)
	}
	var parts []string
	for _, level := range levels() {
		n := counts[level]
		if n == 0 {
			continue
		}
		parts = append(parts, map[string]string{
			"deny": words.Counted(n, "change") + " denied by policies", "approve": words.Counted(n, "change") + " that policies want approved",
			"warn": words.Counted(n, "warning") + " of policies", "exempt": words.Counted(n, "change") + " exempt from policies",
		}[level])
	}
	return strings.Join(parts, ", ")
}

// Why says what is wrong with a change, and where its object is from.
func (v Violation) Why() string {
	if v.Source == "" {
		return v.Message
	}
	return v.Message + " (" + v.Source + ")"
}

// Excuse says why violations do not count, and until when.
func (v *Violated) Excuse() string {
	if v.Until.IsZero() {
		return v.Exempt
	}
	return v.Exempt + ", until " + v.Until.UTC().Format("2006-01-02 15:04 MST")
}
