package late_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// configuration is what expressions of the tests may refer to.
func configuration() *hcl.EvalContext {
	root := &hcl.EvalContext{Variables: map[string]cty.Value{
		"var": cty.ObjectVal(map[string]cty.Value{
			"tier": cty.StringVal("canary"), "password": cty.StringVal("hunter2").Mark(value.Sensitive),
			"later": cty.UnknownVal(cty.String), "nothing": cty.NullVal(cty.String), "n": cty.NumberIntVal(9007199254740993),
		}),
		"local": cty.ObjectVal(map[string]cty.Value{
			"kinds": cty.TupleVal([]cty.Value{cty.StringVal("Deployment"), cty.StringVal("Job")}),
			"env": cty.ObjectVal(map[string]cty.Value{
				"prod eu": cty.ObjectVal(map[string]cty.Value{"replicas": cty.NumberIntVal(3)}),
				"secret":  cty.StringVal("hunter2").Mark(value.Sensitive),
			}),
			"limits": cty.MapVal(map[string]cty.Value{"web": cty.NumberIntVal(2)}),
		}),
		"cluster": cty.ObjectVal(map[string]cty.Value{"prod": value.Block(
			value.Reference{Address: addr.Address{Kind: "cluster", Name: "prod"}},
			map[string]cty.Value{"name": cty.StringVal("prod"), "labels": cty.ObjectVal(map[string]cty.Value{"region": cty.StringVal("eu")})},
		)}),
		"secret": cty.ObjectVal(map[string]cty.Value{"slack": value.Block(value.Reference{Address: addr.Address{Kind: "secret", Type: "file", Name: "slack"}}, map[string]cty.Value{})}),
	}}
	child := root.NewChild()
	child.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal("a"), "value": cty.StringVal("team-a")})}
	return child
}

// compile compiles a text as if it were all of a line.
func compile(scope late.Scope, want late.Want, filename, text string) (late.Expression, bool, hcl.Diagnostics) {
	lines := strings.Split(text, "\n")
	at := hcl.Range{
		Filename: filename, Start: hcl.Pos{Line: 3, Column: 10, Byte: 50},
		End: hcl.Pos{Line: 2 + len(lines), Column: len(lines[len(lines)-1]) + 10, Byte: 50 + len(text)},
	}
	return late.Compile(scope, want, late.Source{Text: []byte(text), At: at, Context: configuration()})
}

func mustCompile(t *testing.T, scope late.Scope, want late.Want, text string) late.Expression {
	t.Helper()
	e, known, diags := compile(scope, want, "a.gantry.hcl", text)
	if len(diags) > 0 || !known {
		t.Fatalf("%s: known is %v, %v", text, known, diags)
	}
	return e
}

