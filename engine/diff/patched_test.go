package diff_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// TestPatched: what a merge patch changes is told, the status too, and what of it we have
// applied; what is so already is no change.
func TestPatched(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	have := object.Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "shop", "namespace": "web"},
		"spec": map[string]any{"replicas": int64(1), "paused": true}, "status": map[string]any{"abort": true},
	}
	patch := object.Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "shop", "namespace": "web", "annotations": map[string]any{"example.com/x": "1"}},
		"spec": map[string]any{"replicas": int64(3), "paused": nil, "gone": nil}, "status": map[string]any{"abort": true, "step": int64(2)},
	}
	prior := &state.Owned{Fields: json.RawMessage(`{"f:spec":{"f:replicas":{}}}`)}
	fields, ours := d.Patched(have, patch, prior)
	want := []plan.FieldChange{
		{Path: `metadata.annotations["example.com/x"]`, After: "1", Kind: plan.Added},
		{Path: "spec.paused", Before: true, Kind: plan.Removed},
		{Path: "spec.replicas", Before: int64(1), After: int64(3), Kind: plan.Changed},
		{Path: "status.step", After: int64(2), Kind: plan.Added},
	}
	if text := cmp.Diff(want, fields); text != "" {
		t.Error(text)
	}
	if text := cmp.Diff([]string{"spec.replicas"}, ours); text != "" {
		t.Error(text)
	}
	after := diff.Merge(have, patch)
	if fields, _ := d.Patched(after, patch, nil); len(fields) != 0 {
		t.Errorf("patched twice, %v changes", fields)
	}
	if have["spec"].(map[string]any)["replicas"] != int64(1) {
		t.Error("the object was changed")
	}
}
