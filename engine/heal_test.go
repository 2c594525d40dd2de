package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

const selfHealing = "sync {\n create_namespace = true\n automated {\n self_heal = true\n }\n}"

func secretWith(password string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\nstringData:\n  password: " + password + "\n"
}

// heal makes the plan that puts drift back.
func (s *stage) heal(t *testing.T, targets ...addr.Address) *engine.Healing {
	t.Helper()
	e := s.Engine()
	config, diags := s.Config(t, e)
	enginetest.Check(t, diags)
	found, diags := e.Heal(t.Context(), config, targets)
	enginetest.Check(t, diags)
	return found
}

// mustHeal puts drift back.
func (s *stage) mustHeal(t *testing.T) *engine.Healing {
	t.Helper()
	found := s.heal(t)
	_, diags := s.Apply(t.Context(), t, found.Plan)
	enginetest.Check(t, diags)
	return found
}

// done lists what a plan does: action and name.
func done(p *plan.Plan) []string {
	var out []string
	for i := range p.Applications {
		for _, c := range p.Applications[i].Changes {
			if c.Action.Changes() {
				out = append(out, fmt.Sprintf("%s %s", c.Action, c.ID.Name))
			}
		}
	}
	slices.Sort(out)
	return out
}

func (s *stage) setData(t *testing.T, resource providers.Resource, kind, name string, data map[string]any) {
	t.Helper()
	s.edit(t, resource, object.Object{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": s.namespace}, "data": data}, "kubectl-edit")
}

// TestSelfHeal: what was changed or deleted is as it was applied last, secrets too, and
// nothing that is newer in the sources is applied. What it puts back is of several
// applies, as each object was written last.
func TestSelfHeal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	bye := hookJob("bye", "PreDelete", "", "")
	s.application(t, "web", selfHealing, configMap("settings", "colour=blue"), configMap("other", "a=1"), configMap("kept", "a=1"), secretWith("first-password"), bye)
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", selfHealing, configMap("settings", "colour=green"), configMap("other", "a=1"), configMap("kept", "a=1"), secretWith("first-password"), bye)
	s.MustApply(t, engine.PlanOptions{})
	if p := s.heal(t).Plan; p.HasChanges() {
		t.Fatalf("there is no drift, and %q would be done", done(p))
	}

	// Someone changes the clusters, and someone else the sources.
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"colour": "red", "more": "theirs"})
	s.setData(t, secrets, "Secret", "login", map[string]any{"password": "c3RvbGVu"})
	s.remove(t, configMaps, "other")
	s.application(t, "web", selfHealing, configMap("settings", "colour=yellow"), configMap("new", "a=1"), configMap("other", "a=2"), secretWith("second-password"), bye)

	found := s.heal(t)
	if len(found.Left) != 0 {
		t.Errorf("left alone: %+v", found.Left)
	}
	if diff := cmp.Diff([]string{"create other", "update login", "update settings"}, done(found.Plan)); diff != "" {
		t.Fatal(diff)
	}
	field := s.change(found.Plan, "web", "ConfigMap", "settings").Fields[0]
	if field.Path != "data.colour" || field.Before != "red" || field.After != "green" || field.Drift == nil || field.Drift.Manager != "kubectl-edit" {
		t.Errorf("settings changes %+v", field)
	}
	again := s.heal(t).Plan
	if a, b := found.Plan.Applications[0].Digest, again.Applications[0].Digest; a != b {
		t.Errorf("the same correction has the digests %s and %s", a, b)
	}
	// It is carried out as any other plan, from a file too.
	_, diags := s.Apply(t.Context(), t, s.saved(t, found.Plan))
	enginetest.Check(t, diags)

	s.wantData(t, "settings", "colour", "green")
	s.wantData(t, "settings", "more", "theirs")
	s.wantData(t, "other", "a", "1")
	s.wantData(t, "kept", "a", "1")
	if have := valueAt(s.get(t, secrets, "login"), "data", "password"); have != "Zmlyc3QtcGFzc3dvcmQ=" {
		t.Errorf("the password is %v", have)
	}
	if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "new"); err == nil {
		t.Error("what is new in the sources was applied")
	}
	entry := s.newest(t)
	if entry.Act == nil || entry.Act.Name != plan.SelfHeal || len(entry.Objects) != 3 || !slices.Equal(entry.Managers, []string{"kubectl-edit"}) || entry.Plan != nil {
		t.Errorf("the history has %+v", entry)
	}
	if hooks := s.record(t).Hooks; len(hooks) != 1 {
		t.Errorf("the hook for when it leaves is no longer kept: %+v", hooks)
	}
	if p := s.heal(t).Plan; p.HasChanges() {
		t.Errorf("after it was put back, %q would be done", done(p))
	}
	if diff := cmp.Diff([]string{"create new", "prune kept", "update login", "update other", "update settings"}, done(s.MustPlan(t, engine.PlanOptions{}))); diff != "" {
		t.Errorf("what the sources have since: %s", diff)
	}
}

