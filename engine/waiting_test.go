package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

var deployments = providers.Resource{GVK: object.GVK{Group: "apps", Version: "v1", Kind: "Deployment"}, Plural: "deployments", Namespaced: true}

// unschedulable is a Deployment that never becomes healthy: no node is for it.
func unschedulable(name, annotations string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: %s
%sspec:
  selector:
    matchLabels: {app: %s}
  template:
    metadata:
      labels: {app: %s}
    spec:
      nodeSelector: {example.com/there: is-none}
      containers:
      - {name: main, image: "registry.example.com/web:1"}
`, name, annotations, name, name)
}

const (
	noHealthcheck = "  annotations:\n    argocd.argoproj.io/ignore-healthcheck: \"true\"\n"
	soon          = "sync {\n create_namespace = true\n health_timeout = \"20s\"\n}"
)

// ignoreHealth has an object's health not count from now on.
func (s *stage) ignoreHealth(t *testing.T, resource providers.Resource, name string) {
	t.Helper()
	s.edit(t, resource, object.Object{
		"apiVersion": resource.GVK.APIVersion(), "kind": resource.GVK.Kind,
		"metadata": map[string]any{
			"name": name, "namespace": s.namespace,
			"annotations": map[string]any{"argocd.argoproj.io/ignore-healthcheck": "true"},
		},
	}, "someone")
}

// TestWaitingTakesNoSlot gives an apply one slot, and has it wait for what comes to
// pass only once others have sent their requests.
func TestWaitingTakesNoSlot(t *testing.T) {
	t.Parallel()
	t.Run("until objects are healthy", func(t *testing.T) {
		s := newStage(t)
		s.application(t, "base", createNamespace, configMap("base", "a=b"))
		s.MustApply(t, engine.PlanOptions{})
		s.application(t, "one", soon, unschedulable("one", ""))
		var waves []string
		for i := range 6 {
			waves = append(waves, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: wave-%d\n  annotations: {gantry.dev/sync-wave: \"%d\"}\n", i, i))
		}
		s.application(t, "two", soon, waves...)
		var written, last atomic.Bool // one's Deployment, and what two writes last
		s.Events = func(event engine.Event) {
			if event.Kind != engine.EventWritten {
				return
			}
			written.CompareAndSwap(false, event.Object.Kind == "Deployment")
			last.CompareAndSwap(false, event.Object.Name == "wave-5")
			if written.Load() && last.Load() {
				s.ignoreHealth(t, deployments, "one")
			}
		}
		s.Parallelism = 1
		s.MustApply(t, engine.PlanOptions{})
	})
	t.Run("until objects are gone", func(t *testing.T) {
		s := newStage(t)
		held := func(name string) string {
			return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  finalizers: [example.com/hold]\n"
		}
		s.application(t, "one", soon, configMap("one", "a=b"), held("held-one"))
		s.application(t, "two", soon, configMap("two", "a=b"), held("held-two"))
		s.MustApply(t, engine.PlanOptions{})
		t.Cleanup(func() { s.letFinish(t, "held-one", "held-two") })
		s.application(t, "one", soon, configMap("one", "a=b"))
		s.application(t, "two", soon, configMap("two", "a=b"))
		var deleted atomic.Int64
		s.tap(taps{delete: func(_ context.Context, _ providers.DeleteRequest, on func() error) error {
			err := on()
			if deleted.Add(1) == 2 {
				s.letFinish(t, "held-one", "held-two")
			}
			return err
		}})
		s.Parallelism = 1
		p := s.MustApply(t, engine.PlanOptions{})
		if n := p.Counts()[plan.Prune]; n != 2 {
			t.Errorf("want 2 objects pruned, have %d", n)
		}
	})
}

// letFinish takes the finalizers off ConfigMaps that are there.
func (s *stage) letFinish(t *testing.T, names ...string) {
	for _, name := range names {
		_, err := s.cluster.Patch(context.Background(), configMaps, s.namespace, name, []byte(`[{"op": "remove", "path": "/metadata/finalizers"}]`), false)
		if err != nil && !errors.Is(err, providers.ErrNotFound) && !errors.Is(err, providers.ErrInvalid) {
			t.Errorf("finalizers of %s: %v", name, err)
		}
	}
}

// TestFailedWatchesSayWhy: where health cannot be watched, the error has the reason
// and comes at once.
func TestFailedWatchesSayWhy(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", "sync {\n create_namespace = true\n health_timeout = \"10m\"\n}", unschedulable("web", ""))
	s.tap(taps{watch: func(_ context.Context, r providers.Resource, on func() error) error {
		if r.Plural == "deployments" {
			return errors.New("watching deployments takes another version of the server")
		}
		return on()
	}})
	p := s.MustPlan(t, engine.PlanOptions{})
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "application.web", "Deployment.apps "+s.namespace+"/web", "watching deployments takes another version of the server")
}

// TestUnchangedObjectsMayIgnoreTheirHealth: who depends on an application with
// nothing to do waits for its objects, but for those whose health does not count.
func TestUnchangedObjectsMayIgnoreTheirHealth(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "base", soon, unschedulable("base", noHealthcheck))
	s.application(t, "web", "depends_on = [application.base]", configMap("web", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", "depends_on = [application.base]", configMap("web", "a=c"))
	p := s.MustPlan(t, engine.PlanOptions{})
	wantAction(t, s.change(p, "base", "Deployment.apps", "base"), plan.Unchanged)
	if p.Steps[0].Kind != plan.StepWait {
		t.Fatalf("nobody waits for what is unchanged: %+v", p.Steps)
	}
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	s.wantData(t, "web", "a", "c")
}
