// Package draft holds configuration while it is being written: blocks, arguments
// and values with their comments, and renders them as a person would have typed
// them.
//
// It knows HCL and no block of the language. lang/argocd imports it.
package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// width is how long a line becomes before a value is written on several.
const width = 100

// Block is a block. Its zero value has no type and cannot be rendered.
type Block struct {
	Type     string
	Labels   []string
	Comments manifest.Comments
	entries  []*entry
}

// entry is an argument or a block in a block.
type entry struct {
	name     string
	value    Value
	comments manifest.Comments
	block    *Block
}

// Set adds an argument, or replaces it.
func (b *Block) Set(name string, value Value, comments manifest.Comments) {
	for _, e := range b.entries {
		if e.block == nil && e.name == name {
			e.value = value
			e.comments = join(e.comments, comments)
			return
		}
	}
	b.entries = append(b.entries, &entry{name: name, value: value, comments: comments})
}

// Has reports whether there is an argument, or a block of a type.
func (b *Block) Has(name string) bool {
	return slices.ContainsFunc(b.entries, func(e *entry) bool {
		return e.block == nil && e.name == name || e.block != nil && e.block.Type == name
	})
}

// Add adds a block in the block.
func (b *Block) Add(block *Block) {
	b.entries = append(b.entries, &entry{block: block})
}

// Empty reports whether there is nothing in the block.
func (b *Block) Empty() bool { return len(b.entries) == 0 }

// Comment adds lines above the block.
func (b *Block) Comment(lines ...string) { b.Comments.Lead = append(b.Comments.Lead, lines...) }

func join(a, b manifest.Comments) manifest.Comments {
	return manifest.Comments{
		Lead:  append(slices.Clone(a.Lead), b.Lead...),
		Trail: strings.TrimSpace(a.Trail + " " + b.Trail),
		Foot:  append(slices.Clone(a.Foot), b.Foot...),
	}
}

// Value is an expression. Its zero value is null.
type Value struct {
	text    string // of everything but lists and objects
	items   []Item
	kind    kind
	literal string // of strings
	parts   []Part // of templates
}

// Part is a piece of a text: what stands there, or an expression.
type Part struct {
	Literal    string
	Expression string // HCL; empty where it is literal
}

type kind int

const (
	null kind = iota
	raw
	str
	tmpl
	list
	object
)

// Item is an element of a list, or with a key a member of an object.
type Item struct {
	Key      string
	Value    Value
	Comments manifest.Comments
}

// Raw is an expression as it is written.
func Raw(text string) Value { return Value{kind: raw, text: text} }

// String is a string.
func String(text string) Value { return Value{kind: str, literal: text} }

// Template is a string with expressions in it.
func Template(parts ...Part) Value { return Value{kind: tmpl, parts: parts} }

// QuoteTemplate writes a string with expressions in it in quotes.
func QuoteTemplate(parts []Part) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, part := range parts {
		if part.Expression != "" {
			b.WriteString("${" + part.Expression + "}")
			continue
		}
		escaped := addr.Escape(part.Literal)
		if last := len(escaped) - 1; last >= 0 && i+1 < len(parts) && parts[i+1].Expression != "" && (escaped[last] == '$' || escaped[last] == '%') {
			escaped = escaped[:last] + fmt.Sprintf(`\u%04x`, escaped[last]) // else it would escape what follows
		}
		b.WriteString(escaped)
	}
	b.WriteByte('"')
	return b.String()
}

// List is a list.
func List(items ...Item) Value { return Value{kind: list, items: items} }

// Strings is a list of strings.
func Strings(texts ...string) Value {
	v := Value{kind: list}
	for _, text := range texts {
		v.items = append(v.items, Item{Value: String(text)})
	}
	return v
}

// Object is an object with its members in that order.
func Object(items ...Item) Value { return Value{kind: object, items: items} }

// Items returns a list's elements or an object's members.
func (v Value) Items() []Item { return v.items }

// Literal returns a string's text; false where the value is none.
func (v Value) Literal() (string, bool) { return v.literal, v.kind == str }

// IsRaw reports whether the value is an expression other than a literal.
func (v Value) IsRaw() bool { return v.kind == raw || v.kind == tmpl }

// Expression returns the value on one line, for use within another expression.
func (v Value) Expression() string { return v.inline() }

// Quote writes a string in quotes.
func Quote(text string) string { return `"` + addr.Escape(text) + `"` }

// Name writes the key of an object: bare where that is possible.
func Name(key string) string {
	switch key {
	case "true", "false", "null", "for":
		return Quote(key)
	}
	if hclsyntax.ValidIdentifier(key) {
		return key
	}
	return Quote(key)
}

func (v Value) inline() string {
	switch v.kind {
	case raw:
		return v.text
	case str:
		return Quote(v.literal)
	case tmpl:
		return QuoteTemplate(v.parts)
	case list:
		parts := make([]string, len(v.items))
		for i, item := range v.items {
			parts[i] = item.Value.inline()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case object:
		if len(v.items) == 0 {
			return "{}"
		}
		parts := make([]string, len(v.items))
		for i, item := range v.items {
			parts[i] = Name(item.Key) + " = " + item.Value.inline()
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case null:
	}
	return "null"
}

// Child returns the block of a type in the block, and adds it where there is none.
func (b *Block) Child(blockType string) *Block {
	for _, e := range b.entries {
		if e.block != nil && e.block.Type == blockType {
			return e.block
		}
	}
	child := &Block{Type: blockType}
	b.Add(child)
	return child
}

// Append adds the arguments and blocks of another block.
func (b *Block) Append(other *Block) { b.entries = append(b.entries, other.entries...) }

// Order brings arguments and blocks into an order; those that are not named come
// behind, as they are.
func (b *Block) Order(names ...string) {
	place := func(e *entry) int {
		name := e.name
		if e.block != nil {
			name = e.block.Type
		}
		if i := slices.Index(names, name); i >= 0 {
			return i
		}
		return len(names)
	}
	slices.SortStableFunc(b.entries, func(x, y *entry) int { return place(x) - place(y) })
}
