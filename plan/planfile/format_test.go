package planfile

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/typeschema"
)

var update = flag.Bool("update", false, "write docs/plan-format.schema.json")

const schemaFile = "../../docs/plan-format.schema.json"

// schemaOf is the schema of what an envelope holds.
func schemaOf() []byte {
	d := typeschema.New(map[reflect.Type]map[string]any{reflect.TypeFor[plan.Phase](): typeschema.Enum(phases()[1:])})
	root := d.Structure(reflect.TypeFor[document]())
	properties := root["properties"].(map[string]any)
	properties["plan"] = d.Of(reflect.TypeFor[plan.Plan]())
	// These three are beside the plan.
	of := d.Defs["plan.Plan"].(map[string]any)
	for _, name := range []string{"id", "createdAt", "expiresAt"} {
		delete(of["properties"].(map[string]any), name)
	}
	of["required"] = without(of["required"].([]string), "createdAt")
	return d.Document(root, "https://gantry.dev/schemas/plan-format.v2.json", "What the envelope of a Gantry plan file holds, in version 2 of the format")
}

func without(list []string, name string) []string {
	out := []string{}
	for _, one := range list {
		if one != name {
			out = append(out, one)
		}
	}
	return out
}

func TestTheSchemaIsOfThisFormat(t *testing.T) {
	if *update {
		if err := os.WriteFile(schemaFile, schemaOf(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, schemaOf()) {
		t.Error("docs/plan-format.schema.json is not of the format: run this test with -update, and see what docs/plan-format.md promises")
	}
}

// compiled is the schema that is documented.
func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	file, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	text, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("plan.json", text); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestPayloadsAreAsTheSchemaSays(t *testing.T) {
	schema := compiled(t)
	for name, p := range map[string]*plan.Plan{"empty": {Lineage: "a"}, "small": small(), "large": large(50)} {
		text, _, err := compose(p)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		value.(map[string]any)["later"] = true
		if err := schema.Validate(value); err == nil {
			t.Errorf("%s: an unknown member goes unseen", name)
		}
	}
}

func TestCanonicalJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"b":1,"a":{"d":[],"c":null}}`:                               `{"a":{"c":null,"d":[]},"b":1}`,
		`{"z":[{"b":1,"a":2},3],"a":{}}`:                              `{"a":{},"z":[{"a":2,"b":1},3]}`,
		`"\u003ca\u0026b\u003e \u2028"`:                               "\"<a&b> \u2028\"",
		`"\u0000\u001f\b\t\n\f\r\"\\\/"`:                              `"\u0000\u001f\b\t\n\f\r\"\\/"`,
		`[9007199254740993,0.5,1e+21,-0.001,true]`:                    `[9007199254740993,0.5,1e+21,-0.001,true]`,
		`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"😀":5,"\u0080":6,"ö":7}`: "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}",
		`{"aa":1,"a":2,"":3}`:                                         `{"":3,"a":2,"aa":1}`,
		`12`:                                                          `12`,
	} {
		got, err := canonicalize([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "{", "[1", `{"a"}`, `{"a":1,`, `"a`, `{} `, "[1 2", strings.Repeat("[", maxDepth+2)} {
		if got, err := canonicalize([]byte(in)); err == nil && !json.Valid(got) && json.Valid([]byte(in)) {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestTheCanonicalPayloadIsOfTheInputsAlone(t *testing.T) {
	first, second := large(20), large(20)
	second.ID, second.CreatedAt, second.ExpiresAt = "another", second.CreatedAt.Add(time.Hour), second.CreatedAt.Add(48*time.Hour)
	for i := range second.Applications {
		for j := range second.Applications[i].Changes {
			if c := &second.Applications[i].Changes[j]; c.Sealed != nil {
				c.Sealed = []byte(fmt.Sprint("sealed again ", rand.Int()))
			}
		}
	}
	_, one, err := compose(first)
	if err != nil {
		t.Fatal(err)
	}
	_, two, err := compose(second)
	if err != nil {
		t.Fatal(err)
	}
	text, three, err := Canonical(second)
	if err != nil || one != two || two != three {
		t.Errorf("digests %s, %s and %s, %v", one, two, three, err)
	}
	if again, err := canonicalize(text); err != nil || !bytes.Equal(text, again) {
		t.Errorf("canonical JSON is not canonical: %v", err)
	}
	second.Applications[0].Changes[0].Reason += "x"
	if _, other, err := compose(second); err != nil || other == one {
		t.Errorf("another plan has the same digest, %v", err)
	}
}

// large is a plan that creates objects in applications of a hundred each, one in
// twenty of them sealed.
func large(objects int) *plan.Plan {
	p := &plan.Plan{ID: "plan", CreatedAt: time.Unix(1<<30, 0).UTC(), Clusters: []plan.Cluster{{Name: "prod", UID: "uid"}}, InputDigest: "sha256:1"}
	for n := range objects {
		if n%100 == 0 {
			p.Applications = append(p.Applications, plan.Application{Address: addr.Application("web").Instance(fmt.Sprintf("%06d", n/100)), Cluster: "prod"})
		}
		a := len(p.Applications) - 1
		app := &p.Applications[a]
		name := fmt.Sprintf("object-%d", n)
		body := object.Object{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": name, "namespace": "web", "labels": map[string]any{"app": name, "team": "payments"}},
			"spec": map[string]any{"replicas": int64(n % 7), "selector": map[string]any{"matchLabels": map[string]any{"app": name}}, "template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": name}},
				"spec": map[string]any{"containers": []any{map[string]any{
					"name": "main", "image": "registry.example.com/team/" + name + ":1.2.3", "args": []any{"--verbose", "--listen=:8080"},
					"env":       []any{map[string]any{"name": "DATABASE_HOST", "value": "db.example.com"}, map[string]any{"name": "MODE", "value": "fast"}},
					"resources": map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "128Mi"}, "limits": map[string]any{"memory": "256Mi"}},
				}}},
			}},
		}
		c := plan.Change{ID: body.ID(), Version: "v1", Plural: "deployments", Namespaced: true, Action: plan.Create, Body: body, Desired: "hmac-sha256:" + strings.Repeat("0", 64)}
		if n%20 == 0 {
			c.Sealed = bytes.Repeat([]byte{byte(n), 7}, 150)
		}
		if n%10 == 0 {
			c.Action = plan.Update
			c.Fields = []plan.FieldChange{{Path: "spec.replicas", Before: int64(1), After: int64(n % 7), Kind: plan.Changed}}
		}
		p.Steps = append(p.Steps, plan.Step{Kind: plan.StepWrite, Application: a, Change: len(app.Changes)})
		app.Changes = append(app.Changes, c)
	}
	return p
}

func BenchmarkPlanFile(b *testing.B) {
	p := large(10_000)
	var file bytes.Buffer
	b.Run("write 10000 objects", func(b *testing.B) {
		for b.Loop() {
			file.Reset()
			if err := Write(&file, p, WriteOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(file.Len()), "bytes")
	})
	b.Run("read 10000 objects", func(b *testing.B) {
		for b.Loop() {
			if _, err := Read(bytes.NewReader(file.Bytes()), ReadOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
