package affected

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
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

// place is where an application comes in a rollout, and how that goes. Its fields are
// exported for configdiff to see expressions in them.
type place struct {
	Rollout addr.Address
	Step    int
	Steps   []govern.Step // without their applications
}

// places are the places of all applications in the rollouts of a configuration.
func places(config *lang.Config) map[addr.Address][]place {
	out := map[addr.Address][]place{}
	for _, r := range config.Rollouts {
		steps := slices.Clone(r.Steps)
		for i := range steps {
			steps[i].Applications = nil
		}
		for i := range r.Steps {
			for _, address := range r.Steps[i].Applications {
				out[address] = append(out[address], place{r.Address, i, steps})
			}
		}
	}
	return out
}

// verified are the repositories of which what is read must be signed, and by whom.
func verified(config *lang.Config) map[string][]*lang.Verify {
	out := map[string][]*lang.Verify{}
	for _, r := range config.Repositories {
		if r.Verify != nil {
			out[r.Location.URL] = append(out[r.Location.URL], r.Verify)
		}
	}
	return out
}