// fromJSON makes a value of JSON, as of an object in a cluster.
func fromJSON(t testing.TB, text string) cty.Value {
	t.Helper()
	ty, err := ctyjson.ImpliedType([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := ctyjson.Unmarshal([]byte(text), ty)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const app = `{"address": "application.web", "name": "web", "namespace": "web", "project": null, "labels": {"tier": "canary"},
	"cluster": {"name": "prod", "labels": {"region": "eu"}},
	"sync": {"revision": "abc", "revisions": ["abc", "def"]}, "operation": {"phase": "failed"}, "plan": {"changes": 3}}`

const workload = `{"kind": "Deployment", "metadata": {"name": "web", "generation": 2},
	"spec": {"replicas": 3, "template": {"spec": {"containers": [{"image": "web:latest"}, {"image": "proxy:1"}]}}}}`

const change = `{"action": "update", "before": {"spec": {"replicas": 2}}, "paths": ["spec.replicas"]}`

func cases(t testing.TB, scope late.Scope) late.Values {
	t.Helper()
	given := map[string]cty.Value{}
	for _, name := range scope.Names() {
		given[name] = fromJSON(t, map[string]string{"app": app, "object": workload, "change": change}[name])
	}
	values, err := scope.Values(given)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// What expressions come to, also after they have travelled.
func TestEvaluate(t *testing.T) {
	tests := []struct {
		scope late.Scope
		want  late.Want
		text  string
		value string // HCL
	}{
		{late.Rollout, late.Condition, `app.labels.tier == "canary"`, "true"},
		{late.Rollout, late.Condition, `app.labels["tier"] == var.tier`, "true"},
		{late.Rollout, late.Condition, `app.labels.nothing == "x"`, "false"},
		{late.Rollout, late.Condition, `app.labels.nothing == null && app.info.a == null && app.cluster.annotations.b == null`, "true"},
		{late.Rollout, late.Condition, `app.cluster.labels.region == "eu" && app.cluster.name == cluster.prod.name`, "true"},
		{late.Rollout, late.Condition, `lookup(app.labels, each.key, "none") == "none"`, "true"},
		{late.Rollout, late.Condition, `app.project == null`, "true"},
		{late.Rollout, late.Condition, `length(app.labels) == 1`, "true"},
		{late.Trigger, late.Condition, `contains(["error", "failed"], app.operation.phase)`, "true"},
		{late.Trigger, late.Condition, "app.operation.phase == \"failed\" && (\n  app.plan.changes > 2\n)", "true"},
		{late.Trigger, late.Any, `app.sync.revision`, `"abc"`},
		{late.Trigger, late.Any, `app.sync.revisions`, `["abc", "def"]`},
		{late.Trigger, late.Any, `app.operation.finished_at`, `null`},
		{late.Trigger, late.Text, `"Application ${app.name} sync ${app.operation.phase} at ${app.sync.revision}"`, `"Application web sync failed at abc"`},
		{late.Trigger, late.Text, "<<-EOT\n  ${app.name}:\n    ${app.operation.phase}\n  EOT", `"web:\n  failed\n"`},
		{late.Trigger, late.Text, "<<EOT\n%{ for r in app.sync.revisions ~}\n${r};\n%{ endfor ~}\nEOT", `"abc;\ndef;\n"`},
		{late.Trigger, late.Text, `app.plan.changes`, `"3"`},
		{late.Trigger, late.Text, `each.value`, `"team-a"`},
		{late.Policy, late.Condition, `anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest")])`, "true"},
		{late.Policy, late.Condition, `change.action == "update" && change.before.spec.replicas < object.spec.replicas`, "true"},
		{late.Policy, late.Condition, `contains(change.paths, "spec.replicas") && contains(local.kinds, object.kind)`, "true"},
		{late.Policy, late.Condition, `object.spec.replicas > local.env["prod eu"].replicas`, "false"},
		{late.Policy, late.Condition, `object.spec.replicas > lookup(local.limits, app.name, 0)`, "true"},
		{late.Policy, late.Condition, `try(object.spec.paused, false)`, "false"},
		{late.Policy, late.Condition, `var.n == 9007199254740993`, "true"},
		{late.Policy, late.Text, `"${object.metadata.name} in ${cluster.prod.labels.region}"`, `"web in eu"`},
	}
	for _, test := range tests {
		e := mustCompile(t, test.scope, test.want, test.text)
		v, diags := e.Evaluate(cases(t, test.scope))
		if got := value.Text(v); diags.HasErrors() || got != test.value {
			t.Errorf("%s = %s, %v; want %s", test.text, got, diags, test.value)
		}
		data, err := json.Marshal(e)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		var travelled late.Expression
		if err := json.Unmarshal(data, &travelled); err != nil || !travelled.Equal(e) {
			t.Errorf("%s travelled as %s: %v", test.text, data, err)
			continue
		}
		v, diags = travelled.Evaluate(cases(t, test.scope))
		if got := value.Text(v); diags.HasErrors() || got != test.value {
			t.Errorf("having travelled, %s = %s, %v; want %s", test.text, got, diags, test.value)
		}
	}
}

// From a file in the JSON syntax come templates.
func TestJSONSyntax(t *testing.T) {
	tests := map[string]string{
		`"${app.labels.tier == \"canary\"}"`: "true",
		`"${app.name}"`:                      `"web"`,
		`"sync of ${app.name}\n"`:            `"sync of web\n"`,
		`true`:                               "true",
		`5`:                                  "5",
	}
	for text, want := range tests {
		e, _, diags := compile(late.Trigger, late.Any, "a.gantry.json", text)
		if diags.HasErrors() {
			t.Errorf("%s: %v", text, diags)
			continue
		}
		v, diags := e.Evaluate(cases(t, late.Trigger))
		if got := value.Text(v); diags.HasErrors() || got != want {
			t.Errorf("%s = %s, %v; want %s", text, got, diags, want)
		}
	}
	for _, text := range []string{`["${app.name}"]`, `{"a": 1}`, `"${app.nam}"`, `"${"`, `nul`} {
		if _, _, diags := compile(late.Trigger, late.Any, "a.gantry.json", text); !diags.HasErrors() {
			t.Errorf("%s compiles", text)
		}
	}
}

// What is wrong in every case is told at once, where it is.
func TestCompileRefuses(t *testing.T) {
	tests := []struct {
		scope  late.Scope
		want   late.Want
		text   string
		detail string // the beginning
		column int    // of line 3
	}{
		{late.Rollout, late.Condition, `app.lables.tier == "x"`, `This object does not have an attribute named "lables". Did you mean "labels"?`, 13},
		{late.Rollout, late.Condition, `app.health.status == "x"`, `This object does not have an attribute named "health".`, 13},
		{late.Rollout, late.Condition, `app.cluster.nme == "x"`, `This object does not have an attribute named "nme". Did you mean "name"?`, 21},
		{late.Rollout, late.Condition, `app.name.x == "x"`, `Can't access attributes on a primitive-typed value (string).`, 18},
		{late.Rollout, late.Condition, `app.name`, `This expression is evaluated case by case, and must come to true or false, but is a string.`, 10},
		{late.Rollout, late.Condition, `null`, `This expression is evaluated case by case, and must come to true or false, but is null.`, 10},
		{late.Trigger, late.Text, `app.labels`, `This expression is evaluated case by case, and must come to a string, but is a map.`, 10},
		{late.Trigger, late.Text, `["a"]`, `This expression is evaluated case by case, and must come to a string, but is a list.`, 10},
		{late.Trigger, late.Condition, `contians(["a"], app.name)`, `There is no function named "contians". Did you mean "contains"?`, 10},
		{late.Trigger, late.Condition, `condition("Ready").status == "True"`, `There is no function named "condition".`, 10},
		{late.Trigger, late.Condition, `contains(["a"])`, `Function "contains" expects 2 argument(s).`, 24},
		{late.Trigger, late.Condition, `app.name == file("x")`, `This expression is evaluated case by case, where the configuration is no longer at hand, so that it cannot call file(...), which reads a file of the configuration.`, 22},
		{late.Trigger, late.Condition, `fn::mine(app.name)`, `This expression is evaluated case by case, where the configuration is no longer at hand, so that it cannot call fn::mine(...), which the configuration declares.`, 10},
		{late.Policy, late.Condition, `anytrue([for c in object.spec : endswth(c.image, "x")])`, `There is no function named "endswth". Did you mean "endswith"?`, 42},
		{late.Policy, late.Condition, `anytrue([for p in change.paths : p.x])`, `Can't access attributes on a primitive-typed value (string).`, 44},
		{late.Policy, late.Condition, `anytrue([for k, v in app.labels : anytrue([for x in v : x.y == change.acton])])`, `This object does not have an attribute named "acton". Did you mean "action"?`, 79},
		{late.Policy, late.Condition, `condition("Ready")`, `There is no function named "condition".`, 10},
		{late.Health, late.Condition, `condition("Ready").state == "True"`, `This object does not have an attribute named "state". It has current, exists, lastTransitionTime, message, observedGeneration, reason, severity, status and type.`, 28},
		{late.Health, late.Condition, `condition("Ready")`, `This expression is evaluated case by case, and must come to true or false, but is an object.`, 10},
		{late.Health, late.Text, `"${condition("Ready")}"`, `This expression is evaluated case by case, and must come to a string, but is an object.`, 10},
		{late.Policy, late.Condition, `var.password == object.x`, `What this expression comes to is shown in plans and messages, so that it cannot use a sensitive value.`, 10},
		{late.Policy, late.Condition, `local.env.secret == object.x`, `What this expression comes to is shown in plans and messages, so that it cannot use a sensitive value.`, 10},
		{late.Policy, late.Condition, `local.env == object.x`, `What this expression comes to is shown in plans and messages, so that it cannot use a sensitive value.`, 10},
		{late.Policy, late.Condition, `secret.slack == object.x`, `What this expression comes to is shown in plans and messages, so that it cannot use secret.file.slack.`, 10},
		{late.Policy, late.Condition, `object.a ==`, `Expected the start of an expression`, 21},
		{late.Policy, late.Condition, strings.Repeat("(", 5000), `Brackets, strings, templates and blocks may be nested`, 0},
	}
	for _, test := range tests {
		_, _, diags := compile(test.scope, test.want, "a.gantry.hcl", test.text)
		found := false
		for _, diag := range diags {
			found = found || strings.HasPrefix(diag.Detail, test.detail) && (test.column == 0 || diag.Subject.Start == hcl.Pos{Line: 3, Column: test.column, Byte: 40 + test.column})
		}
		if !found {
			t.Errorf("%.60s: got %v; want %s at column %d", test.text, details(diags), test.detail, test.column)
		}
		for _, detail := range details(diags) {
			if strings.Contains(detail, "hunter2") {
				t.Errorf("%s shows a secret: %s", test.text, detail)
			}
		}
	}
}

func details(diags hcl.Diagnostics) []string {
	var out []string
	for _, diag := range diags {
		out = append(out, diag.Subject.String()+": "+diag.Detail)
	}
	return out
}

// A value that is not known yet makes the expression unknown, and it is checked
// all the same.
func TestUnknown(t *testing.T) {
	if _, known, diags := compile(late.Trigger, late.Condition, "a.gantry.hcl", `app.name == var.later`); known || len(diags) > 0 {
		t.Errorf("known is %v, %v", known, diags)
	}
	if _, _, diags := compile(late.Trigger, late.Condition, "a.gantry.hcl", `app.nam == var.later`); !diags.HasErrors() {
		t.Error("a mistake beside an unknown value is not told")
	}
}

// Only what is named is taken along.
func TestCaptured(t *testing.T) {
	tests := map[string]string{
		`local.env["prod eu"].replicas == 3`:                    `{ local = { env = { "prod eu" = { replicas = 3 } } } }`,
		`local.env["prod eu"] == local.env["prod eu"].replicas`: `{ local = { env = { "prod eu" = { replicas = 3 } } } }`,
		`local.kinds[0] == var.tier`:                            `{ local = { kinds = ["Deployment", "Job"] }, var = { tier = "canary" } }`,
		`contains(local.kinds[*], each.key)`:                    `{ each = { key = "a" }, local = { kinds = ["Deployment", "Job"] } }`,
		`cluster.prod == null`:                                  `{ cluster = { prod = { labels = { region = "eu" }, name = "prod" } } }`,
		`anytrue([for k in local.kinds : k == app.name])`:       `{ local = { kinds = ["Deployment", "Job"] } }`,
		`true`: `{}`,
	}
	for text, want := range tests {
		e := mustCompile(t, late.Rollout, late.Condition, text)
		if got := value.Text(cty.ObjectVal(e.Captured())); got != want {
			t.Errorf("%s takes along %s, want %s", text, got, want)
		}
	}
}

// An error in a case is told with its place, and is never an answer.
func TestEvaluateFails(t *testing.T) {
	tests := []struct {
		scope        late.Scope
		want         late.Want
		text, detail string
	}{
		{late.Policy, late.Condition, `object.spec.paused`, `This object does not have an attribute named "paused".`},
		{late.Policy, late.Condition, `object.spec.replicas`, `This expression is evaluated case by case, and must come to true or false, but is a number.`},
		{late.Policy, late.Condition, `object.spec.template.spec.containers[5].image == ""`, `The given key does not identify an element in this collection value.`},
		{late.Policy, late.Condition, `object.metadata.name > 3`, `Unsuitable value for left operand: a number is required.`},
		{late.Policy, late.Text, `object.spec`, `This expression is evaluated case by case, and must come to a string, but is an object.`},
		{late.Policy, late.Text, `change.reason`, `This expression is evaluated case by case, and must come to a string, but is null.`},
		{late.Policy, late.Text, `"of ${app.labels.nothing}"`, `The expression result is null. Cannot include a null value in a string template.`},
	}
	for _, test := range tests {
		e := mustCompile(t, test.scope, test.want, test.text)
		_, diags := e.Evaluate(cases(t, test.scope))
		if len(diags) != 1 || !strings.HasPrefix(diags[0].Detail, test.detail) || diags[0].Subject.Filename != "a.gantry.hcl" || diags[0].Subject.Start.Line != 3 {
			t.Errorf("%s: got %v, want %s", test.text, details(diags), test.detail)
		}
		if yes, _ := e.True(cases(t, test.scope)); yes {
			t.Errorf("%s is true", test.text)
		}
	}
	if _, diags := (late.Expression{}).Evaluate(cases(t, late.Policy)); !diags.HasErrors() {
		t.Error("no expression has a value")
	}
	e := mustCompile(t, late.Rollout, late.Condition, "true")
	if _, diags := e.Evaluate(cases(t, late.Trigger)); !diags.HasErrors() {
		t.Error("the values of another scope are taken")
	}
}

// Sensitive values of a case stay so.
func TestSensitiveCases(t *testing.T) {
	values, err := late.Health.Values(map[string]cty.Value{"object": cty.ObjectVal(map[string]cty.Value{
		"data":   cty.StringVal("hunter2").Mark(value.Sensitive),
		"status": fromJSON(t, `{"conditions": [{"type": "Ready", "status": "True"}]}`),
	})})
	if err != nil {
		t.Fatal(err)
	}
	message := mustCompile(t, late.Health, late.Text, `"it is ${object.data}"`)
	if got, diags := message.String(values); diags.HasErrors() || got != object.Redacted {
		t.Errorf("got %q, %v", got, diags)
	}
	healthy := mustCompile(t, late.Health, late.Condition, `condition("Ready").status == "True" && object.data == "hunter2"`)
	if yes, diags := healthy.True(values); diags.HasErrors() || !yes {
		t.Errorf("got %v, %v", yes, diags)
	}
	broken := mustCompile(t, late.Health, late.Condition, `object.data`)
	if _, diags := broken.True(values); !diags.HasErrors() || strings.Contains(diags.Error(), "hunter2") {
		t.Errorf("got %v", diags)
	}
}

func TestCondition(t *testing.T) {
	tests := map[string]string{
		`{"status": {"conditions": [{"type": "Issuing", "status": "False"}, {"type": "Ready", "status": "True", "reason": "Done", "message": "up", "extra": 1}]}}`: `["True", "Done", "up", true]`,
		`{"status": {"conditions": [{"type": "Ready"}]}}`:                                                         `["Unknown", "", "", true]`,
		`{"status": {"conditions": [{"type": "Ready", "status": null, "reason": null}]}}`:                         `["Unknown", "", "", true]`,
		`{"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Ready", "status": "True"}]}}`: `["False", "", "", true]`,
		`{"status": {"conditions": [{"type": "Ready", "status": true, "reason": {"a": 1}}]}}`:                     `["true", "", "", true]`,
		`{"status": {"conditions": []}}`:                                                                          `["Unknown", "", "", false]`,
		`{"status": {"conditions": ["Ready", 5, null, [1]]}}`:                                                     `["Unknown", "", "", false]`,
		`{"status": {"conditions": {"Ready": "True"}}}`:                                                           `["Unknown", "", "", false]`,
		`{"status": {"conditions": null}}`:                                                                        `["Unknown", "", "", false]`,
		`{"status": "Ready"}`:                                                                                     `["Unknown", "", "", false]`,
		`{"status": null}`:                                                                                        `["Unknown", "", "", false]`,
		`{}`:                                                                                                      `["Unknown", "", "", false]`,
		`null`:                                                                                                    `["Unknown", "", "", false]`,
		`[]`:                                                                                                      `["Unknown", "", "", false]`,
	}
	for text, want := range tests {
		values, err := late.Health.Values(map[string]cty.Value{"object": fromJSON(t, text)})
		if err != nil {
			t.Fatal(err)
		}
		e := mustCompile(t, late.Health, late.Any, `[condition("Ready").status, condition("Ready").reason, condition("Ready").message, condition("Ready").exists]`)
		v, diags := e.Evaluate(values)
		if got := value.Text(v); diags.HasErrors() || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, diags, want)
		}
	}
}

func TestValues(t *testing.T) {
	empty := cty.EmptyObjectVal
	for name, given := range map[string]map[string]cty.Value{
		"missing":      {"app": empty, "object": empty},
		"unknown name": {"app": empty, "object": empty, "change": empty, "x": empty},
		"nil":          {"app": empty, "object": empty, "change": cty.NilVal},
		"type":         {"app": cty.StringVal("web"), "object": empty, "change": empty},
		"inner":        {"app": cty.ObjectVal(map[string]cty.Value{"labels": cty.StringVal("x")}), "object": empty, "change": empty},
	} {
		if _, err := late.Policy.Values(given); err == nil {
			t.Errorf("%s: there is no error", name)
		}
	}
	values, err := late.Rollout.Values(map[string]cty.Value{"app": empty})
	if err != nil {
		t.Fatal(err)
	}
	e := mustCompile(t, late.Rollout, late.Condition, `app.labels.tier == null && app.name == null && app.cluster == null`)
	if yes, diags := e.True(values); diags.HasErrors() || !yes {
		t.Errorf("what is not given is not null: %v", diags)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	data, err := json.Marshal(mustCompile(t, late.Rollout, late.Condition, `app.name == var.tier`))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"scope":"rollout"`, `"scope":"nowhere"`},
		{`"want":"condition"`, `"want":"more"`},
		{`app.name ==`, `app.nam ==`},
		{`app.name ==`, `app.name`},
		{`app.name ==`, `file(app.name) ==`},
		{`{"tier":"string"}`, `{"tier":"strin"}`},
		{`{`, `[`},
	} {
		var e late.Expression
		if err := json.Unmarshal([]byte(strings.Replace(string(data), change[0], change[1], 1)), &e); err == nil {
			t.Errorf("%s in place of %s is taken in %s", change[1], change[0], data)
		}
	}
	var none late.Expression
	if data, err := json.Marshal(none); err != nil || string(data) != "null" {
		t.Errorf("no expression is %s, %v", data, err)
	}
	e := mustCompile(t, late.Rollout, late.Condition, "true")
	if err := json.Unmarshal([]byte("null"), &e); err != nil || !e.IsZero() {
		t.Errorf("null is %v, %v", e, err)
	}
}

func TestNames(t *testing.T) {
	got := map[late.Scope][]string{}
	for _, scope := range []late.Scope{late.Rollout, late.Trigger, late.Policy, late.Health} {
		got[scope] = scope.Type(late.Condition).Later
	}
	want := map[late.Scope][]string{late.Rollout: {"app"}, late.Trigger: {"app"}, late.Policy: {"app", "change", "object"}, late.Health: {"object"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest")])`, false)
	f.Add(`"${object.metadata.name} ${app.labels["a b"]}"`, false)
	f.Add("<<-EOT\n  ${app.name}\n  EOT", false)
	f.Add(`local.env["prod eu"].replicas + length(local.kinds[*])`, false)
	f.Add(`{ for k, v in app.labels : upper(k) => v... if v != null }`, false)
	f.Add(`"${app.name}"`, true)
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		filename := "a.gantry.hcl"
		if isJSON {
			filename = "a.gantry.json"
		}
		if strings.Contains(text, "range") || strings.Contains(text, "setproduct") {
			return // these may ask for more than there is
		}
		e, known, diags := compile(late.Policy, late.Any, filename, text)
		if diags.HasErrors() || !known {
			return
		}
		first, firstDiags := e.Evaluate(cases(t, late.Policy))
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var travelled late.Expression
		if err := json.Unmarshal(data, &travelled); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		second, secondDiags := travelled.Evaluate(cases(t, late.Policy))
		if firstDiags.HasErrors() != secondDiags.HasErrors() || !firstDiags.HasErrors() && !first.RawEquals(second) {
			t.Fatalf("%q is %#v, %v; having travelled %#v, %v", text, first, firstDiags, second, secondDiags)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	for name, text := range map[string]string{
		"images": `anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest")])`,
		"labels": `app.labels.tier == "canary" && object.kind == "Deployment"`,
	} {
		b.Run(name, func(b *testing.B) {
			e, _, _ := compile(late.Policy, late.Condition, "a.gantry.hcl", text)
			values := cases(b, late.Policy)
			for b.Loop() {
				if _, diags := e.True(values); diags.HasErrors() {
					b.Fatal(diags)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, _, diags := compile(late.Policy, late.Condition, "a.gantry.hcl", `app.labels.tier == "canary" && object.kind == "Deployment"`); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}

// Nothing that reads what is beside the configuration, or that is another the next time, can
// be called case by case; and what can be is what the reference lists, and nothing new unseen.
func TestFunctionsThatThereAreNot(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		`file("/etc/passwd")`, `fileexists("x")`, `fileset(".", "*")`, `filebase64("x")`, `filesha256("x")`, `filemd5("x")`, `templatefile("x", {})`, `yamldecode(file("x"))`,
		`env("HOME")`, `getenv("HOME")`, `expandenv("$HOME")`, `environ()`, `exec("id")`, `shell("id")`, `command("id")`, `run("id")`,
		`timestamp()`, `plantimestamp()`, `now()`, `uuid()`, `random()`, `rand()`, `bcrypt("x")`, `lookup_host("example.com")`, `gethostbyname("example.com")`, `getHostByName("example.com")`,
		`http("https://example.com")`, `httpget("https://example.com")`, `fetch("https://example.com")`, `dns("example.com")`, `sops("x")`, `vault("x")`, `secret("x")`, `abspath("x")`, `pathexpand("~")`, `realpath("x")`,
		`terraform("x")`, `provider::x::y("z")`, `fn::mine("x")`, `include("x")`, `tpl("x")`, `template("x")`, `eval("x")`, `parse("x")`, `sleep(10)`, `panic("x")`, `exit(1)`,
	} {
		for _, scope := range []late.Scope{late.Policy, late.Trigger, late.Health, late.Rollout} {
			for _, text := range []string{call + ` == "x"`, `try(` + call + ` == "x", true)`, `can(` + call + `)`, `length([for x in ["a"] : ` + call + `]) == 1`} {
				if _, _, diags := compile(scope, late.Condition, "a.gantry.hcl", text); !diags.HasErrors() {
					t.Errorf("%s: %s is no error", scope, text)
				}
			}
			// In messages, and in what is sent to one service.
			for _, text := range []string{`"said ${` + call + `}"`, `"%{ if ` + call + ` == "x" }a%{ endif }"`, `"%{ for x in ` + call + ` }${x}%{ endfor }"`, `upper(` + call + `)`} {
				if _, _, diags := compile(scope, late.Text, "a.gantry.hcl", text); !diags.HasErrors() {
					t.Errorf("%s: the text %s is no error", scope, text)
				}
			}
			for _, text := range []string{`{ text = ` + call + ` }`, `[{ fields = ["${` + call + `}"] }]`, `{ (` + call + `) = 1 }`} {
				if _, _, diags := compile(scope, late.Any, "a.gantry.hcl", text); !diags.HasErrors() {
					t.Errorf("%s: the body %s is no error", scope, text)
				}
			}
		}
	}
}
