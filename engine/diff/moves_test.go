package diff_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
)

// autoscaled is what kubectl has made as autoscaling/v1 and labelled as v2.
const autoscaled = `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web, namespace: web, uid: u, resourceVersion: "1", labels: {by: hand}, managedFields: [
  {manager: kubectl, operation: Update, apiVersion: autoscaling/v1, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:maxReplicas": {}, "f:targetCPUUtilizationPercentage": {}}}},
  {manager: kubectl, operation: Update, apiVersion: autoscaling/v2, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:labels": {"f:by": {}}}}}]},
  spec: {maxReplicas: 3}}`

// TestMovesStayInTheirVersion: the field paths of another version never become ours
// under the name of the one that we write, and the change says what stays.
func TestMovesStayInTheirVersion(t *testing.T) {
	d, live := diff.New(manager, fingerprinter(t)), parse(t, autoscaled)
	list, warnings := d.Moves(live, nil, nil, "autoscaling/v2")
	if want := []plan.ManagerMove{{Manager: "kubectl", Operation: "Update"}}; len(list) != 1 || list[0].Manager != want[0].Manager || list[0].Operation != want[0].Operation {
		t.Fatalf("have %+v, want %+v", list, want)
	}
	if len(warnings) != 1 || warnings[0] != "what kubectl owns was written as autoscaling/v1 and is not moved: a field of it that is dropped later stays" {
		t.Errorf("the warnings are %q", warnings)
	}
	text, err := d.MovePatch(live, list, "autoscaling/v2", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var patch []struct{ Value any }
	if err := json.Unmarshal(text, &patch); err != nil {
		t.Fatal(err)
	}
	entries, _ := patch[0].Value.([]any)
	if len(entries) != 2 {
		t.Fatalf("want what stays and what is ours, have %v", entries)
	}
	for _, item := range entries {
		entry := item.(map[string]any)
		fields := compact(entry["fieldsV1"])
		switch old := entry["apiVersion"] == "autoscaling/v1"; {
		case old && (entry["manager"] != "kubectl" || !strings.Contains(fields, "f:targetCPUUtilizationPercentage")):
			t.Errorf("what was written in the old version is %v", entry)
		case !old && (entry["manager"] != manager || fields != `{"f:metadata":{"f:labels":{"f:by":{}}}}`):
			t.Errorf("what is ours is %v", entry)
		}
	}
	after := parse(t, `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web, namespace: web}, spec: {maxReplicas: 4}}`)
	if told := d.MovedFields(live, after, list, nil); !slices.Equal(told[0].Fields, []string{"metadata.labels.by"}) {
		t.Errorf("the moves take %+v with them", told)
	}
	if list, warnings = d.Moves(live, nil, nil, "autoscaling/v1"); len(list) != 1 || len(warnings) != 1 || !strings.Contains(warnings[0], "written as autoscaling/v2") {
		t.Errorf("the other way round: %+v, %q", list, warnings)
	}
}

// TestMovesLeaveIgnoredManagers: a manager that a rule names keeps what it has, of the
// objects that the rule is about.
func TestMovesLeaveIgnoredManagers(t *testing.T) {
	d, live := diff.New(manager, fingerprinter(t)), parse(t, autoscaled)
	for kind, want := range map[string]int{"HorizontalPodAutoscaler": 0, "Deployment": 1} {
		rule, err := diff.CompileIgnore(lang.IgnoreDifference{Group: "*", Kind: kind, FieldManagers: []string{"kubectl"}})
		if err != nil {
			t.Fatal(err)
		}
		if list, warnings := d.Moves(live, nil, []*diff.Ignore{rule}, "autoscaling/v2"); len(list) != want || len(warnings) != want {
			t.Errorf("a rule about %s: %+v, %q", kind, list, warnings)
		}
	}
}
