package engine_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/providers"
)

var (
	sealedSecrets   = providers.Resource{GVK: object.GVK{Group: "bitnami.com", Version: "v1alpha1", Kind: "SealedSecret"}, Plural: "sealedsecrets", Namespaced: true}
	externalSecrets = providers.Resource{GVK: object.GVK{Group: "external-secrets.io", Version: "v1", Kind: "ExternalSecret"}, Plural: "externalsecrets", Namespaced: true}
)

// operators stand in for the controllers of both kinds: they write the status of an object
// once the apply has said that it waits for it.
type operators struct {
	stage *stage

	mu      sync.Mutex
	answers map[string]func(generation int64) map[string]any // by kind; what is not there is not answered
	waited  map[string][]string                              // by kind, what the apply has said that it waits for
	healthy map[string]bool
}

// event hears what an apply says. It is called for one event after the other.
func (o *operators) event(t *testing.T, e engine.Event) {
	if e.Object == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	kind := e.Object.Kind
	if e.Kind == engine.EventHealthy {
		o.healthy[kind] = true
	}
	if e.Kind != engine.EventWaiting {
		return
	}
	o.waited[kind] = append(o.waited[kind], e.Message)
	if answer := o.answers[kind]; answer != nil {
		delete(o.answers, kind)
		o.answer(t, kind, answer)
	}
}

// answer writes a status for the generation that there is.
func (o *operators) answer(t *testing.T, kind string, answer func(int64) map[string]any) {
	resource, name := sealedSecrets, "token"
	if kind == externalSecrets.GVK.Kind {
		resource, name = externalSecrets, "database"
	}
	live, err := o.stage.cluster.Get(context.Background(), resource, o.stage.namespace, name)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	generation, _ := live.Metadata()["generation"].(int64)
	_, err = o.stage.cluster.Apply(context.Background(), providers.ApplyRequest{
		Resource: resource, Manager: "operator", Merge: true, Subresource: "status",
		Object: object.Object{
			"apiVersion": resource.GVK.APIVersion(), "kind": kind,
			"metadata": map[string]any{"name": name, "namespace": o.stage.namespace}, "status": answer(generation),
		},
	})
	if err != nil {
		t.Errorf("status of %s: %v", name, err)
	}
}

// expect has the next apply be answered so.
func (o *operators) expect(sealed, external func(int64) map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers = map[string]func(int64) map[string]any{"SealedSecret": sealed, "ExternalSecret": external}
	o.waited, o.healthy = map[string][]string{}, map[string]bool{}
}

// unsealed and synced are what the controllers write of a generation that was, or was not.
func unsealed(was bool, message string) func(int64) map[string]any {
	return func(generation int64) map[string]any {
		return map[string]any{"observedGeneration": generation, "conditions": []any{conditionOf("Synced", was, message)}}
	}
}

func synced(was bool, message string) func(int64) map[string]any {
	return func(generation int64) map[string]any {
		out := map[string]any{"conditions": []any{conditionOf("Ready", was, message)}}
		if was {
			out["syncedResourceVersion"] = fmt.Sprintf("%d-519a61da", generation)
		}
		return out
	}
}

func conditionOf(kind string, was bool, message string) map[string]any {
	return map[string]any{"type": kind, "status": map[bool]string{true: "True", false: "False"}[was], "message": message}
}

