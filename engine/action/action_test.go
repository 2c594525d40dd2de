package action_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/action"
	"github.com/gantrycd/gantry/plan/object"
)

var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// live reads an object from JSON, numbers as in live objects.
func live(t *testing.T, text string) object.Object {
	t.Helper()
	var o object.Object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	var whole func(any) any
	whole = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for key, item := range v {
				v[key] = whole(item)
			}
		case []any:
			for i, item := range v {
				v[i] = whole(item)
			}
		case float64:
			return int64(v)
		}
		return v
	}
	return whole(map[string]any(o)).(map[string]any)
}

// do returns the patches of an action, as "subresource patch", without what identifies the
// object; or why it makes no sense.
func do(t *testing.T, o object.Object, name string, given map[string]string) []string {
	t.Helper()
	a, err := action.Find(o.ID().GroupKind(), name)
	if err != nil {
		t.Fatal(err)
	}
	if why := a.NotNow(o); why != "" {
		return []string{"not now: " + why}
	}
	values, err := a.Values(given)
	if err != nil {
		t.Fatal(err)
	}
	effect, err := a.On(o, values, now, "1a2b3c4d")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range effect.Patches {
		if p.Body.ID() != o.ID() || p.Body.APIVersion() != o.APIVersion() {
			t.Errorf("%s is of %s", name, p.Body.ID())
		}
		body := p.Body.DeepCopy()
		for _, path := range [][]string{{"apiVersion"}, {"kind"}, {"metadata", "name"}, {"metadata", "namespace"}} {
			body.Remove(path...)
		}
		if len(body.Metadata()) == 0 {
			body.Remove("metadata")
		}
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(p.Subresource+" "+string(text)))
	}
	return out
}

func TestPatches(t *testing.T) {
	workload := `"apiVersion":"apps/v1","metadata":{"name":"shop","namespace":"web"}`
	rollout := `"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"shop","namespace":"web"}`
	flux := `"apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","metadata":{"name":"shop","namespace":"web"}`
	restart := `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-05-04T03:02:01Z"}}}}}`
	for _, c := range []struct {
		object, action string
		given          map[string]string
		want           []string
	}{
		{`{` + workload + `,"kind":"Deployment"}`, "restart", nil, []string{restart}},
		{`{` + workload + `,"kind":"StatefulSet"}`, "restart", nil, []string{restart}},
		{`{` + workload + `,"kind":"DaemonSet"}`, "restart", nil, []string{restart}},
		{`{` + workload + `,"kind":"Deployment","spec":{"paused":true}}`, "restart", nil, []string{"not now: the rollout is paused: resume it first"}},
		{`{` + workload + `,"kind":"Deployment"}`, "scale", map[string]string{"replicas": "3"}, []string{`scale {"spec":{"replicas":3}}`}},
		{`{` + workload + `,"kind":"ReplicaSet"}`, "scale", map[string]string{"replicas": "0"}, []string{`scale {"spec":{"replicas":0}}`}},
		{`{` + workload + `,"kind":"Deployment"}`, "pause", nil, []string{`{"spec":{"paused":true}}`}},
		{`{` + workload + `,"kind":"Deployment","spec":{"paused":true}}`, "resume", nil, []string{`{"spec":{"paused":null}}`}},
		{`{` + rollout + `}`, "restart", nil, []string{`{"spec":{"restartAt":"2026-05-04T03:02:01Z"}}`}},
		{`{` + rollout + `,"spec":{"paused":true},"status":{"pauseConditions":[{}]}}`, "resume", nil, []string{`{"spec":{"paused":false}}`, `status {"status":{"pauseConditions":null}}`}},
		{`{` + rollout + `,"status":{"pauseConditions":[{}]}}`, "resume", nil, []string{`status {"status":{"pauseConditions":null}}`}},
		{`{` + rollout + `}`, "resume", nil, []string{"not now: it is not paused"}},
		{`{` + rollout + `,"spec":{"strategy":{"canary":{"steps":[{},{}]}}},"status":{"currentStepIndex":1}}`, "skip-current-step", nil, []string{`status {"status":{"currentStepIndex":2,"pauseConditions":null}}`}},
		{`{` + rollout + `,"spec":{"strategy":{"canary":{"steps":[{},{}]}}},"status":{"currentStepIndex":2}}`, "skip-current-step", nil, []string{"not now: it has no step to leave out"}},
		{`{` + rollout + `,"status":{"currentPodHash":"a","stableRS":"a"}}`, "abort", nil, []string{"not now: everything is promoted"}},
		{`{` + rollout + `,"status":{"currentPodHash":"b","stableRS":"a"}}`, "abort", nil, []string{`status {"status":{"abort":true}}`}},
		{`{` + rollout + `,"status":{"abort":true}}`, "retry", nil, []string{`status {"status":{"abort":false}}`}},
		{`{` + rollout + `,"status":{"currentPodHash":"b","stableRS":"a"}}`, "promote-full", nil, []string{`status {"status":{"promoteFull":true}}`}},
		{`{` + flux + `}`, "reconcile", nil, []string{`{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":"2026-05-04T03:02:01Z"}}}`}},
		{`{` + flux + `}`, "suspend", nil, []string{`{"spec":{"suspend":true}}`}},
		{`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a","namespace":"b"},"status":{"conditions":[{"type":"Complete","status":"True"}]}}`, "suspend", nil, []string{"not now: it has ended"}},
		{`{"apiVersion":"keda.sh/v1alpha1","kind":"ScaledObject","metadata":{"name":"a","namespace":"b"}}`, "paused-replicas", map[string]string{"replicas": "2"}, []string{`{"metadata":{"annotations":{"autoscaling.keda.sh/paused-replicas":"2"}}}`}},
		{`{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","metadata":{"name":"a","namespace":"b"}}`, "refresh", nil, []string{`{"metadata":{"annotations":{"force-sync":"2026-05-04T03:02:01Z"}}}`}},
	} {
		o := live(t, c.object)
		if diff := cmp.Diff(c.want, do(t, o, c.action, c.given)); diff != "" {
			t.Errorf("%s of %s:\n%s", c.action, c.object, diff)
		}
	}
}

