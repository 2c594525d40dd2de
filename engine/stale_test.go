package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

var (
	services = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Service"}, Plural: "services", Namespaced: true}
	pods     = providers.Resource{GVK: object.GVK{Version: "v1", Kind: "Pod"}, Plural: "pods", Namespaced: true}
)

// saved is an application that was applied, and a plan that changes all of it in every
// way; what a case does to the cluster comes between that plan and its apply.
type saved struct {
	*stage
	plan *plan.Plan
}

const movable = `
sync {
  create_namespace           = true
  force                      = true
  respect_ignore_differences = true
}
ignore_differences {
  group         = "apps"
  kind          = "Deployment"
  json_pointers = ["/spec/replicas"]
}
`

func (s *stage) version(t *testing.T, v int) {
	t.Helper()
	documents := []string{
		configMap("settings", fmt.Sprintf("a=%d", v), "keep=x"), immutableConfigMap(fmt.Sprint(v)), configMap("untouched", "a=b"),
		fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata:\n  name: creds\nstringData:\n  key: hunter%d\n", v),
		fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels:\n    tier: v%d\nspec:\n  selector:\n    app: web\n  ports:\n  - name: http\n    port: 80\n    targetPort: %d\n", v, 8080+v),
		fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n      containers:\n      - name: main\n        image: registry.example.com/web:%d\n", v),
	}
	if v == 1 {
		documents = append(documents, configMap("old", "a=b"))
	} else {
		documents = append(documents, configMap("new", "a=b"), configMap("adopted", "a=2"), hookConfigMap("hook", ""))
	}
	s.application(t, "web", movable, documents...)
}

func newSaved(t *testing.T) *saved {
	t.Helper()
	s := newStage(t)
	s.version(t, 1)
	s.MustApply(t, engine.PlanOptions{})
	s.edit(t, configMaps, s.configMap("adopted", map[string]any{"b": "1"}), "someone")
	s.edit(t, deployments, s.fields(deployments, "web", object.Object{"spec": map[string]any{"replicas": 2}}), "autoscaler")
	s.version(t, 2)
	out := &saved{stage: s, plan: s.MustPlan(t, engine.PlanOptions{})}
	for id, want := range map[string]plan.Action{
		"settings": plan.Update, "new": plan.Create, "old": plan.Prune, "adopted": plan.Adopt, "fixed": plan.Replace, "hook": plan.Run, "untouched": plan.Unchanged,
	} {
		wantAction(t, s.change(out.plan, "web", "ConfigMap", id), want)
	}
	return out
}

// fields is an object with some fields, as another manager applies it.
func (s *stage) fields(resource providers.Resource, name string, more object.Object) object.Object {
	o := object.Object{"apiVersion": resource.GVK.APIVersion(), "kind": resource.GVK.Kind, "metadata": map[string]any{}}
	for key, value := range more {
		o[key] = value
	}
	meta, _ := o["metadata"].(map[string]any)
	meta["name"], meta["namespace"] = name, s.namespace
	return o
}

func metadata(key string, value map[string]any) object.Object {
	return object.Object{"metadata": map[string]any{key: value}}
}

func (s *stage) remove(t *testing.T, resource providers.Resource, name string) {
	t.Helper()
	if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: resource, Namespace: s.namespace, Name: name}); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := s.cluster.Get(t.Context(), resource, s.namespace, name); errors.Is(err, providers.ErrNotFound) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// counted counts what is written.
func (s *saved) counted() *atomic.Int64 {
	writes := &atomic.Int64{}
	s.tap(taps{
		apply: func(_ context.Context, _ providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
			writes.Add(1)
			return on()
		},
		delete: func(_ context.Context, _ providers.DeleteRequest, on func() error) error {
			writes.Add(1)
			return on()
		},
	})
	return writes
}

