package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/view/words"
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
	if c.Confirm {
		notes = append(notes, needsConfirmation)
	}
	if c.Predicted && !t.p.Offline && c.Hook == nil {
		note := "predicted" + checked(c.Validation)
		if reason != "" && !strings.Contains(reason, "\n") {
			note, reason = note+": "+reason, ""
		}
		notes = append(notes, note)
	}
	own := c.Action == plan.Blocked || c.Action == plan.Replace || strings.Contains(reason, "\n")
	if reason != "" && !own {
		notes = append(notes, reason)
	}
	head := []span{t.action(c.Action), {normal, objectName(c)}}
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
			t.line(detail, span{}, span{style, line}) // no sign stands before it
		}
	}
	t.conflicts(a, c)
	t.moves(c)
	switch c.Action {
	case plan.Create, plan.Run, plan.Remember:
		t.body(c)
	case plan.Update, plan.Adopt, plan.Replace, plan.Orphan, plan.Unchanged, plan.Forget, plan.Prune, plan.Blocked:
		t.fields(c)
	}
	for _, warning := range c.Warnings {
		t.paragraph(detail, span{yellow, "warning: "}, warning)
	}
}

// needsConfirmation is said of a deletion that someone must confirm by name.
const needsConfirmation = "needs confirmation"

// checked says how an object was checked that the server could not be asked about.
func checked(v plan.Validation) string {
	switch v {
	case plan.NotValidated:
		return ", not checked"
	case plan.SchemaOnly:
		return " from its schema"
	case plan.SchemaAndRules:
		return " from its schema and rules"
	case plan.ServerDryRun:
	}
	return ""
}

// detail is the column of what is said about an object.
const detail = 6

// conflicts tells which fields others own, and what is done about it.
func (t *text) conflicts(a *plan.Application, c *plan.Change) {
	for _, conflict := range c.Conflicts {
		verb := "is taken over from"
		switch {
		case c.Action == plan.Blocked:
			verb = "is owned by"
		case a.Settings.Conflicts == "leave":
			verb = "is left to"
		}
		text := fmt.Sprintf("%s %s %s", conflict.Path, verb, conflict.Manager)
		if !conflict.At.IsZero() {
			text += ", which last wrote " + words.Ago(conflict.At, t.options.Now)
		}
		t.line(detail, span{yellow, "! "}, span{normal, text})
		if f, ok := contested(c, conflict); ok {
			t.field(detail+2, &f)
		}
	}
}

// contested is what a change would make of a field that another owns, as far as that is
// known and is not among the fields that change.
func contested(c *plan.Change, conflict plan.Conflict) (plan.FieldChange, bool) {
	among := slices.ContainsFunc(c.Fields, func(f plan.FieldChange) bool { return f.Path == conflict.Path })
	if among || conflict.Before == nil && conflict.After == nil {
		return plan.FieldChange{}, false
	}
	return shownConflict(c, conflict), true
}

// shownConflict is a conflict's values as they may be shown.
func shownConflict(c *plan.Change, conflict plan.Conflict) plan.FieldChange {
	f, _ := redact.HideField(c.GVK(), plan.FieldChange{
		Path: conflict.Path, Kind: plan.Changed, Before: conflict.Before, After: conflict.After, Sensitive: conflict.Sensitive,
	}, redact.Of(c)...)
	return f
}

// moves tells whose fields of the object become gantry's.
func (t *text) moves(c *plan.Change) {
	const most = 5
	for _, m := range c.Moves {
		manager := m.Manager
		if m.Subresource != "" {
			manager += " (" + m.Subresource + ")"
		}
		text := "what " + manager + " owns passes to gantry"
		items := m.Fields
		if len(items) > 0 {
			text += ", and with it " + words.Counted(len(items), "field") + " that gantry has not set:"
		}
		if more := len(items) - most; more > 0 && !t.options.Verbose {
			items = append(items[:most:most], words.Counted(more, "more field"))
		}
		t.line(detail, span{faint, "= " + text})
		t.list(detail+4, span{}, items, false)
	}
}

// fields shows the fields that change.
func (t *text) fields(c *plan.Change) {
	gained, lost := 0, 0
	for i := range c.Fields {
		f, _ := redact.HideField(c.GVK(), c.Fields[i], redact.Of(c)...)
		switch {
		case !f.Owned || t.options.Verbose:
			t.field(detail, &f)
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
		t.line(detail, span{faint, "= " + words.Counted(owned.n, "field") + verb + owned.what})
	}
}
