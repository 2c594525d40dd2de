package diff_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

const widgetCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer}
              port: {x-kubernetes-int-or-string: true}
              parts:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  properties: {name: {type: string}, size: {type: integer, default: 1}}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              template:
                type: object
                x-kubernetes-embedded-resource: true
                properties: {data: {type: object, additionalProperties: {type: string}}}
  - name: v1alpha1
    served: false
    storage: false
  - name: v2
    served: true
    storage: false
`

var widget = object.GVK{Group: "example.com", Version: "v1", Kind: "Widget"}

func TestAddCRD(t *testing.T) {
	s := diff.NewSchemas()
	if err := s.AddCRD(parse(t, widgetCRD)); err != nil {
		t.Fatal(err)
	}
	kind, ok := s.Type(widget)
	if !ok || kind.IsDeduced() {
		t.Fatal("the CRD's type is not known")
	}
	for _, c := range []struct{ object, want string }{
		{`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, labels: {x: "y"}, finalizers: [b]}, spec: {size: 1, port: http, parts: [{name: a}], free: {any: [1]}}}`, ""},
		{`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {port: 80, template: {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {a: "1"}}}}`, ""},
		{`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {other: 1}}`, "spec.other: field not declared in schema"},
		{
			`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {size: big, parts: [{size: 1}]}}`,
			`spec.parts: element 0: associative list with keys has an element that omits key field "name" (and doesn't have default value); spec.size: expected numeric (int or float), got string`,
		},
		{`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {parts: [{name: a}, {name: a}]}}`, `spec.parts: duplicate entries for key [name="a"]`},
		{`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, lables: {}}}`, "metadata.lables: field not declared in schema"},
	} {
		got := ""
		if err := kind.Validate(parse(t, c.object)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.object, got, c.want)
		}
	}
	if _, ok := s.Type(object.GVK{Group: "example.com", Version: "v1alpha1", Kind: "Widget"}); ok {
		t.Error("a version that is not served has a type")
	}
	if kind, ok := s.Type(object.GVK{Group: "example.com", Version: "v2", Kind: "Widget"}); !ok || !kind.IsDeduced() {
		t.Error("a version without a schema has no deduced type")
	}
	d := diff.New(manager, fingerprinter(t))
	before := parse(t, `{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {parts: [{name: a, size: 1}, {name: b}], tags: [x, y]}}`)
	after := parse(t, `{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {parts: [{name: c}, {name: a, size: 2}], tags: [y, z]}}`)
	var got []string
	for _, c := range d.Fields(diff.Changes{Before: before, After: after, Desired: after, Type: kind}) {
		got = append(got, describe(c))
	}
	want := []string{
		`~ spec.parts[name=a].size: 1 -> 2`,
		`- spec.parts[name=b]: {"name":"b"} [by the server]`,
		`+ spec.parts[name=c]: {"name":"c"}`,
		`- spec.tags[=x]: "x" [by the server]`,
		`+ spec.tags[=z]: "z"`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
}

func TestAddCRDErrors(t *testing.T) {
	for _, c := range []struct{ crd, want string }{
		{`{metadata: {name: a}}`, "CustomResourceDefinition a: spec.group, spec.names.kind and spec.versions are required"},
		{`{metadata: {name: a}, spec: {group: g, names: {kind: K}, versions: [{served: true}]}}`, "CustomResourceDefinition a: a version of spec.versions has no name"},
		{`{metadata: {name: a}, spec: {group: g, names: {kind: K}, versions: [{name: v1, schema: {openAPIV3Schema: {type: object, properties: {a: {type: array, x-kubernetes-list-type: heap}}}}}]}}`, "schema of version v1"},
	} {
		err := diff.NewSchemas().AddCRD(parse(t, c.crd))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.crd, err, c.want)
		}
	}
}

func TestSchemas(t *testing.T) {
	s := diff.NewSchemas()
	if s.Has("apps", "v1") {
		t.Error("has what was not added")
	}
	if kind, ok := s.Type(apps); ok || !kind.IsDeduced() {
		t.Error("an unknown kind must have a deduced type")
	}
	if err := s.Add("apps", "v1", []byte(`{"components":`)); err == nil || !strings.Contains(err.Error(), "openapi document of apps/v1: cannot be parsed") {
		t.Errorf("half a document: %v", err)
	}
	document := documents()[[2]string{"apps", "v1"}]
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := s.Add("apps", "v1", document); err != nil {
				t.Error(err)
			}
			kind, ok := s.Type(apps)
			if !ok {
				t.Error("Deployment is not known")
				return
			}
			if err := kind.Validate(parse(t, benchDeployment)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, ok := s.Type(object.GVK{Version: "v1", Kind: "DeleteOptions"}); ok {
		t.Error("kinds of other groups must not come with a document")
	}
	if err := s.Add("apps", "v1", []byte(`{"components":{"schemas":{}}}`)); err != nil {
		t.Error(err)
	}
	if _, ok := s.Type(apps); ok {
		t.Error("a new document replaces the old one")
	}
}

// TestDeduced: without a schema lists are one change, maps are merged.
func TestDeduced(t *testing.T) {
	d := diff.New(manager, fingerprinter(t))
	before := parse(t, `{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {list: [{name: a}], map: {a: 1, b: 2}}}`)
	after := parse(t, `{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {list: [{name: a}, {name: b}], map: {a: 2, b: 2}}}`)
	got := d.Fields(diff.Changes{Before: before, After: after, Desired: after})
	want := []plan.FieldChange{
		{Path: "spec.list", Kind: plan.Changed, Before: []any{map[string]any{"name": "a"}}, After: []any{map[string]any{"name": "a"}, map[string]any{"name": "b"}}},
		{Path: "spec.map.a", Kind: plan.Changed, Before: int64(1), After: int64(2)},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
}
