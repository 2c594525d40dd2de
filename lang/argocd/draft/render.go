package draft

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// Render returns a file of blocks in the canonical style.
func Render(blocks []*Block) []byte {
	w := &writer{}
	for i, block := range blocks {
		if i > 0 {
			w.line("")
		}
		w.block(block)
	}
	return hclwrite.Format([]byte(w.b.String()))
}

type writer struct {
	b     strings.Builder
	depth int
}

func (w *writer) line(text string) {
	if text != "" {
		w.b.WriteString(strings.Repeat("  ", w.depth))
	}
	w.b.WriteString(text)
	w.b.WriteByte('\n')
}

func (w *writer) comments(lines []string) {
	for _, line := range lines {
		w.line(strings.TrimRight("# "+printable(line), " "))
	}
}

// trail returns a comment for the end of a line.
func trail(text string) string {
	if text == "" {
		return ""
	}
	return " # " + printable(text)
}

// printable keeps a comment from ending early.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

func (w *writer) block(b *Block) {
	w.comments(b.Comments.Lead)
	header := b.Type
	for _, label := range b.Labels {
		header += " " + Quote(label)
	}
	if b.Empty() {
		w.line(header + " {}" + trail(b.Comments.Trail))
		w.comments(b.Comments.Foot)
		return
	}
	if b.Comments.Trail != "" {
		w.comments([]string{b.Comments.Trail})
	}
	w.line(header + " {")
	w.depth++
	var before *entry
	for _, e := range b.entries {
		if before != nil && w.apart(before, e) {
			w.line("")
		}
		before = e
		if e.block != nil {
			w.block(e.block)
		} else {
			w.argument(e)
		}
	}
	w.depth--
	w.line("}")
	w.comments(b.Comments.Foot)
}

// apart reports whether there is an empty line between two entries: at the top of
// a file's blocks, around what takes several lines.
func (w *writer) apart(a, b *entry) bool {
	if a.block != nil && b.block == nil {
		return true
	}
	if w.depth > 1 {
		return false
	}
	return a.block != nil || b.block != nil
}

func (w *writer) argument(e *entry) {
	w.comments(e.comments.Lead)
	w.assign(e.name, " = ", e.value, "", e.comments.Trail)
	w.comments(e.comments.Foot)
}

// assign writes a name, a value and what ends the line.
func (w *writer) assign(name, equals string, v Value, end, comment string) {
	prefix := name + equals
	room := width - 2*w.depth - len(prefix)
	switch {
	case v.kind == str && w.heredoc(prefix, []Part{{Literal: v.literal}}, end, comment):
	case v.kind == tmpl && w.heredoc(prefix, v.parts, end, comment):
	case !v.commented() && (v.kind != list && v.kind != object || v.short(room)):
		w.line(prefix + v.inline() + end + trail(comment))
	default:
		open, closing := "[", "]"
		if v.kind == object {
			open, closing = "{", "}"
		}
		if comment != "" {
			w.comments([]string{comment})
		}
		w.line(prefix + open)
		w.depth++
		for _, item := range v.items {
			w.comments(item.Comments.Lead)
			if v.kind == object {
				w.assign(Name(item.Key), " = ", item.Value, "", item.Comments.Trail)
			} else {
				w.assign("", "", item.Value, ",", item.Comments.Trail)
			}
			w.comments(item.Comments.Foot)
		}
		w.depth--
		w.line(closing + end)
	}
}

// heredoc writes a text of several lines, where that keeps every character.
func (w *writer) heredoc(prefix string, parts []Part, end, comment string) bool {
	// To see what HCL makes of it, every expression is a word.
	const word = "expression"
	var plain, code, trial strings.Builder
	for _, part := range parts {
		if part.Expression != "" {
			plain.WriteString(word)
			code.WriteString("${" + part.Expression + "}")
			trial.WriteString(word)
			continue
		}
		plain.WriteString(part.Literal)
		code.WriteString(escapeTemplate(part.Literal))
		trial.WriteString(escapeTemplate(part.Literal))
	}
	text := plain.String()
	body, isLines := strings.CutSuffix(text, "\n")
	if !isLines || end != "" || comment != "" || strings.TrimSpace(body) == "" || strings.ContainsAny(text, "\r\x00") {
		return false
	}
	if got, ok := evaluate(w.heredocOf(trial.String())); !ok || got != text {
		return false
	}
	for i, part := range parts { // a dollar before an expression would escape it
		if part.Expression != "" && i > 0 && (strings.HasSuffix(parts[i-1].Literal, "$") || strings.HasSuffix(parts[i-1].Literal, "%")) {
			return false
		}
	}
	w.line(prefix + w.heredocOf(code.String()))
	return true
}

func (w *writer) heredocOf(text string) string {
	indent := strings.Repeat("  ", w.depth+1)
	var b strings.Builder
	b.WriteString("<<-EOT\n")
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "" {
			b.WriteString(indent + line)
		}
		b.WriteByte('\n')
	}
	b.WriteString(indent[2:] + "EOT")
	return b.String()
}

func escapeTemplate(line string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(line)
}

// evaluate returns the string that an expression is.
func evaluate(expression string) (string, bool) {
	parsed, diags := hclsyntax.ParseExpression([]byte(expression+"\n"), "", hcl.InitialPos)
	if diags.HasErrors() {
		return "", false
	}
	v, diags := parsed.Value(nil)
	if diags.HasErrors() || v.Type() != cty.String || v.IsNull() {
		return "", false
	}
	return v.AsString(), true
}

// commented reports whether there is a comment within the value, which needs lines
// of their own.
func (v Value) commented() bool {
	for _, item := range v.items {
		if !item.Comments.Empty() || item.Value.commented() {
			return true
		}
	}
	return false
}

// short reports whether a value goes on one line of that length.
func (v Value) short(room int) bool {
	if len(v.items) == 0 {
		return true
	}
	if v.kind == object && len(v.items) > 3 {
		return false
	}
	objects := 0
	for _, item := range v.items {
		if item.Value.kind == str && strings.Contains(item.Value.literal, "\n") {
			return false
		}
		if item.Value.kind == object || item.Value.kind == list {
			if len(item.Value.items) > 0 {
				objects++
			}
			if !item.Value.short(room) || item.Value.deep() {
				return false
			}
		}
	}
	if objects > 1 || objects == 1 && len(v.items) > 1 {
		return false
	}
	return len(v.inline()) <= room
}

// deep reports whether there is more than one level in the value.
func (v Value) deep() bool {
	for _, item := range v.items {
		if len(item.Value.items) > 0 {
			return true
		}
	}
	return false
}

// None is the absence of comments.
func None() manifest.Comments { return manifest.Comments{} }
