// Package manifest reads YAML documents as trees that remember where everything
// is, which comments go with it, and what of it has been read.
//
// A reader that turns one form into another can so be held to losing nothing:
// whatever was not read when it is done is listed, with its place. Scalars are what
// Kubernetes takes them for (YAML 1.1: yes, on and y are booleans). The package
// knows no kind of object; lang/argocd imports it.
package manifest

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is what a node is.
type Kind int

// The kinds of nodes.
const (
	Null Kind = iota
	String
	Bool
	Number
	Map
	List
)

// Comments are the comments of a node, line by line, without "#".
type Comments struct {
	Lead  []string // above it
	Trail string   // behind it
	Foot  []string // below it
}

// Empty reports whether there is no comment.
func (c Comments) Empty() bool { return len(c.Lead) == 0 && c.Trail == "" && len(c.Foot) == 0 }

// Node is one value of a document. All methods may be called on nil, which is as
// a value that is not there.
type Node struct {
	kind  Kind
	text  string // of scalars: a string as it is, a number or bool in canonical form
	line  int
	block bool // a scalar in block style, whose text begins on the next line
	plain bool // a scalar without quotes

	comments Comments
	taken    bool // the comments have been taken

	parent *Node
	key    string // in the parent; of items their place
	fields []*Node
	used   bool
	asked  []string // the fields that somebody looked for
}

// Kind returns what the node is; nil is Null.
func (n *Node) Kind() Kind {
	if n == nil {
		return Null
	}
	return n.kind
}

// Line returns the line that the node begins in, from 1; 0 of nil.
func (n *Node) Line() int {
	if n == nil {
		return 0
	}
	return n.line
}

// TextLine returns the line of the file that holds a line, from 0, of a scalar's
// text.
func (n *Node) TextLine(offset int) int {
	if n == nil {
		return 0
	}
	if n.block {
		return n.line + 1 + offset
	}
	return n.line
}

// Key returns the name of a field, or the place of an item.
func (n *Node) Key() string {
	if n == nil {
		return ""
	}
	return n.key
}

// Plain reports whether the node is a scalar that is written without quotes, and
// in one line.
func (n *Node) Plain() bool { return n != nil && n.plain }

// Parent returns what the node is in; nil for the root.
func (n *Node) Parent() *Node {
	if n == nil {
		return nil
	}
	return n.parent
}

// Path returns where the node is in its document: "spec.sources[1].path".
func (n *Node) Path() string {
	if n == nil || n.parent == nil {
		return ""
	}
	above := n.parent.Path()
	switch {
	case n.parent.kind == List:
		return above + "[" + n.key + "]"
	case strings.ContainsAny(n.key, ".[/") || n.key == "":
		return above + "[" + strconv.Quote(n.key) + "]"
	case above == "":
		return n.key
	}
	return above + "." + n.key
}

// Find returns the node at a path of fields without reading it, or nil; a null is
// as a field that is not there.
func (n *Node) Find(path ...string) *Node {
	for _, key := range path {
		if n == nil || n.kind != Map {
			return nil
		}
		var found *Node
		n.ask(key)
		for _, field := range n.fields {
			if field.key == key {
				found = field
			}
		}
		n = found
	}
	if n != nil && n.kind == Null {
		return nil
	}
	return n
}

// Get returns a field, or nil where there is none or it is null: then it counts
// as read.
func (n *Node) Get(key string) *Node {
	if n == nil || n.kind != Map {
		return nil
	}
	n.ask(key)
	for _, field := range n.fields {
		if field.key != key {
			continue
		}
		if field.kind == Null || len(field.fields) == 0 && (field.kind == Map || field.kind == List) {
			field.used = true
		}
		if field.kind == Null {
			return nil
		}
		return field
	}
	return nil
}

// ask remembers that somebody looked for a field.
func (n *Node) ask(key string) {
	if !slices.Contains(n.asked, key) {
		n.asked = append(n.asked, key)
	}
}

// Asked reports whether somebody looked for the node, as it is: then nobody reads it
// because it is not what it should be.
func (n *Node) Asked() bool {
	return n != nil && n.parent != nil && slices.Contains(n.parent.asked, n.key)
}

