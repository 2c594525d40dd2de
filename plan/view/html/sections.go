package html

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/fold"
	"github.com/gantrycd/gantry/plan/view/words"
)

// sections are what several applications have alike, once, and then the applications.
func (g *page) sections() {
	g.same = map[[2]int][2]int{}
	for i := range g.alike.List {
		list := &g.alike.List[i]
		first := list.Applications[0]
		for n, application := range list.Applications {
			for k, change := range list.Changes[n] {
				g.same[[2]int{application, change}] = [2]int{first, list.Changes[0][k]}
			}
		}
		g.raw("<section class=\"same\"><details><summary>")
		g.text(list.Heading())
		g.tag("span", "of", ", as in "+g.p.Applications[first].Address.String())
		g.raw("</summary><p>")
		for _, i := range list.Applications {
			g.tag("code", "", g.p.Applications[i].Address.String())
			g.tag("span", "of", fold.Place(&g.p.Applications[i]))
			g.raw(" ")
		}
		g.raw("</p></details></section>\n")
	}
	few := len(g.p.Applications) > 0 && g.p.Counts().Changes() <= unfolded
	for i := range g.p.Applications {
		g.application(i, few)
	}
	g.orphans()
	if lines := view.OutputLines(g.p, g.options); len(lines) > 0 {
		g.raw("<section class=\"outputs\"><pre>")
		g.lines(lines, 0)
		g.raw("</pre></section>\n")
	}
}

func (g *page) application(i int, open bool) {
	a := &g.p.Applications[i]
	counts := a.Counts()
	if !a.HasChanges() && !a.IsBlocked() {
		open = false
	}
	fmt.Fprintf(g.out, "<details class=\"app\" data-app=\"%s\" data-cluster=\"%s\"%s>\n<summary>", safe(a.Address.String()), safe(a.Cluster), when(open, " open"))
	g.tag("strong", "", a.Address.String())
	if a.Cluster != "" {
		g.raw(" ")
		g.tag("span", "of", "on "+a.Cluster+when(a.Namespace != "", ", namespace "+a.Namespace))
	}
	g.raw(" <span class=\"chips\">")
	for _, action := range shown() {
		if n := counts[action]; n > 0 {
			g.tag("b", "a-"+string(action), fmt.Sprintf("%d %s", n, action))
			g.raw(" ")
		}
	}
	risks := risksOf(a)
	for _, s := range plan.Severities() {
		if n := risks.counts[s]; n > 0 {
			g.tag("b", "r-"+severity(s), words.Counted(n, string(s)+" risk"))
			g.raw(" ")
		}
	}
	if len(a.NeedsApproval()) > 0 {
		g.tag("b", "r-"+severity(plan.High), "needs approval")
		g.raw(" ")
	}
	g.raw("</span></summary>\n")
	if head := view.HeadLines(g.p, a, g.options); len(head) > 1 {
		g.raw("<pre class=\"head\">")
		g.lines(head[1:], 2)
		g.raw("</pre>\n")
	}
	for j := range a.Changes {
		g.change(i, j, risks)
	}
	g.raw("</details>\n")
}

