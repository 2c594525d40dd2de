package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// TestImport takes over what a selector says: whoever has written it, conflicts do not
// block. What it selects and nobody renders is left alone, and the plan says so.
func TestImport(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.namespaced(t)
	labels := map[string]any{"app": "banner"}
	settings := labelled(s.withLabels("settings", map[string]any{"colour": "red", "by-script": "x"}), labels)
	as(t, "deploy-script").Create(settings)
	as(t, "deploy-script").Create(labelled(s.withLabels("forgotten", map[string]any{"a": "b"}), labels))
	as(t, "deploy-script").Create(s.withLabels("unrelated", map[string]any{"a": "b"}))
	as(t, "operator").Merge(settings, map[string]any{"data": map[string]any{"operated": "yes"}})
	child := labelled(s.withLabels("child", map[string]any{"a": "b"}), labels)
	child.Metadata()["ownerReferences"] = []any{map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "name": "settings", "uid": s.live(t, configMaps, "settings").UID(), "controller": true,
	}}
	as(t, "operator").Create(child)

	s.application(t, "web", "", configMap("settings", "colour=blue"))
	_, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "Fields owned by others", "data.colour", "deploy-script")

	s.imports(t, `selector = "app=banner"`, `managers = ["deploy-script"]`)
	p := s.MustPlan(t, engine.PlanOptions{})
	c := s.change(p, "web", "ConfigMap", "settings")
	if c.Action != plan.Adopt || !slices.Equal(moved(c), []string{"deploy-script Update"}) {
		t.Fatalf("want it adopted from deploy-script, have %+v", c)
	}
	if have, want := removals(c), []string{"data.by-script", "metadata.labels.app"}; !slices.Equal(have, want) {
		t.Errorf("the plan removes %q, want %q", have, want)
	}
	warnings := applicationOf(t, p, "web").Warnings
	if len(warnings) != 1 || !strings.Contains(warnings[0], "left alone") || !strings.HasSuffix(warnings[0], ": ConfigMap "+s.namespace+"/forgotten.") {
		t.Errorf("want a warning of what is not rendered, and of nothing else: %q", warnings)
	}
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	if data, _ := s.live(t, configMaps, "settings").Get("data"); fmt.Sprint(data) != "map[colour:blue operated:yes]" {
		t.Errorf("the imported object has %v", data)
	}
	for _, name := range []string{"forgotten", "unrelated", "child"} {
		if owners := managersOf(s.live(t, configMaps, name)); slices.Contains(owners, "gantry") {
			t.Errorf("%s is written by %q", name, owners)
		}
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestImportWithoutManagers takes fields in conflict over, and leaves those of a manager
// that nobody named.
func TestImportWithoutManagers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.namespaced(t)
	as(t, "deploy-script").Create(labelled(s.withLabels("settings", map[string]any{"colour": "red", "more": "x"}), map[string]any{"app": "banner"}))
	s.application(t, "web", "", configMap("settings", "colour=blue"))
	s.imports(t, `selector = "app in (banner)"`, fmt.Sprintf("namespace = %q", s.namespace))
	p := s.MustApply(t, engine.PlanOptions{})
	c := s.change(p, "web", "ConfigMap", "settings")
	if len(c.Conflicts) != 1 || c.Conflicts[0].Path != "data.colour" || c.Conflicts[0].Before != "red" || c.Conflicts[0].After != "blue" || c.Conflicts[0].At.IsZero() {
		t.Errorf("want the conflict taken over, have %+v", c.Conflicts)
	}
	if data, _ := s.live(t, configMaps, "settings").Get("data"); fmt.Sprint(data) != "map[colour:blue more:x]" {
		t.Errorf("the imported object has %v", data)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestImportOfNothing says that a selector selects nothing.
func TestImportOfNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "colour=blue"))
	s.imports(t, `selector = "app=bannner"`)
	p := s.MustPlan(t, engine.PlanOptions{})
	if warnings := applicationOf(t, p, "web").Warnings; len(warnings) != 1 || !strings.Contains(warnings[0], "selects nothing") {
		t.Errorf("the warnings are %q", warnings)
	}
}

func (s *stage) imports(t *testing.T, arguments ...string) {
	t.Helper()
	s.Write(t, map[string]string{"import.gantry.hcl": "import {\n  to = application.web\n  " + strings.Join(arguments, "\n  ") + "\n}\n"})
}

// withLabels is a ConfigMap with room for labels.
func (s *stage) withLabels(name string, data map[string]any) object.Object {
	o := s.configMap(name, data)
	o.Metadata()["labels"] = map[string]any{}
	return o
}
