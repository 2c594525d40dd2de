package risk

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/plan/object"
)

// Cluster is what is known of a cluster: what was listed of it for questions of risk,
// and what the plan makes of that. It is not safe for concurrent use.
type Cluster struct {
	minor   int // of its version, 0 where that is not known
	offline bool
	items   map[object.ID]Item // of all applications of the plan
	lists   map[Scope]listing
	asked   map[Scope]bool // and not there yet
	removed map[object.GVK]removal
}

// Scope is a list of a cluster: a kind in a version, in a namespace or, with an empty
// one, in the cluster's scope.
type Scope struct {
	GVK       object.GVK
	Namespace string
}

type listing struct {
	objects []object.Object
	err     error
}

// NewCluster returns a cluster of a version ("v1.37.2", empty where it is not known) in
// which a plan changes items, those of all its applications. Offline says that nothing
// more can be asked.
func NewCluster(version string, offline bool, items []Item) *Cluster {
	c := &Cluster{minor: minorOf(version), offline: offline, items: map[object.ID]Item{}, lists: map[Scope]listing{}, asked: map[Scope]bool{}, removed: removals()}
	for _, item := range items {
		if item.Change.Hook == nil {
			c.items[item.Change.ID] = item
		}
	}
	return c
}

// Missing returns the lists that were asked for and are not there yet, sorted.
func (c *Cluster) Missing() []Scope {
	var out []Scope
	for s := range c.asked {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Scope) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.GVK.String(), b.GVK.String()))
	})
	return out
}

// Add brings a list that was missing, or why there is none.
func (c *Cluster) Add(s Scope, objects []object.Object, err error) {
	delete(c.asked, s)
	objects = slices.Clone(objects)
	slices.SortFunc(objects, func(a, b object.Object) int { return a.ID().Compare(b.ID()) })
	c.lists[s] = listing{objects, err}
}

// view is the objects of a kind in a namespace.
type view struct {
	before, after []object.Object
	// unread says what could not be looked at, as a sentence; empty where everything was.
	unread string
}

// view returns the objects of a kind in a namespace, before the plan and after it. It
// reports false where they have to be listed first: what depends on them is found when
// they are there.
func (c *Cluster) view(gvk object.GVK, namespace string) (view, bool) {
	s := Scope{gvk, namespace}
	listed, ok := c.lists[s]
	if !ok && !c.offline {
		c.asked[s] = true
		return view{}, false
	}
	out := view{before: listed.objects}
	if listed.err != nil {
		out.unread = fmt.Sprintf("The %ss of namespace %s could not be looked at: %s.", gvk.Kind, namespace, listed.err)
		if namespace == "" {
			out.unread = fmt.Sprintf("The %ss of the cluster could not be looked at: %s.", gvk.Kind, listed.err)
		}
	}
	there := map[object.ID]bool{}
	for _, o := range listed.objects {
		id := o.ID()
		there[id] = true
		if item, changes := c.items[id]; !changes {
			out.after = append(out.after, o)
		} else if item.After != nil {
			out.after = append(out.after, item.After)
		}
	}
	out.after = append(out.after, c.planned(gvk.GroupKind(), namespace, there)...)
	slices.SortFunc(out.after, func(a, b object.Object) int { return a.ID().Compare(b.ID()) })
	return out, true
}

// planned returns what the plan's changes make of a kind in a namespace, but for some.
func (c *Cluster) planned(kind object.GroupKind, namespace string, without map[object.ID]bool) []object.Object {
	var out []object.Object
	for id, item := range c.items {
		if id.GroupKind() == kind && id.Namespace == namespace && item.After != nil && !without[id] {
			out = append(out, item.After)
		}
	}
	slices.SortFunc(out, func(a, b object.Object) int { return a.ID().Compare(b.ID()) })
	return out
}

// goes reports whether the plan deletes a namespace: nothing in it matters then.
func (c *Cluster) goes(namespace string) bool {
	item, changes := c.items[object.ID{Kind: "Namespace", Name: namespace}]
	return changes && namespace != "" && item.After == nil
}
