package argocd

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// yamlText turns YAML that is written as a text, such as Helm's values, into HCL.
// Where templates in it make that inexact, the text stays one that is decoded.
func (w *writer) yamlText(n *manifest.Node) (draft.Value, bool) {
	text := n.Text()
	if w.scope != nil && template.Has(text) {
		return w.yamlTemplate(n, text)
	}
	documents, problems, twice := manifest.ReadLast(w.file, n)
	for _, one := range twice {
		w.findingAt(Differs, one.Line, n.Path(), "In the values %s: Helm takes the last, and so it is in the HCL. Look which is meant.", one.Text)
	}
	if len(problems) == 0 && len(documents) == 1 && documents[0].Root.Kind() == manifest.Map {
		inner := &writer{object: w.object}
		value := inner.value(documents[0].Root)
		inner.orphanComments(n, documents[0].Root)
		return value, true
	}
	switch {
	case len(problems) == 0 && len(documents) == 0, len(documents) == 1 && documents[0].Root.Kind() == manifest.Null:
		if len(documents) == 1 {
			w.orphanComments(n, documents[0].Root)
		}
		return draft.Value{}, false
	case len(problems) > 0:
		w.findingAt(NotRead, problems[0].Line, n.Path(), "The values cannot be read as YAML: %s. They are left out.", problems[0].Text)
	default:
		w.finding(NotRead, n, "The values must be one mapping. They are left out.")
	}
	return draft.Value{}, false
}

// orphanComments finds a place for comments of a YAML text that went with no
// value: the block that the text is an argument of.
func (w *writer) orphanComments(n, root *manifest.Node) {
	for _, at := range root.Untaken() {
		comments := at.Take()
		w.comment(n, manifest.Comments{Lead: append(append(comments.Lead, nonEmpty(comments.Trail)...), comments.Foot...)})
	}
}

// yamlTemplate turns a text of YAML with templates in it. Where a template is a
// part of a scalar in quotes, it becomes a part of a string; any other can make
// anything of the YAML, so that the whole is decoded when it is evaluated.
func (w *writer) yamlTemplate(n *manifest.Node, text string) (draft.Value, bool) {
	translated := w.text(n)
	if value, ok := w.placeholders(n, text, translated); ok {
		return value, true
	}
	return draft.Raw("yamldecode(" + translated.Quoted() + ")"), true
}

// placeholders reads the YAML with words in the place of expressions, and puts the
// expressions back.
func (w *writer) placeholders(n *manifest.Node, text string, translated template.Text) (draft.Value, bool) {
	mark := "gantryTemplate"
	for strings.Contains(text, mark) {
		mark += "X"
	}
	var b strings.Builder
	var expressions []string
	for _, part := range translated {
		if part.Expression == "" {
			b.WriteString(part.Literal)
			continue
		}
		fmt.Fprintf(&b, "%s%dEnd", mark, len(expressions))
		expressions = append(expressions, part.Expression)
	}
	documents, problems := manifest.Read(w.file, []byte(b.String()))
	if len(problems) > 0 || len(documents) != 1 || documents[0].Root.Kind() != manifest.Map {
		return draft.Value{}, false
	}
	put := &placed{mark: mark, expressions: expressions}
	value, ok := put.value(documents[0].Root)
	if !ok {
		return draft.Value{}, false
	}
	w.orphanComments(n, documents[0].Root)
	return value, true
}

// givesString reports whether an expression is a string whatever the items are: the
// names, labels and paths that generators give, and what functions make of them.
func givesString(expression string) bool {
	for _, prefix := range []string{
		"each.value.name", "each.value.server", "each.value.labels", "each.value.annotations", "each.value.path.",
		"dns_label(", "lower(", "upper(", "trimspace(", "substr(", "replace(", "format(",
	} {
		if strings.HasPrefix(expression, prefix) {
			return true
		}
	}
	return false
}

// placed puts expressions back for placeholders.
type placed struct {
	mark        string
	expressions []string
}

func (p *placed) value(n *manifest.Node) (draft.Value, bool) {
	comments := n.Kind() == manifest.Map || n.Kind() == manifest.List
	if !comments {
		return p.scalar(n)
	}
	var items []draft.Item
	for _, field := range append(n.Fields(), n.Items()...) {
		if strings.Contains(field.Key(), p.mark) {
			return draft.Value{}, false
		}
		taken := field.Take()
		if strings.Contains(strings.Join(append(append(taken.Lead, taken.Trail), taken.Foot...), " "), p.mark) {
			return draft.Value{}, false
		}
		value, ok := p.value(field)
		if !ok {
			return draft.Value{}, false
		}
		item := draft.Item{Value: value, Comments: taken}
		if n.Kind() == manifest.Map {
			item.Key = field.Key()
		}
		items = append(items, item)
	}
	if n.Kind() == manifest.List {
		return draft.List(items...), true
	}
	return draft.Object(items...), true
}

// scalar is false where a template stands without quotes: what it gives may be a
// number, or begin a mapping.
func (p *placed) scalar(n *manifest.Node) (draft.Value, bool) {
	text := n.Peek()
	if !strings.Contains(text, p.mark) {
		inner := &writer{object: &object{}}
		return inner.value(n), true
	}
	if n.Plain() {
		return draft.Value{}, false
	}
	var out template.Text
	for {
		before, after, found := strings.Cut(text, p.mark)
		if before != "" {
			out = append(out, template.Part{Literal: before})
		}
		if !found {
			break
		}
		number, rest, _ := strings.Cut(after, "End")
		var i int
		if _, err := fmt.Sscanf(number, "%d", &i); err != nil || i >= len(p.expressions) {
			return draft.Value{}, false
		}
		out = append(out, template.Part{Expression: p.expressions[i]})
		text = rest
	}
	if len(out) == 1 && !givesString(out[0].Expression) {
		return draft.Raw("tostring(" + out[0].Expression + ")"), true
	}
	return out.Value(), true
}
