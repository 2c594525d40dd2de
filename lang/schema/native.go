package schema

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// nativeContent reads a body in native syntax that has nothing but what its declaration
// has. It is false for any other, of which HCL says what is wrong; for those that are
// right, which are nearly all, HCL does much that nothing comes of.
func nativeContent(body hcl.Body, declared *hcl.BodySchema) (*hcl.BodyContent, bool) {
	written, ok := body.(*hclsyntax.Body)
	if !ok {
		return nil, false
	}
	for name := range written.Attributes {
		if !slices.ContainsFunc(declared.Attributes, func(a hcl.AttributeSchema) bool { return a.Name == name }) {
			return nil, false
		}
	}
	for _, block := range written.Blocks {
		if !slices.ContainsFunc(declared.Blocks, func(b hcl.BlockHeaderSchema) bool {
			return b.Type == block.Type && len(b.LabelNames) == len(block.Labels)
		}) {
			return nil, false
		}
	}
	content := &hcl.BodyContent{Attributes: make(hcl.Attributes, len(written.Attributes)), MissingItemRange: written.MissingItemRange()}
	for name, attribute := range written.Attributes {
		content.Attributes[name] = attribute.AsHCLAttribute()
	}
	for _, block := range written.Blocks {
		content.Blocks = append(content.Blocks, block.AsHCLBlock())
	}
	return content, true
}
