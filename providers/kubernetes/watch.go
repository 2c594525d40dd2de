package kubernetes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

const (
	watchLength     = 5 * time.Minute  // at least; the server ends a watch then, and it is resumed
	watchGrace      = 30 * time.Second // after which a server that did not end it is taken for dead
	maxWatchBackoff = 15 * time.Second
	// steady is how long a connection must last not to count as one more that failed.
	steady = 5 * time.Second
)

// errStopped ends a watch because its caller wants no more.
var errStopped = errors.New("stopped")

// Watch lists a kind in a namespace and calls changed for every object, then for
// every event, in order. It returns nil where changed returned false, and the
// context's error where that ended. A first list that fails ends it with that
// error; later, only refusals do (credentials, permissions, a kind that is gone),
// and whatever may pass is waited out. After an interruption that the server does
// not remember the objects are listed again: changed is then called for what
// changed meanwhile, and for what is gone with what was last known of its
// metadata.
func (c *cluster) Watch(ctx context.Context, resource providers.Resource, namespace string, options providers.WatchOptions, changed func(o object.Object, deleted bool) bool) error {
	w := &watcher{
		cluster: c, resource: resource, namespace: namespace, metadataOnly: options.MetadataOnly,
		changed: changed, known: map[objectKey]object.Object{},
	}
	if err := w.relist(ctx); err != nil {
		return w.end(ctx, err)
	}
	if options.Listed != nil {
		options.Listed()
	}
	failures := 0
	for ctx.Err() == nil {
		began := time.Now()
		events, err := w.stream(ctx)
		if isExpired(err) {
			w.expired = true
		} else if isFinal(err) {
			return w.end(ctx, err)
		}
		failures++
		if events > 0 && time.Since(began) >= steady {
			failures = 1
		}
		if w.cluster.pause(ctx, watchBackoff(failures)) != nil {
			break
		}
	}
	return w.end(ctx, context.Cause(ctx))
}

// end is what a watch returns: nothing where its caller wanted no more.
func (w *watcher) end(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errStopped):
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// isFinal tells the failures that waiting does not mend.
func isFinal(err error) bool {
	return errors.Is(err, errStopped) || errors.Is(err, providers.ErrUnauthorized) || errors.Is(err, providers.ErrForbidden) ||
		errors.Is(err, providers.ErrUnknownKind) || errors.Is(err, providers.ErrUnsupported) || errors.Is(err, providers.ErrInvalid)
}

func watchBackoff(failures int) time.Duration {
	wait := firstBackoff
	for i := 1; i < failures && wait < maxWatchBackoff; i++ {
		wait *= 2
	}
	wait = min(wait, maxWatchBackoff)
	return wait + rand.N(wait/4)
}

// watcher is one watch across its connections.
type watcher struct {
	cluster   *cluster
	resource  providers.Resource
	namespace string
	// metadataOnly asks for what is neither type nor metadata to be left out.
	metadataOnly bool

	changed func(o object.Object, deleted bool) bool
	known   map[objectKey]object.Object // metadata of what changed was told of
	version string                      // resourceVersion to watch from
	expired bool                        // the server no longer knows version: list again
}

type objectKey struct{ namespace, name string }

func (k objectKey) compare(other objectKey) int {
	return cmp.Or(strings.Compare(k.namespace, other.namespace), strings.Compare(k.name, other.name))
}

// relist reads all objects, and tells what differs from what is known.
func (w *watcher) relist(ctx context.Context) error {
	objects, version, err := w.cluster.list(ctx, w.resource, w.namespace, providers.ListOptions{MetadataOnly: w.metadataOnly})
	if err != nil {
		return err
	}
	there := make(map[objectKey]bool, len(objects))
	for _, o := range objects {
		there[keyOf(o)] = true
	}
	for _, key := range slices.SortedFunc(maps.Keys(w.known), objectKey.compare) {
		if !there[key] && !w.remove(w.known[key]) {
			return errStopped
		}
	}
	for _, o := range objects {
		if !w.update(o) {
			return errStopped
		}
	}
	w.version, w.expired = version, false
	return nil
}

