package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kubernetes/clustertest"
)

var (
	claims = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "PersistentVolumeClaim"}, Plural: "persistentvolumeclaims", Namespaced: true}
	jobs   = providers.Resource{GVK: object.GVK{Group: "batch", Version: "v1", Kind: "Job"}, Plural: "jobs", Namespaced: true}
)

// get returns an object that has to be there.
func (s *stage) get(t *testing.T, resource providers.Resource, name string) object.Object {
	t.Helper()
	namespace := ""
	if resource.Namespaced {
		namespace = s.namespace
	}
	o, err := s.cluster.Get(t.Context(), resource, namespace, name)
	if err != nil {
		t.Fatalf("%s %s: %v", resource.GVK.Kind, name, err)
	}
	return o
}

// wantKept fails the test unless the object is the one it was, and stays.
func (s *stage) wantKept(t *testing.T, resource providers.Resource, was object.Object) {
	t.Helper()
	is, err := s.cluster.Get(t.Context(), resource, was.Namespace(), was.Name())
	switch {
	case err != nil:
		t.Errorf("%s: %v", was.ID(), err)
	case is.UID() != was.UID():
		t.Errorf("%s was deleted and made anew", was.ID())
	default:
		if at, _ := is.Get("metadata", "deletionTimestamp"); at != nil {
			t.Errorf("%s is being deleted", was.ID())
		}
	}
}

func (s *stage) wantData(t *testing.T, name, key, want string) {
	t.Helper()
	if have, _ := s.get(t, configMaps, name).Get("data", key); have != want {
		t.Errorf("%s of %s is %v, want %s", key, name, have, want)
	}
}

// removeAfter removes, when the test ends, what a test made outside its namespace.
func (s *stage) removeAfter(t *testing.T, resource providers.Resource, name string) {
	t.Helper()
	t.Cleanup(func() {
		_ = s.cluster.Delete(context.Background(), providers.DeleteRequest{Resource: resource, Name: name})
	})
}

// wantBlocked fails the test unless a change is there, blocked, and says all of text.
func wantBlocked(t *testing.T, c *plan.Change, text ...string) {
	t.Helper()
	if c == nil {
		t.Fatal("the change is not in the plan")
	}
	if c.Action != plan.Blocked || c.Reason == "" {
		t.Fatalf("want %s blocked, it is %s (%s)", c.ID, c.Action, c.Reason)
	}
	for _, part := range text {
		if !strings.Contains(c.Reason, part) {
			t.Errorf("the reason of %s does not name %q: %s", c.ID, part, c.Reason)
		}
	}
}

func wantAction(t *testing.T, c *plan.Change, want plan.Action) {
	t.Helper()
	if c == nil {
		t.Fatalf("want a change with action %s, there is none", want)
	}
	if c.Action != want {
		t.Fatalf("want %s of %s, have %s (%s)", want, c.ID, c.Action, c.Reason)
	}
}

// applicationOf returns an application that has to be in the plan.
func applicationOf(t *testing.T, p *plan.Plan, name string) *plan.Application {
	t.Helper()
	i := slices.IndexFunc(p.Applications, func(a plan.Application) bool { return a.Address == addr.Application(name) })
	if i < 0 {
		t.Fatalf("application.%s is not in the plan", name)
	}
	return &p.Applications[i]
}

func wantApplicationBlocked(t *testing.T, p *plan.Plan, name, because string) {
	t.Helper()
	app := applicationOf(t, p, name)
	if !slices.ContainsFunc(app.Blocked, func(b plan.Problem) bool { return strings.Contains(b.Summary+": "+b.Detail, because) }) {
		t.Errorf("want application.%s blocked because of %s, have %+v", name, because, app.Blocked)
	}
	for _, step := range p.Steps {
		if p.Applications[step.Application].Address == app.Address {
			t.Errorf("there is a step for application.%s: %+v", name, step)
			break
		}
	}
}

