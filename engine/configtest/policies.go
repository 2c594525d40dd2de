package configtest

import (
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// policyValues are the violations of policies as conditions see them.
func policyValues(app *plan.Application) []cty.Value {
	out := []cty.Value{}
	for i := range app.Policies {
		p := &app.Policies[i]
		until := cty.NullVal(cty.String)
		if !p.Until.IsZero() {
			until = cty.StringVal(p.Until.UTC().Format(time.RFC3339))
		}
		out = append(out, cty.ObjectVal(map[string]cty.Value{
			"application": cty.StringVal(app.Address.String()), "policy": cty.StringVal(p.Policy), "rule": text(p.Rule), "binding": text(p.Binding),
			"enforcement": cty.StringVal(string(p.Enforcement)), "blocks": cty.BoolVal(p.Blocks()), "failed": cty.BoolVal(p.Failed),
			"group": cty.StringVal(p.Object.Group), "kind": cty.StringVal(p.Object.Kind), "namespace": text(p.Object.Namespace), "name": cty.StringVal(p.Object.Name),
			"action": cty.StringVal(string(p.Action)), "message": cty.StringVal(p.Message), "exempt": text(p.Exempt), "until": until,
		}))
	}
	return out
}

// violations are the violations of a policy, or of all instances of its block, that are
// not exempt.
func (r *running) violations(policy addr.Address) []*plan.PolicyResult {
	var out []*plan.PolicyResult
	if r.out.Plan == nil || policy.Kind != "policy" {
		return nil
	}
	for i := range r.out.Plan.Applications {
		results := r.out.Plan.Applications[i].Policies
		for j := range results {
			if results[j].Exempt == "" && isOf(results[j].Policy, policy) {
				out = append(out, &results[j])
			}
		}
	}
	return out
}

// isOfPolicy reports whether an error is that a policy is violated.
func (r *running) isOfPolicy(policy addr.Address, diag *hcl.Diagnostic) bool {
	if !(&plan.Problem{Summary: diag.Summary}).IsOfPolicy() {
		return false
	}
	for _, v := range r.violations(policy) {
		if strings.Contains(diag.Detail, v.Name()+": "+v.Message) {
			return true
		}
	}
	return false
}
