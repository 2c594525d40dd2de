package report

import (
	"github.com/gantrycd/gantry/plan"
)

// rulePolicy is what the rules of policies begin with.
const rulePolicy = "policy/"

// policies adds the violations of policies by an application: one that is exempt is
// suppressed.
func (r *sarifRun) policies(a *plan.Application) {
	for i := range a.Policies {
		p := &a.Policies[i]
		level, message := "error", p.Message
		switch p.Enforcement {
		case plan.PolicyDeny:
		case plan.PolicyWarn:
			level = "warning"
		case plan.PolicyApprove:
			level, message = "warning", approving(p)
		}
		result := r.result(rulePolicy+p.Name(), level, message, a.Address.String(), &p.Object, p.Range, p.Binding, p.Message)
		if p.Exempt != "" {
			result.Suppressions = []sarifSuppression{{Kind: "inSource", Justification: clean(p.Exempt)}}
		}
		if at := physical(p.Source); at != nil {
			result.Locations = append(result.Locations, sarifLocation{Physical: at})
		}
		r.Results = append(r.Results, result)
	}
}

// approving says what is wrong, and whose approval that needs.
func approving(p *plan.PolicyResult) string {
	return p.Message + " (needs " + p.Approvals.String() + ")"
}

// policies adds a case for each violation of a policy: one that denies fails, one that
// warns or needs an approval passes and is told in its output, one that is exempt is skipped.
func (s *junitSuite) policies(a *plan.Application) {
	for i := range a.Policies {
		p := &a.Policies[i]
		c := junitCase{Class: s.Name, Name: clean(p.Name() + ": " + subject(&p.Object))}
		c.at(p.Range)
		switch {
		case p.Exempt != "":
			c.Skipped = &junitSkip{Message: "exempt: " + clean(p.Exempt)}
			c.Out = clean(p.Message)
		case p.Enforcement == plan.PolicyWarn:
			c.Out = clean(p.Message)
		case p.NeedsApproval():
			c.Out = clean(approving(p))
		default:
			c.Failure = &junitResult{Message: "policy is violated", Type: clean(p.Name()), Text: clean(p.Message)}
		}
		s.add(c)
	}
}
