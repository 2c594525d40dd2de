package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// hookedClusters have a webhook that changes what dry-runs answer, each time to another
// value.
type hookedClusters struct {
	providers.Clusters
	calls *atomic.Int64
	mend  func(o object.Object, value string)
}

func (h hookedClusters) Connect(name string, to target.Connection, with target.Credentials) (providers.Cluster, error) {
	cluster, err := h.Clusters.Connect(name, to, with)
	return hookedCluster{cluster, h}, err
}

type hookedCluster struct {
	providers.Cluster
	hook hookedClusters
}

func (h hookedCluster) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	answer, err := h.Cluster.Apply(ctx, r)
	if err == nil && r.DryRun {
		answer.Object = answer.Object.DeepCopy()
		h.hook.mend(answer.Object, fmt.Sprint(h.hook.calls.Add(1)))
	}
	return answer, err
}

// TestAResumedPlanHoldsThoughAWebhookStamps: what the server changes of itself on every
// write does not make a plan stale of which that object is done already; what another
// writes into our fields does.
func TestAResumedPlanHoldsThoughAWebhookStamps(t *testing.T) {
	t.Parallel()
	set := func(path ...string) func(object.Object, string) {
		return func(o object.Object, value string) { setField(o, value, path...) }
	}
	for name, test := range map[string]struct {
		mend   func(object.Object, string)
		edited bool // by another, to what was not planned
	}{
		"nothing":                    {func(object.Object, string) {}, false},
		"an annotation":              {set("metadata", "annotations", "example.com/stamp"), false},
		"a label":                    {set("metadata", "labels", "stamp"), false},
		"a field of its own":         {set("data", "stamp"), false},
		"a field of the plan":        {set("data", "value"), false},
		"an annotation, and an edit": {set("metadata", "annotations", "example.com/stamp"), true},
	} {
		t.Run(name, func(t *testing.T) {
			b, cluster := inMemory(t)
			version := func(v int) {
				b.Write(t, map[string]string{"web.gantry.hcl": fmt.Sprintf(`application "web" {
  source {
    objects = [
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "first", annotations = { "argocd.argoproj.io/sync-wave" = "-1" } }, data = { value = "%[1]d" } },
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "second" }, data = { value = "%[1]d" } },
    ]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`, v)})
			}
			version(1)
			b.MustApply(t, engine.PlanOptions{})
			version(2)
			p := b.MustPlan(t, engine.PlanOptions{})
			left := &atomic.Int64{}
			left.Store(1)
			b.Wrap = func(providers.Clusters) providers.Clusters {
				return failingClusters{Clusters: oneCluster{cluster}, left: left, fail: func() error { return errCut }}
			}
			_, diags := b.Apply(t.Context(), t, p)
			wantError(t, diags, "Apply failed", "the connection was cut")
			b.Wrap = func(providers.Clusters) providers.Clusters {
				return hookedClusters{oneCluster{cluster}, &atomic.Int64{}, test.mend}
			}
			if test.edited {
				edit := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "first", "namespace": "web"}, "data": map[string]any{"value": "x"}}
				if _, err := cluster.Apply(t.Context(), providers.ApplyRequest{Resource: engine.GuessResource(edit.GVK()), Object: edit, Manager: "someone", Force: true}); err != nil {
					t.Fatal(err)
				}
			}
			_, diags = b.Apply(t.Context(), t, p)
			if test.edited {
				wantError(t, diags, "the plan no longer holds", "data.value of ConfigMap web/first")
				return
			}
			enginetest.Check(t, diags)
		})
	}
}

// setField sets a field of an object, and makes what is above it.
func setField(o object.Object, value string, path ...string) {
	at := map[string]any(o)
	for _, key := range path[:len(path)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	at[path[len(path)-1]] = value
}
