package plan

import (
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/source"
)

// Generator is what a generator of the configuration gave.
type Generator struct {
	Address addr.Address `json:"address"`
	// Keys are those of its items, sorted.
	Keys []string `json:"keys"`
	// Removed are the keys that it had when what is made of it was last applied, and has
	// no longer, sorted.
	Removed []string `json:"removed,omitempty"`
	// Blocked says that too many are removed: what is made of it cannot be applied.
	Blocked bool `json:"blocked,omitempty"`
	// Leaves says that the generator is no longer in the configuration, or that
	// everything is destroyed.
	Leaves bool `json:"leaves,omitempty"`
	// Reads are what it read of the outside world itself.
	Reads []source.Pin `json:"reads,omitempty"`
}