// wantAfter fails the test unless the plan writes the first object only once the
// second one was written, as its steps need each other.
func wantAfter(t *testing.T, p *plan.Plan, later, earlier string) {
	t.Helper()
	find := func(id string) int {
		i := slices.IndexFunc(p.Steps, func(step plan.Step) bool {
			return step.Kind == plan.StepWrite && p.Applications[step.Application].Changes[step.Change].ID.String() == id
		})
		if i < 0 {
			t.Fatalf("no step writes %s", id)
		}
		return i
	}
	from, to := find(later), find(earlier)
	reached := map[int]bool{}
	var walk func(int)
	walk = func(i int) {
		if reached[i] {
			return
		}
		reached[i] = true
		for _, need := range p.Steps[i].Needs {
			walk(need)
		}
	}
	walk(from)
	if !reached[to] {
		t.Errorf("%s does not wait for %s", later, earlier)
	}
}

func hookConfigMap(name, annotations string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n" + annotations
}

func namespaceManifest(name string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + name + "\n"
}

func TestHooksNeverTakeForeignObjects(t *testing.T) {
	t.Parallel()
	policies := map[string]string{"by default": "", "succeeded": "    argocd.argoproj.io/hook-delete-policy: HookSucceeded\n"}
	for name, policy := range policies {
		t.Run("there when planned, "+name, func(t *testing.T) {
			s := newStage(t)
			s.application(t, "web", createNamespace, configMap("a", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			s.edit(t, configMaps, s.configMap("victim", map[string]any{"precious": "1"}), "someone")
			before := s.get(t, configMaps, "victim")
			s.application(t, "web", createNamespace, configMap("a", "a=c"), hookConfigMap("victim", policy))
			p, diags := s.Plan(t, engine.PlanOptions{})
			wantError(t, diags, "application.web", "victim")
			wantBlocked(t, s.change(p, "web", "ConfigMap", "victim"))
			_, _ = s.Apply(t.Context(), t, p)
			s.wantKept(t, configMaps, before)
			s.wantData(t, "victim", "precious", "1")
			s.wantData(t, "a", "a", "b")
		})
		t.Run("there after planning, "+name, func(t *testing.T) {
			s := newStage(t)
			s.application(t, "web", createNamespace, configMap("a", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			s.application(t, "web", createNamespace, configMap("a", "a=c"), hookConfigMap("victim", policy))
			p := s.MustPlan(t, engine.PlanOptions{})
			wantAction(t, s.change(p, "web", "ConfigMap", "victim"), plan.Run)
			s.edit(t, configMaps, s.configMap("victim", map[string]any{"precious": "1"}), "someone")
			before := s.get(t, configMaps, "victim")
			_, diags := s.Apply(t.Context(), t, p)
			wantError(t, diags, "application.web", "victim")
			s.wantKept(t, configMaps, before)
			s.wantData(t, "victim", "precious", "1")
			s.wantData(t, "a", "a", "b")
		})
	}
	t.Run("of another application", func(t *testing.T) {
		s := newStage(t)
		s.application(t, "api", createNamespace, configMap("victim", "precious=1"))
		s.MustApply(t, engine.PlanOptions{})
		before := s.get(t, configMaps, "victim")
		s.application(t, "web", "", configMap("a", "a=c"), hookConfigMap("victim", ""))
		p, diags := s.Plan(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("web")}})
		wantError(t, diags, "application.web", "victim")
		_, _ = s.Apply(t.Context(), t, p)
		s.wantKept(t, configMaps, before)
	})
	t.Run("but replace their own", func(t *testing.T) {
		s := newStage(t)
		s.application(t, "web", createNamespace, configMap("a", "a=b"), hookConfigMap("own", ""))
		s.MustApply(t, engine.PlanOptions{})
		before := s.get(t, configMaps, "own")
		s.application(t, "web", createNamespace, configMap("a", "a=c"), hookConfigMap("own", ""))
		s.MustApply(t, engine.PlanOptions{})
		if s.get(t, configMaps, "own").UID() == before.UID() {
			t.Error("the hook was not run again")
		}
		expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	})
}

func TestSavedPrunesSpareWhatMoved(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "base", createNamespace, configMap("a", "a=b"))
	s.application(t, "web", "depends_on = [application.base]", configMap("w", "a=b"), configMap("x", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	before := s.get(t, configMaps, "w")
	s.application(t, "web", "depends_on = [application.base]", configMap("x", "a=b"))
	saved := s.MustPlan(t, engine.PlanOptions{})
	wantAction(t, s.change(saved, "web", "ConfigMap", "w"), plan.Prune)

	s.application(t, "base", createNamespace, configMap("a", "a=b"), configMap("w", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	_, _ = s.Apply(t.Context(), t, saved)
	s.wantKept(t, configMaps, before)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func TestSavedCreationsDoNotRollBack(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("a", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=b"), configMap("w", "v=1"))
	saved := s.MustPlan(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("a", "a=b"), configMap("w", "v=2"))
	s.MustApply(t, engine.PlanOptions{})
	_, diags := s.Apply(t.Context(), t, saved)
	wantError(t, diags, "application.web", "no longer holds")
	s.wantData(t, "w", "v", "2")
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestSavedPlansFinishWhatWasInterrupted breaks an apply at each of its writes and
// applies the same plan once more, with no new plan in between.
func TestSavedPlansFinishWhatWasInterrupted(t *testing.T) {
	t.Parallel()
	for _, answered := range []bool{false, true} {
		for n := range 4 {
			t.Run(fmt.Sprintf("at write %d, done %v", n, answered), func(t *testing.T) {
				s := newStage(t)
				s.application(t, "web", createNamespace, configMap("kept", "a=b"), configMap("old", "a=b"))
				s.MustApply(t, engine.PlanOptions{})
				s.application(t, "web", createNamespace, configMap("kept", "a=c"), configMap("new-1", "a=b"), configMap("new-2", "a=b"))
				saved := s.MustPlan(t, engine.PlanOptions{})
				left := &atomic.Int64{}
				left.Store(int64(n))
				s.Wrap = func(all providers.Clusters) providers.Clusters {
					return failingClusters{Clusters: all, left: left, answered: answered, fail: func() error { return errors.New("cut") }}
				}
				_, diags := s.Apply(t.Context(), t, saved)
				wantError(t, diags, "cut")
				s.Wrap = nil
				_, diags = s.Apply(t.Context(), t, saved)
				enginetest.Check(t, diags)
				s.wantData(t, "kept", "a", "c")
				s.wantData(t, "new-1", "a", "b")
				s.wantData(t, "new-2", "a", "b")
				expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
			})
		}
	}
}

// TestUnrecordedNamespacesAreNeverPruned kills an apply after create_namespace made
// the namespace, and before that could be recorded.
func TestUnrecordedNamespacesAreNeverPruned(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("a", "a=b"))
	left := &atomic.Int64{}
	s.Wrap = func(all providers.Clusters) providers.Clusters {
		return failingClusters{Clusters: all, left: left, answered: true, fail: func() error { return errors.New("cut") }}
	}
	p := s.MustPlan(t, engine.PlanOptions{})
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "cut")
	s.Wrap = nil
	before := s.get(t, namespaceResource, s.namespace)

	p = s.MustApply(t, engine.PlanOptions{Destroy: true})
	wantAction(t, enginetest.Change(p, addr.Application("web"), "Namespace "+s.namespace), plan.Orphan)
	s.wantKept(t, namespaceResource, before)
}

func TestMovesBetweenBlocksOfOneCluster(t *testing.T) {
	t.Parallel()
	for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
		giver, receiver := way[0], way[1]
		t.Run(giver+" to "+receiver, func(t *testing.T) {
			s := newStage(t)
			s.Write(t, map[string]string{"second.gantry.hcl": fmt.Sprintf("cluster \"second\" {\n  kubeconfig = %q\n}\n", clustertest.Shared(t).Kubeconfig)})
			write := func(name string, documents ...string) {
				s.application(t, name, "", documents...)
				block := "local"
				if name == "b" {
					block = "second"
				}
				s.Write(t, map[string]string{name + ".gantry.hcl": fmt.Sprintf(`
					application %q {
					  source {
					    path = "./%s"
					  }
					  destination {
					    cluster   = cluster.%s
					    namespace = %q
					  }
					}`, name, name, block, s.namespace)})
			}
			s.application(t, "base", createNamespace, configMap("base", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			write(giver, configMap("giver", "a=b"), configMap("m", "a=b"))
			write(receiver, configMap("receiver", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
			before := s.get(t, configMaps, "m")
			write(giver, configMap("giver", "a=b"))
			write(receiver, configMap("receiver", "a=b"), configMap("m", "a=b"))
			p := s.MustPlan(t, engine.PlanOptions{})
			wantAction(t, s.change(p, giver, "ConfigMap", "m"), plan.Forget)
			wantAction(t, s.change(p, receiver, "ConfigMap", "m"), plan.Adopt)
			_, diags := s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			s.wantKept(t, configMaps, before)
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

// TestMistypedSecretsAreNotShown has secrets that the server, or the schema, does
// not accept, and looks for their values in everything that comes out.
func TestMistypedSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	const word, number = "hunter2hunter2", "4711474711"
	bodies := map[string]string{
		"data is a list":       "data: [" + word + "]\n",
		"data is a string":     "data: " + word + "\n",
		"data has a list":      "data:\n  pw: [" + word + "]\n",
		"data has an object":   "data:\n  pw: {value: " + word + "}\n",
		"data has a number":    "data:\n  pw: " + number + "\n",
		"data is not base64":   "data:\n  pw: \"" + word + "!\"\n",
		"stringData is a list": "stringData: [" + word + "]\n",
		"stringData a number":  "stringData:\n  pw: " + number + "\n  other: [" + word + "]\n",
		"stringData a float":   "stringData:\n  pw: " + number + ".5\n",
		"stringData an object": "stringData:\n  pw: {" + word + ": " + number + "}\n",
	}
	for name, body := range bodies {
		for _, there := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, asked %v", name, there), func(t *testing.T) {
				s := newStage(t)
				if there {
					s.application(t, "base", createNamespace, configMap("a", "a=b"))
					s.MustApply(t, engine.PlanOptions{})
				}
				s.application(t, "web", createNamespace, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\n"+body)
				var mu sync.Mutex
				var told []engine.Event
				s.Events = func(event engine.Event) {
					mu.Lock()
					defer mu.Unlock()
					told = append(told, event)
				}
				p, diags := s.Plan(t, engine.PlanOptions{})
				said := slices.Clone(diags)
				file := &bytes.Buffer{}
				if p != nil {
					if err := planfile.Write(file, p, planfile.WriteOptions{Recipient: s.Identity.Recipient()}); err != nil {
						t.Error(err)
					}
				}
				if !diags.HasErrors() { // nobody noticed; then the server does
					_, diags = s.Apply(t.Context(), t, p)
					said = append(said, diags...)
				}
				if !said.HasErrors() {
					t.Error("nobody minds the secret")
				}
				records, err := s.Records.List(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var recorded []any
				for _, record := range records {
					recorded = append(recorded, record.Record)
				}
				for what, value := range map[string]any{"plan": p, "events": told, "records": recorded, "diagnostics": texts(said), "plan file": file.String()} {
					text, err := json.Marshal(value)
					if err != nil {
						t.Fatal(err)
					}
					for _, secret := range []string{word, number} {
						if i := strings.Index(string(text), secret); i >= 0 {
							t.Errorf("the value is in the %s: …%s…", what, text[max(0, i-120):min(len(text), i+40)])
						}
					}
				}
			})
		}
	}
}

func texts(diags hcl.Diagnostics) []string {
	out := make([]string, len(diags))
	for i, diag := range diags {
		out[i] = diag.Summary + ": " + diag.Detail
	}
	return out
}

func immutableConfigMap(value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nimmutable: true\nmetadata:\n  name: fixed\ndata:\n  a: \"" + value + "\"\n"
}

const replaceToo = "sync {\n create_namespace = true\n force = true\n}"

func TestReplacementsSurviveABlip(t *testing.T) {
	t.Parallel()
	for _, answered := range []bool{false, true} {
		t.Run(fmt.Sprintf("done %v", answered), func(t *testing.T) {
			s := newStage(t)
			s.application(t, "web", replaceToo, immutableConfigMap("before"))
			s.MustApply(t, engine.PlanOptions{})
			before := s.get(t, configMaps, "fixed")
			s.application(t, "web", replaceToo, immutableConfigMap("after"))
			p := s.MustPlan(t, engine.PlanOptions{})
			wantAction(t, s.change(p, "web", "ConfigMap", "fixed"), plan.Replace)
			left := &atomic.Int64{}
			left.Store(1) // the deletion; making it anew fails, once
			s.Wrap = func(all providers.Clusters) providers.Clusters {
				return failingClusters{Clusters: all, left: left, once: true, answered: answered, fail: func() error {
					return fmt.Errorf("%w: the connection was reset", providers.ErrUnreachable)
				}}
			}
			_, diags := s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			if left.Load() >= 0 {
				t.Fatal("no write failed")
			}
			s.Wrap = nil
			s.wantData(t, "fixed", "a", "after")
			if s.get(t, configMaps, "fixed").UID() == before.UID() {
				t.Error("it was not replaced")
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}

func TestNoUpdateMeansNoReplacement(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	body := replaceToo + "\nlifecycle {\n update = false\n}"
	s.application(t, "web", body, immutableConfigMap("before"))
	s.MustApply(t, engine.PlanOptions{})
	before := s.get(t, configMaps, "fixed")
	s.application(t, "web", body, immutableConfigMap("after"))
	p := s.MustApply(t, engine.PlanOptions{})
	c := s.change(p, "web", "ConfigMap", "fixed")
	wantAction(t, c, plan.Unchanged)
	if len(c.Fields) > 0 || c.Body != nil {
		t.Errorf("an unchanged object has %d fields and body %v", len(c.Fields), c.Body)
	}
	s.wantKept(t, configMaps, before)
	s.wantData(t, "fixed", "a", "before")
}

// TestReceiversAdoptWhatTheGiverLetGo blocks the receiver of an object while its
// giver is applied.
func TestReceiversAdoptWhatTheGiverLetGo(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "a", createNamespace, configMap("a", "a=b"), configMap("m", "a=b"))
	s.application(t, "b", "depends_on = [application.a]", configMap("b", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	before := s.get(t, configMaps, "m")
	s.edit(t, configMaps, s.configMap("c", map[string]any{"x": "1"}), "someone")
	s.application(t, "a", createNamespace, configMap("a", "a=b"))
	s.application(t, "b", "depends_on = [application.a]", configMap("b", "a=b"), configMap("m", "a=b"), configMap("c", "x=2"))
	p, diags := s.Plan(t, engine.PlanOptions{})
	wantError(t, diags, "application.b", "data.x")
	_, _ = s.Apply(t.Context(), t, p)
	s.wantKept(t, configMaps, before)

	s.application(t, "b", "depends_on = [application.a]", configMap("b", "a=b"), configMap("m", "a=b"))
	p = s.MustApply(t, engine.PlanOptions{})
	wantAction(t, s.change(p, "b", "ConfigMap", "m"), plan.Adopt)
	s.wantKept(t, configMaps, before)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func TestGeneratedNames(t *testing.T) {
	t.Parallel()
	job := func(annotations string) string {
		return "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: migrate-\n" + annotations +
			"spec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: main\n        image: registry.example.com/migrate:1\n"
	}
	hook := job("  annotations:\n    argocd.argoproj.io/hook: PreSync\n")
	t.Run("of hooks", func(t *testing.T) {
		s := newStage(t)
		s.application(t, "web", createNamespace, configMap("a", "a=b"), hook)
		file := &bytes.Buffer{}
		if err := planfile.Write(file, s.MustPlan(t, engine.PlanOptions{}), planfile.WriteOptions{Recipient: s.Identity.Recipient()}); err != nil {
			t.Fatal(err)
		}
		saved, err := planfile.Read(file, planfile.ReadOptions{Identity: s.Identity})
		if err != nil {
			t.Fatal(err)
		}
		_, diags := s.Apply(t.Context(), t, saved.Plan)
		enginetest.Check(t, diags)
		made, err := s.cluster.List(t.Context(), jobs, s.namespace, providers.ListOptions{})
		if err != nil || len(made) != 1 || !strings.HasPrefix(made[0].Name(), "migrate-") {
			t.Fatalf("want one job with a generated name, have %v: %v", made, err)
		}
		s.wantData(t, "a", "a", "b")
		expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	})
	t.Run("of others", func(t *testing.T) {
		s := newStage(t)
		s.application(t, "web", createNamespace, configMap("a", "a=b"), job(""))
		_, diags := s.Plan(t, engine.PlanOptions{})
		wantError(t, diags, "application.web", "generateName", "all.yaml")
	})
}

// TestApplicationsWaitForTheirNamespace has an application whose namespace another
// one renders, with no dependency between them, whichever comes first by name.
func TestApplicationsWaitForTheirNamespace(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"z_base", "a_web"}, {"a_base", "z_web"}} {
		maker, user := names[0], names[1]
		t.Run(maker+" for "+user, func(t *testing.T) {
			s := newStage(t)
			s.application(t, maker, "", namespaceManifest(s.namespace))
			s.application(t, user, "", configMap("a", "a=b"))
			p := s.MustPlan(t, engine.PlanOptions{})
			wantAfter(t, p, "ConfigMap "+s.namespace+"/a", "Namespace "+s.namespace)
			_, diags := s.Apply(t.Context(), t, p)
			enginetest.Check(t, diags)
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
		t.Run(maker+" is blocked", func(t *testing.T) {
			s := newStage(t)
			s.application(t, maker, "", namespaceManifest(s.namespace),
				"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bad\n  namespace: "+s.namespace+"-not-there\n")
			s.application(t, user, "", configMap("a", "a=b"))
			p, diags := s.Plan(t, engine.PlanOptions{})
			wantError(t, diags, "application."+user, "application."+maker)
			wantApplicationBlocked(t, p, user, "application."+maker)
		})
	}
}

func TestProtectedApplicationsKeepWhatTheyNeed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "db", createNamespace, configMap("db", "a=b"))
	s.application(t, "web", "depends_on = [application.db]\nlifecycle {\n prevent_destroy = true\n}", configMap("web", "a=b"))
	s.application(t, "free", "", configMap("free", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	db, web := s.get(t, configMaps, "db"), s.get(t, configMaps, "web")
	p, diags := s.Plan(t, engine.PlanOptions{Destroy: true})
	wantError(t, diags, "application.web", "prevent_destroy")
	wantError(t, diags, "application.db", "application.web")
	wantApplicationBlocked(t, p, "db", "application.web")
	_, _ = s.Apply(t.Context(), t, p)
	s.wantKept(t, configMaps, db)
	s.wantKept(t, configMaps, web)
	if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "free"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("what nobody protects is still there: %v", err)
	}
}
