package lang

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/syntax"
)

// Format returns a file of configuration in the canonical style, for `gantry
// fmt`. A file with syntax errors is not formatted: the diagnostics say where they
// are.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	return syntax.Format(src, filename)
}
