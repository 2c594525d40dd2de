package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

const (
	served = `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: app, image: "registry.example.com/shop:1"}]}
`
	nightly = `apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    metadata: {labels: {app: report}}
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: app, image: "registry.example.com/report:1"}]
`
)

var cronJobs = providers.Resource{GVK: object.GVK{Group: "batch", Version: "v1", Kind: "CronJob"}, Plural: "cronjobs", Namespaced: true}

// act plans an action on an object of application.web.
func (s *stage) act(t *testing.T, kind, name, action string, parameters ...string) (*plan.Plan, hcl.Diagnostics) {
	t.Helper()
	e := s.Engine()
	config, diags := s.Config(t, e)
	enginetest.Check(t, diags)
	options := engine.ActOptions{Application: addr.Application("web"), Object: object.ID{Kind: kind, Name: name}, Action: action, NoWait: action == "create-job"}
	for _, p := range parameters {
		key, value, _ := strings.Cut(p, "=")
		options.Parameters = map[string]string{key: value}
	}
	return e.Act(t.Context(), config, options)
}

// mustAct plans an action and carries it out.
func (s *stage) mustAct(t *testing.T, kind, name, action string, parameters ...string) *plan.Plan {
	t.Helper()
	p, diags := s.act(t, kind, name, action, parameters...)
	enginetest.Check(t, diags)
	_, diags = s.Apply(t.Context(), t, p)
	enginetest.Check(t, diags)
	return p
}

// record is what the state has of the stage's application, web.
func (s *stage) record(t *testing.T) *state.Record {
	t.Helper()
	record, _, err := s.Records.Get(t.Context(), addr.Application("web"))
	if err != nil || record == nil {
		t.Fatalf("record %v, %v", record, err)
	}
	return record
}

// newest is the newest entry of the history of application.web.
func (s *stage) newest(t *testing.T) state.Entry {
	t.Helper()
	history := s.record(t).History
	return history[len(history)-1]
}

func valueAt(o object.Object, path ...string) any {
	value, _ := o.Get(path...)
	return value
}

const restartedAt = "kubectl.kubernetes.io/restartedAt"

