package engine_test

import (
	"context"
	"testing"

	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
)

// taps stand between the engine and a cluster. Each gets a request and what sends it
// on; where it is nil the request goes through.
type taps struct {
	apply  func(ctx context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error)
	delete func(ctx context.Context, r providers.DeleteRequest, on func() error) error
	get    func(ctx context.Context, name string)
	watch  func(ctx context.Context, r providers.Resource, on func() error) error
}

// tap puts taps in front of every cluster of the bench.
func (s *stage) tap(t taps) {
	s.Wrap = func(all providers.Clusters) providers.Clusters {
		if s.memory {
			all = oneCluster{s.cluster.(*memory.Cluster)}
		}
		return tappedClusters{all, t}
	}
}

type tappedClusters struct {
	providers.Clusters
	taps taps
}

func (c tappedClusters) Connect(name string, to target.Connection, with target.Credentials) (providers.Cluster, error) {
	cluster, err := c.Clusters.Connect(name, to, with)
	return tapped{cluster, c.taps}, err
}

type tapped struct {
	providers.Cluster
	taps taps
}

func (c tapped) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	on := func() (providers.ApplyResult, error) { return c.Cluster.Apply(ctx, r) }
	if c.taps.apply == nil || r.DryRun {
		return on()
	}
	return c.taps.apply(ctx, r, on)
}

func (c tapped) Delete(ctx context.Context, r providers.DeleteRequest) error {
	on := func() error { return c.Cluster.Delete(ctx, r) }
	if c.taps.delete == nil {
		return on()
	}
	return c.taps.delete(ctx, r, on)
}

func (c tapped) Get(ctx context.Context, r providers.Resource, namespace, name string) (object.Object, error) {
	if c.taps.get != nil {
		c.taps.get(ctx, name)
	}
	return c.Cluster.Get(ctx, r, namespace, name)
}

func (c tapped) Watch(ctx context.Context, r providers.Resource, namespace string, options providers.WatchOptions, changed func(object.Object, bool) bool) error {
	on := func() error { return c.Cluster.Watch(ctx, r, namespace, options, changed) }
	if c.taps.watch == nil {
		return on()
	}
	return c.taps.watch(ctx, r, on)
}

// newMemoryStage is a stage whose cluster is in memory.
func newMemoryStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{namespace: "web", memory: true, cluster: memory.New(memory.Options{Name: "local", Resource: plurals})}
	s.Bench = enginetest.New(t, map[string]string{"cluster.gantry.hcl": "cluster \"local\" {\n  server = \"https://local.example.com\"\n}\n"})
	s.tap(taps{})
	return s
}
