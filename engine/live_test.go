package engine_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/memory"
)

// spread declares an application with two objects of a kind in each of ten namespaces,
// and more of it in the first.
func spread(t *testing.T, b *enginetest.Bench, kind, more string) {
	t.Helper()
	b.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf(`
application "web" {
  source {
    objects = concat([for i in range(20) : {
      apiVersion = "v1"
      kind       = %q
      metadata   = { name = "web-${i %% 2}", namespace = "team-${floor(i / 2)}" }
    }], [%s])
  }
  destination {
    cluster   = cluster.main
    namespace = "team-0"
  }
}
`, kind, more)})
}

// requestsOf are the requests that a plan takes.
func requestsOf(t *testing.T, b *enginetest.Bench, cluster *memory.Cluster) (*plan.Plan, map[string]int) {
	t.Helper()
	before := maps.Clone(cluster.Requests())
	p := b.MustPlan(t, engine.PlanOptions{})
	took := map[string]int{}
	for verb, n := range cluster.Requests() {
		if n > before[verb] {
			took[verb] = n - before[verb]
		}
	}
	return p, took
}

func TestManyNamespacesAreReadAtOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind   string
		others int // objects that nobody asks for
		lists  int
	}{
		"few others":            {"ConfigMap", 100, 1},
		"many others":           {"ConfigMap", 1000, 11},
		"only what is asked of": {"Secret", 0, 10},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, cluster := inMemory(t)
			spread(t, b, test.kind, "")
			b.MustApply(t, engine.PlanOptions{})
			for i := range test.others {
				other := object.Object{"apiVersion": "v1", "kind": test.kind, "metadata": map[string]any{"name": fmt.Sprintf("other-%d", i), "namespace": "others"}}
				if err := cluster.Put(t.Context(), other, "someone"); err != nil {
					t.Fatal(err)
				}
			}
			p, took := requestsOf(t, b, cluster)
			expectNothing(t, p)
			if took["LIST"] != test.lists || took["GET"] > 0 {
				t.Errorf("it took %v, want %d lists", took, test.lists)
			}
		})
	}
}

// TestWhatIsNewIsFoundBesideWhatIsKnown plans an object of a name that the state does
// not have, where it exists, and where a list of the others has been read.
func TestWhatIsNewIsFoundBesideWhatIsKnown(t *testing.T) {
	t.Parallel()
	more := `{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "more", namespace = "team-0" } }`
	alone := `{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "%s", namespace = "alone" } }`
	b, cluster := inMemory(t)
	spread(t, b, "ConfigMap", fmt.Sprintf(alone, "one"))
	b.MustApply(t, engine.PlanOptions{})
	for _, o := range []object.Object{
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "more", "namespace": "team-0"}},
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "two", "namespace": "alone"}},
	} {
		if err := cluster.Put(t.Context(), o, "someone"); err != nil {
			t.Fatal(err)
		}
	}
	spread(t, b, "ConfigMap", more+", "+fmt.Sprintf(alone, "one")+", "+fmt.Sprintf(alone, "two"))
	p := b.MustPlan(t, engine.PlanOptions{})
	for _, id := range []string{"ConfigMap team-0/more", "ConfigMap alone/two"} {
		if c := enginetest.Change(p, addr.Application("web"), id); c == nil || c.Action != plan.Adopt {
			t.Errorf("%s: %+v, want it adopted", id, c)
		}
	}
	if c := enginetest.Change(p, addr.Application("web"), "ConfigMap alone/one"); c == nil || c.Action != plan.Unchanged {
		t.Errorf("the one beside it: %+v, want it unchanged", c)
	}
}
