// Package order says in which order objects are written and deleted: by phase,
// wave and kind, so that what an object needs is there before it, and goes after it.
//
// It reads placements from annotations and makes stages of items; it does no I/O,
// and knows nothing of health: a stage only names what must be healthy before the
// next one. The engine imports it.
package order

import (
	"cmp"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Item is one object to write or delete.
type Item struct {
	ID     object.ID
	Phase  plan.Phase // empty is PhaseSync; of no meaning for deletions
	Wave   int
	Delete bool
	// Last: what is deleted goes after everything else is done.
	Last   bool
	Hook   bool
	Object object.Object // desired, or live for a deletion; only read for CRDs
}

// Stage is a set of items that may be handled at once. A stage starts when the
// items of the one before are written, or gone.
type Stage struct {
	Items  []int // indices of the items given to Stages, by name
	Delete bool
	Phase  plan.Phase // of items that are written
	// Wave that the items are handled in; a namespace and a CRD may be in an
	// earlier one than they asked for.
	Wave int
	// Wait says that there is something in Await: items of this and of earlier
	// stages that must be healthy (hooks finished, CRDs established, deleted objects
	// gone) before the next stage starts.
	Wait  bool
	Await []int
}

// Stages orders items:
//
//   - by phase: PreSync, Sync, what is deleted, PostSync; where an application leaves:
//     PreDelete, what is deleted, PostDelete. What is deleted last comes after all of
//     them. Stages of SyncFail are at the end; they are only for when a sync has failed;
//   - within that by wave, and within a wave by kind (KindOrder);
//   - a namespace comes before what is in it and a CRD before its resources,
//     whatever waves and phases they ask for: it moves to the first one's;
//   - a wave starts when the one before is healthy; custom resources are written
//     when their CRD is established; deletions start when all that was written before
//     them is healthy;
//   - deletions run the other way round: custom resources before their CRDs, content
//     before its namespace, later waves first. A namespace or CRD that a hook of a later
//     phase needs is deleted last, and so is what must go after something that is.
//
// Each item is in exactly one stage. The same items in another order give the same
// stages, but for their indices.
func Stages(items []Item) []Stage {
	var writes, deletions, last []placed
	for i := range items {
		if !items[i].Delete {
			writes = append(writes, place(items, i))
		}
	}
	late := lasting(items, writes)
	for i := range items {
		switch {
		case !items[i].Delete:
		case late[i]:
			last = append(last, place(items, i))
		default:
			deletions = append(deletions, place(items, i))
		}
	}
	pull(items, writes)
	slices.SortFunc(writes, comparePlaced)
	before, after, failure := split(group(writes))
	stages := slices.Concat(before, backwards(items, deletions), after, backwards(items, last), failure)
	await(items, stages)
	return stages
}

// backwards makes the stages of deletions.
func backwards(items []Item, list []placed) []Stage {
	pull(items, list)
	slices.SortFunc(list, func(a, b placed) int { return comparePlaced(b, a) })
	out := group(list)
	for i := range out {
		out[i].Delete, out[i].Phase = true, ""
	}
	return out
}

// lasting returns which deletions come last: those that ask for it, namespaces and CRDs
// that a hook after the deletions needs, and those of something that goes last.
func lasting(items []Item, writes []placed) map[int]bool {
	namespaces, kinds := map[string]bool{}, map[object.GroupKind]bool{}
	need := func(id object.ID) {
		namespaces[id.Namespace] = true
		kinds[id.GroupKind()], kinds[object.GroupKind{Group: id.Group}] = true, true
	}
	for _, p := range writes {
		if slices.Contains(afterDeletions(), phases()[p.phase]) {
			need(p.id)
		}
	}
	out := map[int]bool{}
	for i := range items {
		if items[i].Delete && items[i].Last {
			out[i] = true
			need(items[i].ID)
		}
	}
	for i := range items {
		switch {
		case !items[i].Delete:
		case isNamespace(items[i].ID) && namespaces[items[i].ID.Name]:
			out[i] = true
		case isCRD(items[i].ID):
			if kind, ok := definedBy(items[i]); ok && kinds[kind] {
				out[i] = true
			}
		}
	}
	return out
}

// placed is an item and the place it is sorted by.
type placed struct {
	index       int
	phase, wave int
	kind        int
	id          object.ID
}

func place(items []Item, i int) placed {
	item := items[i]
	phase := slices.Index(phases(), item.Phase)
	if phase < 0 || item.Delete {
		phase = slices.Index(phases(), plan.PhaseSync)
	}
	return placed{index: i, phase: phase, wave: item.Wave, kind: KindOrder(item.ID.GroupKind()), id: item.ID}
}

// compareTurn orders by phase and wave.
func compareTurn(a, b placed) int {
	return cmp.Or(cmp.Compare(a.phase, b.phase), cmp.Compare(a.wave, b.wave))
}

func comparePlaced(a, b placed) int {
	return cmp.Or(compareTurn(a, b), cmp.Compare(a.kind, b.kind),
		cmp.Compare(a.id.Name, b.id.Name), a.id.Compare(b.id), cmp.Compare(a.index, b.index))
}

// pull moves namespaces and CRDs to the phase and wave of the first item that
// needs them, where that is earlier than their own.
func pull(items []Item, list []placed) {
	first := map[any]placed{} // by namespace (string), kind (GroupKind) or group (GroupKind without kind)
	note := func(key any, p placed) {
		if known, ok := first[key]; !ok || compareTurn(p, known) < 0 {
			first[key] = p
		}
	}
	var crds, namespaces []*placed
	for i := range list {
		p := &list[i]
		switch {
		case isNamespace(p.id):
			namespaces = append(namespaces, p)
		case isCRD(p.id):
			crds = append(crds, p)
		default:
			note(p.id.Namespace, *p)
			note(p.id.GroupKind(), *p)
			note(object.GroupKind{Group: p.id.Group}, *p)
		}
	}
	move := func(p *placed, key any) {
		if needed, ok := first[key]; ok && compareTurn(needed, *p) < 0 {
			p.phase, p.wave = needed.phase, needed.wave
		}
	}
	for _, p := range crds {
		if kind, ok := definedBy(items[p.index]); ok {
			move(p, kind)
		}
	}
	for _, p := range namespaces {
		move(p, p.id.Name)
	}
}

// group makes a stage of each run of items of the same phase, wave and kind.
func group(list []placed) []Stage {
	var out []Stage
	for i, p := range list {
		if i == 0 || compareTurn(list[i-1], p) != 0 || list[i-1].kind != p.kind {
			out = append(out, Stage{Phase: phases()[p.phase], Wave: p.wave})
		}
		last := &out[len(out)-1]
		last.Items = append(last.Items, p.index)
	}
	return out
}

// split parts stages into those before the deletions, those after, and those for when
// the sync has failed.
func split(stages []Stage) (before, after, failure []Stage) {
	for _, stage := range stages {
		switch {
		case stage.Phase == plan.PhaseSyncFail:
			failure = append(failure, stage)
		case slices.Contains(afterDeletions(), stage.Phase):
			after = append(after, stage)
		default:
			before = append(before, stage)
		}
	}
	return before, after, failure
}

// await says what must be healthy before the next stage of the same sync starts:
// at the end of a wave all of the wave, before custom resources their CRDs, and
// between deletions what was deleted.
func await(items []Item, stages []Stage) {
	var open []int // written, not awaited yet
	awaited := map[int]bool{}
	for i := range stages {
		stage := &stages[i]
		open = append(open, stage.Items...)
		if i == len(stages)-1 {
			return
		}
		next := stages[i+1]
		if next.Phase == plan.PhaseSyncFail && stage.Phase != plan.PhaseSyncFail {
			open = nil // not the same sync
			continue
		}
		if stage.Delete || next.Delete || stage.Phase != next.Phase || stage.Wave != next.Wave {
			stage.Await = slices.DeleteFunc(open, func(i int) bool { return awaited[i] })
			open = nil
		} else {
			stage.Await = crdsFor(items, open, next.Items, awaited)
		}
		for _, i := range stage.Await {
			awaited[i] = true
		}
		slices.Sort(stage.Await)
		stage.Wait = len(stage.Await) > 0
	}
}

// crdsFor lists the CRDs among open that define a kind of the items of next.
func crdsFor(items []Item, open, next []int, awaited map[int]bool) []int {
	kinds := map[object.GroupKind]bool{}
	for _, i := range next {
		gk := items[i].ID.GroupKind()
		kinds[gk], kinds[object.GroupKind{Group: gk.Group}] = true, true
	}
	var out []int
	for _, i := range open {
		if awaited[i] || !isCRD(items[i].ID) {
			continue
		}
		if kind, ok := definedBy(items[i]); ok && kinds[kind] {
			out = append(out, i)
		}
	}
	return out
}
