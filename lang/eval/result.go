package eval

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/source"
)

// Result is what evaluating a configuration came to.
type Result struct {
	// Made is what the decoders of sound instances made, in the order of evaluation.
	Made []any
	// Broken are the applications that cannot be told because of errors, in no order:
	// single instances, or whole blocks where not even the instances are known.
	Broken []Broken
	// Unsound are the instances of modules whose inputs are not what their variables
	// want: what is made in them is not what is meant.
	Unsound []addr.Address
	// Deferred are the blocks of applications whose values need the outside world,
	// where there was no Reader to ask.
	Deferred []addr.Address
	// Unset are the variables that need a value and have none, in the order of
	// evaluation, where that is no error: without a Reader, or with Options.Partial.
	Unset []Variable
	// Incomplete says that parts of the files could not be read as blocks.
	Incomplete bool
	// Unguarded says that a block which guards could not be told: what it forbids is not
	// known.
	Unguarded bool
	// Pins are what was read of the outside world, in no order.
	Pins []source.Pin
}

// Broken is an application that has errors.
type Broken struct {
	Address addr.Address
	Range   hcl.Range // of the block's header
}

// Node is one block in the graph of references.
type Node struct {
	Address addr.Address
	Range   hcl.Range
	Needs   []addr.Address // blocks, sorted
}

// Variable is one input variable and where its value came from.
type Variable struct {
	Name        string
	Type        string // as it would be written: "list(string)"
	Description string
	Sensitive   bool
	Origin      string // "default", "GANTRY_VAR_x", a file's name, or "--var"
	Value       string // HCL of the value; object.Redacted where sensitive
	Range       hcl.Range
}

// Dependency is one edge between applications, and where it was written.
type Dependency struct {
	Address addr.Address
	Range   hcl.Range
}
