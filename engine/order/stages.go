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
	// Last: what is deleted goes when all of the sync is healthy, not in its wave.
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
	// earlier one than they asked for, and deletions in their mirrored one. Of what is
	// deleted last it is the one that was asked for.
	Wave int
	// Wait says that there is something in Await: items of this and of earlier
	// stages that must be healthy (hooks finished, CRDs established, deleted objects
	// gone) before the next stage starts.
	Wait  bool
	Await []int
}

// Stages orders items:
//
//   - by phase: PreSync, Sync with what is deleted, PostSync; where an application leaves:
//     PreDelete, what is deleted, PostDelete. Stages of SyncFail are at the end; they are
//     only for when a sync has failed;
//   - within that by wave, and within a wave by kind (KindOrder);
//   - a namespace comes before what is in it and a CRD before its resources,
//     whatever waves and phases they ask for: it moves to the first one's;
//   - a wave starts when the one before is healthy; custom resources are written
//     when their CRD is established;
//   - what is deleted last comes after the last wave, before PostSync. Other deletions are
//     in the waves that Argo CD has them in, before what is written in them: those that
//     they ask for, mirrored among themselves, so that later waves go first. They run the
//     other way round: custom resources before their CRDs, content before its namespace;
//   - a namespace or CRD that something written later needs is deleted after that.
//
// Each item is in exactly one stage. The same items in another order give the same
// stages, but for their indices.
func Stages(items []Item) []Stage {
	var writes, deletions []placed
	for i := range items {
		if items[i].Delete {
			deletions = append(deletions, place(items, i))
		} else {
			writes = append(writes, place(items, i))
		}
	}
	pull(items, writes)
	pull(items, deletions)
	mirror(items, writes, deletions)
	all := slices.Concat(writes, deletions)
	slices.SortFunc(all, comparePlaced)
	stages := group(all)
	await(items, stages)
	return stages
}

// placed is an item and the place it is sorted by.
type placed struct {
	index       int
	phase, wave int
	part        part
	own         int // the wave that a deletion asks for, or that its content does
	kind        int
	id          object.ID
}

// part is one of a wave's three, which follow each other.
type part int

const (
	deleted part = iota
	written
	deletedAfter // what something written in the wave, or before, needs
)

func place(items []Item, i int) placed {
	item := items[i]
	phase, part := item.Phase, written
	if item.Delete {
		part = deleted
	}
	if !slices.Contains(phases(), phase) || item.Delete {
		phase = plan.PhaseSync
	}
	return placed{index: i, phase: phaseIndex(phase), wave: item.Wave, part: part, kind: KindOrder(item.ID.GroupKind()), id: item.ID}
}

// phaseIndex is a phase's place among the others, with room after each.
func phaseIndex(phase plan.Phase) int { return 2 * slices.Index(phases(), phase) }

// compareTurn orders by phase, wave and part.
func compareTurn(a, b placed) int {
	return cmp.Or(cmp.Compare(a.phase, b.phase), cmp.Compare(a.wave, b.wave), cmp.Compare(a.part, b.part))
}

func comparePlaced(a, b placed) int {
	if turn := compareTurn(a, b); turn != 0 {
		return turn
	}
	if a.part != written {
		a, b = b, a // backwards
	}
	return cmp.Or(cmp.Compare(a.own, b.own), cmp.Compare(a.kind, b.kind),
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

// group makes a stage of each run of items of the same place and kind.
func group(list []placed) []Stage {
	var out []Stage
	for i, p := range list {
		if i == 0 || compareTurn(list[i-1], p) != 0 || list[i-1].own != p.own || list[i-1].kind != p.kind {
			out = append(out, p.stage())
		}
		last := &out[len(out)-1]
		last.Items = append(last.Items, p.index)
	}
	return out
}

// stage makes an empty stage where an item is.
func (p placed) stage() Stage {
	switch {
	case p.part == written:
		return Stage{Phase: phases()[p.phase/2], Wave: p.wave}
	case p.wave == afterWaves:
		return Stage{Delete: true, Wave: p.own}
	}
	return Stage{Delete: true, Wave: p.wave}
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
