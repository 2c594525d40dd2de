package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
)

// crowd counts the writes that are in flight to several clusters.
type crowd struct {
	clusters map[string]*memory.Cluster
	full     chan struct{} // closed when as many are in flight as may be

	mu        sync.Mutex
	now       map[string]int
	all, most int
	each      int // the most of one cluster
	want      int
}

// Connect implements providers.Clusters.
func (c *crowd) Connect(name string, _ target.Connection, _ target.Credentials) (providers.Cluster, error) {
	return crowded{c.clusters[name], name, c}, nil
}

type crowded struct {
	*memory.Cluster
	name string
	in   *crowd
}

// Apply implements providers.Cluster.
func (c crowded) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	if r.DryRun {
		return c.Cluster.Apply(ctx, r)
	}
	c.in.enter(c.name, 1)
	defer c.in.enter(c.name, -1)
	select {
	case <-c.in.full:
		time.Sleep(5 * time.Millisecond) // whoever should not be there has time to come
	case <-time.After(time.Minute):
	}
	return c.Cluster.Apply(ctx, r)
}

func (c *crowd) enter(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[name] += n
	c.all += n
	if c.most < c.want && c.all >= c.want {
		close(c.full)
	}
	c.most, c.each = max(c.most, c.all), max(c.each, c.now[name])
}

// TestWritesInFlightAreBounded: to each cluster, and to all of them together.
func TestWritesInFlightAreBounded(t *testing.T) {
	t.Parallel()
	const clusters, each, all = 4, 2, 3
	c := &crowd{clusters: map[string]*memory.Cluster{}, full: make(chan struct{}), now: map[string]int{}, want: all}
	var text strings.Builder
	for i := range clusters {
		name := fmt.Sprintf("c%d", i)
		c.clusters[name] = memory.New(memory.Options{Name: name, Resource: plurals})
		fmt.Fprintf(&text, "cluster %q {\n  server = \"https://%s.example.com\"\n}\n", name, name)
		fmt.Fprintf(&text, `application %q {
  source {
    objects = [for i in range(6) : { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "m${i}" } }]
  }
  destination {
    cluster   = cluster.%[1]s
    namespace = "web"
  }
}
`, name)
	}
	b := enginetest.New(t, map[string]string{"main.gantry.hcl": text.String()})
	b.Parallelism = each
	b.Adapt = func(o *engine.Options) { o.InFlight = all }
	b.Wrap = func(providers.Clusters) providers.Clusters { return c }
	b.MustApply(t, engine.PlanOptions{})
	if c.most != all || c.each > each {
		t.Errorf("%d writes were in flight, want %d; to one cluster %d, and may be %d", c.most, all, c.each, each)
	}
}