// TestTheTable: every action can be told, and every patch of it is one.
func TestTheTable(t *testing.T) {
	for _, a := range action.All() {
		if a.Name == "" || !strings.HasSuffix(a.Doc, ".") || len(a.Kinds) == 0 {
			t.Errorf("%+v is not told", a)
		}
		given := map[string]string{}
		for _, p := range a.Parameters {
			given[p.Name] = "7"
		}
		values, err := a.Values(given)
		if err != nil {
			t.Error(err)
		}
		for _, kind := range a.Kinds {
			name, group, _ := strings.Cut(kind, ".")
			o := object.Object{"apiVersion": group + "/v1", "kind": name, "metadata": map[string]any{"name": "a", "namespace": "b"}}
			found, err := action.Find(o.ID().GroupKind(), a.Name)
			if err != nil || found.Doc != a.Doc {
				t.Errorf("%s of %s is there twice, or not at all: %v", a.Name, kind, err)
			}
			if a.Makes() {
				continue
			}
			effect, err := a.On(o, values, now, "x")
			if err != nil {
				t.Errorf("%s of %s: %v", a.Name, kind, err)
			}
			text, err := json.Marshal(effect.Patches)
			if err != nil || strings.Contains(string(text), "$") {
				t.Errorf("%s of %s has %s, %v", a.Name, kind, text, err)
			}
		}
	}
}

func TestMadeObjects(t *testing.T) {
	cron := live(t, `{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"`+strings.Repeat("n", 60)+`","namespace":"web","uid":"u1"},
		"spec":{"jobTemplate":{"metadata":{"labels":{"a":"b"}},"spec":{"backoffLimit":2}}}}`)
	a, err := action.Find(cron.ID().GroupKind(), "create-job")
	if err != nil {
		t.Fatal(err)
	}
	effect, err := a.On(cron, nil, now, "1a2b3c4d")
	if err != nil {
		t.Fatal(err)
	}
	want := live(t, `{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"`+strings.Repeat("n", 54)+`-1a2b3c4d","namespace":"web","labels":{"a":"b"},
		"annotations":{"cronjob.kubernetes.io/instantiate":"manual"},
		"ownerReferences":[{"apiVersion":"batch/v1","kind":"CronJob","name":"`+cron.Name()+`","uid":"u1","controller":true,"blockOwnerDeletion":true}]},"spec":{"backoffLimit":2}}`)
	if diff := cmp.Diff(want, effect.Makes); diff != "" {
		t.Error(diff)
	}
	if _, err := a.On(object.Object{"kind": "CronJob"}, nil, now, "x"); err == nil {
		t.Error("a CronJob without a template has a job")
	}
	workflow := live(t, `{"apiVersion":"argoproj.io/v1alpha1","kind":"CronWorkflow","metadata":{"name":"etl","namespace":"web","uid":"u2"},
		"spec":{"workflowMetadata":{"labels":{"a":"b"}},"workflowSpec":{"entrypoint":"main"}}}`)
	if a, err = action.Find(workflow.ID().GroupKind(), "create-workflow"); err != nil {
		t.Fatal(err)
	}
	if effect, err = a.On(workflow, nil, now, "x"); err != nil {
		t.Fatal(err)
	}
	if made := effect.Makes; made.Kind() != "Workflow" || made.Name() != "etl-x" || made.Labels()["workflows.argoproj.io/cron-workflow"] != "etl" {
		t.Errorf("the workflow is %v", made)
	}
}

func TestWhatThereIsNot(t *testing.T) {
	deployment := object.GroupKind{Group: "apps", Kind: "Deployment"}
	names := func(kind object.GroupKind) []string {
		var out []string
		for _, a := range action.Of(kind) {
			out = append(out, a.Name)
		}
		return out
	}
	if diff := cmp.Diff([]string{"pause", "restart", "resume", "scale"}, names(deployment)); diff != "" {
		t.Error(diff)
	}
	if got := names(object.GroupKind{Group: "example.com", Kind: "Deployment"}); got != nil {
		t.Errorf("a Deployment of another group has %q", got)
	}
	if !slices.Contains(names(object.GroupKind{Group: "argoproj.io", Kind: "Rollout"}), "promote-full") {
		t.Error("a Rollout cannot be promoted")
	}
	if _, err := action.Find(deployment, "reboot"); err == nil || strings.Contains(err.Error(), "Did you mean") {
		t.Errorf("reboot: %v", err)
	}
	a, err := action.Find(deployment, "scale")
	if err != nil {
		t.Fatal(err)
	}
	for _, given := range []map[string]string{nil, {"replicas": "many"}, {"replicas": "-1"}, {"replicas": "99999999999"}, {"replicas": "1", "replica": "1"}} {
		if values, err := a.Values(given); err == nil {
			t.Errorf("%v comes to %v", given, values)
		}
	}
}
