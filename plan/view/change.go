package view

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/redact"
)

// change shows what happens to one object.
func (t *text) change(a *plan.Application, c *plan.Change) {
	reason := c.Reason
	if c.Action == plan.Blocked && t.options.Errors {
		reason = ""
	}
	var notes []string
	if c.Phase != "" && c.Phase != plan.PhaseSync {
		notes = append(notes, string(c.Phase)+" hook")
	}
	if c.Wave != 0 {
		notes = append(notes, fmt.Sprintf("wave %d", c.Wave))
	}
	if c.Predicted && !t.p.Offline && c.Hook == nil {
		note := "predicted"
		if reason != "" && !strings.Contains(reason, "\n") {
			note, reason = note+": "+reason, ""
		}
		notes = append(notes, note)
	}
	own := c.Action == plan.Blocked || c.Action == plan.Replace || strings.Contains(reason, "\n")
	if reason != "" && !own {
		notes = append(notes, reason)
	}
	head := []span{t.action(c.Action), {normal, c.ID.String()}}
	if c.Action.Deletes() {
		head[1].style = bold
	}
	if len(notes) > 0 {
		head = append(head, span{faint, "  (" + strings.Join(notes, "; ") + ")"})
	}
	t.line(0, head...)
	if reason != "" && own {
		style := normal
		if c.Action != plan.Unchanged {
			style = red
		}
		for line := range strings.SplitSeq(strings.TrimRight(reason, "\n"), "\n") {
			t.line(detail, span{style, line})
		}
	}
	t.conflicts(a, c)
	switch c.Action {
	case plan.Create, plan.Run:
		t.body(c)
	case plan.Update, plan.Adopt, plan.Replace, plan.Orphan, plan.Unchanged, plan.Forget, plan.Prune, plan.Blocked:
		t.fields(c)
	}
	for _, warning := range c.Warnings {
		t.paragraph(detail, span{yellow, "warning: "}, warning)
	}
}

// detail is the column of what is said about an object.
const detail = 6

// conflicts tells which fields others own, and what is done about it.
func (t *text) conflicts(a *plan.Application, c *plan.Change) {
	for _, conflict := range c.Conflicts {
		verb := "is owned by"
		switch {
		case c.Action == plan.Blocked:
		case a.Settings.Conflicts == "take_over":
			verb = "is taken over from"
		case a.Settings.Conflicts == "leave":
			verb = "is left to"
		}
		text := fmt.Sprintf("%s %s %s", conflict.Path, verb, conflict.Manager)
		if !conflict.At.IsZero() {
			text += ", which last wrote " + ago(conflict.At, t.options.Now)
		}
		t.line(detail, span{yellow, "! "}, span{normal, text})
	}
}

// fields shows the fields that change.
func (t *text) fields(c *plan.Change) {
	gained, lost := 0, 0
	for i := range c.Fields {
		f, _ := redact.HideField(c.GVK(), c.Fields[i])
		switch {
		case !f.Owned || t.options.Verbose:
			t.field(&f)
		case f.Kind == plan.Removed:
			lost++
		default:
			gained++
		}
	}
	for _, owned := range []struct {
		n    int
		what string
	}{{gained, "to gantry"}, {lost, "away from gantry"}} {
		if owned.n == 0 {
			continue
		}
		verb := " keep their values and pass "
		if owned.n == 1 {
			verb = " keeps its value and passes "
		}
		t.line(detail, span{faint, "= " + counted(owned.n, "field") + verb + owned.what})
	}
}

// field shows one field: its values on one line if they fit, else below it.
func (t *text) field(f *plan.FieldChange) {
	look := lookOf(plan.Update)
	switch {
	case f.Owned:
		look.symbol, look.style = "=", faint
	case f.Kind == plan.Added:
		look = lookOf(plan.Create)
	case f.Kind == plan.Removed:
		look.symbol, look.style = "-", red
	}
	note := span{style: yellow}
	switch {
	case f.Drift != nil:
		note.text = "  (" + drifted(f, t.options.Now) + ")"
	case f.Server:
		note = span{faint, "  (by the server: a default or a webhook)"}
	case f.Owned && f.Kind == plan.Removed:
		note = span{faint, "  (no longer gantry's)"}
	case f.Owned:
		note = span{faint, "  (becomes gantry's)"}
	}
	name := []span{{look.style, look.symbol + " "}, {normal, f.Path}}
	if inline, ok := t.inline(f); ok {
		t.line(detail, append(append(name, span{normal, ": "}), append(inline, note)...)...)
		return
	}
	t.line(detail, append(name, span{normal, ":"}, note)...)
	t.block(f)
}

// inline returns a field's values as they stand on its line, and false where
// they do not fit.
func (t *text) inline(f *plan.FieldChange) ([]span, bool) {
	if isLong(f.Before) || isLong(f.After) {
		return nil, false
	}
	before, after := span{red, scalar(f.Before)}, span{green, scalar(f.After)}
	switch {
	case f.Owned && f.Kind == plan.Removed:
		return []span{{faint, before.text}}, true
	case f.Owned:
		return []span{{faint, after.text}}, true
	case f.Sensitive:
		return sensitive(f, before, after), true
	case f.Kind == plan.Added:
		return []span{after}, true
	case f.Kind == plan.Removed:
		return []span{before}, true
	}
	room := t.options.Width - detail - len("~ : → ") - columns(f.Path)
	if columns(before.text)+columns(after.text) > max(room, 60) {
		return nil, false
	}
	return []span{before, {normal, " → "}, after}, true
}

// sensitive returns fingerprints, marked as such.
func sensitive(f *plan.FieldChange, before, after span) []span {
	out := []span{{faint, "(sensitive) "}}
	if strings.HasPrefix(before.text, "(sensitive") || strings.HasPrefix(after.text, "(sensitive") {
		out = nil // they say so themselves
	}
	switch f.Kind {
	case plan.Added:
		return append(out, after)
	case plan.Removed:
		return append(out, before)
	case plan.Changed:
	}
	return append(out, before, span{normal, " → "}, after)
}

// block shows a field's values below its line: the lines that differ of a text,
// the old and the new value of anything else.
func (t *text) block(f *plan.FieldChange) {
	const indent = detail + 4
	before, after := lines(f.Before), lines(f.After)
	if f.Kind == plan.Added {
		before = nil
	}
	if f.Kind == plan.Removed {
		after = nil
	}
	for _, d := range hunks(diffLines(before, after), t.options.Context) {
		switch d.op {
		case '+':
			t.line(indent, span{green, "+ " + d.text})
		case '-':
			t.line(indent, span{red, "- " + d.text})
		case '…':
			t.line(indent, span{faint, d.text})
		default:
			t.line(indent, span{normal, "  " + d.text})
		}
	}
}
