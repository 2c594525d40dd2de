package view

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/view/valuediff"
	"github.com/gantrycd/gantry/plan/view/words"
)

// field shows one field: its values on one line if they fit, else below it. A
// structure whose members differ is shown by these members.
func (t *text) field(indent int, f *plan.FieldChange) {
	if f.Kind == plan.Changed && !f.Owned {
		if parts, ok := valuediff.Parts(f.Before, f.After); ok {
			for _, part := range parts {
				t.part(indent, f, part)
			}
			return
		}
	}
	look, note := lookOfField(f), t.note(f)
	name := []span{{look.style, look.symbol + " "}, {normal, f.Path}}
	if inline, ok := t.inline(indent, f); ok {
		t.line(indent, append(append(name, span{normal, ": "}), append(inline, note)...)...)
		return
	}
	if t.document(indent, f, append(name, note)) {
		return
	}
	t.line(indent, append(name, span{normal, ":"}, note)...)
	t.block(indent+4, f)
}

// part shows a member of a structure that changes.
func (t *text) part(indent int, f *plan.FieldChange, part valuediff.Part) {
	path := f.Path + part.Path
	if f.Path == "" {
		path = strings.TrimPrefix(path, ".")
	}
	if part.Order {
		t.line(indent, span{yellow, "~ "}, span{normal, path + ": "},
			span{normal, fmt.Sprintf("the order is %s, it was %s", keys(part.After), keys(part.Before))}, t.note(f))
		return
	}
	member := *f
	member.Path, member.Kind, member.Before, member.After = path, part.Kind, part.Before, part.After
	member.Sensitive = f.Sensitive && (hidden(part.Before) || hidden(part.After))
	t.field(indent, &member)
}

func keys(list any) string {
	items, _ := list.([]any)
	var out []string
	for _, item := range items {
		out = append(out, fmt.Sprint(item))
	}
	return words.Join(out)
}

func hidden(value any) bool {
	text, ok := value.(string)
	return ok && (seal.IsFingerprint(text) || strings.HasPrefix(text, "(sensitive"))
}

func lookOfField(f *plan.FieldChange) look {
	look := lookOf(plan.Update)
	switch {
	case f.Owned:
		look.symbol, look.style = "=", faint
	case f.Kind == plan.Added:
		look = lookOf(plan.Create)
	case f.Kind == plan.Removed:
		look.symbol, look.style = "-", red
	}
	return look
}

// note says what stands behind a field: who changed it, or why it changes.
func (t *text) note(f *plan.FieldChange) span {
	switch {
	case f.Drift != nil:
		return span{yellow, "  (" + drifted(f, t.options.Now) + ")"}
	case f.Server:
		return span{faint, "  (by the server: a default or a webhook)"}
	case f.Owned && f.Kind == plan.Removed:
		return span{faint, "  (no longer gantry's)"}
	case f.Owned:
		return span{faint, "  (becomes gantry's)"}
	}
	return span{style: yellow}
}

// inline returns a field's values as they stand on its line, and false where
// they do not fit.
func (t *text) inline(indent int, f *plan.FieldChange) ([]span, bool) {
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
		return []span{t.whole(after)}, true
	case f.Kind == plan.Removed:
		return []span{t.whole(before)}, true
	}
	room := t.options.Width - indent - len("~ : → ") - columns(f.Path)
	if columns(before.text)+columns(after.text) > max(room, 60) {
		return nil, false
	}
	return []span{before, {normal, " → "}, after}, true
}

// longestLine is how many characters of a value's line are shown.
const longestLine = 1000

// whole cuts what would fill a screen by itself, and says so.
func (t *text) whole(s span) span {
	if t.options.Full || len(s.text) <= longestLine {
		return s
	}
	if runes := []rune(s.text); len(runes) > longestLine {
		s.text = fmt.Sprintf("%s… (%s)", string(runes[:longestLine]), words.Counted(len(runes)-longestLine, "more character"))
	}
	return s
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

// document shows what differs inside a structure that is written into a text, where
// lines would not: it is on one line, or only written otherwise.
func (t *text) document(indent int, f *plan.FieldChange, name []span) bool {
	before, ok := f.Before.(string)
	after, is := f.After.(string)
	if !ok || !is || f.Kind != plan.Changed {
		return false
	}
	was, now, format := valuediff.Documents(before, after)
	if format == valuediff.NoFormat {
		return false
	}
	if valuediff.Same(was, now) {
		t.line(indent, append(name, span{normal, ":"}, span{faint, fmt.Sprintf("  (the same %s, written otherwise)", format)})...)
		t.block(indent+4, f)
		return true
	}
	if isLong(before) && isLong(after) {
		return false // its lines show more: comments, and what is around
	}
	parts, ok := valuediff.Parts(was, now)
	if !ok {
		return false
	}
	t.line(indent, append(name, span{normal, ":"}, span{faint, fmt.Sprintf("  (inside its %s)", format)})...)
	for _, part := range parts {
		t.part(indent+4, &plan.FieldChange{Kind: plan.Changed}, part)
	}
	return true
}

// mostLines is how many lines of a text are shown that comes or goes as a whole.
const mostLines = 60

// block shows a field's values below its line: the lines that differ of a text,
// the old and the new value of anything else.
func (t *text) block(indent int, f *plan.FieldChange) {
	before, after := lines(f.Before), lines(f.After)
	if f.Kind == plan.Added {
		before = nil
	}
	if f.Kind == plan.Removed {
		after = nil
	}
	if len(before) == 1 && len(after) == 1 && !t.options.Full {
		before[0], after[0] = valuediff.Trim(before[0], after[0], 30)
	}
	diff := valuediff.Hunks(valuediff.Lines(before, after), t.options.Context)
	if !t.options.Full {
		trimPairs(diff)
	}
	if more := len(diff) - mostLines; f.Kind != plan.Changed && more > 1 && !t.options.Full {
		diff = append(diff[:mostLines:mostLines], valuediff.Line{Op: '…', Text: "… " + words.Counted(more, "more line")})
	}
	for _, d := range diff {
		switch d.Op {
		case '+':
			t.line(indent, t.whole(span{green, "+ " + d.Text}))
		case '-':
			t.line(indent, t.whole(span{red, "- " + d.Text}))
		case '…':
			t.line(indent, span{faint, d.Text})
		default:
			t.line(indent, t.whole(span{normal, "  " + d.Text}))
		}
	}
}

// trimPairs cuts what a line that goes and one that comes in its place begin with, where
// that is all that would be shown of both: what differs would be cut off.
func trimPairs(diff []valuediff.Line) {
	const room = longestLine - len("- ")
	start := func(line valuediff.Line) string {
		runes := []rune(line.Text)
		return string(runes[:min(room, len(runes))])
	}
	for at := 0; at < len(diff); at++ {
		end := at
		come := map[string][]int{} // the lines that come, by what is shown of them
		for ; end < len(diff) && (diff[end].Op == '-' || diff[end].Op == '+'); end++ {
			if line := diff[end]; line.Op == '+' && len(line.Text) >= room {
				come[start(line)] = append(come[start(line)], end)
			}
		}
		for i := at; i < end && len(come) > 0; i++ {
			if diff[i].Op != '-' || len(diff[i].Text) < room {
				continue
			}
			if key := start(diff[i]); len(come[key]) > 0 {
				other := &diff[come[key][0]]
				come[key] = come[key][1:]
				diff[i].Text, other.Text = valuediff.Trim(diff[i].Text, other.Text, 30)
			}
		}
		at = end
	}
}
