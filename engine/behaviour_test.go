package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

var namespaces atomic.Int64

// stage is a bench with one application, "web", in a namespace of its own.
type stage struct {
	*enginetest.Bench
	namespace string
	cluster   providers.Cluster
	memory    bool // the cluster is none
}

func newStage(t *testing.T) *stage {
	t.Helper()
	kubeconfig := clustertest.Shared(t).Kubeconfig
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name()))
	s := &stage{namespace: fmt.Sprintf("engine-%d-%d-%s", os.Getpid(), namespaces.Add(1), name)}
	s.namespace = strings.TrimRight(s.namespace[:min(len(s.namespace), 60)], "-")
	s.Bench = enginetest.New(t, map[string]string{"cluster.gantry.hcl": fmt.Sprintf("cluster \"local\" {\n  kubeconfig = %q\n}\n", kubeconfig)})
	var err error
	if s.cluster, err = kubernetes.New(kubernetes.Options{}).Connect("local", target.Connection{Kubeconfig: kubeconfig}, target.Credentials{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cluster.Delete(context.Background(), providers.DeleteRequest{Resource: namespaceResource, Name: s.namespace})
	})
	return s
}

var (
	namespaceResource = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Namespace"}, Plural: "namespaces"}
	configMaps        = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "ConfigMap"}, Plural: "configmaps", Namespaced: true}
	secrets           = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Secret"}, Plural: "secrets", Namespaced: true}
)

// application writes the application block: YAML documents in its directory, and
// what else its body has.
func (s *stage) application(t *testing.T, name, body string, documents ...string) {
	t.Helper()
	s.Write(t, map[string]string{
		name + ".gantry.hcl": fmt.Sprintf(`
			application %q {
			  source {
			    path = "./%s"
			  }
			  destination {
			    cluster   = cluster.local
			    namespace = %q
			  }
			  %s
			}`, name, name, s.namespace, body),
		name + "/all.yaml": strings.Join(documents, "\n---\n"),
	})
}

const createNamespace = "sync {\n create_namespace = true\n}"

func configMap(name string, data ...string) string {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n"
	for _, entry := range data {
		key, value, _ := strings.Cut(entry, "=")
		text += "  " + key + ": " + fmt.Sprintf("%q", value) + "\n"
	}
	return text
}

// edit writes fields as another manager would.
func (s *stage) edit(t *testing.T, resource providers.Resource, o object.Object, manager string) {
	t.Helper()
	if _, err := s.cluster.Apply(t.Context(), providers.ApplyRequest{Resource: resource, Object: o, Manager: manager, Force: true}); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) configMap(name string, data map[string]any) object.Object {
	return object.Object{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": name, "namespace": s.namespace}, "data": data,
	}
}

func (s *stage) change(p *plan.Plan, application, kind, name string) *plan.Change {
	return enginetest.Change(p, addr.Application(application), kind+" "+s.namespace+"/"+name)
}

func wantError(t *testing.T, diags hcl.Diagnostics, text ...string) {
	t.Helper()
	for _, diag := range diags {
		whole := diag.Summary + ": " + diag.Detail
		if diag.Severity == hcl.DiagError && !slices.ContainsFunc(text, func(part string) bool { return !strings.Contains(whole, part) }) {
			return
		}
	}
	t.Fatalf("no error with %q among: %s", text, diags)
}

