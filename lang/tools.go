package lang

import "github.com/gantrycd/gantry/lang/eval"

// Kinds returns the table of the blocks at the top level, for the tools of the
// language.
func Kinds() []*eval.Kind { return kinds() }
