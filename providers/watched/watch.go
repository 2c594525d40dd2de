package watched

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// scope is what one watch is of: a kind in a namespace, or, with an empty one, in all or
// in the cluster's scope.
type scope struct {
	gvk       object.GVK
	namespace string
}

func scopeOf(resource providers.Resource, namespace string) scope {
	if !resource.Namespaced {
		namespace = ""
	}
	return scope{resource.GVK, namespace}
}

// kept is what is kept of one cluster from one connection to the next.
type kept struct {
	of *Clusters

	mu      sync.Mutex
	round   int // counts connections
	watches map[scope]*watch
	many    map[scope]bool // of which there are more objects than anybody wants
}

// watch is what one watch has seen.
type watch struct {
	asked  int // in which round it was asked for last
	cancel context.CancelFunc

	mu      sync.Mutex
	all     bool  // what was there when it began has come
	err     error // why it has ended
	objects map[object.ID]object.Object
}

// next begins a round: what was not asked for in the whole last one is watched no more.
func (k *kept) next() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for at, w := range k.watches {
		if w.asked < k.round {
			w.cancel()
			delete(k.watches, at)
		}
	}
	k.round++
}

func (k *kept) isMany(at scope) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.many[at]
}

// take returns what a watch has, by namespace and name; false where there is none, or it
// has not seen all yet. One that has ended is forgotten, and begun anew after the next
// list, unless it is not allowed.
func (k *kept) take(at scope) ([]object.Object, bool) {
	k.mu.Lock()
	w := k.watches[at]
	if w != nil {
		w.asked = k.round
	}
	k.mu.Unlock()
	if w == nil {
		return nil, false
	}
	found, err := w.now()
	if err != nil && !errors.Is(err, providers.ErrForbidden) {
		k.mu.Lock()
		if k.watches[at] == w {
			delete(k.watches, at)
		}
		k.mu.Unlock()
	}
	return found, found != nil
}

// listed begins to watch what was listed, or could be but for its number.
func (k *kept) listed(inner providers.Cluster, resource providers.Resource, at scope, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case errors.Is(err, providers.ErrTooMany):
		k.many[at] = true
		return
	case err != nil && !errors.Is(err, providers.ErrNotFound), k.watches[at] != nil, k.of.ctx.Err() != nil:
		return
	}
	ctx, cancel := context.WithCancel(k.of.ctx)
	w := &watch{asked: k.round, cancel: cancel, objects: map[object.ID]object.Object{}}
	k.watches[at] = w
	k.of.group.Go(func() {
		defer cancel()
		w.end(inner.Watch(ctx, resource, at.namespace, providers.WatchOptions{Listed: w.listed}, w.put))
	})
}

// now returns what there is, never nil where all is known, or why nothing more will come.
func (w *watch) now() ([]object.Object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || !w.all {
		return nil, w.err
	}
	out := make([]object.Object, 0, len(w.objects))
	for _, o := range w.objects {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b object.Object) int {
		return cmp.Or(cmp.Compare(a.Namespace(), b.Namespace()), cmp.Compare(a.Name(), b.Name()))
	})
	return out, nil
}

func (w *watch) put(o object.Object, deleted bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if deleted {
		delete(w.objects, o.ID())
	} else {
		w.objects[o.ID()] = o
	}
	return true
}

func (w *watch) listed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = true
}

func (w *watch) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err = err; err == nil {
		w.err = context.Canceled
	}
	w.objects = nil
}
