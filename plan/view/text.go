package view

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// text renders a plan as text.
type text struct {
	printer
	p       *plan.Plan
	options Options
}

func (t *text) plan() error {
	t.banners()
	t.deletions()
	for i := range t.p.Applications {
		a := &t.p.Applications[i]
		if t.interesting(a) {
			t.application(a)
			t.blank()
		}
	}
	t.outputs()
	t.problems()
	t.summary()
	return t.err
}

// banners tell what holds for the plan as a whole.
func (t *text) banners() {
	before := []span{}
	if t.p.Destroy {
		before = append(before, span{loud, "This plan destroys: the applications below leave, and gantry forgets them."})
	}
	if t.p.Offline {
		before = append(before, span{yellow, "Planned offline, without asking a cluster: everything is predicted, and the plan cannot be applied."})
	}
	if len(t.p.Targets) > 0 {
		before = append(before, span{yellow, "Only " + join(t.p.Targets) + " and what they depend on; the rest was left out."})
	}
	for _, banner := range before {
		t.line(0, banner)
	}
	if len(before) > 0 {
		t.blank()
	}
}

// deletions lists what is deleted, before everything else: it is what people must
// not overlook. Where nothing but that happens the applications tell it already.
func (t *text) deletions() {
	type deletion struct {
		application addr.Address
		change      *plan.Change
	}
	var list []deletion
	others, longest := 0, 0
	for i := range t.p.Applications {
		a := &t.p.Applications[i]
		for j := range a.Changes {
			switch c := &a.Changes[j]; {
			case c.Action.Deletes():
				list = append(list, deletion{a.Address, c})
				longest = max(longest, columns(c.ID.String()))
			case c.Action.Changes() && c.Action != plan.Orphan: // which is part of leaving
				others++
			}
		}
	}
	if len(list) == 0 || others == 0 {
		return
	}
	t.line(0, span{loud, "Deletes " + counted(len(list), "object") + ":"})
	for _, d := range list {
		id := d.change.ID.String()
		t.line(0, t.action(d.change.Action), span{normal, id + strings.Repeat(" ", longest-columns(id)+2)},
			span{faint, d.application.String()})
	}
	t.blank()
}

// interesting reports whether an application has something to show.
func (t *text) interesting(a *plan.Application) bool {
	return t.options.ShowUnchanged || a.HasChanges() || a.IsBlocked() || len(a.Warnings) > 0 || hasWarnings(a)
}

func hasWarnings(a *plan.Application) bool {
	return slices.ContainsFunc(a.Changes, func(c plan.Change) bool { return len(c.Warnings) > 0 })
}

func (t *text) application(a *plan.Application) {
	t.header(a)
	for _, problem := range a.Blocked {
		if !t.options.Errors && !t.toldByChange(a, problem) {
			t.problem(2, "blocked", problem, addr.Address{})
		}
	}
	for _, warning := range a.Warnings {
		t.paragraph(2, span{yellow, "warning: "}, warning)
	}
	t.blank()
	unchanged := 0
	for i := range a.Changes {
		c := &a.Changes[i]
		if c.Action == plan.Unchanged && len(c.Warnings) == 0 && !t.options.ShowUnchanged {
			unchanged++
			continue
		}
		t.change(a, c)
	}
	switch {
	case unchanged > 0:
		t.line(2, span{faint, counted(unchanged, "object") + " unchanged"})
	case len(a.Changes) == 0:
		t.line(2, span{faint, "no objects"})
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
	case a.Leaves && !t.p.Destroy:
		spans = append(spans, span{loud, "  leaves: it is no longer in the configuration"})
	}
	t.line(0, spans...)
	for _, pin := range a.Sources {
		spans := []span{{faint, describePin(pin)}}
		if was := moved(a, pin); was != "" {
			spans = append(spans, span{yellow, "  " + was})
		}
		t.line(2, spans...)
	}
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

// paragraph writes a text of several lines behind a word.
func (t *text) paragraph(indent int, word span, body string) {
	for i, line := range strings.Split(strings.TrimRight(body, "\n"), "\n") {
		if i > 0 {
			word = span{normal, strings.Repeat(" ", columns(word.text))}
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

// trackingKey reports whether a label or annotation is gantry's own bookkeeping.
func trackingKey(key string) bool {
	return strings.HasPrefix(key, "gantry.dev/") || key == "applyset.kubernetes.io/part-of"
}
