package status_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/state"
)

var (
	now     = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	address = addr.Application("web")
)

// world is what a judge sees: live objects by name, what others changed, and errors.
type world struct {
	live    map[string]object.Object
	changed map[string][]plan.FieldChange
	errs    map[string]error
	owned   []object.Object
	running *status.Running
}

func (w *world) judge(t *testing.T, record *state.Record, cluster error) status.Application {
	t.Helper()
	assessor, err := health.NewAssessor(nil)
	if err != nil {
		t.Fatal(err)
	}
	j := &status.Judge{
		Lineage: "l", Now: now, Running: w.running, Health: assessor, Owned: status.Index(w.owned),
		Live: func(o *state.Owned) (object.Object, error) {
			return w.live[o.ID.Name], w.errs[o.ID.Name]
		},
		Drifted: func(live object.Object, _ *state.Owned) ([]plan.FieldChange, error) {
			return w.changed[live.Name()], nil
		},
		Text: func(text string) string { return strings.ReplaceAll(text, "swordfish", "(sensitive)") },
	}
	return j.Application(record, cluster)
}

// recorded is an application that owns config maps and deployments ("deploy-...").
func recorded(outcome string, names ...string) *state.Record {
	out := &state.Record{Address: address, Cluster: state.Cluster{Name: "main"}, History: []state.Entry{{
		FinishedAt: now.Add(-time.Hour), Outcome: outcome, By: "alice@laptop", Sources: []source.Pin{{Resolved: "abc"}}, Serial: 7,
	}}}
	for _, name := range names {
		out.Objects = append(out.Objects, state.Owned{ID: idOf(name), Version: "v1", UID: "uid-" + name, Fields: json.RawMessage("{}")})
	}
	return out
}

func idOf(name string) object.ID {
	if strings.HasPrefix(name, "deploy") {
		return object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: name}
	}
	return object.ID{Kind: "ConfigMap", Namespace: "web", Name: name}
}

// made is a live object; available is of a deployment.
func made(name string, available bool, owner string) object.Object {
	id := idOf(name)
	version := "v1"
	if id.Group != "" {
		version = id.Group + "/v1"
	}
	o := object.Object{"apiVersion": version, "kind": id.Kind, "metadata": map[string]any{
		"name": name, "namespace": id.Namespace, "uid": "uid-" + name, "creationTimestamp": "2026-01-01T11:00:00Z", "generation": int64(1),
	}}
	if owner != "" {
		o.Metadata()["ownerReferences"] = []any{map[string]any{"uid": owner}}
	}
	if id.Kind == "Deployment" {
		o["spec"] = map[string]any{"replicas": int64(1)}
		count := int64(0)
		if available {
			count = 1
		}
		o["status"] = map[string]any{
			"observedGeneration": int64(1), "replicas": int64(1), "updatedReplicas": int64(1), "availableReplicas": count,
			"conditions": []any{map[string]any{"type": "Progressing", "status": "True", "lastTransitionTime": "2026-01-01T11:30:00Z"}},
		}
	}
	return o
}

