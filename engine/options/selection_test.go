package options_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

func only(t *testing.T, labels string, resources ...string) engine.PlanOptions {
	t.Helper()
	s, err := selection.Parse(resources, labels)
	if err != nil {
		t.Fatal(err)
	}
	return engine.PlanOptions{Only: s}
}

func labelled(tier, document string) string {
	return strings.Replace(document, "metadata:\n", "metadata:\n  labels: {tier: "+tier+"}\n", 1)
}

// ids lists what a plan changes.
func ids(p *plan.Plan) (out []string) {
	for i := range p.Applications {
		for _, c := range p.Applications[i].Changes {
			if c.Action != plan.Unchanged {
				out = append(out, string(c.Action)+" "+c.ID.Kind+"/"+c.ID.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (s *stage) record(t *testing.T, name string) *state.Record {
	t.Helper()
	record, _, err := s.Records.Get(t.Context(), addr.Application(name))
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestSelection(t *testing.T) {
	s := newStage(t)
	hook := strings.Replace(configMap("hook", "x=1"), "metadata:\n", "metadata:\n  annotations: {argocd.argoproj.io/hook: PreSync}\n", 1)
	version := func(x string) {
		s.application(t, "web", "", labelled("front", configMap("a", "x="+x)), labelled("back", configMap("b", "x="+x)), hook)
	}
	version("1")
	whole := application(t, s.MustPlan(t, engine.PlanOptions{}), "web")
	p := s.MustPlan(t, only(t, "", "ConfigMap:"+s.namespace+"/a"))
	// The namespace that it needs comes along, which create_namespace makes.
	if diff := cmp.Diff([]string{"create ConfigMap/a", "create Namespace/" + s.namespace}, ids(p)); diff != "" {
		t.Error(diff)
	}
	app := application(t, p, "web")
	if !app.Partial || app.Digest == whole.Digest || len(app.Warnings) != 1 {
		t.Fatalf("it is not said to be a part: %+v", app)
	}
	for _, part := range []string{"ConfigMap:" + s.namespace + "/a", "create of ConfigMap " + s.namespace + "/b", "its hooks"} {
		if !strings.Contains(app.Warnings[0], part) {
			t.Errorf("the warning does not name %s: %s", part, app.Warnings[0])
		}
	}
	s.applied(t, p)
	record := s.record(t, "web")
	if last := record.History[len(record.History)-1]; !last.Partial || record.LastSources() != nil {
		t.Errorf("the history takes it for the whole: partial %v, sources %v", last.Partial, record.LastSources())
	}
	p = s.MustPlan(t, engine.PlanOptions{})
	if diff := cmp.Diff([]string{"create ConfigMap/b", "run ConfigMap/hook"}, ids(p)); diff != "" {
		t.Error(diff)
	}
	s.applied(t, p)

	version("2")
	if diff := cmp.Diff([]string{"update ConfigMap/b"}, ids(s.MustPlan(t, only(t, "tier=back")))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"update ConfigMap/b"}, ids(s.MustPlan(t, only(t, "", "!*:a")))); diff != "" {
		t.Error(diff)
	}
	// Of what goes, the labels that it has count.
	s.application(t, "web", "", configMap("c", "x=1"))
	p = s.MustPlan(t, only(t, "tier=front"))
	if diff := cmp.Diff([]string{"prune ConfigMap/a"}, ids(p)); diff != "" {
		t.Error(diff)
	}
	s.applied(t, p)
	if owned := s.record(t, "web").Objects; !slices.ContainsFunc(owned, func(o state.Owned) bool { return o.ID.Name == "b" }) {
		t.Errorf("what is left out is forgotten: %+v", owned)
	}
	if diff := cmp.Diff([]string{"create ConfigMap/c", "prune ConfigMap/b"}, ids(s.MustPlan(t, engine.PlanOptions{}))); diff != "" {
		t.Error(diff)
	}

	// Drift may be limited, too.
	for _, name := range []string{"b"} {
		s.edit(t, s.object(name, map[string]any{"x": "drifted"}), "kubectl-edit")
	}
	e := s.Engine()
	config, diags := s.Config(t, e)
	enginetest.Check(t, diags)
	for label, want := range map[string]bool{"tier=back": true, "tier=front": false} {
		found, diags := e.Drift(t.Context(), config, nil, only(t, label).Only)
		enginetest.Check(t, diags)
		if found.Drifted() != want {
			t.Errorf("with %s it drifted: %v", label, found.Drifted())
		}
	}
}

// TestSelectionNeedsWhatIsLeftOut: what is selected and cannot be without what is not is
// blocked, and says what to select.
func TestSelectionNeedsWhatIsLeftOut(t *testing.T) {
	s := newStage(t)
	definition := strings.NewReplacer("GROUP", "selections.example.com", "KIND", "Selection", "PLURAL", "selections", "SINGULAR", "selection").Replace(widgets)
	s.application(t, "web", "", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: "+s.namespace, configMap("a", "x=1"),
		definition, "apiVersion: example.com/v1\nkind: Selection\nmetadata:\n  name: one\nspec: {size: 1}\n")
	_, diags := s.Plan(t, only(t, "", "ConfigMap"))
	wantDiagnostic(t, diags, "Needs what is left out", "--resource 'Namespace:"+s.namespace+"'")
	_, diags = s.Plan(t, only(t, "", "Selection", "Namespace"))
	wantDiagnostic(t, diags, "Needs what is left out", "--resource 'CustomResourceDefinition:selections.example.com'")
	s.MustPlan(t, only(t, "", "Selection", "Namespace", "CustomResourceDefinition"))
	if _, err := s.cluster.Get(t.Context(), crdKind, "", "selections.example.com"); err == nil {
		t.Error("planning has written")
	}
}
