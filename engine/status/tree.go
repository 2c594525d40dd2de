package status

import (
	"slices"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan/object"
)

const (
	// mostOwned is how many objects below one are in the tree, those first that are not
	// healthy.
	mostOwned = 20
	// deepest is how far below an application's own objects the tree goes.
	deepest = 4
)

// Kinds are those of which objects are looked for below an application's own: what
// workloads make.
func Kinds() []object.GVK {
	return []object.GVK{
		{Group: "apps", Version: "v1", Kind: "ReplicaSet"},
		{Group: "batch", Version: "v1", Kind: "Job"},
		{Version: "v1", Kind: "Pod"},
	}
}

// Index lists live objects by the UID of what owns them.
func Index(objects []object.Object) func(uid string) []object.Object {
	by := map[string][]object.Object{}
	for _, o := range objects {
		owners, _ := o.Metadata()["ownerReferences"].([]any)
		for _, owner := range owners {
			reference, _ := owner.(map[string]any)
			if uid, _ := reference["uid"].(string); uid != "" {
				by[uid] = append(by[uid], o)
			}
		}
	}
	return func(uid string) []object.Object { return by[uid] }
}

// grow puts what an object owns below it.
func (j *Judge) grow(n *Node, depth int) {
	if depth >= deepest || n.live.UID() == "" {
		return
	}
	for _, o := range j.Owned(n.live.UID()) {
		if past(o) {
			continue
		}
		child := Node{Object: o.ID()}
		j.look(&child, o)
		j.grow(&child, depth+1)
		n.Owned = append(n.Owned, child)
	}
	slices.SortFunc(n.Owned, func(a, b Node) int {
		if Healthy(a.Health) != Healthy(b.Health) {
			if Healthy(b.Health) {
				return -1
			}
			return 1
		}
		return a.Object.Compare(b.Object)
	})
	if more := len(n.Owned) - mostOwned; more > 0 {
		n.Owned, n.More = n.Owned[:mostOwned], more
	}
}

// past reports whether an object is a ReplicaSet that an update has left behind.
func past(o object.Object) bool {
	if o.Kind() != "ReplicaSet" {
		return false
	}
	want, _ := o.Get("spec", "replicas")
	have, _ := o.Get("status", "replicas")
	return isZero(want) && (have == nil || isZero(have))
}

func isZero(v any) bool {
	switch n := v.(type) {
	case int64:
		return n == 0
	case float64:
		return n == 0
	}
	return false
}

// Owners reports whether objects of a kind own others that the tree shows.
func Owners(kind object.GroupKind) bool {
	switch kind.Group {
	case "apps", "batch", "argoproj.io":
		return true
	}
	return kind == object.GroupKind{Kind: "ReplicationController"}
}

// Unhealthy visits the objects of an application that are in need of a cause: those that
// it owns, and say that they are not healthy.
func (a *Application) Unhealthy(visit func(n *Node, live object.Object)) {
	for i := range a.Tree {
		n := &a.Tree[i]
		if n.live != nil && n.Known && n.Health != health.Healthy && n.Health != health.Suspended {
			visit(n, n.live)
		}
	}
}

// Explain takes over the cause of the first object that is as unhealthy as the application.
func (a *Application) Explain() {
	for i := range a.Tree {
		if n := &a.Tree[i]; n.Health == a.Health && n.Cause != "" {
			a.Cause = n.Cause
			if n.Message == a.Message {
				return
			}
		}
	}
}