func TestJudging(t *testing.T) {
	for _, c := range []struct {
		name    string
		record  *state.Record
		world   world
		cluster error
		sync    status.Sync
		why     string
		health  health.Code
		objects status.Objects
	}{
		{
			name: "as applied", record: recorded("succeeded", "a", "deploy"),
			world: world{live: map[string]object.Object{"a": made("a", true, ""), "deploy": made("deploy", true, "")}},
			sync:  status.Synced, health: health.Healthy, objects: status.Objects{Total: 2},
		},
		{
			name: "missing", record: recorded("succeeded", "a", "b"), world: world{live: map[string]object.Object{"a": made("a", true, "")}},
			sync: status.OutOfSync, why: "1 of its objects missing", health: health.Healthy, objects: status.Objects{Total: 2, Missing: 1, Unhealthy: 1},
		},
		{
			name: "nothing is there", record: recorded("succeeded", "a"), world: world{},
			sync: status.OutOfSync, why: "1 of its objects missing", health: health.Missing, objects: status.Objects{Total: 1, Missing: 1, Unhealthy: 1},
		},
		{
			name: "changed", record: recorded("succeeded", "a"),
			world: world{live: map[string]object.Object{"a": made("a", true, "")}, changed: map[string][]plan.FieldChange{"a": {{Path: "data.x", Drift: &plan.Writer{Manager: "kubectl"}}}}},
			sync:  status.OutOfSync, why: "1 changed by others", health: health.Healthy, objects: status.Objects{Total: 1, Changed: 1},
		},
		{
			name: "failed and progressing", record: recorded("failed", "deploy"),
			world: world{live: map[string]object.Object{"deploy": made("deploy", false, "")}},
			sync:  status.OutOfSync, why: "its last apply failed", health: health.Progressing, objects: status.Objects{Total: 1, Unhealthy: 1},
		},
		{
			name: "an unreachable cluster", record: recorded("succeeded", "a"), cluster: errors.New("no route"),
			sync: status.Unknown, why: "no route", health: health.Unknown, objects: status.Objects{Total: 1},
		},
		{
			name: "an object that may not be read", record: recorded("succeeded", "a", "b"),
			world: world{live: map[string]object.Object{"b": made("b", true, "")}, errs: map[string]error{"a": errors.New("forbidden")}},
			sync:  status.Unknown, why: "ConfigMap web/a: forbidden", health: health.Unknown, objects: status.Objects{Total: 2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.world.judge(t, c.record, c.cluster)
			if got.Sync != c.sync || got.Why != c.why || got.Health != c.health {
				t.Errorf("%s (%s), %s", got.Sync, got.Why, got.Health)
			}
			if diff := cmp.Diff(c.objects, got.Objects); diff != "" {
				t.Error(diff)
			}
			if got.Last == nil || got.Last.By != "alice@laptop" || got.Last.Serial != 7 || len(got.Last.Revisions) != 1 {
				t.Errorf("the last apply is %+v", got.Last)
			}
		})
	}
}

// TestReplacedObjects: another object of the name, or of another owner, is told.
func TestReplacedObjects(t *testing.T) {
	other := made("a", true, "")
	other.Metadata()["uid"] = "another"
	w := world{live: map[string]object.Object{"a": other}}
	if got := w.judge(t, recorded("succeeded", "a"), nil); got.Tree[0].Changed != "deleted and made again" {
		t.Errorf("%+v", got.Tree[0])
	}
}

// TestDoing: a journal is the apply's that runs, or was left by one that was cut off.
func TestDoing(t *testing.T) {
	record := recorded("succeeded", "a")
	for i := range 5 {
		record.Journal = append(record.Journal, state.Intent{ID: idOf(fmt.Sprintf("new-%d", i)), Action: plan.Create, At: now.Add(-time.Minute)})
	}
	w := world{live: map[string]object.Object{"a": made("a", true, "")}}
	got := w.judge(t, record, nil)
	if got.Doing == nil || got.Doing.Running || got.Doing.Left != 5 || len(got.Doing.Next) != 3 || got.Why != "an apply was cut off, with 5 changes left" {
		t.Errorf("%+v, %s", got.Doing, got.Why)
	}
	failed := recorded("failed", "a") // it came to its end, and was recorded
	failed.Journal = []state.Intent{{ID: idOf("new"), Action: plan.Create, At: failed.History[0].FinishedAt.Add(-time.Second)}}
	if got = w.judge(t, failed, nil); got.Why != "its last apply failed, with 1 change left" {
		t.Errorf("%+v, %s", got.Doing, got.Why)
	}
	w.running = &status.Running{By: "bob", Since: now.Add(-2 * time.Minute)}
	if got = w.judge(t, record, nil); !got.Doing.Running || got.Why != "it is being applied" {
		t.Errorf("%+v, %s", got.Doing, got.Why)
	}
	w.running.Since = now.Add(-time.Second) // it began after that
	if got = w.judge(t, record, nil); got.Doing.Running {
		t.Errorf("%+v", got.Doing)
	}
}

