// Package value is what the language's values are beyond cty's own: the mark of
// sensitive ones, references that carry what they refer to, and the ways to and
// from JSON, YAML and HCL text, each exact or refused.
//
// It reads no file and knows no block. Only lang and the packages below it import
// it.
package value

// mark is the type of the language's cty marks.
type mark string

// GoString renders the mark in cty's own debugging output.
func (m mark) GoString() string { return "value." + string(m) }

// Sensitive marks a value that nothing may show. It is a cty mark: whatever is
// made of a marked value is marked too.
const Sensitive = mark("Sensitive")
