package options_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

func TestSettings(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", `
		prune_last = false
		prune_propagation_policy = "background"
		health_timeout = "1m"
		automated {
		  self_heal = true
		}
		retry {
		  limit        = 3
		  backoff      = "2s"
		  max_duration = "0s"
		}
		timeout {
		  kinds = ["*"]
		  after = "2m"
		}
		timeout {
		  kinds = ["batch/Job", "StatefulSet"]
		  after = "1h"
		}`, configMap("a", "x=1"))
	want := plan.Settings{
		OnDestroy: "delete", Propagation: "Background", HealthTimeout: time.Minute, HistoryLimit: 10, PruneInWaves: true, Automated: true, SelfHeal: true,
		Retry: &plan.Retry{Limit: 3, Backoff: 2 * time.Second, Factor: 2},
		// The last that matches counts in the configuration, and the first in the plan.
		Timeouts: []plan.KindTimeout{{Kind: "batch/Job", Timeout: time.Hour}, {Kind: "StatefulSet", Timeout: time.Hour}, {Kind: "*", Timeout: 2 * time.Minute}},
	}
	p := s.MustPlan(t, engine.PlanOptions{})
	if diff := cmp.Diff(want, application(t, p, "web").Settings); diff != "" {
		t.Error(diff)
	}
	digest := application(t, p, "web").Digest
	s.application(t, "web", `automated { enabled = false }`, configMap("a", "x=1"))
	off := application(t, s.MustPlan(t, engine.PlanOptions{}), "web")
	if off.Settings.Automated || off.Digest == digest {
		t.Errorf("rules are no part of the digest, or automated is not off: %+v", off.Settings)
	}
}

// TestOnlyOutOfSyncIsSent: ApplyOutOfSyncOnly is always so.
func TestOnlyOutOfSyncIsSent(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", "", configMap("a", "x=1"), configMap("b", "x=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.writes()
	s.application(t, "web", "", configMap("a", "x=1"), configMap("b", "x=2"))
	s.MustApply(t, engine.PlanOptions{})
	if diff := cmp.Diff([]string{"APPLY ConfigMap/b"}, s.writes()); diff != "" {
		t.Error(diff)
	}
}

func TestReplaceOption(t *testing.T) {
	s := newStage(t)
	rule := "}\nignore_differences {\n kind = \"ConfigMap\"\n json_pointers = [\"/data/left\"]\n"
	version := func(value string) {
		s.application(t, "web", rule, with("Replace=true", configMap("a", "x="+value, "left=mine")), configMap("b", "x="+value))
	}
	version("1")
	s.MustApply(t, engine.PlanOptions{})
	if created, _ := s.live(t, configMapKind, "a").Get("data", "left"); created != "mine" {
		t.Errorf("what is left to others is %v where it is created", created)
	}
	for _, name := range []string{"a", "b"} {
		foreign := s.object(name, map[string]any{"theirs": "1", "left": "theirs"})
		foreign.Metadata()["finalizers"] = []any{"example.com/keep"}
		foreign.Metadata()["labels"] = map[string]any{"theirs": "1"}
		s.edit(t, foreign, "someone")
	}
	defer func() {
		for _, name := range []string{"a", "b"} { // or the namespace stays
			s.edit(t, s.object(name, map[string]any{"theirs": "1"}), "someone")
		}
	}()
	s.nothing(t) // that others have added something is no reason to write

	version("2")
	p := s.MustPlan(t, engine.PlanOptions{})
	a, b := s.change(t, p, "ConfigMap", "a", plan.Update), s.change(t, p, "ConfigMap", "b", plan.Update)
	paths := func(c *plan.Change) (out []string) {
		for _, f := range c.Fields {
			out = append(out, fmt.Sprint(f.Kind, " ", f.Path))
			if f.Server || f.Owned {
				t.Errorf("%s of %s is said to be the server's, or to change its owner alone", f.Path, c.ID)
			}
		}
		return out
	}
	if a.Method != plan.MethodPut || b.Method != "" {
		t.Errorf("methods %q and %q", a.Method, b.Method)
	}
	if diff := cmp.Diff([]string{"removed data.theirs", "changed data.x", "removed metadata.labels.theirs"}, paths(a)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"changed data.x"}, paths(b)); diff != "" {
		t.Error(diff)
	}
	s.writes()
	s.applied(t, p)
	if sent := s.writes(); !slices.Contains(sent, "REPLACE ConfigMap/a") || !slices.Contains(sent, "APPLY ConfigMap/b") {
		t.Errorf("sent %v", sent)
	}
	live := s.live(t, configMapKind, "a")
	if diff := cmp.Diff(map[string]any{"x": "2", "left": "theirs"}, live["data"]); diff != "" {
		t.Error(diff)
	}
	if finalizers, _ := live.Get("metadata", "finalizers"); fmt.Sprint(finalizers) != "[example.com/keep]" {
		t.Errorf("finalizers are %v", finalizers)
	}
	s.nothing(t)

	// What was replaced is ours in the way that all else is: drift of it is seen.
	s.edit(t, s.object("a", map[string]any{"x": "drifted"}), "kubectl-edit")
	a = s.change(t, s.MustPlan(t, engine.PlanOptions{}), "ConfigMap", "a", plan.Update)
	if len(a.Fields) != 1 || a.Fields[0].Drift == nil || a.Fields[0].Drift.Manager != "kubectl-edit" {
		t.Errorf("the drift of what was replaced: %+v", a.Fields)
	}
}

// TestReplaceIsHeldToThePlan: what others change between plan and apply, and would go
// unseen, leaves the application out.
func TestReplaceIsHeldToThePlan(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", "replace = true", configMap("a", "x=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", "replace = true", configMap("a", "x=2"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.edit(t, s.object("a", map[string]any{"new": "1"}), "someone")
	_, diags := s.Apply(t.Context(), t, p)
	wantDiagnostic(t, diags, "data.new", "no longer holds")
}

func immutable(value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nimmutable: true\nmetadata:\n  name: fixed\ndata:\n  x: \"" + value + "\"\n"
}

func TestForceOption(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", "", with("Replace=true", immutable("1")))
	s.MustApply(t, engine.PlanOptions{})
	before := s.live(t, configMapKind, "fixed").UID()
	s.application(t, "web", "", with("Replace=true", immutable("2")))
	_, diags := s.Plan(t, engine.PlanOptions{})
	wantDiagnostic(t, diags, "cannot change", "Force=true")
	for _, options := range []string{"Force=true", "Replace=true,Force=true,PrunePropagationPolicy=orphan"} {
		s.application(t, "web", "", with(options, immutable("2"+options)))
		p := s.MustPlan(t, engine.PlanOptions{})
		c := s.change(t, p, "ConfigMap", "fixed", plan.Replace)
		s.writes()
		s.applied(t, p)
		want := "DELETE ConfigMap/fixed Foreground"
		if c.Propagation != "" {
			want = "DELETE ConfigMap/fixed Orphan"
		}
		if diff := cmp.Diff([]string{want, "APPLY ConfigMap/fixed"}, s.writes()); diff != "" {
			t.Error(diff)
		}
		after := s.live(t, configMapKind, "fixed").UID()
		if after == before {
			t.Errorf("%s: it was not made anew", options)
		}
		before = after
		s.nothing(t)
	}
}

const pause = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  replicas: 0
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers: [{name: main, image: "registry.example.com/pause:1"}]
`

func TestPrunePropagationPolicy(t *testing.T) {
	s := newStage(t)
	deployment := func(name, options string) string {
		return with(options, strings.ReplaceAll(pause, "NAME", name))
	}
	s.application(t, "web", "prune_propagation_policy = \"background\"",
		configMap("stays", "x=1"), deployment("plain", "Prune=true"), deployment("orphans", "PrunePropagationPolicy=orphan"), deployment("front", "PrunePropagationPolicy=foreground"))
	s.MustApply(t, engine.PlanOptions{})
	owned := func() (names []string) {
		all, err := s.cluster.List(t.Context(), replicaSets, s.namespace, providers.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			names = append(names, o.Labels()["app"])
		}
		slices.Sort(names)
		return names
	}
	for deadline := time.Now().Add(20 * time.Second); len(owned()) < 3; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there are ReplicaSets of %v", owned())
		}
	}
	s.application(t, "web", "prune_propagation_policy = \"background\"", configMap("stays", "x=1"))
	p := s.MustPlan(t, engine.PlanOptions{})
	for name, want := range map[string]string{"plain": "", "orphans": "Orphan", "front": "Foreground"} {
		c := s.change(t, p, "Deployment.apps", name, plan.Prune)
		if takes := len(c.Takes) > 0; c.Propagation != want || takes != (want != "Orphan") {
			t.Errorf("%s: propagation %q, and it takes %+v", name, c.Propagation, c.Takes)
		}
	}
	s.writes()
	s.applied(t, p)
	sent := s.writes()
	slices.Sort(sent)
	if diff := cmp.Diff([]string{"DELETE Deployment/front Foreground", "DELETE Deployment/orphans Orphan", "DELETE Deployment/plain Background"}, sent); diff != "" {
		t.Error(diff)
	}
	for deadline := time.Now().Add(20 * time.Second); !slices.Equal(owned(), []string{"orphans"}); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("ReplicaSets of %v are left", owned())
		}
	}
}

