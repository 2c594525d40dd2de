package lsp

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/schema"
)

// blockAt returns the block at the top level that a place is in, by what could be
// parsed of the file; nil where there is none.
func blockAt(file *index.File, offset int) *hclsyntax.Block {
	body := file.Native()
	if body == nil {
		return nil
	}
	for _, block := range body.Blocks {
		if within(block, offset) {
			return block
		}
	}
	return nil
}

func within(block *hclsyntax.Block, offset int) bool {
	return block.TypeRange.Start.Byte <= offset && offset <= max(block.CloseBraceRange.End.Byte, block.OpenBraceRange.End.Byte)
}

// blockBefore returns where the last block at the top level before a place begins, so
// that what is in a large file is found without reading all of it; 0 where there is
// none.
func blockBefore(file *index.File, offset int) int {
	body, start := file.Native(), 0
	if body == nil {
		return 0
	}
	for _, block := range body.Blocks {
		if at := block.TypeRange.Start.Byte; at <= offset && at > start && block.TypeRange.Start.Column == 1 {
			start = at
		}
	}
	return start
}

// variables returns what the expressions of a block, and of those in it, refer to.
func variables(block *hclsyntax.Block) []hcl.Traversal {
	var found []hcl.Traversal
	for _, attribute := range block.Body.Attributes {
		found = append(found, hclsyntax.Variables(attribute.Expr)...)
	}
	for _, inner := range block.Body.Blocks {
		found = append(found, variables(inner)...)
	}
	return found
}

// header is the type and the labels of a block.
type header struct {
	blockType string
	labels    []string
}

// declarationOf returns the declaration of the innermost of some blocks, each in the
// one before it; nil where there is none.
func (s *Server) declarationOf(path []header) *schema.Block {
	var at *schema.Block
	for i, h := range path {
		if i == 0 {
			at = s.vocabulary.Block(h.blockType, h.labels)
		} else {
			at = nestedIn(at, h)
		}
		if at == nil {
			return nil
		}
	}
	return at
}

// nestedIn returns the declaration of a block in another. A dynamic one has the
// content of those that it makes.
func nestedIn(outer *schema.Block, h header) *schema.Block {
	if nested, ok := outer.NestedFor(h.blockType, h.labels); ok {
		return nested.Block
	}
	if h.blockType == "dynamic" && len(h.labels) == 1 {
		if made, ok := outer.Nested(h.labels[0]); ok {
			return dynamicBlock(made.Block)
		}
	}
	return nil
}

// dynamicBlock declares the dynamic block that makes blocks of a type.
func dynamicBlock(made *schema.Block) *schema.Block {
	return &schema.Block{
		Type: "dynamic", Labels: []string{"type"},
		Doc: "Makes a block of the type for every element of a value.",
		Arguments: []schema.Argument{
			{Name: "for_each", Type: schema.Any, Required: true, Doc: "A list, set, map or object: a block is made for every element."},
			{Name: "iterator", Type: schema.Expression, Default: "the type of the blocks", Doc: "The name that the element has in the content: NAME.key and NAME.value."},
			{Name: "labels", Type: schema.Strings, Doc: "The labels of the block that is made."},
		},
		Blocks: []schema.Nested{{Min: 1, Max: 1, Block: &schema.Block{
			Type: "content", Doc: made.Doc, Arguments: made.Arguments, Blocks: made.Blocks,
		}}},
	}
}
