package policy_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/policy"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// expression is a late expression as a plan has it.
func expression(t testing.TB, want late.Want, text string) json.RawMessage {
	t.Helper()
	at := hcl.Range{Filename: "policies.gantry.hcl", Start: hcl.Pos{Line: 1, Column: 1}, End: hcl.Pos{Line: 1, Column: 1 + len(text), Byte: len(text)}}
	compiled, _, diags := late.Compile(late.Policy, want, late.Source{Text: []byte(text), At: at, Context: &hcl.EvalContext{}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	out, err := json.Marshal(compiled)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rule(t testing.TB, name, kind, violated string) plan.Policy {
	t.Helper()
	return plan.Policy{
		Address: addr.Address{Kind: "policy", Name: name}, Kinds: []string{kind}, Actions: []plan.Action{plan.Create, plan.Update},
		Enforcement: plan.PolicyDeny, Violated: expression(t, late.Condition, violated), Message: expression(t, late.Text, `"${object.metadata.name} violates it"`),
	}
}

// admissionRule is an admission policy with its binding, for a kind of the group apps.
func admissionRule(name, resource, check string) []object.Object {
	return []object.Object{
		{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": map[string]any{"name": name}, "spec": map[string]any{
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{"apiGroups": []any{"apps"}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE", "UPDATE"}, "resources": []any{resource}}}},
			"validations":      []any{map[string]any{"expression": check}},
		}},
		{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": map[string]any{"name": name}, "spec": map[string]any{"policyName": name, "validationActions": []any{"Deny"}}},
	}
}

// workload is an object as estates have them.
func workload(kind, name string) object.Object {
	container := map[string]any{
		"name": "app", "image": "registry.example.com/app:1.2.3", "ports": []any{map[string]any{"containerPort": int64(8080)}},
		"env":       []any{map[string]any{"name": "A", "value": "b"}, map[string]any{"name": "C", "value": "d"}},
		"resources": map[string]any{"requests": map[string]any{"cpu": "10m", "memory": "32Mi"}, "limits": map[string]any{"memory": "64Mi"}},
	}
	return object.Object{
		"apiVersion": "apps/v1", "kind": kind,
		"metadata": map[string]any{"name": name, "namespace": "web", "labels": map[string]any{"app": name, "team": "web"}},
		"spec": map[string]any{
			"replicas": int64(2), "selector": map[string]any{"matchLabels": map[string]any{"app": name}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": name}}, "spec": map[string]any{"containers": []any{container}, "serviceAccountName": "app"}},
		},
	}
}

func created(app *policy.Application, o object.Object) policy.Case {
	return policy.Case{Application: app, Change: &plan.Change{ID: o.ID(), Version: o.GVK().Version, Action: plan.Create, Namespaced: true}, After: o}
}

// What cannot be used is an error of its own for each policy, and then there is no set.
func TestCompileErrors(t *testing.T) {
	t.Parallel()
	good := rule(t, "good", "*", "false")
	for name, change := range map[string]func(*plan.Policy){
		"nothing to ask": func(p *plan.Policy) { p.Violated = nil },
		"enforcement":    func(p *plan.Policy) { p.Enforcement = "maybe" },
		"kinds":          func(p *plan.Policy) { p.Kinds = []string{"["} },
		"scope":          func(p *plan.Policy) { p.Applications = []string{"["} },
		"expression": func(p *plan.Policy) {
			p.Violated = json.RawMessage(`{"scope":"policy","want":"condition","text":"nothing"}`)
		},
		"of another scope":   func(p *plan.Policy) { p.Violated = json.RawMessage(`{}`) },
		"null":               func(p *plan.Policy) { p.Violated = json.RawMessage(`null`) },
		"no reason":          func(p *plan.Policy) { p.Exemptions = []plan.PolicyExemption{{Names: []string{"*"}}} },
		"admission policies": func(p *plan.Policy) { p.Violated = nil; p.Manifests = admissionRule("x", "deployments", "object.") },
	} {
		bad := rule(t, "bad", "*", "false")
		change(&bad)
		set, errs := policy.Compile([]plan.Policy{good, bad})
		if set != nil || len(errs) != 1 || errs[0].Policy.Address.Name != "bad" {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

// Each case has the results of the policies that are asked about it, in their order, however
// many are judged at once.
func TestJudgeManyAtOnce(t *testing.T) {
	t.Parallel()
	rules := []plan.Policy{
		rule(t, "odd", "apps/Deployment", `object.spec.replicas % 2 == 1`),
		{Address: addr.Address{Kind: "policy", Name: "admission"}, Enforcement: plan.PolicyDeny, Manifests: admissionRule("few", "deployments", "object.spec.replicas < 5")},
	}
	set, errs := policy.Compile(rules)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	app := &policy.Application{Address: addr.Application("web"), Name: "web"}
	var cases []policy.Case
	for i := range 200 {
		o := workload("Deployment", fmt.Sprintf("d%d", i))
		o["spec"].(map[string]any)["replicas"] = int64(i % 10)
		cases = append(cases, created(app, o))
	}
	results, err := set.Judge(t.Context(), cases, &policy.World{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i, found := range results {
		var want []string
		if n := i % 10; n%2 == 1 {
			want = append(want, "policy.odd")
		}
		if i%10 >= 5 {
			want = append(want, "policy.admission: few")
		}
		var got []string
		for _, r := range found {
			got = append(got, r.Name())
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d: got %v, want %v", i, got, want)
		}
	}
}