func TestPruneOption(t *testing.T) {
	s := newStage(t)
	for _, test := range []struct {
		sync, own string
		want      plan.Action
		confirm   bool
	}{
		{"", "Delete=confirm", plan.Prune, false},
		{"", "Prune=confirm", plan.Prune, true},
		{"", "Prune=false", plan.Orphan, false},
		{`prune = "confirm"`, "", plan.Prune, true},
		{`prune = "confirm"`, "Prune=true", plan.Prune, false},
		{`prune = "confirm"`, "Prune=false", plan.Orphan, false},
		{"prune = false", "", plan.Unchanged, false},
		{"prune = false", "Prune=true", plan.Prune, false},
		{"prune = false", "Prune=confirm", plan.Prune, true},
	} {
		document := configMap("goes", "x=1")
		if test.own != "" {
			document = with(test.own, document)
		}
		s.application(t, "web", test.sync, configMap("stays", "x=1"), document)
		s.MustApply(t, engine.PlanOptions{})
		s.application(t, "web", test.sync, configMap("stays", "x=1"))
		c := s.change(t, s.MustPlan(t, engine.PlanOptions{}), "ConfigMap", "goes", test.want)
		if c.Confirm != test.confirm {
			t.Errorf("%s and %s: it needs confirmation: %v", test.sync, test.own, c.Confirm)
		}
	}
}

