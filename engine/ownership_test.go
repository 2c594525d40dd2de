package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// TestDriftIsToldFromIntent: on one object, a field that someone changed, one that the
// sources change, one that both do, and one that is in conflict, each by itself.
func TestDriftIsToldFromIntent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "drifts=1", "changes=1", "both=1"))
	s.MustApply(t, engine.PlanOptions{})
	o := s.configMap("settings", nil)
	as(t, "kubectl-edit").Merge(o, map[string]any{"data": map[string]any{"drifts": "by hand", "both": "by hand"}})
	as(t, "operator").Merge(o, map[string]any{"data": map[string]any{"foreign": "theirs", "same": "x"}})
	s.application(t, "web", "sync {\n create_namespace = true\n conflicts = \"take_over\"\n}",
		configMap("settings", "drifts=1", "changes=2", "both=2", "foreign=ours", "same=x"))
	p := s.MustPlan(t, engine.PlanOptions{})
	c := s.change(p, "web", "ConfigMap", "settings")
	var have []string
	for _, f := range c.Fields {
		text := fmt.Sprintf("%s %s %v %v", f.Path, f.Kind, f.Before, f.After)
		if f.Owned {
			text += " owned"
		}
		if f.Drift != nil {
			text += " by " + f.Drift.Manager
		}
		have = append(have, text)
	}
	want := []string{
		"data.both changed by hand 2 by kubectl-edit",
		"data.changes changed 1 2",
		"data.drifts changed by hand 1 by kubectl-edit",
		"data.foreign changed theirs ours",
		"data.same added <nil> x owned",
	}
	if !slices.Equal(have, want) {
		t.Errorf("have\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	if len(c.Conflicts) != 1 || c.Conflicts[0].Path != "data.foreign" || c.Conflicts[0].Before != "theirs" || c.Conflicts[0].After != "ours" ||
		c.Conflicts[0].Manager != "operator" || c.Conflicts[0].Operation != "Update" || c.Conflicts[0].At.IsZero() {
		t.Errorf("want data.foreign in conflict, have %+v", c.Conflicts)
	}
}

// TestLeaveLeavesOnlyConflicts: of a manager with whom there is a conflict about one
// field, another field that it has too, with our value, becomes ours.
func TestLeaveLeavesOnlyConflicts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.namespaced(t)
	as(t, "operator").Create(s.configMap("settings", map[string]any{"foreign": "theirs", "same": "x"}))
	s.application(t, "web", "sync {\n conflicts = \"leave\"\n}", configMap("settings", "foreign=ours", "same=x", "new=y"))
	s.MustApply(t, engine.PlanOptions{})
	live := s.live(t, configMaps, "settings")
	if data, _ := live.Get("data"); fmt.Sprint(data) != "map[foreign:theirs new:y same:x]" {
		t.Errorf("the object has %v", data)
	}
	if have, want := ownedBy(live, "gantry"), []string{"f:new", "f:same"}; !slices.Equal(have, want) {
		t.Errorf("gantry owns %q of data, want %q", have, want)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestConflictsOfSecretsAreFingerprints: what a Secret has, and would have, is not said.
func TestConflictsOfSecretsAreFingerprints(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.namespaced(t)
	secret := s.object(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\ndata:\n  password: dGhlaXJz\n")
	as(t, "operator").Create(secret)
	s.application(t, "web", "sync {\n conflicts = \"take_over\"\n}", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\nstringData:\n  password: ours\n")
	p := s.MustPlan(t, engine.PlanOptions{})
	conflicts := s.change(p, "web", "Secret", "login").Conflicts
	if len(conflicts) != 1 || !conflicts[0].Sensitive {
		t.Fatalf("want one sensitive conflict, have %+v", conflicts)
	}
	for _, value := range []any{conflicts[0].Before, conflicts[0].After} {
		if text, _ := value.(string); text == "" || strings.Contains(text, "dGhlaXJz") || strings.Contains(text, "b3Vycw") {
			t.Errorf("the conflict says %v", value)
		}
	}
}

// TestIgnoredFieldsAreReleased: each way to name a field that is ignored gives it up at
// apply, one that we owned before too. Its value stays, whoever has it.
func TestIgnoredFieldsAreReleased(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]string{
		"JSON pointer":  `json_pointers = ["/data/theirs"]`,
		"jq":            `jq_path_expressions = [".data | .[\"theirs\"]"]`,
		"field manager": `field_managers = ["operator"]`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.application(t, "web", createNamespace, configMap("settings", "ours=1", "theirs=1"))
			s.MustApply(t, engine.PlanOptions{}) // we own it
			as(t, "operator").Apply(s.configMap("settings", map[string]any{"theirs": "1"}))
			ignoring := createNamespace + "\nignore_differences {\n kind = \"ConfigMap\"\n " + rule + "\n}\n"
			s.application(t, "web", ignoring, configMap("settings", "ours=1", "theirs=1"))
			p := s.MustPlan(t, engine.PlanOptions{})
			c := s.change(p, "web", "ConfigMap", "settings")
			if c.Action != plan.Update || len(c.Fields) != 1 || c.Fields[0].Path != "data.theirs" || c.Fields[0].Kind != plan.Removed || !c.Fields[0].Owned {
				t.Fatalf("want data.theirs let go and nothing else, have %s %+v", c.Action, c.Fields)
			}
			_, diags := s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			live := s.live(t, configMaps, "settings")
			if data, _ := live.Get("data"); fmt.Sprint(data) != "map[ours:1 theirs:1]" {
				t.Errorf("releasing changed the values to %v", data)
			}
			if have := ownedBy(live, "gantry"); !slices.Equal(have, []string{"f:ours"}) {
				t.Errorf("gantry owns %q of data", have)
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))

			as(t, "operator").Apply(s.configMap("settings", map[string]any{"theirs": "2"}))
			s.application(t, "web", ignoring, configMap("settings", "ours=2", "theirs=1"))
			s.MustApply(t, engine.PlanOptions{})
			if data, _ := s.live(t, configMaps, "settings").Get("data"); fmt.Sprint(data) != "map[ours:2 theirs:2]" {
				t.Errorf("an ignored field was written: %v", data)
			}
		})
	}
}