func TestDriftIsNamedAndCorrected(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "colour=blue", "size=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.edit(t, configMaps, s.configMap("settings", map[string]any{"colour": "red"}), "kubectl-edit")

	p := s.MustPlan(t, engine.PlanOptions{})
	change := s.change(p, "web", "ConfigMap", "settings")
	if change == nil || change.Action != plan.Update || len(change.Fields) != 1 {
		t.Fatalf("want an update of one field, have %+v", change)
	}
	field := change.Fields[0]
	if field.Path != "data.colour" || field.Before != "red" || field.After != "blue" {
		t.Errorf("want data.colour from red to blue, have %+v", field)
	}
	if field.Drift == nil || field.Drift.Manager != "kubectl-edit" || field.Drift.At.IsZero() {
		t.Errorf("the drift does not name who and when: %+v", field.Drift)
	}
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func TestDroppedFieldsGo(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "colour=blue", "size=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("settings", "colour=blue"))
	s.MustApply(t, engine.PlanOptions{})
	live, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "settings")
	if err != nil {
		t.Fatal(err)
	}
	if _, there := live.Get("data", "size"); there {
		t.Error("a field that was dropped is still there")
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func TestConflictsFollowThePolicy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy string
		want   string // of data.colour; empty is: the plan is blocked
	}{{"fail", ""}, {"take_over", "blue"}, {"leave", "red"}} {
		t.Run(test.policy, func(t *testing.T) {
			s := newStage(t)
			s.application(t, "web", createNamespace, configMap("other", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"colour": "red"}), "someone")
			s.application(t, "web", fmt.Sprintf("sync {\n create_namespace = true\n conflicts = %q\n}", test.policy),
				configMap("other", "a=b"), configMap("settings", "colour=blue", "size=1"))
			p, diags := s.Plan(t, engine.PlanOptions{})
			if test.want == "" {
				wantError(t, diags, "data.colour", "someone", "take_over")
				return
			}
			enginetest.Check(t, diags)
			_, diags = s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			live, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "settings")
			if err != nil {
				t.Fatal(err)
			}
			if have, _ := live.Get("data", "colour"); have != test.want {
				t.Errorf("data.colour is %v, want %s", have, test.want)
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

func TestOnlyWhatIsOursIsPruned(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("one", "a=b"), configMap("two", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.edit(t, configMaps, s.configMap("foreign", map[string]any{"a": "b"}), "someone")
	// Another object takes the place of one of ours: it is not ours to delete.
	if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: configMaps, Namespace: s.namespace, Name: "two"}); err != nil {
		t.Fatal(err)
	}
	s.edit(t, configMaps, s.configMap("two", map[string]any{"c": "d"}), "someone")
	s.application(t, "web", createNamespace)
	s.Write(t, map[string]string{"web/all.yaml": configMap("three", "a=b")})

	p := s.MustApply(t, engine.PlanOptions{})
	if c := s.change(p, "web", "ConfigMap", "one"); c == nil || c.Action != plan.Prune {
		t.Errorf("want one pruned, have %+v", c)
	}
	if c := s.change(p, "web", "ConfigMap", "two"); c == nil || c.Action != plan.Forget {
		t.Errorf("want two forgotten, have %+v", c)
	}
	for _, name := range []string{"foreign", "two", "three"} {
		if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "one"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("one is still there: %v", err)
	}
}

func TestAnObjectHasOneOwner(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "a=b"))
	s.application(t, "api", createNamespace, configMap("settings", "a=c"))
	s.application(t, "fine", createNamespace, configMap("others", "a=b"))
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "Object in two applications", "application.web", "application.api")
	if len(p.Applications) != 1 || p.Applications[0].Address != addr.Application("fine") {
		t.Errorf("the application that is fine is not planned alone: %d", len(p.Applications))
	}
	s.application(t, "web", createNamespace, configMap("twice", "a=b"), configMap("twice", "a=c"))
	_, diags = s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "Duplicate object", "ConfigMap", "twice")
}

func TestObjectsMoveBetweenApplications(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "a=b"), configMap("stays", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	before, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "settings")
	if err != nil {
		t.Fatal(err)
	}
	s.application(t, "web", createNamespace, configMap("stays", "a=b"))
	s.application(t, "api", createNamespace, configMap("settings", "a=b"))
	p := s.MustApply(t, engine.PlanOptions{})
	if c := s.change(p, "web", "ConfigMap", "settings"); c == nil || c.Action != plan.Forget {
		t.Errorf("want it forgotten by web, have %+v", c)
	}
	if c := s.change(p, "api", "ConfigMap", "settings"); c == nil || c.Action != plan.Adopt {
		t.Errorf("want it adopted by api, have %+v", c)
	}
	after, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "settings")
	if err != nil || after.UID() != before.UID() {
		t.Errorf("it is not the same object any more: %v", err)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

const secretValue = "correct-horse-battery-staple"

func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	secret := func(value string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\nstringData:\n  password: " + value + "\n"
	}
	s.application(t, "web", createNamespace, secret(secretValue))
	p := s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, secret(secretValue+"-2"))
	second := s.MustPlan(t, engine.PlanOptions{})
	change := s.change(second, "web", "Secret", "login")
	if change == nil || len(change.Fields) != 1 || !change.Fields[0].Sensitive || change.Fields[0].Before == change.Fields[0].After {
		t.Errorf("want one sensitive field with two fingerprints, have %+v", change)
	}
	for _, made := range []any{p, second} {
		refuseSecret(t, made)
	}
	_, diags := s.Apply(t.Context(), t, second)
	enginetest.Check(t, diags)
	records, err := s.Records.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		refuseSecret(t, record.Record)
	}
	live, err := s.cluster.Get(t.Context(), secrets, s.namespace, "login")
	if err != nil {
		t.Fatal(err)
	}
	if value, _ := live.Get("data", "password"); value != "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZS0y" {
		t.Error("the cluster does not have the real value")
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func refuseSecret(t *testing.T, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{secretValue, "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZ"} {
		if strings.Contains(string(text), form) {
			t.Errorf("a secret's value is in %T", value)
		}
	}
}

func TestBrokenApplicationsLeaveTheOthersAlone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "a=b"))
	s.application(t, "api", createNamespace, configMap("api", "a=b"))
	s.MustApply(t, engine.PlanOptions{})

	s.Write(t, map[string]string{"api/all.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n"})
	s.application(t, "web", createNamespace, configMap("settings", "a=c"))
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "application.api", "all.yaml")
	if len(p.Applications) != 1 || p.Counts()[plan.Update] != 1 || p.Counts()[plan.Prune] != 0 {
		t.Errorf("want web updated and api left alone, have %v", p.Counts())
	}

	// A block that cannot be evaluated is not a block that vanished.
	s.Write(t, map[string]string{"api.gantry.hcl": "application \"api\" {\n  source {\n    path = local.nothing\n  }\n}\n"})
	p, diags = s.Plan(t, engine.PlanOptions{})
	if !diags.HasErrors() || p == nil {
		t.Fatalf("want a plan and errors, have %v", diags)
	}
	if p.Counts()[plan.Prune] != 0 {
		t.Errorf("an application whose block is broken is treated as gone: %v", p.Counts())
	}
}

func TestStalePlansAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("settings", "a=b"))
	s.application(t, "api", createNamespace, configMap("api", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("settings", "a=c"), configMap("new", "a=b"))
	s.application(t, "api", createNamespace, configMap("api", "a=c"))
	p := s.MustPlan(t, engine.PlanOptions{})

	// A touched field of web changes; one that api does not touch does.
	s.edit(t, configMaps, s.configMap("settings", map[string]any{"a": "x"}), "someone")
	s.edit(t, configMaps, s.configMap("api", map[string]any{"b": "x"}), "someone")
	result, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "application.web", "data.a", "no longer holds")
	outcomes := map[string]string{}
	for _, outcome := range result.Applications {
		outcomes[outcome.Address.String()] = outcome.Outcome
	}
	if outcomes["application.web"] != engine.OutcomeSkipped || outcomes["application.api"] != engine.OutcomeSucceeded {
		t.Errorf("want web left out and api applied, have %v", outcomes)
	}
	if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "new"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("something of a stale application was written: %v", err)
	}
}

func TestDependenciesAreApplied(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "db", createNamespace, configMap("db", "a=b"))
	s.application(t, "web", "depends_on = [application.db]", configMap("web", "a=b"))
	p := s.MustApply(t, engine.PlanOptions{})
	if first := p.Steps[0].Application; p.Applications[first].Address != addr.Application("db") {
		t.Errorf("the first step is of %s", p.Applications[first].Address)
	}
	s.Write(t, map[string]string{"db/all.yaml": "not: an object\n"})
	s.application(t, "web", "depends_on = [application.db]", configMap("web", "a=c"))
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "Dependency cannot be applied", "application.web", "application.db")
	if len(p.Steps) != 0 {
		t.Errorf("there are %d steps for what cannot be applied", len(p.Steps))
	}
}

func TestOfflinePlansAskNobody(t *testing.T) {
	t.Parallel()
	b := enginetest.New(t, map[string]string{
		"main.gantry.hcl": `
			cluster "nowhere" {
			  server = "https://127.0.0.1:1"
			}
			application "web" {
			  source {
			    path = "./web"
			  }
			  destination {
			    cluster   = cluster.nowhere
			    namespace = "web"
			  }
			}`,
		"web/all.yaml": configMap("settings", "a=b"),
	})
	p := b.MustPlan(t, engine.PlanOptions{Offline: true})
	if c := p.Counts(); c[plan.Create] != 1 {
		t.Errorf("want one creation, have %v", c)
	}
	_, diags := b.Apply(t.Context(), t, p)
	wantError(t, diags, "Plan cannot be applied", "offline")

	_, diags = b.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "Unreachable", "nowhere")
}

func TestImagesThatNothingUsesAreWarnedOf(t *testing.T) {
	t.Parallel()
	b := enginetest.New(t, map[string]string{
		"main.gantry.hcl": `
			cluster "nowhere" {
			  server = "https://127.0.0.1:1"
			}
			application "web" {
			  source {
			    path = "./web"
			    kustomize {
			      images = ["web:2", "wbe:2"]
			    }
			  }
			  destination {
			    cluster   = cluster.nowhere
			    namespace = "web"
			  }
			}`,
		"web/kustomization.yaml": "resources: [pod.yaml]\n",
		"web/pod.yaml":           "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - {name: web, image: \"web:1\"}\n",
	})
	p := b.MustPlan(t, engine.PlanOptions{Offline: true})
	if warnings := applicationOf(t, p, "web").Warnings; len(warnings) != 1 || !strings.Contains(warnings[0], `"wbe:2"`) {
		t.Errorf("the warnings are %q", warnings)
	}
}