// TestSecretsThatOperatorsMake takes a Sealed Secret and an External Secret through plan and
// apply on a real cluster: they are planned as any object, the apply waits until what it
// wrote was unsealed and synced, and what was not is told, with the controller's words.
func TestSecretsThatOperatorsMake(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var kinds []string
	for _, resource := range []providers.Resource{sealedSecrets, externalSecrets} {
		text, err := os.ReadFile("testdata/secrets/" + resource.Plural + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		s.removeDefinitionAfter(t, resource.Plural+"."+resource.GVK.Group)
		kinds = append(kinds, string(text))
	}
	s.application(t, "operators", createNamespace, kinds...)
	s.MustApply(t, engine.PlanOptions{})

	told := &operators{stage: s}
	s.Events = func(e engine.Event) { told.event(t, e) }
	write := func(sealed, key string) {
		s.application(t, "web", "depends_on = [application.operators]\nsync {\n health_timeout = \"10m\"\n}", fmt.Sprintf(`apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: token}
spec:
  encryptedData: {token: %s}
  template: {metadata: {name: token}, type: Opaque}
`, sealed), fmt.Sprintf(`apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: database}
spec:
  secretStoreRef: {kind: ClusterSecretStore, name: vault}
  target: {name: database}
  data:
  - {secretKey: password, remoteRef: {key: %s, property: password}}
`, key))
	}
	// planned is a plan whose text has all of want: nothing of these kinds is redacted.
	planned := func(action plan.Action, want ...string) *plan.Plan {
		t.Helper()
		p := s.MustPlan(t, engine.PlanOptions{})
		for kind, name := range map[string]string{"SealedSecret.bitnami.com": "token", "ExternalSecret.external-secrets.io": "database"} {
			c := s.change(p, "web", kind, name)
			wantAction(t, c, action)
			if c.Validation != plan.ServerDryRun {
				t.Errorf("%s was not asked of the server: %s", kind, c.Validation)
			}
		}
		var out strings.Builder
		if err := view.Text(&out, p, view.Options{}); err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(out.String(), text) {
				t.Errorf("no %q in\n%s", text, out.String())
			}
		}
		return p
	}
	// stands holds how the application and both objects are.
	stands := func(code health.Code, sealed, external string) {
		t.Helper()
		e := s.Engine()
		config, diags := s.Config(t, e)
		enginetest.Check(t, diags)
		found, diags := e.Status(t.Context(), config, engine.StatusOptions{})
		enginetest.Check(t, diags)
		for i := range found.Applications {
			if app := &found.Applications[i]; app.Address == addr.Application("web") {
				if app.Health != code {
					t.Errorf("the application is %s (%s), want %s", app.Health, app.Message, code)
				}
				for kind, message := range map[string]string{"SealedSecret": sealed, "ExternalSecret": external} {
					if n := nodeOf(app, kind); n == nil || n.Health != code || !n.Known || n.Message != message {
						t.Errorf("%s is %+v, want %s %q", kind, n, code, message)
					}
				}
				return
			}
		}
		t.Error("there is no application.web")
	}

	// The apply ends once both were unsealed and synced, and not before: what they answer
	// they answer because it waits.
	write("AgBwritten1", "apps/one")
	p := planned(plan.Create, "SealedSecret.bitnami.com "+s.namespace+"/token", "token: AgBwritten1", "ExternalSecret.external-secrets.io "+s.namespace+"/database", "key: apps/one")
	told.expect(unsealed(true, ""), synced(true, "secret synced"))
	_, diags := s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	told.wantWaited(t, "has no status yet", true)
	stands(health.Healthy, "", "secret synced")
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))

	// What was unsealed and synced before says nothing of what is written now.
	write("AgBwritten2", "apps/two")
	p = planned(plan.Update, "AgBwritten1", "AgBwritten2", "apps/one", "apps/two")
	told.expect(unsealed(true, ""), synced(true, "secret synced"))
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	told.wantWaited(t, "generation 2 is not observed yet", true)

	// What stays sealed, or is not there, fails with the controller's words.
	write("AgBwritten3", "apps/three")
	p = planned(plan.Update, "AgBwritten3", "apps/three")
	const noKey, noSecret = "no key could decrypt secret (token)", "could not get secret data from provider"
	told.expect(unsealed(false, noKey), synced(false, noSecret))
	_, diags = s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "application.web", "SealedSecret.bitnami.com "+s.namespace+"/token: is not healthy: "+noKey)
	wantError(t, diags, "Apply failed", "application.web", "ExternalSecret.external-secrets.io "+s.namespace+"/database: is not healthy: "+noSecret)
	told.wantWaited(t, "generation 3 is not observed yet", false)
	stands(health.Degraded, noKey, noSecret)

	// The controller gets its key; the same sources, planned again, are waited for.
	told.answer(t, "SealedSecret", unsealed(true, ""))
	told.answer(t, "ExternalSecret", synced(true, "secret synced"))
	told.expect(nil, nil)
	s.MustApply(t, engine.PlanOptions{})
	stands(health.Healthy, "", "secret synced")
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// wantWaited holds what an apply has said of both kinds.
func (o *operators) wantWaited(t *testing.T, message string, healthy bool) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, kind := range []string{"SealedSecret", "ExternalSecret"} {
		if waited := o.waited[kind]; len(waited) == 0 || waited[0] != message {
			t.Errorf("%s: the apply waited for %q, want %q first", kind, waited, message)
		}
		if o.healthy[kind] != healthy {
			t.Errorf("%s: told as healthy: %v, want %v", kind, o.healthy[kind], healthy)
		}
	}
}

func nodeOf(app *status.Application, kind string) *status.Node {
	for i := range app.Tree {
		if app.Tree[i].Object.Kind == kind {
			return &app.Tree[i]
		}
	}
	return nil
}
