// Package schema holds what blocks may have in them as data, and decodes by it.
//
// The same declarations give the decoder its checks, the reference its pages and
// editors their completion. The package knows no particular block: lang declares
// them. Only lang and cmd import it.
package schema

import (
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
)

// Block declares a block: at the top level, or within another. It must not be
// changed once it was used.
type Block struct {
	Type string
	// Labels are the names of the block's labels, in order.
	Labels []string
	Doc    string // sentences, Markdown
	// Example is what a reader would write; top-level blocks have one.
	Example   string
	Arguments []Argument
	Blocks    []Nested
	// Open says that there may be other arguments than those declared, whose meaning is
	// not in the block.
	Open bool
	// Free says that the block's arguments are names of the author's choosing.
	Free bool
	// CompletedBy is the argument that names blocks which this one is merged with:
	// where it is set, Values.Complete tells what is missing, and Parse does not.
	CompletedBy string

	once sync.Once
	body *hcl.BodySchema
}

// Nested declares a block within another. Several may be of one type, where their
// only label says which: backend "local", backend "s3". They are counted together,
// as the first of them says.
type Nested struct {
	*Block
	Min int
	Max int // 0: any number
}

// Argument declares an argument of a block.
type Argument struct {
	Name     string
	Type     Type
	Required bool
	Default  string // for the reference: what it is when not set, as HCL or in words
	Doc      string
	// OneOf are the only values that a string, or an element of a list of strings, may
	// have.
	OneOf []string
	// Sensitive says that the argument may hold sensitive values.
	Sensitive bool
}

// Argument returns the declaration of an argument.
func (b *Block) Argument(name string) (Argument, bool) {
	for i := range b.Arguments {
		if b.Arguments[i].Name == name {
			return b.Arguments[i], true
		}
	}
	return Argument{}, false
}

func (b *Block) hasArgument(name string) bool {
	return slices.ContainsFunc(b.Arguments, func(a Argument) bool { return a.Name == name })
}

// Nested returns the declaration of a nested block.
func (b *Block) Nested(blockType string) (Nested, bool) {
	for _, nested := range b.Blocks {
		if nested.Type == blockType {
			return nested, true
		}
	}
	return Nested{}, false
}

// Body returns the block's schema for HCL. No argument is required in it, as
// HCL would report a missing one without saying what it is for.
func (b *Block) Body() *hcl.BodySchema {
	b.once.Do(func() {
		b.body = &hcl.BodySchema{}
		for _, argument := range b.Arguments {
			b.body.Attributes = append(b.body.Attributes, hcl.AttributeSchema{Name: argument.Name})
		}
		for i, nested := range b.Blocks {
			if !b.isAnother(i) {
				b.body.Blocks = append(b.body.Blocks, hcl.BlockHeaderSchema{Type: nested.Type, LabelNames: labelNames(nested.Labels)})
			}
		}
		if len(b.Blocks) > 0 {
			b.body.Blocks = append(b.body.Blocks, hcl.BlockHeaderSchema{Type: dynamicType, LabelNames: []string{"type"}})
		}
	})
	return b.body
}
