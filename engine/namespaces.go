package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

var namespaceKind = object.GroupKind{Kind: "Namespace"}

// shareNamespaces settles who makes a namespace that several applications of a
// cluster ask for with create_namespace: the one that renders it, else the one that
// made it, else the first in the order of the graph and of their rollout. The others just
// use it.
func shareNamespaces(drafts []*draft, rollouts []*govern.Rollout) {
	type slot struct {
		cluster string
		id      object.ID
	}
	makers := map[slot]*draft{}
	var sound []*draft
	for _, d := range inOrder(drafts) {
		if !d.failed() && !d.leaves() {
			sound = append(sound, d)
		}
	}
	claims := func(take func(d *draft, want *desired) bool) {
		for _, d := range sound {
			for _, want := range d.desired {
				id := want.object.ID()
				key := slot{d.session.identity(), id}
				if id.GroupKind() == namespaceKind && makers[key] == nil && take(d, want) {
					makers[key] = d
				}
			}
		}
	}
	claims(func(_ *draft, want *desired) bool { return !want.whenAbsent })
	claims(func(d *draft, want *desired) bool { return d.record.Find(want.object.ID()) != nil })
	sound = byStep(sound, rollouts)
	claims(func(*draft, *desired) bool { return true })
	for _, d := range sound {
		d.desired = slices.DeleteFunc(d.desired, func(want *desired) bool {
			maker := makers[slot{d.session.identity(), want.object.ID()}]
			if !want.whenAbsent || maker == d {
				return false
			}
			if want.managed && !sameMetadata(d, maker) {
				d.warn(fmt.Sprintf("%s is %s's too: managed_namespace_metadata of this application is not put on it. Say there what it is to have.", want.object.ID(), maker.address))
			}
			return true
		})
	}
}

// sameMetadata reports whether two applications give their namespace the same metadata.
func sameMetadata(a, b *draft) bool {
	return maps.Equal(a.app.Sync.NamespaceLabels, b.app.Sync.NamespaceLabels) &&
		maps.Equal(a.app.Sync.NamespaceAnnotations, b.app.Sync.NamespaceAnnotations) && b.app.Sync.CreateNamespace
}

// inOrder returns the drafts so that each comes after those it depends on.
func inOrder(drafts []*draft) []*draft {
	index := map[addr.Address]int{}
	for i, d := range drafts {
		index[d.address] = i
	}
	edges := make([][]int, len(drafts))
	for i, d := range drafts {
		if d.leaves() {
			continue
		}
		for _, dependency := range d.app.DependsOn {
			if j, ok := index[dependency.Address]; ok && j != i {
				edges[i] = append(edges[i], j)
			}
		}
	}
	afterDefiners(drafts, edges)
	out := make([]*draft, 0, len(drafts))
	for _, i := range plan.Sequence(edges) {
		out = append(out, drafts[i])
	}
	return out
}

// afterDefiners adds edges from those who have objects of a kind to who defines it,
// but for edges that would close a cycle.
func afterDefiners(drafts []*draft, edges [][]int) {
	definers := map[object.GroupKind]int{}
	for i, d := range drafts {
		for _, want := range d.desired {
			if want.object.ID().GroupKind() == crdKind {
				definers[object.GroupKind{Group: text(want.object, "spec", "group"), Kind: text(want.object, "spec", "names", "kind")}] = i
			}
		}
	}
	if len(definers) == 0 {
		return
	}
	for i, d := range drafts {
		for _, want := range d.desired {
			j, ok := definers[want.object.ID().GroupKind()]
			if ok && i != j && drafts[j].session.identity() == d.session.identity() && !slices.Contains(edges[i], j) && !reaches(edges, j, i) {
				edges[i] = append(edges[i], j)
			}
		}
	}
}

// namespaceSteps remembers, by application and name, which step makes a namespace.
type namespaceSteps map[[2]string]int

// note enters the step that makes a namespace.
func (n namespaceSteps) note(app *plan.Application, c *plan.Change, step int) {
	if c.ID.GroupKind() == namespaceKind && c.Action == plan.Create {
		n[[2]string{app.Address.String(), c.ID.Name}] = step
	}
}
