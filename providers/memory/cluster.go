// Package memory is a Kubernetes cluster in memory: what `gantry test` plans
// against and applies to.
//
// Field ownership is the API server's own (apimachinery's managed fields), with
// types that are deduced from the objects, so that lists are owned as a whole.
// There is no validation, no webhook, no garbage collection, and no controller:
// every namespace and kind is there, and what is written is healthy at once.
// It is for trying out a configuration and proves nothing about a server.
package memory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Options say what a cluster is like.
type Options struct {
	Name    string
	Version string // "v1.37.2"; empty where charts are to be told their renderer's default
	// APIVersions are the versions and kinds that charts are told of.
	APIVersions []string
	// Resource tells how a kind is served.
	Resource func(object.GVK) providers.Resource
}

// Cluster is a cluster in memory. It is safe for concurrent use.
type Cluster struct {
	options Options

	mu       sync.Mutex
	objects  map[object.ID]object.Object
	writes   int
	events   []event       // everything that happened
	changed  chan struct{} // closed when something happens
	requests map[string]int
	kinds    map[object.GVK]providers.Resource // those that were asked for
}

// event is a write or deletion of an object.
type event struct {
	object  object.Object
	deleted bool
}

var _ providers.Cluster = (*Cluster)(nil)

// New returns a cluster with nothing in it.
func New(options Options) *Cluster {
	return &Cluster{
		options: options, objects: map[object.ID]object.Object{}, changed: make(chan struct{}),
		requests: map[string]int{}, kinds: map[object.GVK]providers.Resource{},
	}
}

// Put writes an object as a manager that applies it, over whatever others own. It
// is for what is there before a test begins.
func (c *Cluster) Put(ctx context.Context, o object.Object, manager string) error {
	_, err := c.Apply(ctx, providers.ApplyRequest{Resource: c.options.Resource(o.GVK()), Object: o, Manager: manager, Force: true})
	return err
}

// Info implements providers.Cluster. The identity is made of the name.
func (c *Cluster) Info(context.Context) (providers.ClusterInfo, error) {
	return providers.ClusterInfo{
		UID: c.uid("kube-system"), Server: "memory://" + c.options.Name, Version: c.options.Version, APIVersions: c.options.APIVersions,
	}, nil
}

// uid makes a stable identity of a name.
func (c *Cluster) uid(of string) string {
	sum := sha256.Sum256([]byte(c.options.Name + "\x00" + of))
	text := hex.EncodeToString(sum[:16])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// Resource implements providers.Cluster: every kind is served, as a definition in
// the cluster says where there is one.
func (c *Cluster) Resource(_ context.Context, gvk object.GVK) (providers.Resource, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	resource := c.options.Resource(gvk)
	for id, o := range c.objects {
		if id.Group != "apiextensions.k8s.io" || id.Kind != "CustomResourceDefinition" {
			continue
		}
		group, _ := o.Get("spec", "group")
		kind, _ := o.Get("spec", "names", "kind")
		if scope, ok := o.Get("spec", "scope"); ok && group == gvk.Group && kind == gvk.Kind {
			resource.Namespaced = scope == "Namespaced"
		}
	}
	c.kinds[gvk] = resource
	return resource, nil
}

// Resources implements providers.Cluster: the kinds that were asked for.
func (c *Cluster) Resources(context.Context) ([]providers.Resource, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.kinds), func(a, b providers.Resource) int {
		return strings.Compare(a.GVK.String(), b.GVK.String())
	}), nil
}

// Refresh implements providers.Cluster; there is nothing to forget.
func (c *Cluster) Refresh() {}

// OpenAPI implements providers.Cluster: there are no schemas.
func (c *Cluster) OpenAPI(_ context.Context, group, version string) ([]byte, string, error) {
	return nil, "", fmt.Errorf("the schema of %s/%s: %w", group, version, providers.ErrNotFound)
}

// List implements providers.Cluster.
func (c *Cluster) List(_ context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	if options.FieldSelector != "" {
		return nil, fmt.Errorf("selecting objects by fields: %w", providers.ErrUnsupported)
	}
	selected, err := labels.Parse(options.LabelSelector)
	if err != nil {
		return nil, fmt.Errorf("selecting objects by labels: %w: %w", providers.ErrInvalid, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests["LIST"]++
	all := slices.DeleteFunc(c.list(resource, namespace), func(o object.Object) bool { return !selected.Matches(labels.Set(o.Labels())) })
	if options.AtMost > 0 && len(all) > options.AtMost {
		return nil, fmt.Errorf("listing %s: %w", resource.GVK, providers.ErrTooMany)
	}
	return all, nil
}

// list returns the objects of a kind, in order.
func (c *Cluster) list(resource providers.Resource, namespace string) []object.Object {
	var out []object.Object
	for id, o := range c.objects {
		if id.GroupKind() == resource.GVK.GroupKind() && (namespace == "" || id.Namespace == namespace) {
			out = append(out, c.as(o, resource))
		}
	}
	slices.SortFunc(out, func(a, b object.Object) int { return a.ID().Compare(b.ID()) })
	return out
}

// as returns an object in the version of a resource.
func (c *Cluster) as(o object.Object, resource providers.Resource) object.Object {
	out := o.DeepCopy()
	out["apiVersion"] = resource.GVK.APIVersion()
	return out
}

// Get implements providers.Cluster.
func (c *Cluster) Get(_ context.Context, resource providers.Resource, namespace, name string) (object.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests["GET"]++
	id := identify(resource, namespace, name)
	o, ok := c.objects[id]
	if !ok {
		return nil, fmt.Errorf("%s: %w", id, providers.ErrNotFound)
	}
	return c.as(o, resource), nil
}

func identify(resource providers.Resource, namespace, name string) object.ID {
	if !resource.Namespaced {
		namespace = ""
	}
	return object.ID{Group: resource.GVK.Group, Kind: resource.GVK.Kind, Namespace: namespace, Name: name}
}

// Watch implements providers.Cluster.
func (c *Cluster) Watch(ctx context.Context, resource providers.Resource, namespace string, options providers.WatchOptions, changed func(object.Object, bool) bool) error {
	c.mu.Lock()
	c.requests["WATCH"]++
	now, seen := c.list(resource, namespace), len(c.events)
	c.mu.Unlock()
	for _, o := range now {
		if !changed(o, false) {
			return nil
		}
	}
	if options.Listed != nil {
		options.Listed()
	}
	for {
		c.mu.Lock()
		news, wait := slices.Clone(c.events[seen:]), c.changed
		seen = len(c.events)
		c.mu.Unlock()
		for _, e := range news {
			id := e.object.ID()
			if id.GroupKind() != resource.GVK.GroupKind() || namespace != "" && id.Namespace != namespace {
				continue
			}
			if !changed(c.as(e.object, resource), e.deleted) {
				return nil
			}
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Undiscovered implements providers.Cluster.
func (c *Cluster) Undiscovered(context.Context) (map[string]string, error) {
	return map[string]string{}, nil
}

// Requests implements providers.Cluster.
func (c *Cluster) Requests() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.requests)
}
