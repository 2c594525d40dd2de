package crdschema_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine/crdschema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: queues.example.com}
spec:
  group: example.com
  names: {kind: Queue, plural: queues}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        x-kubernetes-validations:
        - {rule: "self.metadata.name != 'reserved'", message: "the name is reserved"}
        properties:
          status: {type: object, properties: {ready: {type: boolean}}}
          spec:
            type: object
            required: [size]
            x-kubernetes-validations:
            - {rule: "self.size >= self.minimum", message: "size is below minimum"}
            - {rule: "self.tier == oldSelf.tier", message: "tier is immutable"}
            properties:
              size: {type: integer, minimum: 1, maximum: 100}
              minimum: {type: integer, default: 3}
              tier: {type: string, enum: [gold, silver], default: silver}
              owner: {type: string, pattern: "^[a-z]+$"}
              when: {type: string, format: date-time}
              nothing: {type: string, nullable: true}
              ports:
                type: array
                maxItems: 3
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [port]
                items:
                  type: object
                  required: [port]
                  properties:
                    port: {type: integer}
                    protocol: {type: string, default: TCP}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              template:
                type: object
                x-kubernetes-embedded-resource: true
                x-kubernetes-preserve-unknown-fields: true
  - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, required: [size], properties: {size: {type: integer}, tier: {type: string, x-kubernetes-validations: [{rule: "self == oldSelf", message: "tier stays"}]}}}}}}}
  - {name: v3, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
  - {name: v4, served: true, storage: false, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-validations: [{rule: "self.nowhere()"}, {rule: "!has(self.a)", message: "a may not be set"}], properties: {a: {type: string}}}}}}}
  - {name: v5, served: true, storage: false, schema: {openAPIV3Schema: {properties: {spec: {properties: {a: {}}}}}}}
