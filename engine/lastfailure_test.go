package engine_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// TestThePlanTellsWhatDidNotBecomeHealthy: after an apply that wrote everything and failed
// for something is not healthy, nothing is left to change, and the plan tells of it, until
// the apply was gone on with.
func TestThePlanTellsWhatDidNotBecomeHealthy(t *testing.T) {
	t.Parallel()
	b, _ := inMemory(t)
	cluster := memory.New(memory.Options{Name: "main", Resource: simulatedKind})
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	webs(t, b, `
health "*/ConfigMap" {
  degraded = field("metadata.labels.well", "") != "yes"
  healthy  = true
  message  = "it is broken"
}
`, "web sync {\n health_timeout = \"1s\"\n}")
	p := b.MustPlan(t, engine.PlanOptions{})
	_, diags := b.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "it is broken")

	failed := func() *plan.Failure {
		t.Helper()
		now := b.MustPlan(t, engine.PlanOptions{})
		if now.HasChanges() || len(now.Applications) != 1 {
			t.Fatalf("in the plan are %d applications, with %v", len(now.Applications), now.Counts())
		}
		return now.Applications[0].Failed
	}
	if f := failed(); f == nil || f.Outcome != engine.OutcomeFailed || !strings.Contains(f.Message, "it is broken") || !f.Resumable || f.At.IsZero() {
		t.Errorf("of the last apply it tells %+v", f)
	}

	// Somebody mends it, and the apply is gone on with.
	mended := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "web", "namespace": "web", "labels": map[string]any{"well": "yes"}}}
	if _, err := cluster.Apply(t.Context(), providers.ApplyRequest{Resource: simulatedKind(mended.GVK()), Object: mended, Manager: "someone"}); err != nil {
		t.Fatal(err)
	}
	_, diags = b.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}, Resume: true})
	enginetest.Check(t, diags)
	if f := failed(); f != nil {
		t.Errorf("of an apply that succeeded it tells %+v", f)
	}
}
