package view

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/words"
)

// summary is the last line: all of it in one sentence.
func (t *text) summary() {
	blocked := 0
	for i := range t.p.Applications {
		if t.p.Applications[i].IsBlocked() {
			blocked++
		}
	}
	t.line(0, t.sentence(blocked)...)
	if text, command := unsettled(t.p); text != "" {
		t.line(0, span{yellow, text}, span{bold, command})
	}
	if risks := alarm.RiskWords(t.p); risks != "" {
		t.line(0, span{yellow, risks + "."})
	}
	t.policySummary()
	if blocked > 0 {
		verb := " are blocked and will not be applied."
		if blocked == 1 {
			verb = " is blocked and will not be applied."
		}
		t.line(0, span{red, words.Counted(blocked, "application") + verb})
	}
	if text := NeedsApproval(t.p); text != "" {
		t.line(0, span{yellow, text + ", and is not applied without it."})
	}
	switch n := len(t.p.Problems); {
	case t.options.Errors && n > 0:
		t.line(0, span{red, "The plan is incomplete: there are errors."})
	case t.options.Errors && blocked == 0:
		t.line(0, span{red, "There are errors."})
	case n > 0:
		t.line(0, span{red, "The plan is incomplete: " + words.Counted(n, "error") + " above."})
	}
}

func (t *text) sentence(blocked int) []span {
	counts := t.p.Counts()
	where := " in " + words.Counted(len(t.p.Applications), "application") + heldWords(t.p) + " on " + words.Counted(len(t.p.Clusters), "cluster") + "."
	incomplete := t.options.Errors || len(t.p.Problems) > 0
	switch {
	case len(t.p.Applications) == 0 && incomplete:
		return []span{{bold, "Nothing was planned."}}
	case len(t.p.Applications) == 0:
		return []span{{bold, "Nothing to do: "}, {normal, "there are no applications."}}
	case !t.p.HasChanges() && blocked == 0 && incomplete:
		return []span{{bold, "No changes: "}, {normal, words.Counted(counts.Total(), "object") + asDesired(counts.Total()) + where}}
	case !t.p.HasChanges() && blocked == 0:
		return []span{{bold, "Nothing to do: "}, {green, words.Counted(counts.Total(), "object") + asDesired(counts.Total())}, {normal, where}}
	}
	out := []span{{bold, "Plan: "}}
	for _, action := range shownActions() {
		n := counts[action]
		if n == 0 {
			continue
		}
		if len(out) > 1 {
			out = append(out, span{normal, ", "})
		}
		out = append(out, span{lookOf(action).style, fmt.Sprintf("%d %s", n, lookOf(action).toDo)})
	}
	if len(out) == 1 {
		out = append(out, span{normal, "no objects"})
	}
	return append(out, span{normal, where})
}

func asDesired(n int) string {
	if n == 1 {
		return " is as desired"
	}
	return " are as desired"
}

// Summary returns the sentence that Text ends with, for a confirmation or a log.
func Summary(p *plan.Plan) string {
	t := newText(nil, p, Options{})
	blocked := 0
	for i := range p.Applications {
		if p.Applications[i].IsBlocked() {
			blocked++
		}
	}
	var b strings.Builder
	for _, s := range t.sentence(blocked) {
		b.WriteString(words.Printable(s.text))
	}
	return b.String()
}

// NeedsApproval counts the applications that policies want approved: "1 application needs
// approval"; empty for none.
func NeedsApproval(p *plan.Plan) string {
	n := 0
	for i := range p.Applications {
		if len(p.Applications[i].NeedsApproval()) > 0 {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 application needs approval"
	}
	return words.Counted(n, "application") + " need approval"
}
