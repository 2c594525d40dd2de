package view

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/fold"
	"github.com/gantrycd/gantry/plan/view/words"
)

// text renders a plan as text.
type text struct {
	printer
	p       *plan.Plan
	options Options
	alike   fold.Groups
}

func (t *text) plan() error {
	t.top()
	if t.options.Summary {
		t.table()
	} else {
		t.applications()
	}
	t.rollouts()
	t.outputs()
	t.problems()
	t.orphans()
	t.summary()
	return t.err
}

// top is what people must not overlook.
func (t *text) top() {
	t.banners()
	t.deletions()
	t.risks()
	t.policies()
	t.windows()
}

// applications shows what happens to each object: what is alike once, the rest by
// application.
func (t *text) applications() {
	if !t.options.Full {
		t.alike = fold.Find(t.p)
		for i := range t.alike.List {
			t.group(&t.alike.List[i], len(t.p.Applications))
			t.blank()
		}
	}
	for i := range t.p.Applications {
		if t.interesting(i) {
			t.application(i)
			t.blank()
		}
	}
}

// mostReasons is of how many applications it is told why they are planned.
const mostReasons = 10

// banners tell what holds for the plan as a whole.
func (t *text) banners() {
	before := []span{}
	if t.p.Destroy {
		before = append(before, span{loud, "This plan destroys: the applications below leave, and gantry forgets them."})
	}
	if imagined := t.p.Imagined(); imagined != "" {
		before = append(before, span{yellow, imagined})
	}
	if act := t.p.Act.Banner(); act != "" {
		before = append(before, span{yellow, act})
	}
	if len(t.p.Targets) > 0 {
		before = append(before, span{yellow, "Only " + words.Join(t.p.Targets) + " and what they depend on; the rest was left out."})
	}
	if affected := t.p.Affected.Banner(); affected != "" {
		before = append(before, span{yellow, affected})
		for _, reason := range t.p.Affected.Reasons(mostReasons) {
			before = append(before, span{"", "  " + reason})
		}
	}
	for _, banner := range before {
		t.line(0, banner)
	}
	if len(before) > 0 {
		t.blank()
	}
}

// interesting reports whether an application has something to show that is not told
// with others.
func (t *text) interesting(i int) bool {
	a := &t.p.Applications[i]
	if t.options.ShowUnchanged || isTold(a) {
		return true
	}
	for j := range a.Changes {
		c := &a.Changes[j]
		if len(c.Warnings) > 0 || c.Action.Changes() || c.Action == plan.Forget || c.Action == plan.Remember || c.Action == plan.Blocked {
			if !t.alike.Has(i, j) {
				return true
			}
		}
	}
	return false
}

// isTold reports whether there is something to say of an application itself, whatever
// its changes are.
func isTold(a *plan.Application) bool {
	return a.IsBlocked() || len(a.NeedsApproval()) > 0 || a.Leaves || a.Held != nil || a.Lifts != nil || a.Rollback != nil || !a.MovedFrom.IsZero() || len(a.Warnings) > 0 || len(alarm.Accepted(a)) > 0
}

func (t *text) application(i int) {
	a := &t.p.Applications[i]
	t.head(a)
	t.blank()
	unchanged, folded := 0, 0
	for j := range a.Changes {
		c := &a.Changes[j]
		switch {
		case t.alike.Has(i, j):
			folded++
		case c.Action == plan.Unchanged && len(c.Warnings) == 0 && !t.options.ShowUnchanged:
			if c.Hook == nil {
				unchanged++
			}
		default:
			t.change(a, c)
		}
	}
	t.counts(a, folded, unchanged)
}

// counts tells how many changes of an application are not shown with it.
func (t *text) counts(a *plan.Application, folded, unchanged int) {
	if folded > 0 {
		t.line(2, span{faint, words.Counted(folded, "change") + " as above, with other applications"})
	}
	switch {
	case unchanged > 0:
		t.line(2, span{faint, words.Counted(unchanged, "object") + " unchanged"})
	case len(a.Changes) == 0:
		t.line(2, span{faint, "no objects"})
	}
}

