package affected

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/refactor"
)

// moves is what moved blocks say of an address, as text that is equal where they say the
// same.
func moves(set *refactor.Set, address addr.Address) string {
	var out []string
	for _, move := range set.Moved {
		if refactor.Covers(move.To, address) || refactor.Covers(move.From, address) {
			out = append(out, move.From.String()+" to "+move.To.String())
		}
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}
