package snapshot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/once"
)

// Recorder connects to clusters and takes down what is read of them. What would
// write is refused. It is safe for concurrent use.
type Recorder struct {
	inner  providers.Clusters
	redact func(object.Object) object.Object

	mu       sync.Mutex
	clusters []*recorded
}

var _ providers.Clusters = (*Recorder)(nil)

// Record returns a Recorder of clusters. Every object goes through redact before it
// is taken down; it must not change what it is given.
func Record(inner providers.Clusters, redact func(object.Object) object.Object) *Recorder {
	return &Recorder{inner: inner, redact: redact}
}

// Connect implements providers.Clusters.
func (r *Recorder) Connect(name string, connection target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	cluster, err := r.inner.Connect(name, connection, credentials)
	if err != nil {
		return nil, err
	}
	out := &recorded{Cluster: cluster, name: name, lists: map[place][]object.Object{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clusters = append(r.clusters, out)
	return out, nil
}

// recorded is a cluster of which is taken down what is listed.
type recorded struct {
	providers.Cluster
	name string

	reads once.Map[place, []object.Object]
	mu    sync.Mutex
	lists map[place][]object.Object
}

var _ providers.Past = (*recorded)(nil)

// TakenAt implements providers.Past: it is now.
func (c *recorded) TakenAt() time.Time { return time.Time{} }

// KeyCheck implements providers.Past: who plans now sees the values themselves.
func (c *recorded) KeyCheck() string { return "" }

// List implements providers.Cluster.
func (c *recorded) List(ctx context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	if options != (providers.ListOptions{}) {
		return c.Cluster.List(ctx, resource, namespace, options)
	}
	at := place{resource.GVK, namespace}
	return c.reads.Get(ctx, at, func(ctx context.Context) ([]object.Object, error) {
		objects, err := c.Cluster.List(ctx, resource, namespace, options)
		if err == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.lists[at] = objects
		}
		return objects, err
	})
}

// Get implements providers.Cluster. It lists: whoever plans with the snapshot may
// want the object's neighbours.
func (c *recorded) Get(ctx context.Context, resource providers.Resource, namespace, name string) (object.Object, error) {
	if !resource.Namespaced {
		namespace = ""
	}
	list, err := c.List(ctx, resource, namespace, providers.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if o.Name() == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("%s %s is %w", resource.GVK.Kind, name, providers.ErrNotFound)
}

// errRecording is why a Recorder's clusters change nothing.
var errRecording = fmt.Errorf("%w: a snapshot is taken, and nothing is asked of the cluster but what it has", providers.ErrUnsupported)

// Apply implements providers.Cluster.
func (c *recorded) Apply(context.Context, providers.ApplyRequest) (providers.ApplyResult, error) {
	return providers.ApplyResult{}, errRecording
}

// Create implements providers.Cluster.
func (c *recorded) Create(context.Context, providers.ApplyRequest) (providers.ApplyResult, error) {
	return providers.ApplyResult{}, errRecording
}

// Patch implements providers.Cluster.
func (c *recorded) Patch(context.Context, providers.Resource, string, string, []byte, bool) (object.Object, error) {
	return nil, errRecording
}

// Delete implements providers.Cluster.
func (c *recorded) Delete(context.Context, providers.DeleteRequest) error { return errRecording }

// Into adds to a snapshot what was taken down, sorted, with the schemas of all kinds
// that were listed. A cluster that could not be read at all is left out, and is in
// the error; the others are there.
func (r *Recorder) Into(ctx context.Context, s *Snapshot) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(r.clusters, func(a, b *recorded) int { return cmp.Compare(a.name, b.name) })
	if s.Documents == nil {
		s.Documents = map[string]json.RawMessage{}
	}
	var errs []error
	for _, c := range r.clusters {
		content, err := c.content(ctx, s.Documents, r.redact)
		if err != nil {
			errs = append(errs, fmt.Errorf("cluster %q: %w", c.name, err))
			continue
		}
		s.Clusters = append(s.Clusters, content)
	}
	return errors.Join(errs...)
}

func (c *recorded) content(ctx context.Context, documents map[string]json.RawMessage, redact func(object.Object) object.Object) (*Content, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	out := &Content{Name: c.name, UID: info.UID, Server: info.Server, Version: info.Version, APIVersions: info.APIVersions}
	if out.Resources, err = c.Resources(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(out.Resources, func(a, b providers.Resource) int { return compareKinds(a.GVK, b.GVK) })
	c.mu.Lock()
	defer c.mu.Unlock()
	schemas := map[Schema]bool{}
	for at, objects := range c.lists {
		list := List{GVK: at.gvk, Namespace: at.namespace, Objects: make([]object.Object, len(objects))}
		for i, o := range objects {
			list.Objects[i] = redact(o)
		}
		slices.SortFunc(list.Objects, func(a, b object.Object) int { return a.ID().Compare(b.ID()) })
		out.Lists = append(out.Lists, list)
		schema := Schema{Group: at.gvk.Group, Version: at.gvk.Version}
		if schemas[schema] {
			continue
		}
		schemas[schema] = true
		document, hash, err := c.OpenAPI(ctx, schema.Group, schema.Version)
		if errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnknownKind) {
			continue // there is none, and the plan does without
		}
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(document)
		schema.Hash, schema.Digest = hash, "sha256:"+hex.EncodeToString(sum[:])
		documents[schema.Digest] = document
		out.Schemas = append(out.Schemas, schema)
	}
	slices.SortFunc(out.Lists, func(a, b List) int {
		return cmp.Or(compareKinds(a.GVK, b.GVK), cmp.Compare(a.Namespace, b.Namespace))
	})
	slices.SortFunc(out.Schemas, func(a, b Schema) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Version, b.Version))
	})
	return out, nil
}

func compareKinds(a, b object.GVK) int {
	return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Kind, b.Kind))
}
