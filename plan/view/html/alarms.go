package html

import (
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/words"
)

// alarms is what nobody may overlook: deletions, risks, and what is not in the plan.
func (g *page) alarms() {
	g.deletions()
	g.risks()
	g.policies()
	g.problems()
}

func (g *page) deletions() {
	list, _ := alarm.Deletions(g.p)
	if len(list) == 0 {
		return
	}
	g.raw("<section class=\"alarm\" id=\"deletions\">\n<h2>")
	g.text(alarm.Heading(list))
	g.raw("</h2>\n<ul>\n")
	for _, d := range list {
		g.raw("<li>")
		g.tag("b", "a-"+actionName(d.Change.Action), string(d.Change.Action))
		g.raw(" ")
		g.tag("code", "", d.Change.ID.String())
		g.raw(" ")
		g.tag("span", "of", d.Application.String())
		if d.Change.Confirm {
			g.raw(" ")
			g.tag("b", "", "needs confirmation")
		}
		if takes := alarm.Takes(d.Change); len(takes) > 0 {
			g.raw("<ul>")
			for _, taking := range takes {
				g.taking(taking)
			}
			g.raw("</ul>")
		}
		g.raw("</li>\n")
	}
	g.raw("</ul>\n</section>\n")
}

func (g *page) taking(taking alarm.Taking) {
	class, item := "", ""
	if taking.Hurts {
		class, item = ` class="hurts"`, "code"
	}
	g.raw("<li" + class + ">")
	g.text(taking.Head)
	g.raw(": ")
	for i, name := range taking.Items {
		if i > 0 {
			g.raw(", ")
		}
		if item == "" {
			g.text(name)
		} else {
			g.tag(item, "", name)
		}
	}
	g.raw("</li>")
}

func (g *page) risks() {
	list := alarm.Risks(g.p)
	if len(list) == 0 {
		return
	}
	g.raw("<section class=\"alarm\" id=\"risks\">\n<h2>")
	g.text("Risks: " + alarm.RiskWords(g.p))
	g.raw("</h2>\n<ul>\n")
	for _, r := range list {
		g.raw("<li>")
		g.tag("b", "r-"+severity(r.Risk.Severity), string(r.Risk.Severity))
		g.raw(" ")
		g.tag("strong", "", r.Risk.Code)
		g.raw(" ")
		g.tag("span", "detail", r.Detail)
		g.raw("<ul>")
		for _, place := range r.Of {
			g.raw("<li>")
			g.tag("code", "", place.Name())
			if beside := place.Beside(); beside != "" {
				g.raw(" ")
				g.tag("span", "of", beside)
			}
			if r.Brief {
				g.raw(" ")
				g.tag("span", "detail", place.Detail)
			}
			g.raw("</li>")
		}
		g.raw("</ul></li>\n")
	}
	g.raw("</ul>\n</section>\n")
}

func (g *page) problems() {
	if len(g.p.Problems) == 0 {
		return
	}
	g.raw("<section class=\"alarm\" id=\"problems\">\n<h2>")
	g.text("Not in this plan: " + words.Counted(len(g.p.Problems), "error"))
	g.raw("</h2>\n<pre>")
	g.lines(view.ProblemLines(g.p, g.options)[1:], 2)
	g.raw("</pre>\n</section>\n")
}