// TestTree: what objects own is below them, those first that are not healthy, no more
// than some of them, and nothing that an update has left behind; texts are redacted.
func TestTree(t *testing.T) {
	w := world{live: map[string]object.Object{"deploy": made("deploy", true, "")}}
	old := made("old", true, "uid-deploy")
	old["kind"], old["apiVersion"] = "ReplicaSet", "apps/v1"
	old["spec"], old["status"] = map[string]any{"replicas": int64(0)}, map[string]any{"replicas": int64(0)}
	w.owned = append(w.owned, old)
	for i := range 30 {
		pod := made(fmt.Sprintf("pod-%02d", i), true, "uid-deploy")
		pod["kind"], pod["spec"] = "Pod", map[string]any{"restartPolicy": "Always"}
		pod["status"] = map[string]any{"phase": "Running", "conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
		if i == 29 {
			pod["status"] = map[string]any{"phase": "Failed", "message": "the word is swordfish"}
		}
		w.owned = append(w.owned, pod)
	}
	got := w.judge(t, recorded("succeeded", "deploy"), nil).Tree[0]
	if len(got.Owned) != 20 || got.More != 10 {
		t.Fatalf("%d are listed, and %d more", len(got.Owned), got.More)
	}
	first := got.Owned[0]
	if first.Object.Name != "pod-29" || first.Health != health.Degraded || first.Message != "the word is (sensitive)" {
		t.Errorf("first is %+v", first)
	}
	if got.Created.IsZero() || got.Since.IsZero() {
		t.Errorf("no times in %+v", got)
	}
	for _, n := range got.Owned {
		if n.Object.Kind == "ReplicaSet" {
			t.Error("a ReplicaSet of nothing is listed")
		}
	}
}

// TestACircleOfOwnersEnds: objects that own each other cost no more than the depth.
func TestACircleOfOwnersEnds(t *testing.T) {
	a, b := made("a", true, "uid-b"), made("b", true, "uid-a")
	w := world{live: map[string]object.Object{"a": a}, owned: []object.Object{a, b}}
	depth := 0
	for n := &w.judge(t, recorded("succeeded", "a"), nil).Tree[0]; len(n.Owned) > 0; n = &n.Owned[0] {
		depth++
	}
	if depth != 4 {
		t.Errorf("it is %d deep", depth)
	}
}

// TestExplaining: the application has the cause of the object whose message it has.
func TestExplaining(t *testing.T) {
	w := world{live: map[string]object.Object{"deploy-a": made("deploy-a", false, ""), "deploy-b": made("deploy-b", false, "")}}
	got := w.judge(t, recorded("succeeded", "deploy-a", "deploy-b"), nil)
	visited := 0
	got.Unhealthy(func(n *status.Node, live object.Object) {
		visited++
		n.Cause = "cause of " + live.Name()
	})
	got.Explain()
	if visited != 2 || got.Cause != "cause of deploy-a" {
		t.Errorf("%d visited, cause %q", visited, got.Cause)
	}
}

func TestSummary(t *testing.T) {
	s := status.Status{Applications: []status.Application{
		status.Never(addr.Application("z"), "", "main", ""), {Address: address, Sync: status.Synced, Health: health.Healthy},
	}}
	s.Sort()
	if s.Applications[0].Address != address || s.Summary.Applications != 2 || s.Summary.Health[health.Missing] != 1 || s.Summary.Sync[status.Synced] != 1 {
		t.Errorf("%+v", s)
	}
	text, err := json.Marshal(status.Status{})
	if err != nil || !strings.Contains(string(text), `"applications":[]`) {
		t.Errorf("%s (%v)", text, err)
	}
}
