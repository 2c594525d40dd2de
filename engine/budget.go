package engine

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/plan"
)

// The summaries of what is blocked because more would be destroyed than a budget says.
const (
	tooManyDestroyed    = "Application would lose too much"
	planDestroysTooMuch = "Plan would destroy too much"
)

// budgets blocks the applications that would destroy more than they may: each by its
// own budget.
func (p *planning) budgets(out *plan.Plan) {
	for _, d := range p.drafts {
		if d.failed() {
			continue
		}
		if detail := overBudget(out, d.settings().MaxDestroyed, d.destroys(), "lifecycle.max_destroyed"); detail != "" {
			d.blocked = append(d.blocked, plan.Problem{Address: d.address, Summary: tooManyDestroyed, Detail: detail, Range: rangeText(d.appRange())})
		}
	}
}

// planBudget blocks every application that destroys anything where all together
// destroy more than the plan may, and reports whether they do.
func (p *planning) planBudget(out *plan.Plan) bool {
	var all plan.Destroyed
	var those []*draft
	for _, d := range p.drafts {
		if has := d.destroys(); !d.failed() && len(d.blocked) == 0 && has.Objects > 0 {
			all.Objects, all.With = all.Objects+has.Objects, all.With+has.With
			those = append(those, d)
		}
	}
	detail := overBudget(out, out.MaxDestroyed, all, "max_destroyed of the protection block")
	if detail == "" {
		return false
	}
	p.diags = append(p.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: planDestroysTooMuch, Subject: p.config.Settings.Protection.Range.Ptr(),
		Detail: fmt.Sprintf("All applications together: %s Left as they are: %s.", detail, few(addresses(those))),
	})
	for _, d := range those {
		d.blocked = append(d.blocked, plan.Problem{
			Address: d.address, Summary: planDestroysTooMuch, Detail: "All applications together: " + detail, Range: rangeText(d.appRange()),
		})
	}
	return true
}

func addresses(drafts []*draft) []string {
	out := make([]string, len(drafts))
	for i, d := range drafts {
		out[i] = d.address.String()
	}
	return out
}

// destroys counts what the draft's changes take away.
func (d *draft) destroys() plan.Destroyed {
	return (&plan.Application{Changes: d.changes}).Destroys()
}

// overBudget says by how much a budget is exceeded; empty where it is not.
func overBudget(p *plan.Plan, most *int, has plan.Destroyed, argument string) string {
	budget, limited := p.Budget(most)
	if !limited || has.Counted() <= budget {
		return ""
	}
	raised := ""
	if budget != *most {
		raised = fmt.Sprintf(", raised to %d", budget)
	}
	with := ""
	if has.With > 0 {
		with = fmt.Sprintf(" (%d, and %d that go with them)", has.Objects, has.With)
	}
	return fmt.Sprintf("%d objects would be destroyed%s, and %s is %d%s. If that is meant, say --allow-destroyed %d, or set it higher; if not, look at what made them go.",
		has.Counted(), with, argument, *most, raised, has.Counted())
}

// withinBudgets leaves out what a plan destroys beyond its budgets: planning blocks
// it, and a plan that was made otherwise does not get further.
func (a *applying) withinBudgets() {
	for _, p := range a.apps {
		if detail := overBudget(a.plan, p.app.Settings.MaxDestroyed, p.app.Destroys(), "lifecycle.max_destroyed"); detail != "" {
			p.skip(detail)
		}
	}
	detail := overBudget(a.plan, a.plan.MaxDestroyed, a.plan.Destroys(), "max_destroyed of the protection block")
	for _, p := range a.apps {
		if detail != "" && p.app.Destroys().Objects > 0 {
			p.skip("all applications together: " + detail)
		}
	}
}