func TestFailOnSharedResource(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", "", configMap("other", "x=1"))
	s.MustApply(t, engine.PlanOptions{})
	theirs := s.object("shared", map[string]any{"x": "1"})
	theirs.Metadata()["annotations"] = map[string]any{"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:" + s.namespace + "/shared"}
	s.edit(t, theirs, "argocd-controller")

	s.application(t, "web", "", configMap("other", "x=1"), configMap("shared", "x=1"))
	s.change(t, s.MustPlan(t, engine.PlanOptions{}), "ConfigMap", "shared", plan.Adopt)
	s.application(t, "web", "fail_on_shared_resource = true", configMap("other", "x=2"), configMap("shared", "x=1"))
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantDiagnostic(t, diags, "shared", "Argo CD application shop", "fail_on_shared_resource")
	if !application(t, p, "web").IsBlocked() {
		t.Error("the application is not blocked")
	}
	// Who renders the mark says so itself.
	marked := strings.Replace(configMap("shared", "x=1"), "metadata:\n", "metadata:\n  annotations: {argocd.argoproj.io/tracking-id: \"shop:/ConfigMap:"+s.namespace+"/shared\"}\n", 1)
	s.application(t, "web", "fail_on_shared_resource = true", configMap("other", "x=1"), marked)
	s.change(t, s.MustPlan(t, engine.PlanOptions{}), "ConfigMap", "shared", plan.Adopt)
}

