package argocd

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// writer turns parts of an object into arguments. With a scope, texts are
// templates.
type writer struct {
	*object
	scope       template.Scope
	goes        bool        // Go templates, not {{name}}
	environment environment // of the source that is being written
}

// text translates a scalar.
func (w *writer) text(n *manifest.Node) template.Text {
	text := n.Text()
	if w.scope == nil || !template.Has(text) {
		return template.Literal(text)
	}
	result := w.translate(text)
	for _, problem := range result.Problems {
		line := n.TextLine(strings.Count(text[:min(problem.Offset, len(text))], "\n"))
		w.findingAt(LeftOut, line, n.Path(), "The template %s cannot be translated: %s. In the HCL it stands with TODO before it.", problem.Piece, problem.Reason)
	}
	for _, near := range result.Near {
		w.finding(Differs, n, "%s.", near)
	}
	return result.Text
}

func (w *writer) translate(text string) template.Result {
	if w.goes {
		return template.Go(text, w.scope)
	}
	return template.Fast(text, w.scope)
}

// value translates a value with all that is in it, and its comments.
func (w *writer) value(n *manifest.Node) draft.Value {
	if len(n.Fields())+len(n.Items()) == 0 {
		n.Use() // an empty one is read when its field is
	}
	switch n.Kind() {
	case manifest.String:
		return w.text(n).Value()
	case manifest.Bool, manifest.Number:
		return draft.Raw(n.Text())
	case manifest.List:
		var items []draft.Item
		for _, item := range n.Items() {
			items = append(items, draft.Item{Value: w.value(item), Comments: w.comments(item)})
		}
		return draft.List(items...)
	case manifest.Map:
		var items []draft.Item
		for _, field := range n.Fields() {
			items = append(items, draft.Item{Key: field.Key(), Value: w.value(field), Comments: w.comments(field)})
		}
		return draft.Object(items...)
	case manifest.Null:
	}
	n.Use()
	return draft.Value{}
}

// strings translates a map or a list whose values must be strings.
func (w *writer) strings(n *manifest.Node) draft.Value {
	switch n.Kind() {
	case manifest.Bool, manifest.Number:
		return draft.String(n.Text())
	case manifest.Map, manifest.List:
		var items []draft.Item
		for _, field := range append(slices.Clone(n.Fields()), n.Items()...) {
			item := draft.Item{Value: w.strings(field), Comments: w.comments(field)}
			if n.Kind() == manifest.Map {
				item.Key = field.Key()
			}
			items = append(items, item)
		}
		if n.Kind() == manifest.List {
			return draft.List(items...)
		}
		return draft.Object(items...)
	case manifest.String, manifest.Null:
	}
	return w.text(n).Value()
}

// comments takes a node's comments, unless they may hold a credential.
func (w *writer) comments(n *manifest.Node) manifest.Comments {
	if w.secret {
		return draft.None()
	}
	return n.Take()
}

// set sets an argument to what a node says; nothing where it is not there.
func (w *writer) set(block *draft.Block, name string, n *manifest.Node) {
	if n == nil {
		return
	}
	block.Set(name, w.value(n), w.comments(n))
}

// setStrings sets an argument of strings, or of maps or lists of strings.
func (w *writer) setStrings(block *draft.Block, name string, n *manifest.Node) {
	if n == nil || (n.Kind() == manifest.Map || n.Kind() == manifest.List) && len(n.Fields())+len(n.Items()) == 0 {
		return
	}
	block.Set(name, w.strings(n), w.comments(n))
}

// unless returns a node, or nil where it says one of these: what is so anyway needs
// no argument.
func (w *writer) unless(n *manifest.Node, defaults ...string) *manifest.Node {
	if n != nil && n.Kind() != manifest.Map && n.Kind() != manifest.List && slices.Contains(defaults, n.Peek()) {
		n.Text()
		return nil
	}
	return n
}

// nested makes a block in a block of a node.
func (w *writer) nested(into *draft.Block, blockType string, n *manifest.Node) *draft.Block {
	block := &draft.Block{Type: blockType}
	w.at(n, block)
	into.Add(block)
	return block
}
