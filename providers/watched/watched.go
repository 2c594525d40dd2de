// Package watched answers lists of clusters from watches: who looks at the same objects
// again and again costs a cluster one list, and then what changes.
//
// What is asked for a first time is listed as ever, and watched from then on. A kind that
// may not be watched is listed each time, and so is what is selected by labels or fields.
// Everything else goes to the cluster, so that a connection that is made anew still tells
// whether the cluster answers. It is for who reads; that something written is seen at once
// is not promised. cmd wires it.
package watched

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// Clusters keeps the watches of all clusters that are connected to through it. It is safe
// for concurrent use.
type Clusters struct {
	inner  providers.Clusters
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu   sync.Mutex
	kept map[string]*kept // by name and connection
}

// New returns clusters whose watches last until Close.
func New(inner providers.Clusters) *Clusters {
	ctx, cancel := context.WithCancel(context.Background())
	return &Clusters{inner: inner, ctx: ctx, cancel: cancel, kept: map[string]*kept{}}
}

// Close ends all watches and waits for them.
func (c *Clusters) Close() {
	c.cancel()
	c.group.Wait()
}

// Connect connects anew, so that who the cluster is and what it serves is asked again. The
// watches are those of the connections before, but for those that none asked for since the
// connection before the last.
func (c *Clusters) Connect(name string, connection target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	inner, err := c.inner.Connect(name, connection, credentials)
	if err != nil {
		return nil, err
	}
	to, err := json.Marshal(connection)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := name + "\x00" + string(to)
	if c.kept[key] == nil {
		c.kept[key] = &kept{of: c, watches: map[scope]*watch{}, many: map[scope]bool{}}
	}
	c.kept[key].next()
	return &cluster{Cluster: inner, kept: c.kept[key]}, nil
}

// cluster is one connection.
type cluster struct {
	providers.Cluster
	kept *kept
}

// List answers from a watch where there is one.
func (c *cluster) List(ctx context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	if options.LabelSelector != "" || options.FieldSelector != "" || options.MetadataOnly {
		return c.Cluster.List(ctx, resource, namespace, options)
	}
	at := scopeOf(resource, namespace)
	if c.kept.isMany(at) && options.AtMost > 0 {
		return nil, tooMany(at)
	}
	if found, ok := c.kept.take(at); ok {
		if options.AtMost > 0 && len(found) > options.AtMost {
			return nil, tooMany(at)
		}
		return found, nil
	}
	found, err := c.Cluster.List(ctx, resource, namespace, options)
	c.kept.listed(c.Cluster, resource, at, err)
	return found, err
}

// Get answers from a watch where there is one.
func (c *cluster) Get(ctx context.Context, resource providers.Resource, namespace, name string) (object.Object, error) {
	at := scopeOf(resource, namespace)
	if found, ok := c.kept.take(at); ok {
		for _, o := range found {
			if o.Name() == name {
				return o, nil
			}
		}
		return nil, fmt.Errorf("%s %s: %w", resource.GVK.Kind, name, providers.ErrNotFound)
	}
	found, err := c.Cluster.Get(ctx, resource, namespace, name)
	c.kept.listed(c.Cluster, resource, at, err)
	return found, err
}

func tooMany(at scope) error {
	return fmt.Errorf("%s: %w", at.gvk, providers.ErrTooMany)
}
