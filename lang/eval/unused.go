package eval

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// unused warns of variables that nothing refers to but their own validation. Where
// there are errors it is not asked: a reference may be in what could not be read.
func (m *Module) unused() hcl.Diagnostics {
	used := map[*block]bool{}
	for _, b := range m.blocks {
		if b.isGroup() {
			continue
		}
		for _, need := range b.needs {
			used[need] = true
		}
	}
	var diags hcl.Diagnostics
	for _, b := range m.blocks {
		if !b.isGroup() && b.kind.Root == variableRoot && !used[b] && b.unit.remote == nil {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning,
				Summary:  "Unused variable",
				Detail:   fmt.Sprintf("Nothing refers to %s, so that its value has no effect. Remove the block, or use it.", b.address),
				Subject:  b.header.Ptr(),
			})
		}
	}
	return diags
}
