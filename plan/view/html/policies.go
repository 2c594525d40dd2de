package html

import (
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/alarm"
)

// policies are the policies that are violated, and by what.
func (g *page) policies() {
	list := alarm.Violations(g.p)
	if len(list) == 0 {
		return
	}
	g.raw("<section class=\"alarm\" id=\"policies\">\n<h2>")
	g.text("Policies: " + alarm.PolicyWords(g.p))
	g.raw("</h2>\n<ul>\n")
	for _, v := range list {
		g.raw("<li>")
		g.tag("b", policyClass(v), v.Level())
		g.raw(" ")
		g.tag("strong", "", v.Name)
		if v.Range != "" {
			g.raw(" ")
			g.tag("span", "of", v.Range)
		}
		if v.Level() == string(plan.PolicyApprove) {
			g.raw(" ")
			g.tag("span", "detail", "needs "+v.Approvals.String())
		}
		if v.Exempt != "" {
			g.raw(" ")
			g.tag("span", "detail", v.Excuse())
		}
		g.raw("<ul>")
		for _, one := range v.Of {
			g.raw("<li>")
			g.tag("code", "", one.Object.String())
			g.raw(" ")
			g.tag("span", "of", one.Application.String())
			g.raw(" ")
			g.tag("span", "detail", one.Why())
			g.raw("</li>")
		}
		g.raw("</ul></li>\n")
	}
	g.raw("</ul>\n</section>\n")
}

// policyClass is how a violation looks: as a risk that is as bad.
func policyClass(v *alarm.Violated) string {
	switch v.Level() {
	case string(plan.PolicyDeny), string(plan.PolicyApprove):
		return "r-" + severity(plan.High)
	case string(plan.PolicyWarn):
		return "r-" + severity(plan.Medium)
	}
	return "r-" + severity(plan.Low)
}