// TestSelfHealLeavesAlone: what nobody asked for, what was not applied well, and what is
// not ours any more.
func TestSelfHealLeavesAlone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "base", createNamespace, configMap("plain", "a=1"))
	s.MustApply(t, engine.PlanOptions{})
	ignoring := "depends_on = [application.base]\nignore_differences {\n kind = \"ConfigMap\"\n name = \"ignored\"\n json_pointers = [\"/data/a\"]\n}\n" +
		strings.Replace(selfHealing, "create_namespace = true", "", 1)
	s.application(t, "web", ignoring, configMap("ignored", "a=1"), configMap("anew", "a=1"), served, configMap("settings", "a=1"))
	s.MustApply(t, engine.PlanOptions{})

	s.setData(t, configMaps, "ConfigMap", "plain", map[string]any{"a": "2"})
	s.setData(t, configMaps, "ConfigMap", "ignored", map[string]any{"a": "2"})
	s.remove(t, configMaps, "anew")
	s.setData(t, configMaps, "ConfigMap", "anew", map[string]any{"a": "2"})
	s.edit(t, deployments, object.Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "shop", "namespace": s.namespace}, "spec": map[string]any{"replicas": int64(3)},
	}, "kube-controller-manager")
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "2"})
	// That it is ignored counts as it was applied, too.
	s.application(t, "web", strings.Split(ignoring, "ignore_differences")[0]+strings.Replace(selfHealing, "create_namespace = true", "", 1), configMap("settings", "a=1"))

	found := s.mustHeal(t)
	if diff := cmp.Diff([]string{"update settings"}, done(found.Plan)); diff != "" {
		t.Error(diff)
	}
	var left []string
	for _, l := range found.Left {
		left = append(left, fmt.Sprintf("%s %s %v %s", l.Address, l.Object.Name, l.Unasked, l.Why))
	}
	want := []string{
		"application.base  true it does not heal itself, as it was last applied",
		"application.web shop false spec.replicas was applied, and kube-controller-manager sets it. Leave it out of the sources, or to others by ignore_differences",
		"application.web anew false it was deleted, and someone has made another one of its name",
	}
	slices.Sort(want)
	slices.Sort(left)
	if diff := cmp.Diff(want, left); diff != "" {
		t.Error(diff)
	}
	s.wantData(t, "plain", "a", "2")
	s.wantData(t, "ignored", "a", "2")
	s.wantData(t, "anew", "a", "2")
	s.wantData(t, "settings", "a", "1")

	// It is turned off where the configuration says so, before that is applied.
	s.application(t, "web", "", configMap("settings", "a=1"))
	if found := s.heal(t, addr.Application("web")); found.Plan.HasChanges() || len(found.Left) != 1 || !found.Left[0].Unasked {
		t.Errorf("left %+v", found.Left)
	}
}

// TestSelfHealAfterAFailedApply: an apply that did not succeed is nothing to go back to,
// nor is what was before it, until an apply has succeeded.
func TestSelfHealAfterAFailedApply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hasty := strings.Replace(selfHealing, "create_namespace = true", "create_namespace = true\n health_timeout = \"1s\"", 1)
	s.application(t, "web", hasty, configMap("settings", "a=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", hasty, configMap("settings", "a=2"), unschedulable("shop", ""))
	if _, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{})); !diags.HasErrors() {
		t.Fatal("what never becomes healthy was applied")
	}
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "3"})
	found := s.heal(t)
	if found.Plan.HasChanges() || len(found.Left) != 1 || !strings.Contains(found.Left[0].Why, "its last apply, at ") || !strings.Contains(found.Left[0].Why, "has failed") {
		t.Errorf("%q would be done, left %+v", done(found.Plan), found.Left)
	}
	s.application(t, "web", hasty, configMap("settings", "a=2"))
	s.MustApply(t, engine.PlanOptions{})
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "3"})
	s.mustHeal(t)
	s.wantData(t, "settings", "a", "2")
}

