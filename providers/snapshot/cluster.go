package snapshot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// Answering returns what answers as the snapshot's clusters did.
func (s *Snapshot) Answering() providers.Clusters { return past{s} }

type past struct{ snapshot *Snapshot }

// Connect implements providers.Clusters: clusters are known by their names.
func (p past) Connect(name string, _ target.Connection, _ target.Credentials) (providers.Cluster, error) {
	var names []string
	for _, content := range p.snapshot.Clusters {
		if content.Name == name {
			return p.snapshot.cluster(content), nil
		}
		names = append(names, fmt.Sprintf("%q", content.Name))
	}
	have := "has none"
	if len(names) > 0 {
		have = "has " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("cluster %q is %w of clusters, which %s. Take a snapshot of it, too", name, errNotTaken, have)
}

// errNotTaken is what is missing in a snapshot.
var errNotTaken = fmt.Errorf("%w: not in the snapshot", providers.ErrNotCached)

// Cluster is a cluster as it was. It is safe for concurrent use.
type Cluster struct {
	taken     time.Time
	keyCheck  string
	content   *Content
	documents map[string][]byte // by group/version
	hashes    map[string]string
	lists     map[place][]object.Object
}

var _ providers.Past = (*Cluster)(nil)

func (s *Snapshot) cluster(content *Content) *Cluster {
	c := &Cluster{
		taken: s.TakenAt, keyCheck: s.KeyCheck, content: content,
		documents: map[string][]byte{}, hashes: map[string]string{}, lists: map[place][]object.Object{},
	}
	for _, schema := range content.Schemas {
		key := object.GVK{Group: schema.Group, Version: schema.Version}.APIVersion()
		c.documents[key], c.hashes[key] = s.Documents[schema.Digest], schema.Hash
	}
	for _, list := range content.Lists {
		c.lists[place{list.GVK, list.Namespace}] = list.Objects
	}
	return c
}

// TakenAt implements providers.Past.
func (c *Cluster) TakenAt() time.Time { return c.taken }

// KeyCheck implements providers.Past.
func (c *Cluster) KeyCheck() string { return c.keyCheck }

// Info implements providers.Cluster.
func (c *Cluster) Info(context.Context) (providers.ClusterInfo, error) {
	return providers.ClusterInfo{UID: c.content.UID, Server: c.content.Server, Version: c.content.Version, APIVersions: c.content.APIVersions}, nil
}

// Resource implements providers.Cluster. A version that the server serves and does
// not prefer is served as the one that it prefers.
func (c *Cluster) Resource(_ context.Context, gvk object.GVK) (providers.Resource, error) {
	served := slices.Contains(c.content.APIVersions, gvk.APIVersion()+"/"+gvk.Kind)
	for _, r := range c.content.Resources {
		if r.GVK == gvk || served && r.GVK.GroupKind() == gvk.GroupKind() {
			r.GVK = gvk
			return r, nil
		}
	}
	return providers.Resource{}, fmt.Errorf("%w: %s was not served when the snapshot was taken", providers.ErrUnknownKind, gvk)
}

// Resources implements providers.Cluster.
func (c *Cluster) Resources(context.Context) ([]providers.Resource, error) {
	return slices.Clone(c.content.Resources), nil
}

// Refresh implements providers.Cluster: there is nothing newer.
func (c *Cluster) Refresh() {}

// OpenAPI implements providers.Cluster.
func (c *Cluster) OpenAPI(_ context.Context, group, version string) ([]byte, string, error) {
	key := object.GVK{Group: group, Version: version}.APIVersion()
	document, ok := c.documents[key]
	if !ok {
		return nil, "", fmt.Errorf("the schemas of %s are %w", key, errNotTaken)
	}
	return document, c.hashes[key], nil
}

// List implements providers.Cluster.
func (c *Cluster) List(_ context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	if options.LabelSelector != "" {
		return nil, fmt.Errorf("%w: a snapshot cannot be asked by labels", providers.ErrUnsupported)
	}
	list, err := c.find(resource, namespace)
	if err != nil {
		return nil, err
	}
	out := make([]object.Object, 0, len(list))
	for _, o := range list {
		if namespace == "" || o.Namespace() == namespace {
			out = append(out, o.DeepCopy())
		}
	}
	return out, nil
}

func (c *Cluster) find(resource providers.Resource, namespace string) ([]object.Object, error) {
	if !resource.Namespaced {
		namespace = ""
	}
	for _, at := range []place{{resource.GVK, namespace}, {resource.GVK, ""}} {
		if list, ok := c.lists[at]; ok {
			return list, nil
		}
	}
	where := ""
	if namespace != "" {
		where = fmt.Sprintf(" in namespace %s", namespace)
	}
	return nil, fmt.Errorf("%s%s is %w", resource.GVK.GroupKind(), where, errNotTaken)
}

// Get implements providers.Cluster.
func (c *Cluster) Get(_ context.Context, resource providers.Resource, namespace, name string) (object.Object, error) {
	list, err := c.find(resource, namespace)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if o.Name() == name && (!resource.Namespaced || o.Namespace() == namespace) {
			return o.DeepCopy(), nil
		}
	}
	return nil, fmt.Errorf("%s %s is %w", resource.GVK.Kind, name, providers.ErrNotFound)
}

func (c *Cluster) refuse() error {
	return fmt.Errorf("%w: it is a snapshot of cluster %q, and not the cluster", providers.ErrUnsupported, c.content.Name)
}

// Apply implements providers.Cluster.
func (c *Cluster) Apply(context.Context, providers.ApplyRequest) (providers.ApplyResult, error) {
	return providers.ApplyResult{}, c.refuse()
}

// Create implements providers.Cluster.
func (c *Cluster) Create(context.Context, providers.ApplyRequest) (providers.ApplyResult, error) {
	return providers.ApplyResult{}, c.refuse()
}

// Patch implements providers.Cluster.
func (c *Cluster) Patch(context.Context, providers.Resource, string, string, []byte, bool) (object.Object, error) {
	return nil, c.refuse()
}

// Delete implements providers.Cluster.
func (c *Cluster) Delete(context.Context, providers.DeleteRequest) error { return c.refuse() }

// Watch implements providers.Cluster.
func (c *Cluster) Watch(context.Context, providers.Resource, string, providers.WatchOptions, func(object.Object, bool) bool) error {
	return c.refuse()
}

// Undiscovered implements providers.Cluster: a snapshot has what could be read.
func (c *Cluster) Undiscovered(context.Context) (map[string]string, error) {
	return map[string]string{}, nil
}

// Requests implements providers.Cluster: there were none.
func (c *Cluster) Requests() map[string]int { return map[string]int{} }
