package eval

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/schema"
)

// beforehand returns which of an argument's references are to the configuration.
// The names that are known only later, in late expressions, are none of it.
func (m *Module) beforehand(argument schema.Type, traversals []hcl.Traversal) ([]hcl.Traversal, hcl.Diagnostics) {
	if argument.Later == nil {
		return traversals, nil
	}
	var now []hcl.Traversal
	var diags hcl.Diagnostics
	roots := m.roots()
	for _, traversal := range traversals {
		root := traversal.RootName()
		switch {
		case slices.Contains(argument.Later, root):
		case slices.Contains(roots, root):
			now = append(now, traversal)
		default:
			diags = append(diags, unknownLater(argument.Later, roots, traversal))
		}
	}
	return now, diags
}

// unknownLater reports a name that is there neither now nor later.
func unknownLater(later, roots []string, traversal hcl.Traversal) *hcl.Diagnostic {
	root := traversal.RootName()
	detail := fmt.Sprintf("There is nothing called %q to refer to. This expression is evaluated case by case, with %s; beyond that it may use %s.",
		root, schema.List(later, "and"), schema.List(roots, "and"))
	if suggestion := schema.Suggest(root, append(slices.Clone(later), roots...)); suggestion != "" {
		detail = fmt.Sprintf("There is nothing called %q to refer to. Did you mean %q?", root, suggestion)
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Unknown reference",
		Detail:   detail,
		Subject:  traversal.SourceRange().Ptr(),
	}
}

// Source returns the text at a range of a file of the configuration.
func (e *Evaluation) Source(at hcl.Range) []byte {
	file := e.module.files[at.Filename]
	if file == nil || !at.CanSliceBytes(file.Bytes) {
		return nil
	}
	return at.SliceBytes(file.Bytes)
}