func TestValidateOption(t *testing.T) {
	s := newStage(t)
	wrong := configMap("a", "x=1") + "dtaa: {y: \"1\"}\n"
	s.application(t, "web", "", wrong)
	_, diags := s.Plan(t, engine.PlanOptions{})
	wantDiagnostic(t, diags, "dtaa")
	for _, test := range []struct{ sync, document string }{{"validate = false", wrong}, {"", with("Validate=false", wrong)}} {
		s.application(t, "web", test.sync, test.document)
		p := s.MustPlan(t, engine.PlanOptions{})
		app := application(t, p, "web")
		if c := s.find(p, "ConfigMap", "a"); !c.Unvalidated || c.Body["dtaa"] != nil {
			t.Errorf("%+v", c)
		}
		if !slices.ContainsFunc(app.Warnings, func(w string) bool { return strings.Contains(w, "left out are fields") && strings.Contains(w, "dtaa") }) {
			t.Errorf("the plan does not say what it leaves out: %v", app.Warnings)
		}
		s.applied(t, p)
		s.nothing(t)
	}
}

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: GROUP}
spec:
  group: example.com
  names: {kind: KIND, plural: PLURAL, singular: SINGULAR}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
`

func TestSkipDryRunOnMissingResource(t *testing.T) {
	s := newStage(t)
	kind := fmt.Sprintf("Widget%d", time.Now().UnixNano())
	plural := strings.ToLower(kind) + "s"
	custom := "apiVersion: example.com/v1\nkind: " + kind + "\nmetadata:\n  name: one\nspec: {size: 1}\n"
	s.application(t, "web", "", configMap("a", "x=1"), custom)
	_, diags := s.Plan(t, engine.PlanOptions{})
	wantDiagnostic(t, diags, "Unknown kind", "skip_dry_run_on_missing_resource")

	s.application(t, "web", "", configMap("a", "x=1"), with("SkipDryRunOnMissingResource=true", custom))
	p := s.MustPlan(t, engine.PlanOptions{})
	c := s.change(t, p, kind+".example.com", "one", plan.Create)
	if !c.Predicted || c.Plural != "" || c.ID.Namespace != s.namespace {
		t.Errorf("planned as %+v", c)
	}
	// Something else brings the kind: here, when the first object is written.
	made := false
	s.before = func(string) error {
		if made {
			return nil
		}
		made = true
		definition := strings.NewReplacer("GROUP", plural+".example.com", "KIND", kind, "PLURAL", plural, "SINGULAR", strings.ToLower(kind)).Replace(widgets)
		_, err := s.cluster.Apply(t.Context(), providers.ApplyRequest{Resource: crdKind, Object: parse(t, definition), Manager: "operator"})
		return err
	}
	t.Cleanup(func() {
		_ = s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: crdKind, Name: plural + ".example.com"})
	})
	s.applied(t, p)
	served := providers.Resource{GVK: object.GVK{Group: "example.com", Version: "v1", Kind: kind}, Plural: plural, Namespaced: true}
	if size, _ := s.live(t, served, "one").Get("spec", "size"); size != int64(1) {
		t.Errorf("its size is %v", size)
	}
	s.nothing(t)
	if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: crdKind, Name: plural + ".example.com"}); err != nil {
		t.Error(err)
	}
}

func TestAllowEmpty(t *testing.T) {
	s := newStage(t)
	s.application(t, "web", "", configMap("a", "x=1"), configMap("b", "x=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", "", "# nothing")
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantDiagnostic(t, diags, "Nothing would be left", "all 2", "--allow-empty 'application.web'")
	if len(p.Steps) > 0 {
		t.Errorf("there are steps: %+v", p.Steps)
	}
	s.application(t, "web", "automated {\n enabled = false\n allow_empty = true\n}", "# nothing")
	_, diags = s.Plan(t, engine.PlanOptions{})
	wantDiagnostic(t, diags, "Nothing would be left")
	for _, sync := range []string{"allow_empty = true", "automated { allow_empty = true }"} {
		s.application(t, "web", sync, "# nothing")
		s.change(t, s.MustPlan(t, engine.PlanOptions{}), "ConfigMap", "a", plan.Prune)
	}
	s.application(t, "web", "prune = false", "# nothing")
	s.MustPlan(t, engine.PlanOptions{}) // nothing goes
	s.application(t, "web", "", "# nothing")
	allowed := engine.PlanOptions{AllowEmpty: []addr.Address{addr.Application("web")}}
	s.change(t, s.MustPlan(t, allowed), "ConfigMap", "a", plan.Prune)
	s.change(t, s.MustPlan(t, engine.PlanOptions{Destroy: true}), "ConfigMap", "a", plan.Prune)
	s.MustApply(t, allowed)
	s.nothing(t)
}

func TestRespectIgnoreDifferences(t *testing.T) {
	s := newStage(t)
	rule := "}\nignore_differences {\n kind = \"ConfigMap\"\n json_pointers = [\"/data/left\"]\n"
	s.application(t, "web", rule, configMap("a", "x=1", "left=mine"))
	s.MustApply(t, engine.PlanOptions{})
	if created, _ := s.live(t, configMapKind, "a").Get("data", "left"); created != "mine" {
		t.Errorf("it is created with %v", created)
	}
	s.edit(t, s.object("a", map[string]any{"left": "theirs"}), "someone")
	s.nothing(t)
	s.application(t, "web", rule, configMap("a", "x=2", "left=mine"))
	s.MustApply(t, engine.PlanOptions{})
	if diff := cmp.Diff(map[string]any{"x": "2", "left": "theirs"}, s.live(t, configMapKind, "a")["data"]); diff != "" {
		t.Error(diff)
	}
}

func TestManagedNamespaceMetadata(t *testing.T) {
	s := newStage(t)
	metadata := func(labels, annotations string) string {
		return fmt.Sprintf("managed_namespace_metadata {\n labels = {%s}\n annotations = {%s}\n}", labels, annotations)
	}
	// The namespace is there, and has labels of others.
	existing := object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": s.namespace, "labels": map[string]any{"theirs": "1"}}}
	if _, err := s.cluster.Apply(t.Context(), providers.ApplyRequest{Resource: namespaceKind, Object: existing, Manager: "kubectl"}); err != nil {
		t.Fatal(err)
	}
	s.application(t, "web", "", configMap("a", "x=1"))
	if c := s.find(s.MustPlan(t, engine.PlanOptions{}), "Namespace", s.namespace); c != nil {
		t.Errorf("a namespace without metadata is left alone, and there is a %s", c.Action)
	}
	s.application(t, "web", metadata(`"team" = "a"`, `"note" = "x"`), configMap("a", "x=1"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.change(t, p, "Namespace", s.namespace, plan.Adopt)
	s.applied(t, p)
	labels := func(key string) string { return s.live(t, namespaceKind, s.namespace).Labels()[key] }
	if labels("team") != "a" || labels("theirs") != "1" || s.live(t, namespaceKind, s.namespace).Annotation("note") != "x" {
		t.Errorf("the namespace has %v", s.live(t, namespaceKind, s.namespace).Metadata())
	}
	s.nothing(t)

	// A change is a planned one; what it no longer says goes, what others have stays.
	s.application(t, "web", metadata(`"team" = "b"`, ""), configMap("a", "x=1"))
	p = s.MustPlan(t, engine.PlanOptions{})
	c := s.change(t, p, "Namespace", s.namespace, plan.Update)
	var paths []string
	for _, f := range c.Fields {
		paths = append(paths, f.Path)
	}
	if diff := cmp.Diff([]string{"metadata.annotations.note", "metadata.labels.team"}, paths); diff != "" {
		t.Error(diff)
	}
	s.applied(t, p)

	// Of several applications in it, one says what it has; the others are told.
	s.application(t, "also", metadata(`"team" = "c"`, ""), configMap("b", "x=1"))
	p = s.MustPlan(t, engine.PlanOptions{})
	if warnings := application(t, p, "also").Warnings; len(warnings) != 1 || !strings.Contains(warnings[0], "application.web") {
		t.Errorf("it is not said whose the namespace is: %v", warnings)
	}
	s.applied(t, p)
	if labels("team") != "b" {
		t.Errorf("the label is %q", labels("team"))
	}
	// It stays when the application leaves.
	p = s.MustPlan(t, engine.PlanOptions{Destroy: true})
	s.change(t, p, "Namespace", s.namespace, plan.Orphan)

	// One that is rendered is as it is rendered.
	s.application(t, "web", metadata(`"team" = "d"`, ""), configMap("a", "x=1"), "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: "+s.namespace)
	p = s.MustPlan(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("web")}})
	if warnings := application(t, p, "web").Warnings; len(warnings) != 1 || !strings.Contains(warnings[0], "is rendered from web/all.yaml") {
		t.Errorf("it is not said that it is rendered: %v", warnings)
	}
}