// TestActions: what can be done to a Deployment and a CronJob is planned, done and
// recorded, and is neither drift nor undone by the next apply.
func TestActions(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, served, nightly)
	s.MustApply(t, engine.PlanOptions{})

	p := s.mustAct(t, "Deployment", "shop", "restart")
	c := s.change(p, "web", "Deployment.apps", "shop")
	if len(p.Applications) != 1 || c == nil || c.Action != plan.Update || c.Method != plan.MethodPatch || len(c.Fields) != 1 ||
		c.Fields[0].Path != `spec.template.metadata.annotations["`+restartedAt+`"]` || c.Fields[0].Kind != plan.Added || len(p.Applications[0].Warnings) != 0 {
		t.Fatalf("want the annotation added, have %+v with %q", c, p.Applications[0].Warnings)
	}
	if have := s.get(t, deployments, "shop"); valueAt(have, "spec", "template", "metadata", "annotations", restartedAt) != c.Fields[0].After {
		t.Errorf("the template has %v, want %v", valueAt(have, "spec", "template", "metadata"), c.Fields[0].After)
	}
	entry := s.newest(t)
	if entry.Act == nil || entry.Act.String() != "restart Deployment.apps "+s.namespace+"/shop" || entry.By != "test" || entry.Outcome != engine.OutcomeSucceeded ||
		len(entry.Objects) != 1 || entry.Objects[0] != c.ID {
		t.Errorf("the history has %+v", entry)
	}

	s.mustAct(t, "CronJob", "report", "suspend")
	if valueAt(s.get(t, cronJobs, "report"), "spec", "suspend") != true {
		t.Error("the CronJob is not suspended")
	}
	if _, diags := s.act(t, "CronJob", "report", "suspend"); !diags.HasErrors() {
		t.Error("what is suspended can be suspended")
	}
	s.mustAct(t, "CronJob", "report", "resume")

	p = s.mustAct(t, "CronJob", "report", "create-job")
	made := p.Applications[0].Changes[0].ID
	job := s.get(t, jobs, made.Name)
	owners, _ := job.Metadata()["ownerReferences"].([]any)
	if len(owners) != 1 || job.Annotation("cronjob.kubernetes.io/instantiate") != "manual" || job.Labels()["app"] != "report" {
		t.Errorf("the job is %v", job.Metadata())
	}
	if owned := s.record(t).Find(made); owned == nil || !owned.Hook {
		t.Errorf("the record has %+v of the job", owned)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))

	s.mustAct(t, "Deployment", "shop", "pause")
	s.mustAct(t, "Deployment", "shop", "resume")
	if paused, ok := s.get(t, deployments, "shop").Get("spec", "paused"); ok {
		t.Errorf("spec.paused is %v after resume", paused)
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestScale: the number of pods is set by way of the subresource. It is the
// configuration's, which the plan warns of, and drift that names the action afterwards.
func TestScale(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, served)
	s.MustApply(t, engine.PlanOptions{})
	approved := s.MustPlan(t, engine.PlanOptions{})

	p := s.mustAct(t, "deployment", "shop", "scale", "replicas=2")
	if warnings := p.Applications[0].Warnings; len(warnings) != 1 || !strings.Contains(warnings[0], "spec.replicas is set by the configuration") ||
		!strings.Contains(warnings[0], `json_pointers = ["/spec/replicas"]`) {
		t.Errorf("warnings %q", warnings)
	}
	if n := valueAt(s.get(t, deployments, "shop"), "spec", "replicas"); n != int64(2) {
		t.Errorf("%v replicas", n)
	}
	drift := s.change(s.MustPlan(t, engine.PlanOptions{}), "web", "Deployment.apps", "shop")
	if len(drift.Fields) != 1 || drift.Fields[0].Drift == nil || drift.Fields[0].Drift.Manager != plan.ActionManager {
		t.Errorf("want drift by %s, have %+v", plan.ActionManager, drift.Fields)
	}
	if p, diags := s.act(t, "Deployment", "shop", "scale", "replicas=2"); diags.HasErrors() || p.HasChanges() {
		t.Errorf("scaling to what there is: %v, %v", p, diags)
	}

	// What was planned for another number is not done.
	stale, diags := s.act(t, "Deployment", "shop", "scale", "replicas=4")
	enginetest.Check(t, diags)
	s.mustAct(t, "Deployment", "shop", "scale", "replicas=3")
	_, diags = s.Apply(t.Context(), t, stale)
	wantError(t, diags, "spec.replicas of", "was 2 when planned, and is 3 by now")

	// A plan from before the actions holds as far as it is of other things.
	if _, diags := s.Apply(t.Context(), t, approved); diags.HasErrors() {
		t.Errorf("a plan without changes is refused: %s", diags)
	}
}

// TestAPlanOutlivesActions: what was approved is not void because something else was done
// to the application.
func TestAPlanOutlivesActions(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, served, configMap("settings", "colour=blue"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, served, configMap("settings", "colour=green"))
	approved := s.MustPlan(t, engine.PlanOptions{})
	s.mustAct(t, "Deployment", "shop", "restart")
	_, diags := s.Apply(t.Context(), t, approved)
	enginetest.Check(t, diags)
	if valueAt(s.get(t, configMaps, "settings"), "data", "colour") != "green" {
		t.Error("the plan was not carried out")
	}
	// An apply since is another matter.
	s.application(t, "web", createNamespace, served, configMap("settings", "colour=red"))
	approved = s.MustPlan(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, served, configMap("settings", "colour=yellow"))
	s.MustApply(t, engine.PlanOptions{})
	s.mustAct(t, "Deployment", "shop", "restart")
	_, diags = s.Apply(t.Context(), t, approved)
	wantError(t, diags, "it was applied since")
}

func TestActionsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, served, configMap("settings", "colour=blue"))
	s.MustApply(t, engine.PlanOptions{})
	for name, c := range map[string]struct {
		do   []string // kind, name, action, parameters
		want []string
	}{
		"unknown object":     {[]string{"Deployment", "shap", "restart"}, []string{"Object is not the application's", "gantry action --list"}},
		"another kind":       {[]string{"StatefulSet", "shop", "restart"}, []string{"of that name there is Deployment.apps"}},
		"unknown action":     {[]string{"Deployment", "shop", "restrat"}, []string{"Unknown action", `Did you mean "restart"?`}},
		"no actions":         {[]string{"ConfigMap", "settings", "restart"}, []string{"There are no actions on objects of kind ConfigMap."}},
		"no parameter":       {[]string{"Deployment", "shop", "scale"}, []string{"Wrong parameters", `needs the parameter "replicas"`}},
		"wrong parameter":    {[]string{"Deployment", "shop", "scale", "replicas=-1"}, []string{"must be a whole number of at least 0"}},
		"mistyped parameter": {[]string{"Deployment", "shop", "scale", "replica=1"}, []string{`Scale has no parameter "replica"; it has replicas. Did you mean "replicas"?`}},
		"unknown parameter":  {[]string{"Deployment", "shop", "restart", "replicas=1"}, []string{`Restart has no parameters, and was given "replicas".`}},
		"not now":            {[]string{"Deployment", "shop", "resume"}, []string{"Action makes no sense now", "it is not paused"}},
	} {
		_, diags := s.act(t, c.do[0], c.do[1], c.do[2], c.do[3:]...)
		t.Log(name)
		wantError(t, diags, c.want...)
	}
	if err := s.cluster.Delete(t.Context(), providers.DeleteRequest{Resource: deployments, Namespace: s.namespace, Name: "shop"}); err != nil {
		t.Fatal(err)
	}
	_, diags := s.act(t, "Deployment", "shop", "restart")
	wantError(t, diags, "Object is gone")
}

// rolloutKind is a definition like Argo Rollouts', whose status is a subresource.
const rolloutKind = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"rollouts.argoproj.io"},"spec":{
"group":"argoproj.io","scope":"Namespaced","names":{"kind":"Rollout","plural":"rollouts","singular":"rollout","listKind":"RolloutList"},
"versions":[{"name":"v1alpha1","served":true,"storage":true,"subresources":{"status":{}},
"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`

// TestActionsOnTheStatus: what a controller reads from the status is written there.
func TestActionsOnTheStatus(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var kind object.Object
	if err := json.Unmarshal([]byte(rolloutKind), &kind); err != nil {
		t.Fatal(err)
	}
	crds := providers.Resource{GVK: object.GVK{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, Plural: "customresourcedefinitions"}
	s.edit(t, crds, kind, "test")
	rollouts := providers.Resource{GVK: object.GVK{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}, Plural: "rollouts", Namespaced: true}
	for {
		if _, err := s.cluster.List(t.Context(), rollouts, s.namespace, providers.ListOptions{}); err == nil {
			break
		} else if t.Context().Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.application(t, "web", createNamespace, "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: shop, annotations: {argocd.argoproj.io/ignore-healthcheck: \"true\"}}\nspec: {paused: true, strategy: {canary: {steps: [{pause: {}}, {pause: {}}]}}}\n")
	s.MustApply(t, engine.PlanOptions{})
	status := func(o object.Object) {
		t.Helper()
		o["metadata"] = map[string]any{"name": "shop", "namespace": s.namespace}
		if _, err := s.cluster.Apply(t.Context(), providers.ApplyRequest{Resource: rollouts, Object: o, Manager: "controller", Merge: true, Subresource: "status"}); err != nil {
			t.Fatal(err)
		}
	}
	status(object.Object{"status": map[string]any{
		"currentPodHash": "b", "stableRS": "a", "currentStepIndex": int64(0), "pauseConditions": []any{map[string]any{"reason": "CanaryPauseStep"}},
	}})
	p := s.mustAct(t, "Rollout", "shop", "resume")
	var paths []string
	for _, c := range p.Applications[0].Changes {
		for _, f := range c.Fields {
			paths = append(paths, c.Subresource+":"+f.Path)
		}
	}
	if !slices.Equal(paths, []string{":spec.paused", "status:status.pauseConditions"}) {
		t.Errorf("resume changes %q", paths)
	}
	s.mustAct(t, "Rollout", "shop", "skip-current-step")
	s.mustAct(t, "Rollout", "shop", "abort")
	have := s.get(t, rollouts, "shop")
	want := map[string]any{"abort": true, "currentStepIndex": int64(1), "currentPodHash": "b", "stableRS": "a"}
	if fmt.Sprint(have["status"]) != fmt.Sprint(want) || valueAt(have, "spec", "paused") != false {
		t.Errorf("spec %v, status %v", have["spec"], have["status"])
	}
	s.mustAct(t, "Rollout", "shop", "retry")
	s.mustAct(t, "Rollout", "shop", "promote-full")
	if have := s.get(t, rollouts, "shop"); valueAt(have, "status", "abort") != false || valueAt(have, "status", "promoteFull") != true {
		t.Errorf("status %v", have["status"])
	}
	if n := len(s.record(t).History); n != 6 {
		t.Errorf("%d entries in the history, want an apply and five actions", n)
	}
}
