package secret

import (
	"context"
	"sync"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// Clusters returns a way to clusters that reads the secrets among their credentials
// when a cluster is first asked for something.
func Clusters(inner providers.Clusters, secrets providers.Secrets) providers.Clusters {
	return secretClusters{inner, secrets}
}

type secretClusters struct {
	inner   providers.Clusters
	secrets providers.Secrets
}

func (c secretClusters) Connect(name string, connection target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	if credentials.Secrets == (target.Secrets{}) {
		return c.inner.Connect(name, connection, credentials)
	}
	return &cluster{open: func(ctx context.Context) (providers.Cluster, error) {
		resolved, err := credentials.Resolve(ctx, c.secrets.Read)
		if err != nil {
			return nil, err
		}
		return c.inner.Connect(name, connection, resolved)
	}}, nil
}

// cluster is one that is connected to at the first call that has a context.
type cluster struct {
	open func(context.Context) (providers.Cluster, error)

	mu    sync.Mutex
	inner providers.Cluster
}

// reach connects. A failure is not kept: the next call tries again.
func (c *cluster) reach(ctx context.Context) (providers.Cluster, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner != nil {
		return c.inner, nil
	}
	reached, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	c.inner = reached
	return reached, nil
}

// reached is the cluster, nil where it was never asked for anything.
func (c *cluster) reached() providers.Cluster {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inner
}

// ask calls one method of the cluster.
func ask[T any](ctx context.Context, c *cluster, method func(providers.Cluster) (T, error)) (T, error) {
	inner, err := c.reach(ctx)
	if err != nil {
		var none T
		return none, err
	}
	return method(inner)
}

func (c *cluster) Info(ctx context.Context) (providers.ClusterInfo, error) {
	return ask(ctx, c, func(inner providers.Cluster) (providers.ClusterInfo, error) { return inner.Info(ctx) })
}

func (c *cluster) Resource(ctx context.Context, gvk object.GVK) (providers.Resource, error) {
	return ask(ctx, c, func(inner providers.Cluster) (providers.Resource, error) { return inner.Resource(ctx, gvk) })
}

func (c *cluster) Resources(ctx context.Context) ([]providers.Resource, error) {
	return ask(ctx, c, func(inner providers.Cluster) ([]providers.Resource, error) { return inner.Resources(ctx) })
}

func (c *cluster) Undiscovered(ctx context.Context) (map[string]string, error) {
	return ask(ctx, c, func(inner providers.Cluster) (map[string]string, error) { return inner.Undiscovered(ctx) })
}

func (c *cluster) Refresh() {
	if inner := c.reached(); inner != nil {
		inner.Refresh()
	}
}

func (c *cluster) OpenAPI(ctx context.Context, group, version string) (document []byte, hash string, err error) {
	inner, err := c.reach(ctx)
	if err != nil {
		return nil, "", err
	}
	return inner.OpenAPI(ctx, group, version)
}

func (c *cluster) List(ctx context.Context, resource providers.Resource, namespace string, options providers.ListOptions) ([]object.Object, error) {
	return ask(ctx, c, func(inner providers.Cluster) ([]object.Object, error) {
		return inner.List(ctx, resource, namespace, options)
	})
}

func (c *cluster) Get(ctx context.Context, resource providers.Resource, namespace, name string) (object.Object, error) {
	return ask(ctx, c, func(inner providers.Cluster) (object.Object, error) { return inner.Get(ctx, resource, namespace, name) })
}

func (c *cluster) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	return ask(ctx, c, func(inner providers.Cluster) (providers.ApplyResult, error) { return inner.Apply(ctx, request) })
}

func (c *cluster) Create(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	return ask(ctx, c, func(inner providers.Cluster) (providers.ApplyResult, error) { return inner.Create(ctx, request) })
}

func (c *cluster) Patch(ctx context.Context, resource providers.Resource, namespace, name string, patch []byte, dryRun bool) (object.Object, error) {
	return ask(ctx, c, func(inner providers.Cluster) (object.Object, error) {
		return inner.Patch(ctx, resource, namespace, name, patch, dryRun)
	})
}

func (c *cluster) Delete(ctx context.Context, request providers.DeleteRequest) error {
	inner, err := c.reach(ctx)
	if err != nil {
		return err
	}
	return inner.Delete(ctx, request)
}

func (c *cluster) Watch(ctx context.Context, resource providers.Resource, namespace string, options providers.WatchOptions, changed func(o object.Object, deleted bool) bool) error {
	inner, err := c.reach(ctx)
	if err != nil {
		return err
	}
	return inner.Watch(ctx, resource, namespace, options, changed)
}

func (c *cluster) Requests() map[string]int {
	if inner := c.reached(); inner != nil {
		return inner.Requests()
	}
	return map[string]int{}
}
