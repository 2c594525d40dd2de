package engine

import (
	"slices"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// maker is an application that makes what others' objects need to exist first: a
// namespace, or the definition of a kind.
type maker struct {
	by        addr.Address
	namespace string // empty for a definition
}

// makers finds, for every application, those of the same cluster that make the
// namespaces and define the kinds of its objects in this plan.
func makers(drafts []*draft) map[addr.Address][]maker {
	type namespace struct{ cluster, name string }
	type kind struct {
		cluster string
		object.GroupKind
	}
	namespaces, kinds := map[namespace]addr.Address{}, map[kind]addr.Address{}
	for _, d := range drafts {
		cluster := d.session.identity()
		for i := range d.changes {
			c := &d.changes[i]
			switch {
			case c.ID.GroupKind() == namespaceKind && (c.Action == plan.Create || c.Action == plan.Blocked && c.UID == ""):
				namespaces[namespace{cluster, c.ID.Name}] = d.address
			case c.ID.GroupKind() == crdKind && (c.Action.Changes() && !c.Action.Deletes() || c.Action == plan.Blocked):
				if of, ok := definedBy(d, c); ok {
					kinds[kind{cluster, of}] = d.address
				}
			}
		}
	}
	out := map[addr.Address][]maker{}
	for _, d := range drafts {
		cluster := d.session.identity()
		for i := range d.changes {
			c := &d.changes[i]
			if c.Action.Deletes() || !c.Action.Changes() {
				continue
			}
			if by, ok := namespaces[namespace{cluster, c.ID.Namespace}]; ok && by != d.address {
				out[d.address] = add(out[d.address], maker{by, c.ID.Namespace})
			}
			if by, ok := kinds[kind{cluster, c.ID.GroupKind()}]; ok && by != d.address {
				out[d.address] = add(out[d.address], maker{by: by})
			}
		}
	}
	return out
}

func add(to []maker, m maker) []maker {
	if slices.Contains(to, m) {
		return to
	}
	return append(to, m)
}

// definedBy returns the kind that a change's CRD defines.
func definedBy(d *draft, c *plan.Change) (object.GroupKind, bool) {
	for _, want := range d.desired {
		if want.object.ID() == c.ID {
			kind := object.GroupKind{Group: text(want.object, "spec", "group"), Kind: text(want.object, "spec", "names", "kind")}
			return kind, kind.Kind != ""
		}
	}
	return object.GroupKind{}, false
}

// withMakers adds to the edges of applications those to their makers, but for
// edges that would close a cycle: there, apply waits for what is missing.
func withMakers(edges [][]int, p *plan.Plan, made map[addr.Address][]maker) {
	index := make(map[addr.Address]int, len(p.Applications))
	for i := range p.Applications {
		index[p.Applications[i].Address] = i
	}
	for i := range p.Applications {
		for _, m := range made[p.Applications[i].Address] {
			j, ok := index[m.by]
			if ok && !slices.Contains(edges[i], j) && !reaches(edges, j, i) {
				edges[i] = append(edges[i], j)
			}
		}
	}
}

// reaches reports whether one application comes after another, however far.
func reaches(edges [][]int, from, to int) bool {
	seen := map[int]bool{}
	var visit func(i int) bool
	visit = func(i int) bool {
		if i == to {
			return true
		}
		if seen[i] {
			return false
		}
		seen[i] = true
		return slices.ContainsFunc(edges[i], visit)
	}
	return visit(from)
}