`

func parse(t *testing.T, text string) object.Object {
	t.Helper()
	var out map[string]any
	text = strings.ReplaceAll(text, "\t", "")
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return whole(out).(map[string]any)
}

// whole makes integers of numbers without a fraction, as everything that reads objects does.
func whole(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = whole(v[key])
		}
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return value
}

// queue is a Queue with a spec, of version v1 unless said otherwise.
func queue(t *testing.T, spec string, version ...string) object.Object {
	t.Helper()
	o := parse(t, "{apiVersion: example.com/v1, kind: Queue, metadata: {name: q, namespace: n}, spec: "+spec+"}")
	if len(version) > 0 {
		o["apiVersion"] = "example.com/" + version[0]
	}
	return o
}

func read(t *testing.T, text string) *crdschema.Definition {
	t.Helper()
	d, err := crdschema.New(parse(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCreationsAreCheckedAsTheServerDoes(t *testing.T) {
	d := read(t, definition)
	for name, c := range map[string]struct {
		spec string
		want []string // parts of the error; none: it is accepted
	}{
		"accepted":             {"{size: 5}", nil},
		"unknown fields":       {"{size: 5, free: {anything: [1]}}", nil},
		"a type":               {`{size: "5"}`, []string{"spec.size", "integer", "string"}},
		"a number's fraction":  {`{size: 5.5}`, []string{"spec.size"}},
		"required":             {"{tier: gold}", []string{"spec.size: Required value"}},
		"the spec":             {"null", []string{"spec"}},
		"minimum":              {"{size: 0, minimum: 0}", []string{"spec.size", "greater than or equal to 1"}},
		"maximum":              {"{size: 101}", []string{"spec.size", "less than or equal to 100"}},
		"enum":                 {"{size: 5, tier: lead}", []string{"spec.tier", `"gold", "silver"`}},
		"pattern":              {"{size: 5, owner: A1}", []string{"spec.owner", "^[a-z]+$"}},
		"format":               {"{size: 5, when: yesterday}", []string{"spec.when", "date-time"}},
		"null where it may be": {"{size: 5, nothing: null}", nil},
		"too many items":       {"{size: 5, ports: [{port: 1}, {port: 2}, {port: 3}, {port: 4}]}", []string{"spec.ports", "3"}},
		"keys twice":           {"{size: 5, ports: [{port: 1}, {port: 1}]}", []string{"spec.ports[1]", "Duplicate value"}},
		"a key missing":        {"{size: 5, ports: [{protocol: UDP}]}", []string{"spec.ports[0].port"}},
		"an embedded object":   {"{size: 5, template: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a: b}}}}", nil},
		"one without a kind":   {"{size: 5, template: {apiVersion: v1, metadata: {name: a}}}", []string{"spec.template.kind"}},
		"a rule":               {"{size: 4, minimum: 9}", []string{"spec", "size is below minimum"}},
		"a rule on a default":  {"{size: 2}", []string{"size is below minimum"}},
		"a transition rule":    {"{size: 5, tier: gold}", nil}, // nothing was before
		"several":              {"{size: 0, tier: lead}", []string{"spec.size", "spec.tier", "; "}},
	} {
		t.Run(name, func(t *testing.T) {
			level, err := d.Check(t.Context(), queue(t, c.spec), nil)
			if len(c.want) == 0 {
				if err != nil || level != plan.SchemaAndRules {
					t.Fatalf("want it accepted with rules, have %q and %v", level, err)
				}
				return
			}
			if err == nil {
				t.Fatal("it is accepted")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in %q", part, err)
				}
			}
		})
	}
}

func TestRulesSeeTheName(t *testing.T) {
	o := queue(t, "{size: 5}")
	if err := o.Set("reserved", "metadata", "name"); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, definition).Check(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "the name is reserved") {
		t.Errorf("have %v", err)
	}
}

func TestUpdatesAreCheckedAgainstWhatWas(t *testing.T) {
	d := read(t, definition)
	for name, c := range map[string]struct {
		old, now object.Object
		want     string // in the error; empty: accepted
		level    plan.Validation
	}{
		"nothing special":                 {queue(t, "{size: 5}"), queue(t, "{size: 6}"), "", plan.SchemaAndRules},
		"a transition":                    {queue(t, "{size: 5, tier: gold}"), queue(t, "{size: 5, tier: silver}"), "tier is immutable", plan.SchemaAndRules},
		"a transition away from a value":  {queue(t, "{size: 5, tier: gold}"), queue(t, "{size: 5}"), "tier is immutable", plan.SchemaAndRules},
		"a transition to the default":     {queue(t, "{size: 5}"), queue(t, "{size: 5, tier: silver}"), "", plan.SchemaAndRules},
		"invalid before and left alone":   {queue(t, "{size: 5, owner: A1}"), queue(t, "{size: 6, owner: A1}"), "", plan.SchemaAndRules},
		"invalid before and changed":      {queue(t, "{size: 5, owner: A1}"), queue(t, "{size: 6, owner: A2}"), "spec.owner", plan.SchemaOnly},
		"keys twice before":               {queue(t, "{size: 5, ports: [{port: 1}, {port: 1}]}"), queue(t, "{size: 6, ports: [{port: 1}, {port: 1}]}"), "", plan.SchemaAndRules},
		"from another version":            {queue(t, "{size: 5, tier: a}", "v1"), queue(t, "{size: 5, tier: a}", "v2"), "", plan.SchemaAndRules},
		"a transition to another version": {queue(t, "{size: 5, tier: a}", "v1"), queue(t, "{size: 5, tier: b}", "v2"), "tier stays", plan.SchemaAndRules},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.now.DeepCopy()
			level, err := d.Check(t.Context(), c.now, c.old)
			switch {
			case c.want == "" && err != nil:
				t.Fatalf("it is refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("want %q, have %v", c.want, err)
			case level != c.level:
				t.Errorf("level %q, want %q", level, c.level)
			}
			if len(before) != len(c.now) || len(before["spec"].(map[string]any)) != len(c.now["spec"].(map[string]any)) {
				t.Errorf("the object was changed: %v", c.now)
			}
		})
	}
}

// TestStatusIsLeftAlone: with a status subresource, what a write says of the status
// does not count.
func TestStatusIsLeftAlone(t *testing.T) {
	d := read(t, definition)
	o := queue(t, "{size: 5}")
	o["status"] = map[string]any{"ready": "certainly"}
	if _, err := d.Check(t.Context(), o, nil); err != nil {
		t.Errorf("on creation: %v", err)
	}
	old := queue(t, "{size: 5}")
	old["status"] = map[string]any{"ready": true}
	if _, err := d.Check(t.Context(), o, old); err != nil {
		t.Errorf("on update: %v", err)
	}
}

func TestLevelsSayWhatWasNotChecked(t *testing.T) {
	d := read(t, definition)
	webhook := read(t, strings.Replace(definition, "  versions:\n", "  conversion: {strategy: Webhook}\n  versions:\n", 1))
	check := func(name string, d *crdschema.Definition, o, old object.Object, want plan.Validation) {
		t.Helper()
		level, err := d.Check(t.Context(), o, old)
		if err != nil || level != want {
			t.Errorf("%s: %q and %v, want %q", name, level, err, want)
		}
	}
	check("not in the definition", d, queue(t, "{}", "v9"), nil, plan.NotValidated)
	check("not served", d, queue(t, "{}", "v3"), nil, plan.NotValidated)
	check("a rule that does not compile", d, queue(t, "{b: c}", "v4"), nil, plan.SchemaOnly)
	check("a schema that is not structural", d, queue(t, "{}", "v5"), nil, plan.NotValidated)
	check("converted by a webhook", webhook, queue(t, "{}", "v2"), queue(t, "{}", "v1"), plan.SchemaOnly)
	if _, err := d.Check(t.Context(), queue(t, "{a: b}", "v4"), nil); err == nil || !strings.Contains(err.Error(), "a may not be set") {
		t.Errorf("the rules beside one that does not compile are not evaluated: %v", err)
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	d := read(t, definition)
	o := queue(t, "{size: 5, ports: [{port: 1}]}")
	out := d.Default(o)
	for path, want := range map[string]any{"minimum": int64(3), "tier": "silver", "size": int64(5)} {
		if have, _ := out.Get("spec", path); have != want {
			t.Errorf("%s is %v (%T), want %v", path, have, have, want)
		}
	}
	ports, _ := out.Get("spec", "ports")
	if protocol := ports.([]any)[0].(map[string]any)["protocol"]; protocol != "TCP" {
		t.Errorf("protocol is %v", protocol)
	}
	if _, there := o.Get("spec", "tier"); there {
		t.Error("the object itself was changed")
	}
	if same := d.Default(queue(t, "{}", "v9")); len(same) != 4 {
		t.Errorf("of an unknown version: %v", same)
	}
}

// TestCostIsBounded: a rule that would run for minutes is refused, as the server
// refuses it.
func TestCostIsBounded(t *testing.T) {
	text := `
spec:
  group: example.com
  names: {kind: Queue}
  versions:
  - name: v1
    served: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              words:
                type: array
                items: {type: string}
                x-kubernetes-validations:
                - {rule: "self.all(a, self.all(b, self.all(c, a + b + c != 'x')))"}
`
	o := queue(t, "{}")
	words := make([]any, 2000)
	for i := range words {
		words[i] = strings.Repeat("w", 20)
	}
	if err := o.Set(words, "spec", "words"); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, text).Check(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "cost") {
		t.Errorf("have %v", err)
	}
}

func TestUnreadableDefinitions(t *testing.T) {
	if _, err := crdschema.New(parse(t, "{metadata: {name: a}, spec: {versions: 7}}")); err == nil || !strings.Contains(err.Error(), "CustomResourceDefinition a") {
		t.Errorf("have %v", err)
	}
}
