// Package takes works out what goes with objects that are deleted: what they own,
// what is in a namespace, what is of a kind whose definition goes, and the volumes
// behind claims. It decides on what was read of a cluster, and reads nothing itself:
// Reads says what is needed, and the engine, its only importer, reads it.
package takes

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// The kinds with a part of their own in what goes.
var (
	namespaceKind  = object.GroupKind{Kind: "Namespace"}
	definitionKind = object.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	claimKind      = object.GroupKind{Kind: "PersistentVolumeClaim"}
	volumeKind     = object.GroupKind{Kind: "PersistentVolume"}
	statefulKind   = object.GroupKind{Group: "apps", Kind: "StatefulSet"}
)

// Deletion is one object that a plan deletes.
type Deletion struct {
	Object object.Object // as the cluster has it
	// Orphan: what it owns stays. What is in a namespace, or of a kind, still goes.
	Orphan bool
}

// kind is the kind of the object.
func (d *Deletion) kind() object.GroupKind { return d.Object.ID().GroupKind() }

// defines is the kind that the object defines, the zero value where it defines none.
func (d *Deletion) defines() object.GroupKind {
	if d.kind() != definitionKind {
		return object.GroupKind{}
	}
	return object.GroupKind{Group: text(d.Object, "spec", "group"), Kind: text(d.Object, "spec", "names", "kind")}
}

// Result is what goes with one deletion.
type Result struct {
	Taken []plan.Taken // as in plan.Change
	// Loose are the objects in a namespace, or of a kind, that go with it alone: what
	// nobody but the namespace or the definition would take away. Sorted.
	Loose []object.ID
}

// World is what a cluster was seen to have. The zero value is an empty cluster.
type World struct {
	lineage  string // of this installation
	entries  []*entry
	byUID    map[string]*entry
	children map[string][]*entry // by the uid of an owner
}

// entry is one object of the world.
type entry struct {
	id     object.ID
	uid    string
	owners []string // uids
	of     string   // the application of this installation whose it is
	object object.Object
}

// NewWorld returns a World without objects, for an installation's lineage.
func NewWorld(lineage string) *World {
	return &World{lineage: lineage, byUID: map[string]*entry{}, children: map[string][]*entry{}}
}

// Add adds objects. Those that are going already, and those that every namespace
// has, are left out: nobody decides about them. Objects of claims, volumes and
// StatefulSets must be whole; of others the metadata is enough.
func (w *World) Add(objects []object.Object) {
	for _, o := range objects {
		id, uid := o.ID(), o.UID()
		if uid == "" || w.byUID[uid] != nil || o.Metadata()["deletionTimestamp"] != nil || isDefault(id) || isParent(o) {
			continue
		}
		e := &entry{id: id, uid: uid, owners: owners(o)}
		if kind := id.GroupKind(); kind == claimKind || kind == volumeKind || kind == statefulKind {
			e.object = o
		}
		if lineage, owner, ok := track.Owner(o); ok && lineage == w.lineage {
			e.of = owner.String()
		}
		w.entries = append(w.entries, e)
		w.byUID[uid] = e
		for _, owner := range e.owners {
			w.children[owner] = append(w.children[owner], e)
		}
	}
}

// owners returns the uids of an object's owners.
func owners(o object.Object) []string {
	list, _ := o.Metadata()["ownerReferences"].([]any)
	var out []string
	for _, item := range list {
		reference, _ := item.(map[string]any)
		if uid, _ := reference["uid"].(string); uid != "" {
			out = append(out, uid)
		}
	}
	return out
}

// isDefault reports whether an object is one that every namespace has.
func isDefault(id object.ID) bool {
	return id.Group == "" && (id.Kind == "ConfigMap" && id.Name == "kube-root-ca.crt" || id.Kind == "ServiceAccount" && id.Name == "default")
}

// Of works out what goes with each of a plan's deletions. Every object is counted
// once: with the first deletion that owns it, before that of its namespace or of the
// definition of its kind. What the plan deletes itself goes with nothing. The
// deletions are in the order of the result, and the same in any order of Add.
func (w *World) Of(deletions []Deletion) []Result {
	slices.SortFunc(w.entries, func(a, b *entry) int { return a.id.Compare(b.id) })
	for _, children := range w.children {
		slices.SortFunc(children, func(a, b *entry) int { return a.id.Compare(b.id) })
	}
	s := &search{world: w, deletions: deletions, items: map[string]bool{}, gone: map[string]*gone{}}
	for i := range deletions {
		s.items[deletions[i].Object.UID()] = true
	}
	s.owned()
	s.contents()
	s.volumes()
	return s.results()
}

// text returns the string at a path, empty where there is none.
func text(o object.Object, path ...string) string {
	value, _ := o.Get(path...)
	s, _ := value.(string)
	return s
}

// isOrdinal reports whether a name is a prefix and a number.
func isOrdinal(name, prefix string) bool {
	number, ok := strings.CutPrefix(name, prefix)
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// isParent reports whether an object stands for an application: it is written anew when
// it is missing, and nothing of anybody's.
func isParent(o object.Object) bool {
	_, is := track.ReadParent(o)
	return is
}
