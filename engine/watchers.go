package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// watchers share one watch per kind and namespace among all who wait for
// objects of it. A watch lasts as long as somebody waits.
type watchers struct {
	mu     sync.Mutex
	open   map[watchKey]*watcher
	ctx    context.Context
	cancel context.CancelFunc
	group  group
}

type watchKey struct {
	session   *session
	gvk       object.GVK
	namespace string
}

func newWatchers() *watchers {
	ctx, cancel := context.WithCancel(context.Background())
	return &watchers{open: map[watchKey]*watcher{}, ctx: ctx, cancel: cancel}
}

// close ends all watches and waits for them.
func (ws *watchers) close() {
	ws.cancel()
	ws.group.Wait()
}

// of returns the watch of a kind in a namespace, begun if need be. Who gets it
// must release it.
func (ws *watchers) of(s *session, resource providers.Resource, namespace string) *watcher {
	if !resource.Namespaced {
		namespace = ""
	}
	key := watchKey{s, resource.GVK, namespace}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w, ok := ws.open[key]; ok {
		w.users++
		return w
	}
	ctx, cancel := context.WithCancel(ws.ctx)
	w := &watcher{of: ws, key: key, users: 1, cancel: cancel, entries: map[string]*watched{}}
	ws.open[key] = w
	ws.group.Go(func() {
		err := errors.New("the watch has panicked")
		defer func() { w.ended(err) }()
		err = s.cluster.Watch(ctx, resource, namespace, providers.WatchOptions{}, func(o object.Object, deleted bool) bool {
			w.put(o, deleted)
			return true
		})
	})
	return w
}

// watcher is one watch and the newest state of what it saw.
type watcher struct {
	of     *watchers
	key    watchKey
	users  int // guarded by of.mu
	cancel context.CancelFunc

	mu      sync.Mutex
	entries map[string]*watched
	err     error
}

// watched is one object; changed is closed when there is news of it.
type watched struct {
	object  object.Object // nil: not seen yet; the last that was seen where gone
	gone    bool
	changed chan struct{}
}

func (w *watcher) release() {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	if w.users--; w.users == 0 {
		w.cancel()
		delete(w.of.open, w.key)
	}
}

// entry returns the entry of a name. The caller holds mu.
func (w *watcher) entry(name string) *watched {
	e, ok := w.entries[name]
	if !ok {
		e = &watched{changed: make(chan struct{})}
		w.entries[name] = e
	}
	return e
}

func (w *watcher) put(o object.Object, deleted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(o.Name())
	e.object, e.gone = o, deleted
	close(e.changed)
	e.changed = make(chan struct{})
}

// ended wakes everybody, for nothing more will come.
func (w *watcher) ended(err error) {
	if err == nil {
		err = context.Canceled
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	for _, e := range w.entries {
		close(e.changed)
		e.changed = make(chan struct{})
	}
}

// await calls accept with an object as it is and whenever it changes, and with the
// last that was seen of it when it is gone, until accept says yes or returns an error,
// or the context or the watch ends.
func (w *watcher) await(ctx context.Context, name string, accept func(o object.Object, gone bool) (bool, error)) error {
	for {
		w.mu.Lock()
		e := w.entry(name)
		current, gone, changed, ended := e.object, e.gone, e.changed, w.err
		w.mu.Unlock()
		if current != nil {
			done, err := accept(current, gone)
			if done || err != nil {
				return err
			}
		}
		if ended != nil {
			return ended
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