// Missed returns the fields beside the node that somebody looked for and that are not
// there: what one that nobody has read may have been meant to be.
func (n *Node) Missed() []string {
	if n == nil || n.parent == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(n.parent.asked), func(key string) bool {
		return slices.ContainsFunc(n.parent.fields, func(field *Node) bool { return field.key == key })
	})
}

// Fields returns a map's fields, in their order.
func (n *Node) Fields() []*Node {
	if n == nil || n.kind != Map {
		return nil
	}
	return n.fields
}

// Items returns a list's items.
func (n *Node) Items() []*Node {
	if n == nil || n.kind != List {
		return nil
	}
	return n.fields
}

// Peek returns a scalar's text without reading it.
func (n *Node) Peek() string {
	if n == nil {
		return ""
	}
	return n.text
}

// Text returns a scalar's text, and counts as reading it. Of a map or a list it is
// "", and does not.
func (n *Node) Text() string {
	if n == nil || n.kind == Map || n.kind == List {
		return ""
	}
	n.used = true
	return n.text
}

// True reads a boolean, or a string that says "true".
func (n *Node) True() bool { return n.Text() == "true" }

// Use counts a node, and all in it, as read.
func (n *Node) Use() {
	if n == nil {
		return
	}
	n.used = true
	for _, field := range n.fields {
		field.Use()
	}
}

// Take returns the node's comments, once.
func (n *Node) Take() Comments {
	if n == nil || n.taken {
		return Comments{}
	}
	n.taken = true
	return n.comments
}

// Unused returns the outermost nodes of which nothing has been read.
func (n *Node) Unused() []*Node {
	if n == nil {
		return nil
	}
	if !n.touched() {
		return []*Node{n}
	}
	var out []*Node
	for _, field := range n.fields {
		out = append(out, field.Unused()...)
	}
	return out
}

func (n *Node) touched() bool {
	if n.used {
		return true
	}
	for _, field := range n.fields {
		if field.touched() {
			return true
		}
	}
	return false
}

// Untaken returns the nodes that have comments which nobody has taken, in their
// order.
func (n *Node) Untaken() []*Node {
	if n == nil {
		return nil
	}
	var out []*Node
	if !n.taken && !n.comments.Empty() {
		out = append(out, n)
	}
	for _, field := range n.fields {
		out = append(out, field.Untaken()...)
	}
	return out
}

// Has reports whether a node is within another, or is it.
func (n *Node) Has(other *Node) bool {
	for ; other != nil; other = other.parent {
		if other == n {
			return n != nil
		}
	}
	return false
}

// With returns a map with a field that is a list of strings besides its own. The
// map itself stays as it is, and shares its fields.
func With(n *Node, key string, items ...string) *Node {
	copied := &Node{kind: Map, key: "", used: true, taken: true}
	if n != nil {
		shallow := *n
		shallow.taken = true // they go with n
		copied = &shallow
	}
	field := &Node{kind: List, line: copied.line, parent: copied, key: key, used: true}
	for i, item := range items {
		field.fields = append(field.fields, &Node{kind: String, text: item, line: copied.line, parent: field, key: strconv.Itoa(i), used: true})
	}
	copied.fields = append(append([]*Node{}, copied.fields...), field)
	return copied
}

// Overlay returns a map with what another says in the place of what it says
// itself: maps are merged, everything else replaced, by what is not empty. Both stay
// as they are, and share their values; what is replaced counts as read.
func Overlay(base, over *Node) *Node {
	if over != nil && over.kind == Map && len(over.fields) == 0 {
		over.Use()
		return base
	}
	if base == nil || base.kind != Map || over == nil || over.kind != Map {
		if over == nil || over.kind == Null || (over.kind == String && over.text == "") || over.kind == List && len(over.fields) == 0 {
			over.Use()
			return base
		}
		base.Use()
		return over
	}
	copied := *base
	copied.fields = nil
	copied.taken = true
	for _, field := range base.fields {
		if other := over.Find(field.key); other != nil {
			field = Overlay(field, other)
		}
		copied.fields = append(copied.fields, field)
	}
	for _, field := range over.fields {
		if base.Find(field.key) == nil {
			copied.fields = append(copied.fields, field)
		}
	}
	return &copied
}