// TestIgnoredFieldsNobodyHasKeepTheirValue: a field that only we own is not taken away by
// ignoring it, and what somebody makes of it later is not undone.
func TestIgnoredFieldsNobodyHasKeepTheirValue(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "ours=1", "tuned=1"))
	s.MustApply(t, engine.PlanOptions{})
	ignoring := createNamespace + "\nignore_differences {\n kind = \"ConfigMap\"\n json_pointers = [\"/data/tuned\"]\n}\n"
	s.application(t, "web", ignoring, configMap("settings", "ours=2", "tuned=5"))
	s.MustApply(t, engine.PlanOptions{})
	if data, _ := s.live(t, configMaps, "settings").Get("data"); fmt.Sprint(data) != "map[ours:2 tuned:1]" {
		t.Errorf("the object has %v", data)
	}
	as(t, "operator").Merge(s.configMap("settings", nil), map[string]any{"data": map[string]any{"tuned": "9"}})
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	s.application(t, "web", ignoring, configMap("settings", "ours=3", "tuned=5"))
	s.MustApply(t, engine.PlanOptions{})
	if data, _ := s.live(t, configMaps, "settings").Get("data"); fmt.Sprint(data) != "map[ours:3 tuned:9]" {
		t.Errorf("the object has %v", data)
	}
}

// ownedBy lists what a manager owns of an object's data, sorted.
func ownedBy(live object.Object, manager string) []string {
	list, _ := live.Metadata()["managedFields"].([]any)
	var out []string
	for _, item := range list {
		e := object.Object(item.(map[string]any))
		if e["manager"] != manager {
			continue
		}
		data, _ := e.Get("fieldsV1", "f:data")
		fields, _ := data.(map[string]any)
		out = append(out, slices.Collect(maps.Keys(fields))...)
	}
	slices.Sort(out)
	return slices.DeleteFunc(out, func(name string) bool { return name == "." })
}
