package eval

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
)

// Fixtures are what a test gives in place of what blocks say or read. Either
// function may be nil; they are called for every instance, in the order of
// evaluation.
type Fixtures struct {
	// Arguments returns values that arguments of an instance have in place of those
	// that are written.
	Arguments func(addr.Address) map[string]cty.Value
	// Items returns what a generator gives in place of its own items: an object or map
	// by their keys.
	Items func(addr.Address) (cty.Value, bool)
}

// parsed returns a block as it is to be decoded for an instance.
func (f *Fixtures) parsed(b *block, address addr.Address) *schema.Parsed {
	if f == nil || f.Arguments == nil {
		return b.parsed
	}
	return b.parsed.With(f.Arguments(address))
}

// FixtureItems returns what a test gives for the items of a generator.
func (e *Evaluation) FixtureItems(in *Instance) (cty.Value, bool) {
	if e.fixtures == nil || e.fixtures.Items == nil {
		return cty.NilVal, false
	}
	return e.fixtures.Items(in.Address)
}
