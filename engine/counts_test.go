package engine_test

import (
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/watched"
)

// withHooks is an application of two objects, a hook of a sync that stays where it is, and
// one for when the application leaves.
const withHooks = `
application "web" {
  source {
    objects = [
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a" } },
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "b" } },
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "before", annotations = { "gantry.dev/hook" = "PreSync" } } },
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "bye", annotations = { "gantry.dev/hook" = "PostDelete" } } },
    ]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
`

func statusOf(t *testing.T, b *enginetest.Bench) *status.Application {
	t.Helper()
	e := b.Engine()
	config, diags := b.Config(t, e)
	enginetest.Check(t, diags)
	out, diags := e.Status(t.Context(), config, engine.StatusOptions{})
	enginetest.Check(t, diags)
	return &out.Applications[0]
}

// TestPlanStatusAndDriftCountTheSame: objects that are no hooks, in all three.
func TestPlanStatusAndDriftCountTheSame(t *testing.T) {
	t.Parallel()
	b, _ := inMemory(t)
	b.Write(t, map[string]string{"web.gantry.hcl": withHooks})
	b.MustApply(t, engine.PlanOptions{})

	counts := b.MustPlan(t, engine.PlanOptions{}).Counts()
	if counts.Total() != 2 || counts[plan.Unchanged] != 2 {
		t.Errorf("the plan counts %v", counts)
	}
	if objects := statusOf(t, b).Objects; objects.Total != 2 {
		t.Errorf("the status counts %+v", objects)
	}
	e := b.Engine()
	config, diags := b.Config(t, e)
	enginetest.Check(t, diags)
	drift, diags := e.Drift(t.Context(), config, nil, nil)
	enginetest.Check(t, diags)
	if n := drift.Applications[0].Checked; n != 2 {
		t.Errorf("drift counts %d", n)
	}
}

// TestStatusByWatches: over clusters that are watched nothing is listed twice, and what
// changes is seen all the same.
func TestStatusByWatches(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	b.Write(t, map[string]string{"web.gantry.hcl": withHooks})
	b.MustApply(t, engine.PlanOptions{})
	kept := watched.New(oneCluster{cluster})
	defer kept.Close()
	b.Wrap = func(providers.Clusters) providers.Clusters { return kept }

	reads := func() int { requests := cluster.Requests(); return requests["LIST"] + requests["GET"] }
	if objects := statusOf(t, b).Objects; objects.Missing != 0 {
		t.Fatalf("at first: %+v", objects)
	}
	eventually(t, "what is there comes by a watch", func() bool {
		before := reads()
		return statusOf(t, b).Objects.Missing == 0 && reads() == before
	})
	before := reads()
	configMaps := providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true}
	if err := cluster.Delete(t.Context(), providers.DeleteRequest{Resource: configMaps, Namespace: "web", Name: "a"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what is deleted is seen", func() bool { return statusOf(t, b).Objects.Missing == 1 })
	if n := reads(); n != before {
		t.Errorf("%d reads, and %d before", n, before)
	}
}