// update tells of an object that is new or changed.
func (w *watcher) update(o object.Object) bool {
	key := keyOf(o)
	before, ok := w.known[key]
	if ok && before.UID() == o.UID() && before.ResourceVersion() == o.ResourceVersion() {
		return true
	}
	if ok && before.UID() != o.UID() && !w.remove(before) {
		return false
	}
	w.known[key] = tombstone(o)
	return w.changed(o, false)
}

// remove tells of an object that is gone.
func (w *watcher) remove(o object.Object) bool {
	delete(w.known, keyOf(o))
	return w.changed(o, true)
}

func keyOf(o object.Object) objectKey { return objectKey{o.Namespace(), o.Name()} }

// tombstone keeps of an object what tells which it was.
func tombstone(o object.Object) object.Object {
	metadata := map[string]any{"name": o.Name(), "uid": o.UID(), "resourceVersion": o.ResourceVersion()}
	if namespace := o.Namespace(); namespace != "" {
		metadata["namespace"] = namespace
	}
	return object.Object{"apiVersion": o.APIVersion(), "kind": o.Kind(), "metadata": metadata}
}

// stream watches over one connection until it ends, and returns how many events
// came. An end without an error is one to resume from.
func (w *watcher) stream(ctx context.Context) (events int, err error) {
	if w.expired {
		if err := w.relist(ctx); err != nil {
			return 0, err
		}
	}
	path, err := collectionPath(w.resource, w.namespace)
	if err != nil {
		return 0, err
	}
	length := watchLength + rand.N(watchLength)
	r := request{
		verb:     verbWatch,
		path:     path,
		resource: &w.resource,
		query: url.Values{
			"watch":               {"true"},
			"resourceVersion":     {w.version},
			"allowWatchBookmarks": {"true"},
			"timeoutSeconds":      {strconv.Itoa(int(length / time.Second))},
		},
	}
	if w.metadataOnly {
		r.accept = typeMetadata
	}
	streamCtx, cancel := context.WithTimeoutCause(ctx, length+watchGrace, timeoutError(length+watchGrace))
	defer cancel()
	streamCtx, giveUp := context.WithCancelCause(streamCtx)
	silent := w.cluster.silence.watch
	alarm := time.AfterFunc(silent, func() { giveUp(timeoutError(silent)) })
	defer alarm.Stop()
	answer, err := w.cluster.stream(streamCtx, r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	frames := json.NewDecoder(answer.Body)
	for {
		var frame struct {
			Type   watch.EventType `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		switch err := frames.Decode(&frame); {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			w.expired = w.expired || isGarbage(err)
			return events, w.cluster.networkFailure(ctx, err)
		}
		alarm.Reset(silent)
		if err := w.event(frame.Type, frame.Object); err != nil {
			return events, err
		}
		events++
	}
}

// isGarbage reports whether what came is no JSON, rather than cut off.
func isGarbage(err error) bool {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	return errors.As(err, &syntax) || errors.As(err, &mistyped)
}

// event tells of one event. After an error, and what cannot be read, everything is listed
// again: what was to be told is lost.
func (w *watcher) event(kind watch.EventType, raw []byte) error {
	if kind == watch.Error {
		w.expired = true
		var status metav1.Status
		if err := json.Unmarshal(raw, &status); err != nil {
			return fmt.Errorf("cluster %q at %s: a watch ended with an error that is no Status: %w", w.cluster.name, w.cluster.server, err)
		}
		return w.cluster.statusFailure(request{verb: verbWatch}, response{status: int(status.Code), body: raw})
	}
	o, err := decodeItem(raw, w.resource)
	if err == nil && kind != watch.Bookmark && o.Name() == "" {
		err = errors.New("it has no name")
	}
	if err != nil {
		w.expired = true
		return fmt.Errorf("cluster %q at %s: a watch sent what is no object: %w", w.cluster.name, w.cluster.server, err)
	}
	if version := o.ResourceVersion(); version != "" {
		w.version = version
	}
	goOn := true
	switch kind {
	case watch.Added, watch.Modified:
		goOn = w.update(o)
	case watch.Deleted:
		delete(w.known, keyOf(o))
		goOn = w.changed(o, true)
	case watch.Bookmark, watch.Error:
	}
	if !goOn {
		return errStopped
	}
	return nil
}