// change is an object: its line, and what happens to it in a template.
func (g *page) change(i, j int, risks risks) {
	a := &g.p.Applications[i]
	c := &a.Changes[j]
	risk := risks.of[c.ID]
	if risk == "" {
		risk = risks.whole
	}
	lines := view.ChangeLines(g.p, a, c, g.options)
	head, body := lines[0], lines[1:]
	first, alike := g.same[[2]int{i, j}]
	hasBody := len(body) > 0 || len(risks.told[c.ID]) > 0
	element, summary := "details", "summary"
	if !hasBody {
		element, summary = "div", "p"
	}
	fmt.Fprintf(g.out, "<%s class=\"o\" data-action=\"%s\"%s>", element, actionName(c.Action), when(risk != "", ` data-risk="`+severity(risk)+`"`))
	fmt.Fprintf(g.out, "<%s>", summary)
	g.tag("b", "a-"+actionName(c.Action), string(c.Action))
	g.raw(" ")
	g.tag("code", "", c.ID.String())
	for _, s := range head.Spans[min(2, len(head.Spans)):] {
		g.tag("i", "", strings.TrimSpace(s.Text))
	}
	if risk := risks.of[c.ID]; risk != "" {
		g.raw(" ")
		g.tag("b", "r-"+severity(risk), string(risk)+" risk")
	}
	fmt.Fprintf(g.out, "</%s>", summary)
	for _, r := range risks.told[c.ID] {
		g.raw("<p class=\"risk\">")
		g.tag("b", "r-"+severity(r.Severity), string(r.Severity))
		g.raw(" ")
		g.tag("strong", "", r.Code)
		g.raw(" ")
		g.text(r.Detail)
		g.raw("</p>")
	}
	switch {
	case len(body) == 0:
	case alike && first != [2]int{i, j}:
		// The first of those alike has the text; the names in it are that one's.
		fmt.Fprintf(g.out, "<template data-as=\"%s\"></template>", bodyID(first))
	default:
		fmt.Fprintf(g.out, "<template%s><pre>", when(alike, ` id="`+bodyID(first)+`"`))
		g.lines(body, 6)
		g.raw("</pre></template>")
	}
	fmt.Fprintf(g.out, "</%s>\n", element)
}

// bodyID is what the text of a change is found by.
func bodyID(change [2]int) string {
	return "b" + strconv.Itoa(change[0]) + "-" + strconv.Itoa(change[1])
}

// lines writes lines of a terminal, but for so many columns of their indent.
func (g *page) lines(lines []view.Line, less int) {
	for _, line := range lines {
		g.raw(strings.Repeat(" ", max(0, line.Indent-less)))
		for _, s := range line.Spans {
			if s.Look == view.Plain {
				g.text(s.Text)
			} else {
				g.tag("s", classOf(s.Look), s.Text)
			}
		}
		g.raw("\n")
	}
}

// classOf is the class of a look, short because there are many.
func classOf(look view.Look) string {
	switch look {
	case view.Strong:
		return "b"
	case view.Aside:
		return "f"
	case view.Added:
		return "p"
	case view.Removed:
		return "m"
	case view.Notice:
		return "n"
	case view.Special:
		return "x"
	case view.Alarm:
		return "l"
	case view.Plain:
	}
	return ""
}

// shown is the order of actions.
func shown() []plan.Action {
	return []plan.Action{
		plan.Prune, plan.Replace, plan.Blocked, plan.Create, plan.Update, plan.Adopt, plan.Run, plan.Orphan, plan.Forget, plan.Remember, plan.Unchanged,
	}
}

// risks are an application's risks that are not accepted.
type risks struct {
	counts map[plan.Severity]int
	told   map[object.ID][]*plan.Risk
	of     map[object.ID]plan.Severity
	whole  plan.Severity // the greatest of those of the application as a whole
}

func risksOf(a *plan.Application) risks {
	out := risks{map[plan.Severity]int{}, map[object.ID][]*plan.Risk{}, map[object.ID]plan.Severity{}, ""}
	for i := range a.Risks {
		r := &a.Risks[i]
		if r.Accepted != "" {
			continue
		}
		out.counts[r.Severity]++
		greater := func(than plan.Severity) bool { return than == "" || alarm.Weight(r.Severity) > alarm.Weight(than) }
		if r.Object == nil {
			if greater(out.whole) {
				out.whole = r.Severity
			}
			continue
		}
		out.told[*r.Object] = append(out.told[*r.Object], r)
		if greater(out.of[*r.Object]) {
			out.of[*r.Object] = r.Severity
		}
	}
	return out
}

// actionName is an action as part of a class: one that is not known is blocked.
func actionName(action plan.Action) string {
	if slices.Contains(plan.Actions(), action) {
		return string(action)
	}
	return string(plan.Blocked)
}

// severity is a severity as part of a class: one that is not known is high.
func severity(s plan.Severity) string {
	switch s {
	case plan.Low, plan.Medium:
		return string(s)
	case plan.High:
	}
	return string(plan.High)
}

func when(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

// block is the address of an instance's block.
func block(address addr.Address) string {
	address.Key, address.HasKey = "", false
	return address.String()
}
