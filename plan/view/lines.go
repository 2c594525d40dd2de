package view

import (
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// Line is one line of what Text shows, for views that lay it out themselves.
type Line struct {
	Indent int // columns
	Spans  []Span
}

// Span is a piece of a line that looks the same. Its text is printable.
type Span struct {
	Look Look
	Text string
}

// Look says what a span is, for a view to choose how that looks.
type Look string

// The looks.
const (
	Plain   Look = ""
	Strong  Look = "strong"  // a name that is worth finding
	Aside   Look = "aside"   // what may be overlooked
	Added   Look = "added"   // what comes
	Removed Look = "removed" // what goes
	Notice  Look = "notice"  // what to look at
	Special Look = "special" // neither comes nor goes: adopted, run
	Alarm   Look = "alarm"   // what must not be overlooked
)

func lineOf(indent int, spans []span) Line {
	out := Line{Indent: indent}
	for _, s := range spans {
		if s.text != "" {
			out.Spans = append(out.Spans, Span{lookOfStyle(s.style), words.Printable(s.text)})
		}
	}
	return out
}

func lookOfStyle(s style) Look {
	switch s {
	case normal:
		return Plain
	case bold:
		return Strong
	case faint:
		return Aside
	case green:
		return Added
	case red:
		return Removed
	case yellow:
		return Notice
	case blue:
		return Special
	case loud:
		return Alarm
	}
	return Plain
}

// ChangeLines returns what Text shows of a change: its line, and those below it.
func ChangeLines(p *plan.Plan, a *plan.Application, c *plan.Change, options Options) []Line {
	return collect(p, options, func(t *text) { t.change(a, c) })
}

// HeadLines returns what Text says of an application before its changes.
func HeadLines(p *plan.Plan, a *plan.Application, options Options) []Line {
	return collect(p, options, func(t *text) { t.head(a) })
}

// ProblemLines returns what is not in the plan, and why.
func ProblemLines(p *plan.Plan, options Options) []Line {
	return collect(p, options, func(t *text) { t.problems() })
}

// OutputLines returns which outputs change.
func OutputLines(p *plan.Plan, options Options) []Line {
	return collect(p, options, func(t *text) { t.outputs() })
}

func collect(p *plan.Plan, options Options, show func(*text)) []Line {
	var out []Line
	t := newText(nil, p, options)
	t.take = func(line Line) { out = append(out, line) }
	show(t)
	return out
}