// digestNow plans again and returns the change digest.
func (s *saved) digestNow(t *testing.T) string {
	t.Helper()
	p, _ := s.Plan(t, engine.PlanOptions{})
	for i := range p.Applications {
		if p.Applications[i].Address == addr.Application("web") {
			return p.Applications[i].Digest
		}
	}
	return "it cannot be planned"
}

// movesDigest names what a plan made now would do more, or less, of, and a plan that was
// made before need not.
func movesDigest(name string) bool {
	return name == "drift of an object that stays" || name == "what is pruned is gone already"
}

func container(name, image string) object.Object {
	return object.Object{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
		"containers": []any{map[string]any{"name": name, "image": image}},
	}}}}
}

func TestStalePlansSayWhatMovedAndWho(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		do   func(*testing.T, *saved)
		want []string
	}{
		{"a touched value", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"a": "x"}), "someone")
		}, []string{"data.a of ConfigMap", `was "1" when planned, and is "x" by now`, "written by someone at 20"}},
		{"the owner of a touched value", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"a": "1"}), "someone")
		}, []string{"data.a of ConfigMap", "owned by others by now", "someone"}},
		{"a value of ours beside the touched one", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"keep": "y"}), "someone")
		}, []string{"data.keep", `is "y" by now`, "someone"}},
		{"a value that our own manager took out", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"keep": "x"}), "gantry")
		}, []string{"data.a", `was "1" when planned, and is not there by now`, "gantry"}},
		{"a Secret's value", func(t *testing.T, s *saved) {
			s.edit(t, secrets, s.fields(secrets, "creds", object.Object{"data": map[string]any{"key": "Y29ycmVjdCBob3JzZQ=="}}), "someone")
		}, []string{"data.key of Secret", "‹", "someone"}},
		{"a port", func(t *testing.T, s *saved) {
			s.edit(t, services, s.fields(services, "web", object.Object{"spec": map[string]any{"ports": []any{map[string]any{"port": 80, "protocol": "TCP", "targetPort": 9090}}}}), "kubectl-edit")
		}, []string{"spec.ports[", "targetPort of Service", "9090", "kubectl-edit"}},
		{"a label", func(t *testing.T, s *saved) {
			s.edit(t, services, s.fields(services, "web", metadata("labels", map[string]any{"tier": "x"})), "labeller")
		}, []string{"metadata.labels.tier", `"x"`, "labeller"}},
		{"an image", func(t *testing.T, s *saved) {
			s.edit(t, deployments, s.fields(deployments, "web", container("main", "registry.example.com/web:hotfix")), "hotfixer")
		}, []string{"spec.template.spec.containers[name=main].image", "web:hotfix", "hotfixer"}},
		{"several at once", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"a": "x", "keep": "y"}), "someone")
			s.remove(t, services, "web")
		}, []string{"data.a", "data.keep", "Service", "is gone"}},
		{"an object to update is gone", func(t *testing.T, s *saved) { s.remove(t, configMaps, "settings") }, []string{"settings was to be changed, and is gone"}},
		{"an object to update is another", func(t *testing.T, s *saved) {
			s.remove(t, configMaps, "settings")
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"a": "1"}), "someone")
		}, []string{"settings is another object by now: its uid is", "someone"}},
		{"an object to create is there", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("new", map[string]any{"a": "b"}), "someone")
		}, []string{"new was to be created, and exists by now", "someone"}},
		{"an object to create is another application's", func(t *testing.T, s *saved) {
			s.application(t, "api", "", configMap("new", "a=b"))
			s.MustApply(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("api")}})
		}, []string{"new was to be created, and exists by now", "gantry"}},
		{"an object to prune is another", func(t *testing.T, s *saved) {
			s.remove(t, configMaps, "old")
			s.edit(t, configMaps, s.configMap("old", map[string]any{"precious": "1"}), "someone")
		}, []string{"old is another object by now", "someone"}},
		{"an object to prune is another's", func(t *testing.T, s *saved) {
			id := s.get(t, configMaps, "old").Annotation("gantry.dev/tracking-id")
			other := strings.Replace(id, "application.web", "application.api", 1)
			s.edit(t, configMaps, s.fields(configMaps, "old", metadata("annotations", map[string]any{"gantry.dev/tracking-id": other})), "someone")
		}, []string{"old belongs to application.api by now", "someone"}},
		{"an object to prune is to be kept", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.fields(configMaps, "old", metadata("annotations", map[string]any{"argocd.argoproj.io/sync-options": "Prune=false"})), "keeper")
		}, []string{"old was to be deleted, and its annotations say by now that it is kept", "keeper"}},
		{"an object to replace is gone", func(t *testing.T, s *saved) { s.remove(t, configMaps, "fixed") }, []string{"fixed was to be changed, and is gone"}},
		{"an object to replace is another", func(t *testing.T, s *saved) {
			s.remove(t, configMaps, "fixed")
			s.edit(t, configMaps, s.configMap("fixed", map[string]any{"a": "b"}), "someone")
		}, []string{"fixed is another object by now", "someone"}},
		{"an object to adopt is gone", func(t *testing.T, s *saved) { s.remove(t, configMaps, "adopted") }, []string{"adopted was to be changed, and is gone"}},
		{"an object to adopt has the field by now", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("adopted", map[string]any{"a": "theirs"}), "other")
		}, []string{"data.a of ConfigMap", `"theirs"`, "other"}},
		{"an object is in the way of a hook", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("hook", map[string]any{"a": "b"}), "someone")
		}, []string{"hook exists, and is not what an earlier run of the hook left"}},
		{"the application was applied since", func(t *testing.T, s *saved) {
			s.version(t, 1)
			s.application(t, "web", movable, configMap("settings", "a=1", "keep=x"), configMap("only", "a=b"))
			s.MustApply(t, engine.PlanOptions{})
		}, []string{"it was applied since: its record has serial", "succeeded by test at 20"}},
		{"the application was applied since, to the same", func(t *testing.T, s *saved) { s.MustApply(t, engine.PlanOptions{}) }, []string{"it was applied since"}},
		{"the application was destroyed since", func(t *testing.T, s *saved) { s.MustApply(t, engine.PlanOptions{Destroy: true}) }, []string{"its record is gone from the state"}},
		{"the cluster is another", func(_ *testing.T, s *saved) { s.plan.Clusters[0].UID = "00000000-another" }, []string{"not the cluster that was planned for", "00000000-another"}},
		{"the state is another", func(_ *testing.T, s *saved) { s.plan.Lineage = "another" }, []string{"made from another state"}},
		{"the plan has expired", func(_ *testing.T, s *saved) { s.plan.ExpiresAt = time.Now().Add(-time.Second) }, []string{"It expired at 20", "it was made at 20"}},
		{"the plan was applied", func(t *testing.T, s *saved) {
			if err := s.Records.BeginPlan(t.Context(), state.AppliedPlan{ID: s.plan.ID, CreatedAt: s.plan.CreatedAt, By: "ops@example.com"}); err != nil {
				t.Fatal(err)
			}
			if err := s.Records.EndPlan(t.Context(), s.plan.ID); err != nil {
				t.Fatal(err)
			}
		}, []string{"It was applied at 20", "by ops@example.com", "applied once"}},
	}
	moved := 0
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			s := newSaved(t)
			test.do(t, s)
			// The others are no changes of objects; and a mark of another application alone
			// does not take an object away from the one whose record has it.
			if !strings.HasPrefix(test.name, "the ") && test.name != "an object to prune is another's" {
				if s.digestNow(t) == applicationOf(t, s.plan, "web").Digest {
					t.Error("the change digest has not moved")
				}
				moved++
			}
			writes := s.counted()
			_, diags := s.Apply(t.Context(), t, s.plan)
			wantError(t, diags, test.want...)
			for _, secret := range []string{"hunter", "correct horse", "Y29ycmVjdCBob3JzZQ"} {
				if strings.Contains(strings.Join(texts(diags), "\n"), secret) {
					t.Errorf("a Secret's value is told: %s", texts(diags))
				}
			}
			if n := writes.Load(); n != 0 {
				t.Errorf("%d requests were written", n)
			}
		})
	}
	t.Logf("%d kinds of change between plan and apply, each refused with nothing written; %d of them are of objects, and move the change digest", len(cases), moved)
}

