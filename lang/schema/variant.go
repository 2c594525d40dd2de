package schema

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// NestedFor returns the declaration of a nested block with labels: of several of
// one type, the one that the label names.
func (b *Block) NestedFor(blockType string, labels []string) (Nested, bool) {
	for _, nested := range b.Blocks {
		if nested.Type == blockType && (!nested.isVariant() || len(labels) > 0 && labels[0] == nested.Labels[0]) {
			return nested, true
		}
	}
	return Nested{}, false
}

// isVariant reports whether the block is one of several of its type.
func (b *Block) isVariant() bool { return len(b.Labels) == 1 && !isPlaceholder(b.Labels[0]) }

// isAnother reports whether a nested block is of the type of one before it.
func (b *Block) isAnother(i int) bool {
	return i > 0 && b.Blocks[i].Type == b.Blocks[i-1].Type
}

// labelNames returns what HCL calls a block's labels when one is missing.
func labelNames(labels []string) []string {
	names := make([]string, len(labels))
	for i, label := range labels {
		if names[i] = label; !isPlaceholder(label) {
			names[i] = "type"
		}
	}
	return names
}

// unknownVariant reports a label that names none of a block's types.
func (b *Block) unknownVariant(written *hcl.Block) *hcl.Diagnostic {
	var types []string
	for _, nested := range b.Blocks {
		if nested.Type == written.Type {
			types = append(types, nested.Labels[0])
		}
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Unknown type label",
		Detail: fmt.Sprintf("There is no %s of type %q; the types are %s.%s", written.Type, written.Labels[0], List(types, "and"),
			didYouMean(written.Labels[0], types, " Did you mean %q?")),
		Subject: written.LabelRanges[0].Ptr(),
		Context: written.DefRange.Ptr(),
	}
}
