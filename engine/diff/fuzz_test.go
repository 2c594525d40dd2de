package diff_test

import (
	"encoding/json"
	"testing"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// FuzzManagedFields reads FieldsV1 that a server, or a state file, could hold.
func FuzzManagedFields(f *testing.F) {
	f.Add([]byte(`{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:image":{}}}}}}}`))
	f.Add([]byte(`{"f:spec":{"v:1":{},"i:0":{},"i:-1":{},"k:{}":{},"k:[":{},"x":{},".":null}}`))
	f.Add([]byte(`{"f:metadata":{"f:finalizers":{"v:\"a\"":{}}},"f:status":[]}`))
	d := diff.New(manager, fingerprinter(f))
	kind, _ := schemas().Type(apps)
	desired := object.Object(parse(f, benchDeployment))
	f.Fuzz(func(t *testing.T, text []byte) {
		var fields any
		if json.Unmarshal(text, &fields) != nil {
			return
		}
		live := desired.DeepCopy()
		live.Metadata()["managedFields"] = []any{
			map[string]any{"manager": manager, "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-01-02T03:04:05Z", "fieldsV1": fields},
			map[string]any{"manager": "other", "operation": "Update", "apiVersion": "apps/v1", "time": "soon", "fieldsV1": fields},
		}
		owned := d.Owned(live, "v1")
		if _, isMap := fields.(map[string]any); isMap && !json.Valid(owned) {
			t.Fatalf("Owned is no JSON: %s", owned)
		}
		prior := &state.Owned{Fields: text, Desired: d.Digest(desired), Values: d.Values(live, text)}
		d.Same(diff.Input{Desired: desired, Live: live, Prior: prior, Type: func() *diff.Type { return kind }})
		d.Fields(diff.Changes{Before: live, After: desired, Desired: desired, Prior: prior, Type: kind})
	})
}

// FuzzAddSchema reads documents that a server could send.
func FuzzAddSchema(f *testing.F) {
	f.Add([]byte(`{"components":{"schemas":{"q":{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},` +
		`"b":{"allOf":[{"$ref":"#/components/schemas/q"}],"default":{}}},"x-kubernetes-group-version-kind":[{"group":"policy","version":"v1","kind":"PodDisruptionBudget"}]}}}}`))
	f.Add([]byte(`{"components":{"schemas":{"a":{"$ref":"#/components/schemas/a"},"b":null}}}`))
	f.Fuzz(func(_ *testing.T, document []byte) {
		s := diff.NewSchemas()
		if err := s.Add("policy", "v1", document); err != nil {
			return
		}
		gvk := object.GVK{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}
		if kind, ok := s.Type(gvk); ok {
			_ = kind.Validate(object.Object{"apiVersion": "policy/v1", "kind": gvk.Kind, "spec": map[string]any{"a": []any{int64(1)}}})
		}
	})
}

// FuzzPointer reads JSON pointers that people could write.
func FuzzPointer(f *testing.F) {
	for _, seed := range []string{"/spec/replicas", "/", "//", "/a~1b/~0", "/spec/template/spec/containers/0/image", "/metadata"} {
		f.Add(seed)
	}
	d := diff.New(manager, fingerprinter(f))
	desired := object.Object(parse(f, benchDeployment))
	kind, _ := schemas().Type(apps)
	f.Fuzz(func(t *testing.T, pointer string) {
		rule, err := diff.CompileIgnore(lang.IgnoreDifference{Group: "*", JSONPointers: []string{pointer}})
		if err != nil {
			return
		}
		got, err := d.Release(t.Context(), []*diff.Ignore{rule}, desired, object.Object{}, kind)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID() != desired.ID() {
			t.Fatalf("%q takes the identity away", pointer)
		}
	})
}
