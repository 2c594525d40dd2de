package order

import (
	"maps"
	"math"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// afterWaves is the wave of what is deleted after all others of its phase.
const afterWaves = math.MaxInt

// mirror gives deletions the waves that they are handled in: the lowest one that any of
// them asks for becomes the highest, and so on, as Argo CD has it. What goes last goes
// after all waves, and with it the namespace that it is in and the definition of its kind.
func mirror(items []Item, writes, deletions []placed) {
	waves := map[int]bool{}
	for _, p := range deletions {
		waves[p.wave] = true
	}
	sorted := slices.Sorted(maps.Keys(waves))
	last := needs{}
	for i := range deletions {
		p := &deletions[i]
		at, _ := slices.BinarySearch(sorted, p.wave)
		p.own, p.wave = p.wave, sorted[len(sorted)-1-at]
		if items[p.index].Last {
			p.wave = afterWaves
			last.note(*p)
		}
	}
	wanted := needs{}
	for _, p := range writes {
		if p.phase != phaseIndex(plan.PhaseSyncFail) {
			wanted.note(p)
		}
	}
	for i := range deletions {
		p := &deletions[i]
		p.after(last.of(items, *p))
		p.after(wanted.of(items, *p))
	}
}

// after moves a deletion to where something else is that must be over by then, if it is
// earlier: into its wave, or, after a phase that follows deletions, to the end.
func (p *placed) after(needed placed, ok bool) {
	switch {
	case !ok || compareTurn(*p, needed) >= 0:
	case needed.phase > p.phase:
		p.phase, p.wave = phaseIndex(plan.PhasePostDelete)+1, afterWaves
	default:
		p.wave, p.part = needed.wave, max(needed.part, deletedAfter)
	}
}

// needs is, by namespace (a string) and kind (a GroupKind, also without kind), the last
// item that needs it.
type needs map[any]placed

func (n needs) note(p placed) {
	for _, key := range []any{p.id.Namespace, p.id.GroupKind(), object.GroupKind{Group: p.id.Group}} {
		if known, ok := n[key]; !ok || compareTurn(p, known) > 0 {
			n[key] = p
		}
	}
}

// of returns the last item that needs a namespace or a definition.
func (n needs) of(items []Item, p placed) (placed, bool) {
	var key any
	switch {
	case isNamespace(p.id):
		key = p.id.Name
	case isCRD(p.id):
		kind, ok := definedBy(items[p.index])
		if !ok {
			return placed{}, false
		}
		key = kind
	default:
		return placed{}, false
	}
	needed, ok := n[key]
	return needed, ok
}