func TestWhatLeavesAPlanFresh(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		do   func(*testing.T, *saved)
	}{
		{"nothing", func(*testing.T, *saved) {}},
		{"another's field", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"other": "x"}), "someone")
		}},
		{"another's label", func(t *testing.T, s *saved) {
			s.edit(t, services, s.fields(services, "web", metadata("labels", map[string]any{"team": "x"})), "labeller")
		}},
		{"a controller's annotation", func(t *testing.T, s *saved) {
			s.edit(t, deployments, s.fields(deployments, "web", metadata("annotations", map[string]any{"example.com/checked": "now"})), "checker")
		}},
		{"a new version of the object, as it was", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("settings", map[string]any{"other": "x"}), "someone")
			s.edit(t, configMaps, s.configMap("settings", map[string]any{}), "someone")
		}},
		{"what another says of itself again", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("adopted", map[string]any{"b": "1"}), "someone-else")
		}},
		{"status that churns", func(t *testing.T, s *saved) {
			before := s.get(t, deployments, "web").ResourceVersion()
			running, err := s.cluster.List(t.Context(), pods, s.namespace, providers.ListOptions{})
			if err != nil || len(running) == 0 {
				t.Fatalf("%d pods, %v", len(running), err)
			}
			for _, pod := range running {
				if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: pods, Namespace: s.namespace, Name: pod.Name()}); err != nil {
					t.Fatal(err)
				}
			}
			for s.get(t, deployments, "web").ResourceVersion() == before {
				time.Sleep(20 * time.Millisecond)
			}
		}},
		{"replicas that an autoscaler has", func(t *testing.T, s *saved) {
			s.edit(t, deployments, s.fields(deployments, "web", object.Object{"spec": map[string]any{"replicas": 3}}), "autoscaler")
		}},
		{"drift of an object that stays", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("untouched", map[string]any{"a": "drifted"}), "someone")
		}},
		{"an object of nobody", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("unrelated", map[string]any{"a": "b"}), "someone")
		}},
		{"another application", func(t *testing.T, s *saved) {
			s.application(t, "api", "", configMap("api", "a=b"))
			s.MustApply(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("api")}})
		}},
		{"another's field of what is pruned", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.configMap("old", map[string]any{"other": "x"}), "someone")
		}},
		{"what is pruned is gone already", func(t *testing.T, s *saved) { s.remove(t, configMaps, "old") }},
		{"another's field of what is replaced", func(t *testing.T, s *saved) {
			s.edit(t, configMaps, s.fields(configMaps, "fixed", metadata("labels", map[string]any{"team": "x"})), "labeller")
		}},
		{"another plan that was not applied", func(t *testing.T, s *saved) { s.MustPlan(t, engine.PlanOptions{}) }},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			s := newSaved(t)
			test.do(t, s)
			if now := s.digestNow(t); !movesDigest(test.name) && now != applicationOf(t, s.plan, "web").Digest {
				t.Error("the change digest has moved")
			}
			writes := s.counted()
			_, diags := s.Apply(t.Context(), t, s.plan)
			if diags.HasErrors() {
				t.Fatalf("refused: %s", texts(diags))
			}
			s.wantData(t, "settings", "a", "2")
			if writes.Load() == 0 {
				t.Error("nothing was written")
			}
			if _, again := s.Apply(t.Context(), t, s.plan); !again.HasErrors() {
				t.Error("the plan was applied twice")
			}
		})
	}
	t.Logf("%d kinds of change between plan and apply, each left alone", len(cases))
}