// TestSelfHealTellsOfFights: what is put back again and again is named, with who changes it.
func TestSelfHealTellsOfFights(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", selfHealing, configMap("settings", "a=1"))
	s.MustApply(t, engine.PlanOptions{})
	for i := range 4 {
		s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": fmt.Sprint("theirs", i)})
		warnings := s.mustHeal(t).Plan.Applications[0].Warnings
		if i < 3 && len(warnings) > 0 || i == 3 && (len(warnings) != 1 || !strings.Contains(warnings[0], "put back for the 4th time in an hour: kubectl-edit changes it")) {
			t.Errorf("time %d: warnings %q", i+1, warnings)
		}
	}
	if last := s.record(t).LastApply(); last == nil || last.Revision == "" {
		t.Errorf("the apply is no longer in the history: %+v", last)
	}
}

// TestSelfHealIsTurnedOn: that an application heals itself is applied, as any change is,
// where nothing else changes.
func TestSelfHealIsTurnedOn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "a=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", selfHealing, configMap("settings", "a=1"))
	p := s.MustApply(t, engine.PlanOptions{})
	if warnings := p.Applications[0].Warnings; !p.HasChanges() || len(warnings) != 1 || !strings.Contains(warnings[0], "its drift is put back without approval") {
		t.Errorf("warnings %q", warnings)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "2"})
	s.mustHeal(t)
	s.wantData(t, "settings", "a", "1")
	s.application(t, "web", createNamespace, configMap("settings", "a=1"))
	s.MustApply(t, engine.PlanOptions{})
	if s.record(t).Settings.HealsItself() {
		t.Error("that it no longer heals itself is not recorded")
	}
}

// TestSelfHealTriesAgain: drift that moved on is left for the next time, and a correction that
// failed is tried again.
func TestSelfHealTriesAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", selfHealing, configMap("settings", "a=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "2"})
	p := s.heal(t).Plan
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "3"})
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "data.a of ConfigMap", `was "2" when planned, and is "3" by now`)
	// A correction that failed is no failed apply.
	record := s.record(t)
	record.Finish(state.Entry{Serial: record.Serial + 1, Act: p.Act, Outcome: engine.OutcomeFailed, FinishedAt: time.Now()}, 10)
	_, version, err := s.Records.Get(t.Context(), record.Address)
	if err == nil {
		_, err = s.Records.Put(t.Context(), record, version)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.mustHeal(t)
	s.wantData(t, "settings", "a", "1")
}

// TestSelfHealAfterAnApplyOfAPart: an apply of some objects that succeeds does not make
// what failed before it something to go back to, or away from.
func TestSelfHealAfterAnApplyOfAPart(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	app := func(a, c, spec string) {
		s.application(t, "web", selfHealing, configMap("a", "x="+a), configMap("c", "x="+c), hookJob("post", "PostSync", "", spec))
	}
	app("1", "1", "")
	s.MustApply(t, engine.PlanOptions{})
	app("2", "1", fails)
	_, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "Apply failed", "post")
	app("2", "3", fails)
	only, err := selection.Parse([]string{"ConfigMap:" + s.namespace + "/c"}, "")
	if err != nil {
		t.Fatal(err)
	}
	s.MustApply(t, engine.PlanOptions{Only: only})
	found := s.heal(t)
	if found.Plan.HasChanges() || len(found.Left) != 1 || !strings.Contains(found.Left[0].Why, "has failed. Apply it") {
		t.Errorf("%q would be done, and %+v is left alone", done(found.Plan), found.Left)
	}
	// What only the apply that failed has written is put back to what that wrote, once an
	// apply has come to its end.
	app("2", "3", "")
	s.MustApply(t, engine.PlanOptions{})
	for _, name := range []string{"a", "c"} {
		s.setData(t, configMaps, "ConfigMap", name, map[string]any{"x": "theirs"})
	}
	if found = s.mustHeal(t); len(found.Left) != 0 {
		t.Errorf("left alone: %+v", found.Left)
	}
	s.wantData(t, "a", "x", "2")
	s.wantData(t, "c", "x", "3")
}
