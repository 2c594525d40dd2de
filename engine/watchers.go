package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine/cause"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// watchers share one watch per kind and namespace among all who wait for objects of it,
// and per cluster who looks for the causes. A watch lasts as long as somebody waits.
type watchers struct {
	now func() time.Time

	mu     sync.Mutex
	open   map[watchKey]*watcher
	seek   map[*session]*cause.Finder
	ctx    context.Context
	cancel context.CancelFunc
	group  group
}

type watchKey struct {
	session   *session
	gvk       object.GVK
	namespace string
	metadata  bool // of the objects is enough
}

func newWatchers(now func() time.Time) *watchers {
	ctx, cancel := context.WithCancel(context.Background())
	return &watchers{now: now, open: map[watchKey]*watcher{}, seek: map[*session]*cause.Finder{}, ctx: ctx, cancel: cancel}
}

// causes returns who looks for causes in a cluster.
func (ws *watchers) causes(s *session) *cause.Finder {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.seek[s] == nil {
		ws.seek[s] = cause.NewFinder(s.cluster, ws.now)
	}
	return ws.seek[s]
}

// close ends all watches and waits for them.
func (ws *watchers) close() {
	ws.cancel()
	ws.group.Wait()
}

// of returns the watch of a kind in a namespace, begun if need be. metadata is for who
// needs no more of the objects. Who gets it must release it.
func (ws *watchers) of(s *session, resource providers.Resource, namespace string, metadata bool) *watcher {
	if !resource.Namespaced {
		namespace = ""
	}
	key := watchKey{s, resource.GVK, namespace, metadata}
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
		options := providers.WatchOptions{MetadataOnly: metadata, Listed: w.listed}
		err = s.cluster.Watch(ctx, resource, namespace, options, func(o object.Object, deleted bool) bool {
			w.put(o, deleted)
			return true
		})
		if errors.Is(err, providers.ErrForbidden) {
			err = w.poll(ctx, resource, err)
		}
	})
	return w
}

// pollEvery is between two lists of a kind that may not be watched.
const pollEvery = 3 * time.Second

// poll lists in place of a watch that is not allowed, until the context ends or listing is
// not allowed either. forbidden is why there is no watch.
func (w *watcher) poll(ctx context.Context, resource providers.Resource, forbidden error) error {
	for {
		all, err := w.key.session.cluster.List(ctx, resource, w.key.namespace, providers.ListOptions{MetadataOnly: w.key.metadata})
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			w.replace(all)
		case !errors.Is(err, providers.ErrUnreachable):
			return fmt.Errorf("%w; nor can it be listed: %w", forbidden, err)
		}
		timer := time.NewTimer(pollEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// replace takes a list for all that there is: what is not in it is gone.
func (w *watcher) replace(all []object.Object) {
	here := make(map[string]bool, len(all))
	for _, o := range all {
		here[o.Name()] = true
		if was := w.now(o.Name()).object; was == nil || was.UID() != o.UID() || was.ResourceVersion() != o.ResourceVersion() {
			w.put(o, false)
		}
	}
	w.mu.Lock()
	var gone []object.Object
	for name, e := range w.entries {
		if e.object != nil && !e.gone && !here[name] {
			gone = append(gone, e.object)
		}
	}
	w.mu.Unlock()
	for _, o := range gone {
		w.put(o, true)
	}
	w.listed()
}

// watcher is one watch and the newest state of what it saw.
type watcher struct {
	of     *watchers
	key    watchKey
	users  int // guarded by of.mu
	cancel context.CancelFunc

	mu      sync.Mutex
	entries map[string]*watched
	all     bool // what was there when the watch began has come
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

// listed wakes everybody: what has not come is not there.
func (w *watcher) listed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = true
	w.wake()
}

// ended wakes everybody, for nothing more will come.
func (w *watcher) ended(err error) {
	if err == nil {
		err = context.Canceled
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	w.wake()
}

// wake tells everybody that there is news. The caller holds mu.
func (w *watcher) wake() {
	for _, e := range w.entries {
		close(e.changed)
		e.changed = make(chan struct{})
	}
}

// sight is what a watch knows of an object.
type sight struct {
	object  object.Object // the last that was seen; nil: nothing was
	gone    bool
	known   bool            // whether it is there or not; else that is yet to come
	changed <-chan struct{} // is closed when there is news
	err     error           // why the watch has ended
}

// now returns what is known of the object of a name.
func (w *watcher) now(name string) sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entry(name)
	return sight{
		object: e.object, gone: e.gone || e.object == nil, known: e.object != nil || w.all, changed: e.changed, err: w.err,
	}
}