// head is all about an application but its changes.
func (t *text) head(a *plan.Application) {
	t.header(a)
	if a.Held != nil {
		t.paragraph(2, span{loud, "held: "}, a.Held.String())
	}
	t.opening(a)
	for _, problem := range a.Blocked {
		if !t.options.Errors && !t.toldByChange(a, problem) {
			t.problem(2, "blocked", problem, addr.Address{})
		}
	}
	for _, need := range a.NeedsApproval() {
		t.paragraph(2, span{loud, "needs approval: "}, need.String())
	}
	for _, warning := range a.Warnings {
		t.paragraph(2, span{yellow, "warning: "}, warning)
	}
	for _, r := range alarm.Accepted(a) {
		t.accepted(r)
	}
}

// header tells which application it is, where it goes and what it is made of.
func (t *text) header(a *plan.Application) {
	where := ""
	if a.Cluster != "" {
		where = "  on " + a.Cluster
		if a.Namespace != "" {
			where += ", namespace " + a.Namespace
		}
	}
	spans := []span{{bold, a.Address.String()}, {normal, where}}
	if !a.MovedFrom.IsZero() {
		spans = append(spans, span{yellow, "  moved from " + a.MovedFrom.String()})
	}
	switch {
	case a.IsBlocked():
		spans = append(spans, span{loud, "  blocked: it will not be applied"})
	case a.Held != nil:
		spans = append(spans, span{loud, "  held: it will not be applied"})
	case len(a.NeedsApproval()) > 0:
		spans = append(spans, span{loud, "  needs approval"})
	case a.Lifts != nil:
		spans = append(spans, span{yellow, "  no longer held"})
	case a.Rollback != nil:
		spans = append(spans, span{yellow, "  rolls back to revision " + strconv.FormatInt(a.Rollback.To, 10)})
	case a.Leaves && !t.p.Destroy:
		spans = append(spans, span{loud, "  leaves: it is no longer in the configuration"})
	}
	t.line(0, spans...)
	for _, pin := range a.Sources {
		t.line(2, sourceLine(pin, moved(a, pin))...)
	}
}

// sourceLine tells what an application is made of, and what that was.
func sourceLine(pin source.Pin, was string) []span {
	spans := []span{{faint, describePin(pin)}}
	if was != "" {
		spans = append(spans, span{yellow, "  " + was})
	}
	return spans
}

// toldByChange reports whether a problem is that of a blocked change, which is
// shown with the change.
func (t *text) toldByChange(a *plan.Application, problem plan.Problem) bool {
	return problem.Object != nil && slices.ContainsFunc(a.Changes, func(c plan.Change) bool {
		return c.Action == plan.Blocked && c.ID == *problem.Object && c.Reason != ""
	})
}

// problems tells what is not in the plan, and why.
func (t *text) problems() {
	if len(t.p.Problems) == 0 {
		return
	}
	t.line(0, span{loud, "Not in this plan:"})
	named := map[addr.Address]bool{}
	for _, problem := range t.p.Problems {
		if t.options.Errors && !problem.Address.IsZero() {
			if !named[problem.Address] {
				named[problem.Address] = true
				t.line(2, span{normal, problem.Address.String()})
			}
			continue
		}
		t.problem(2, "error", problem, problem.Address)
	}
	t.blank()
}

func (t *text) problem(indent int, word string, problem plan.Problem, address addr.Address) {
	head := problem.Summary
	if problem.Object != nil {
		head = problem.Object.String() + ": " + head
	}
	if !address.IsZero() {
		head = address.String() + ": " + head
	}
	if problem.Range != "" {
		head += " (" + problem.Range + ")"
	}
	t.paragraph(indent, span{loud, word + ": "}, head)
	if problem.Detail != "" {
		t.paragraph(indent+2, span{}, problem.Detail)
	}
}

// deepest is how far the lines of a paragraph are indented at most.
const deepest = 60

// paragraph writes a text of several lines behind a word.
func (t *text) paragraph(indent int, word span, body string) {
	for i, line := range strings.Split(strings.TrimRight(body, "\n"), "\n") {
		if i > 0 {
			word = span{normal, strings.Repeat(" ", min(columns(word.text), deepest))}
		}
		t.line(indent, word, span{normal, strings.TrimRight(line, "\r")})
	}
}

// action is the symbol and the word that stand before an object.
func (t *text) action(action plan.Action) span {
	look := lookOf(action)
	return span{look.style, strings.Repeat(" ", max(0, 3-columns(look.symbol))) + look.symbol + " " + pad(string(action), 8) + " "}
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

// columns is how wide a text is, near enough: a column per character.
func columns(text string) int { return len([]rune(text)) }
