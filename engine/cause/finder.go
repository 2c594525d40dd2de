package cause

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

const (
	// fresh is how long what was read counts as present, for all who ask.
	fresh = 4 * time.Second
	// unreadable is how long a list that is not allowed is not asked for again.
	unreadable = time.Minute
	// most is how many objects of a kind are read of a namespace; where there are more,
	// causes are looked for without them.
	most = 5000
)

// Lister is what a Finder reads with: a providers.Cluster.
type Lister interface {
	List(ctx context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error)
}

// Finder finds causes in one cluster. What it cannot read, because nobody allows it or
// there is too much of it, is left out without a word: a cause is a help, and its absence
// no failure. It is safe for concurrent use.
type Finder struct {
	lister Lister
	now    func() time.Time

	mu    sync.Mutex
	reads map[read]*reading
}

// NewFinder returns a Finder. now is the clock.
func NewFinder(lister Lister, now func() time.Time) *Finder {
	return &Finder{lister: lister, now: now, reads: map[read]*reading{}}
}

// Find finds why an object, as it was just seen, is not healthy or not gone; see World.Of.
// It reads, and returns nothing where the context ends meanwhile.
func (f *Finder) Find(ctx context.Context, o object.Object, since time.Time) (Cause, bool) {
	namespace := o.Namespace()
	reads := needs(o, namespace)
	w, err := f.world(ctx, reads)
	if err != nil {
		return Cause{}, false
	}
	if w.waitsForClaims() {
		more, err := f.world(ctx, append(reads, read{claims, namespace, ""}, read{events, namespace, "involvedObject.kind=PersistentVolumeClaim"}))
		if err != nil {
			return Cause{}, false
		}
		w = more
	}
	return w.Of(o, since)
}

// world reads lists side by side.
func (f *Finder) world(ctx context.Context, reads []read) (*World, error) {
	w := &World{at: f.now(), lists: make([]*index, len(reads))}
	errs := make([]error, len(reads))
	var all sync.WaitGroup
	for i, r := range reads {
		all.Go(func() { w.lists[i], errs[i] = f.read(ctx, r) })
	}
	all.Wait()
	return w, errors.Join(errs...)
}

// waitsForClaims reports whether Pods wait for volumes, so that claims tell more.
func (w *World) waitsForClaims() bool {
	for _, x := range w.lists {
		for id, o := range x.byID {
			if id.GroupKind() != podKind {
				continue
			}
			if c, ok := conditionOf(o, "PodScheduled"); ok && c.status == "False" && strings.Contains(strings.ToLower(c.message), "persistentvolumeclaim") {
				return true
			}
		}
	}
	return false
}

// read is one list.
type read struct {
	kind      kind
	namespace string
	fields    string // selector
}

// reading is a list as it was last read.
type reading struct {
	turn  chan struct{} // held while it is read
	index *index
	until time.Time
}

// read returns a list, as it was read lately or as it is now. Who asks while it is being
// read waits for that; where the one who reads gives up, the next does it.
func (f *Finder) read(ctx context.Context, r read) (*index, error) {
	f.mu.Lock()
	have, ok := f.reads[r]
	if !ok {
		have = &reading{turn: make(chan struct{}, 1)}
		f.reads[r] = have
	}
	f.mu.Unlock()
	select {
	case have.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-have.turn }()
	if have.index != nil && f.now().Before(have.until) {
		return have.index, nil
	}
	objects, err := f.lister.List(ctx, r.kind.resource(), r.namespace, providers.ListOptions{FieldSelector: r.fields, AtMost: most})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	have.index, have.until = newIndex(objects), f.now().Add(fresh)
	if errors.Is(err, providers.ErrForbidden) || errors.Is(err, providers.ErrTooMany) || errors.Is(err, providers.ErrUnsupported) {
		have.until = f.now().Add(unreadable)
	}
	return have.index, nil
}

// kind is a built-in kind, in the version that every server has.
type kind struct{ group, name, plural string }

func (k kind) resource() providers.Resource {
	version := "v1"
	return providers.Resource{GVK: object.GVK{Group: k.group, Version: version, Kind: k.name}, Plural: k.plural, Namespaced: true}
}

var (
	events       = kind{"", "Event", "events"}
	pods         = kind{"", "Pod", "pods"}
	claims       = kind{"", "PersistentVolumeClaim", "persistentvolumeclaims"}
	replicaSets  = kind{"apps", "ReplicaSet", "replicasets"}
	deployments  = kind{"apps", "Deployment", "deployments"}
	statefulSets = kind{"apps", "StatefulSet", "statefulsets"}
	daemonSets   = kind{"apps", "DaemonSet", "daemonsets"}
	jobs         = kind{"batch", "Job", "jobs"}
)

// needs are the lists that tell about an object. A custom resource may own anything that
// runs Pods.
func needs(o object.Object, namespace string) []read {
	warnings, about := read{events, namespace, "type=Warning"}, []kind(nil)
	if namespace == "" {
		warnings.namespace = "default" // where Events about objects of the cluster are
	}
	switch id := o.ID(); {
	case isDeleting(o) && slices.Contains(finalizersOf(o), foreground):
		about = []kind{pods, replicaSets, deployments, statefulSets, daemonSets, jobs}
	case isDeleting(o) && id.GroupKind() == claimKind:
		about = []kind{pods}
	case isDeleting(o):
		return nil
	case id.GroupKind() == claimKind:
		warnings.fields = "involvedObject.kind=PersistentVolumeClaim"
	case id.Group == "apps" && id.Kind == "Deployment":
		about = []kind{pods, replicaSets}
	case id.Group == "batch" && id.Kind == "CronJob":
		about = []kind{pods, jobs}
	case id.Group == "apps", id.Group == "batch", id.Kind == "ReplicationController" && id.Group == "":
		about = []kind{pods}
	case !strings.Contains(id.Group, ".") || strings.HasSuffix(id.Group, ".k8s.io"): // nothing that owns Pods
	default:
		about = []kind{pods, replicaSets, deployments, statefulSets, daemonSets, jobs}
	}
	out := []read{warnings}
	if namespace == "" {
		return out
	}
	for _, k := range about {
		out = append(out, read{k, namespace, ""})
	}
	return out
}
