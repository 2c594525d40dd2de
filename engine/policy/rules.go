package policy

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
)

// Rules returns the policies of a configuration as a plan carries them.
func Rules(policies []*govern.Policy) ([]plan.Policy, error) {
	out := make([]plan.Policy, 0, len(policies))
	for _, p := range policies {
		rule := plan.Policy{
			Address: p.Address, PolicyScope: plan.PolicyScope(p.Scope), Enforcement: plan.PolicyEnforcement(p.Enforcement),
			Manifests: p.Manifests, ClusterPolicies: p.ClusterPolicies, Range: place(p.Range),
		}
		if a := p.Approvals; a != nil {
			rule.Approvals = &plan.PolicyApprovals{Count: a.Count, Groups: a.Groups, NotAuthor: a.NotAuthor}
		}
		if !p.IsAdmission() {
			rule.Kinds = p.Kinds
			for _, action := range p.Actions {
				rule.Actions = append(rule.Actions, plan.Action(action))
			}
		}
		for _, one := range []struct {
			expression late.Expression
			into       *json.RawMessage
		}{{p.Violated, &rule.Violated}, {p.Message, &rule.Message}} {
			if one.expression.IsZero() {
				continue
			}
			text, err := json.Marshal(one.expression)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.Address, err)
			}
			*one.into = text
		}
		for _, e := range p.Exemptions {
			rule.Exemptions = append(rule.Exemptions, plan.PolicyExemption{
				PolicyScope: plan.PolicyScope(e.Scope), Kinds: e.Kinds, Names: e.Names, Policies: e.Policies, Reason: e.Reason, Until: e.Until, Range: place(e.Range),
			})
		}
		out = append(out, rule)
	}
	return out, nil
}

func place(r hcl.Range) string {
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}
