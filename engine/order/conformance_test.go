package order_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
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
	tally := conformance.Count(t, conformance.Annotations)
	for _, c := range list {
		p := order.Annotations(annotated(c.Annotations))
		ignored := c.ExpectedSkip || len(c.ExpectedPhases) == 0
		switch asked := c.ExpectedIsHook != nil; {
		case c.ExpectedWave != nil && p.Wave != *c.ExpectedWave:
			tally.Fail("%v: wave %d, want %d", c.Annotations, p.Wave, *c.ExpectedWave)
		case asked && p.Hook != *c.ExpectedIsHook:
			tally.Fail("%v: hook %v, want %v", c.Annotations, p.Hook, *c.ExpectedIsHook)
		case asked && !cmp.Equal(c.ExpectedPhases, p.Phases, cmpopts.EquateEmpty()):
			tally.Fail("%v: phases %v, want %v", c.Annotations, p.Phases, c.ExpectedPhases)
		case asked && p.Ignored != ignored:
			tally.Fail("%v: ignored %v, want %v", c.Annotations, p.Ignored, ignored)
		case asked && p.Hook && !slices.Equal(p.DeletePolicies, c.ExpectedDeletePolicies):
			tally.Fail("%v: policies %v, want %v", c.Annotations, p.DeletePolicies, c.ExpectedDeletePolicies)
		default:
			tally.Agree()
		}
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

// TestConformanceOrdering compares the waves, in their order, and of each what is written,
// in its order, and what is deleted. Within a wave Argo CD's list has deletions in their
// places by kind, but its sync deletes all of them at once: what is among them is a form
// of the list.
func TestConformanceOrdering(t *testing.T) {
	list := conformance.Cases[orderingCase](t, "sync/ordering_cases.jsonl")
	tally := conformance.Count(t, conformance.Ordering)
	for _, c := range list {
		items := itemsOf(c)
		if d := cmp.Diff(turns(items, c.ExpectedOrder), turns(items, stagedOrder(items)), cmpopts.EquateEmpty()); d != "" {
			tally.Fail("%s (-want +got):\n%s", c.ID, d)
			continue
		}
		tally.Agree()
	}
}

// turn is a wave of a phase.
type turn struct {
	Phase           plan.Phase
	Wave            int
	Written, Pruned []string
}

// turns makes waves of what is handled one after the other. What goes last goes after all
// waves, whatever the number of the one that Argo CD makes for it.
func turns(items []order.Item, list []ordered) []turn {
	last := map[string]bool{}
	for _, item := range items {
		last[item.ID.Name] = item.Last
	}
	var out []turn
	for _, o := range list {
		if last[o.Name] {
			o.Wave = 1000
		}
		if n := len(out); n == 0 || out[n-1].Phase != o.Phase || out[n-1].Wave != o.Wave {
			out = append(out, turn{Phase: o.Phase, Wave: o.Wave})
		}
		at := &out[len(out)-1]
		if o.Prune {
			at.Pruned = append(at.Pruned, o.Name)
		} else {
			at.Written = append(at.Written, o.Name)
		}
	}
	for i := range out {
		slices.Sort(out[i].Pruned)
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
		phase := stage.Phase
		if stage.Delete {
			phase = plan.PhaseSync // which is where Argo CD counts it to
		}
		for _, i := range stage.Items {
			out = append(out, ordered{
				Phase: phase, Wave: stage.Wave, Kind: items[i].ID.Kind, Name: items[i].ID.Name,
				Hook: items[i].Hook, Prune: items[i].Delete,
			})
		}
	}
	return out
}
