package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// judged is a bench in memory with an application "web" of some ConfigMaps, by name and
// value, and policies.
func judged(t *testing.T, policies string, values ...string) (*enginetest.Bench, *memory.Cluster) {
	t.Helper()
	b, cluster := inMemory(t)
	b.Write(t, map[string]string{"policies.gantry.hcl": policies})
	writeJudged(t, b, values...)
	return b, cluster
}

func writeJudged(t *testing.T, b *enginetest.Bench, values ...string) {
	t.Helper()
	var list []string
	for i := 0; i < len(values); i += 2 {
		list = append(list, `{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "`+values[i]+`" }, data = { a = "`+values[i+1]+`" } }`)
	}
	b.Write(t, map[string]string{"web.gantry.hcl": `
project "shop" {}
application "web" {
  project = project.shop
  labels  = { tier = "front" }
  info    = { owner = "web" }
  source {
    objects = [` + strings.Join(list, ", ") + `]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}`})
}

const onlyGood = `
policy "good" {
  kinds    = ["ConfigMap"]
  violated = object.data.a != "good"
  message  = "${object.metadata.name} is ${object.data.a}, by ${app.info.owner}"
}`

// messages are what policies say of a plan, each with what comes of it.
func messages(p *plan.Plan) []string {
	var out []string
	for i := range p.Applications {
		for _, r := range p.Applications[i].Policies {
			level := string(r.Enforcement)
			if r.Exempt != "" {
				level = "exempt"
			}
			out = append(out, level+" "+r.Name()+" "+r.Object.Name+": "+r.Message)
		}
	}
	return out
}

func wantMessages(t *testing.T, p *plan.Plan, want ...string) {
	t.Helper()
	got := messages(p)
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

func TestPoliciesBlockPlans(t *testing.T) {
	t.Parallel()
	const vap = `[
    { apiVersion = "admissionregistration.k8s.io/v1", kind = "ValidatingAdmissionPolicy", metadata = { name = "good" }, spec = {
      matchConstraints = { resourceRules = [{ apiGroups = [""], apiVersions = ["v1"], operations = ["CREATE", "UPDATE"], resources = ["configmaps"] }] }
      validations = [{ expression = "object.data.a == 'good'", messageExpression = "object.metadata.name + ' is ' + object.data.a" }]
    } },
    { apiVersion = "admissionregistration.k8s.io/v1", kind = "ValidatingAdmissionPolicyBinding", metadata = { name = "all" }, spec = { policyName = "good", validationActions = ["Deny"] } },
  ]`
	for name, test := range map[string]struct {
		policies string
		values   []string
		blocked  string
		want     []string
		says     []string // of an error
	}{
		"holds":                         {policies: onlyGood, values: []string{"x", "good"}},
		"denies":                        {policies: onlyGood, values: []string{"x", "bad", "y", "good"}, blocked: "web", want: []string{"deny policy.good x: x is bad, by web"}, says: []string{"application.web", "ConfigMap web/x", "policy.good: x is bad, by web"}},
		"warns":                         {policies: strings.Replace(onlyGood, "kinds ", "enforcement = \"warn\"\n  kinds ", 1), values: []string{"x", "bad"}, want: []string{"warn policy.good x: x is bad"}},
		"wants an approval":             {policies: strings.Replace(onlyGood, "kinds ", "enforcement = \"approve\"\n  kinds ", 1), values: []string{"x", "bad"}, want: []string{"approve policy.good x: x is bad"}},
		"cannot be told":                {policies: strings.Replace(onlyGood, "object.data.a !=", "object.spec.a !=", 1), values: []string{"x", "good"}, blocked: "web", want: []string{"deny policy.good x: The policy could not be evaluated, so that it denies"}},
		"exempt":                        {policies: strings.Replace(onlyGood, "message", "exempt {\n names = [\"x*\"]\n reason = \"it is old\"\n until = \"2999-12-31\"\n }\n message", 1), values: []string{"x", "bad", "y", "bad"}, blocked: "web", want: []string{"exempt policy.good x: x is bad", "deny policy.good y: y is bad"}},
		"was exempt":                    {policies: strings.Replace(onlyGood, "message", "exempt {\n names = [\"x*\"]\n reason = \"it is old\"\n until = \"2001-12-31\"\n }\n message", 1), values: []string{"x", "bad"}, blocked: "web", want: []string{"deny policy.good x: x is bad, by web (It was exempt until 2002-01-01T00:00:00Z: it is old.)"}},
		"another kind":                  {policies: strings.Replace(onlyGood, `"ConfigMap"`, `"apps/*"`, 1), values: []string{"x", "bad"}},
		"another project":               {policies: strings.Replace(onlyGood, "kinds ", "projects = [\"other\"]\n kinds ", 1), values: []string{"x", "bad"}},
		"another cluster":               {policies: strings.Replace(onlyGood, "kinds ", "clusters = [\"other\"]\n kinds ", 1), values: []string{"x", "bad"}},
		"another namespace":             {policies: strings.Replace(onlyGood, "kinds ", "namespaces = [\"other\"]\n kinds ", 1), values: []string{"x", "bad"}},
		"all of the scope":              {policies: strings.Replace(onlyGood, "kinds ", "projects = [project.shop]\n applications = [\"w*\"]\n clusters = [cluster.main]\n namespaces = [\"web\"]\n kinds ", 1), values: []string{"x", "bad"}, blocked: "web", want: []string{"deny policy.good x"}},
		"another action":                {policies: strings.Replace(onlyGood, "kinds ", "actions = [\"prune\"]\n kinds ", 1), values: []string{"x", "bad"}},
		"for_each":                      {policies: "policy \"limits\" {\n for_each = { small = 2, large = 4 }\n violated = length(object.data.a) > each.value\n message = \"longer than ${each.key}\"\n}", values: []string{"x", "bad"}, blocked: "web", want: []string{`deny policy.limits["small"] x: longer than small`}},
		"admission":                     {policies: "policy \"admission\" {\n manifests = " + vap + "\n}", values: []string{"x", "bad", "y", "good"}, blocked: "web", want: []string{"deny policy.admission: good x: x is bad"}},
		"admission, warned":             {policies: "policy \"admission\" {\n enforcement = \"warn\"\n manifests = " + vap + "\n}", values: []string{"x", "bad"}, want: []string{"warn policy.admission: good x: x is bad"}},
		"admission, exempt":             {policies: "policy \"admission\" {\n exempt {\n policies = [\"g*\"]\n reason = \"later\"\n }\n manifests = " + vap + "\n}", values: []string{"x", "bad"}, want: []string{"exempt policy.admission: good x: x is bad"}},
		"admission that cannot be used": {policies: "policy \"admission\" {\n manifests = " + strings.Replace(vap, "object.data.a ==", "object.data.a =", 1) + "\n}", values: []string{"x", "good"}, blocked: "web", says: []string{"Policy cannot be used", "spec.validations[0].expression: compilation failed"}},
		"many":                          {policies: onlyGood, values: []string{"a", "bad", "b", "bad", "c", "bad", "d", "bad"}, blocked: "web", want: []string{"deny", "deny", "deny", "deny"}, says: []string{"4 changes do"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := judged(t, test.policies, test.values...)
			p, diags := b.Plan(t, engine.PlanOptions{})
			if p == nil {
				t.Fatal(diags)
			}
			if got := blocks(p); got != test.blocked || diags.HasErrors() != (test.blocked != "") {
				t.Errorf("blocked %q, want %q: %v", got, test.blocked, diags)
			}
			wantMessages(t, p, test.want...)
			for _, text := range test.says {
				if !strings.Contains(said(diags), text) {
					t.Errorf("%q is not in %s", text, said(diags))
				}
			}
			for _, problem := range p.Applications[0].Blocked {
				if problem.IsOfPolicy() && (!strings.Contains(problem.Rule, "policies.gantry.hcl:") || !strings.Contains(problem.Range, "web.gantry.hcl:")) {
					t.Errorf("ranges %q and %q", problem.Rule, problem.Range)
				}
			}
		})
	}
}

func said(diags hcl.Diagnostics) string {
	var out []string
	for _, d := range diags {
		out = append(out, d.Summary+": "+d.Detail)
	}
	return strings.Join(out, "\n")
}

// What a policy does not allow is not applied, whatever plan arrives: with the rules of the
// plan taken out, with an object that was changed, or made before there was a policy.
func TestPoliciesHoldAtApply(t *testing.T) {
	t.Parallel()
	const guarded = "policy.good: x is bad"
	for name, test := range map[string]struct {
		planned string // policies when the plan is made
		value   string
		tamper  func(*plan.Plan)
		guards  string // policies of the configuration where apply runs; empty for no guards
		refused string
	}{
		"nothing wrong":               {planned: onlyGood, value: "good", guards: onlyGood},
		"the object changed":          {planned: onlyGood, value: "good", tamper: func(p *plan.Plan) { p.Applications[0].Changes[0].Body["data"].(map[string]any)["a"] = "bad" }, refused: guarded},
		"the rules taken out":         {planned: onlyGood, value: "bad", tamper: unblock, guards: onlyGood, refused: guarded},
		"the rules weakened":          {planned: onlyGood, value: "bad", tamper: func(p *plan.Plan) { unblock(p); p.Policies = nil; p.Applications[0].Info = nil }, guards: strings.ReplaceAll(onlyGood, ", by ${app.info.owner}", ""), refused: guarded},
		"exempt by the plan":          {planned: strings.Replace(onlyGood, "message", "exempt {\n names = [\"*\"]\n reason = \"mine\"\n }\n message", 1), value: "bad", guards: onlyGood, refused: guarded},
		"another project":             {planned: strings.Replace(onlyGood, "kinds ", "projects = [\"other\"]\n kinds ", 1), value: "bad", guards: strings.Replace(onlyGood, "kinds ", "projects = [\"shop\"]\n kinds ", 1), refused: guarded},
		"by the cluster's own labels": {planned: "", value: "bad", guards: "policy \"good\" {\n violated = app.cluster.labels.env == \"prod\" && object.data.a != \"good\"\n message = \"x is bad\"\n}", refused: guarded},
		"made before":                 {planned: "", value: "bad", guards: onlyGood, refused: guarded},
		"guards that warn":            {planned: "", value: "bad", guards: strings.Replace(onlyGood, "kinds ", "enforcement = \"warn\"\n kinds ", 1)},
		"rules that cannot be used": {planned: onlyGood, value: "good", tamper: func(p *plan.Plan) {
			p.Policies[0].Violated = json.RawMessage(`{"scope":"policy","want":"condition","text":"nothing"}`)
		}, refused: "policies cannot be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, cluster := judged(t, test.planned, "x", test.value)
			b.Write(t, map[string]string{"cluster.gantry.hcl": "cluster \"main\" {\n  server = \"https://main.example.com\"\n  labels = { env = \"prod\" }\n}\n"})
			p, _ := b.Plan(t, engine.PlanOptions{})
			if test.tamper != nil {
				test.tamper(p)
			}
			options := engine.ApplyOptions{By: state.Holder{Who: "test"}}
			if test.guards != "" {
				b.Write(t, map[string]string{"policies.gantry.hcl": test.guards})
				config, diags := b.Config(t, b.Engine())
				enginetest.Check(t, diags)
				options.Guards = engine.GuardsOf(config)
			}
			_, diags := b.Engine().Apply(t.Context(), p, options)
			found, err := cluster.List(t.Context(), configMaps, "web", providers.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			there := len(found) > 0
			if test.refused == "" {
				enginetest.Check(t, diags)
				if !there {
					t.Error("nothing was applied")
				}
				return
			}
			if there || !strings.Contains(said(diags), test.refused) {
				t.Errorf("applied: %v; %s", there, said(diags))
			}
		})
	}
}

// unblock makes a plan that is refused look like one that is not.
func unblock(p *plan.Plan) {
	p.Policies, p.Applications[0].Policies, p.Applications[0].Blocked = nil, nil, nil
}

// Policies travel in the plan file, and know what was before.
func TestPoliciesTravel(t *testing.T) {
	t.Parallel()
	b, _ := judged(t, onlyGood, "x", "good")
	b.MustApply(t, engine.PlanOptions{})
	writeJudged(t, b, "x", "worse")
	b.Write(t, map[string]string{"policies.gantry.hcl": "policy \"late\" {\n enforcement = \"warn\"\n violated = change.before.data.a == \"good\" && contains(change.paths, \"data.a\") && change.action == \"update\"\n message = \"from ${change.before.data.a}\"\n exempt {\n names = [\"y\"]\n reason = \"none\"\n until = \"2999-01-01\"\n }\n}"})
	p := b.MustPlan(t, engine.PlanOptions{})
	wantMessages(t, p, "warn policy.late x: from good")
	file := t.TempDir() + "/saved.gantryplan"
	if err := planfile.WriteFile(file, p, planfile.WriteOptions{Recipient: b.Identity.Recipient()}); err != nil {
		t.Fatal(err)
	}
	read, err := planfile.ReadFile(file, planfile.ReadOptions{Identity: b.Identity})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{p.Policies[0].Exemptions, p.Applications[0].Policies, p.Applications[0].Info}, []any{read.Plan.Policies[0].Exemptions, read.Plan.Applications[0].Policies, read.Plan.Applications[0].Info}); diff != "" {
		t.Error(diff)
	}
	b.Write(t, map[string]string{"policies.gantry.hcl": ""})
	if bare := b.MustPlan(t, engine.PlanOptions{}); bare.Applications[0].Digest != p.Applications[0].Digest {
		t.Error("policies are part of the digest")
	}
	read.Plan.Policies[0].Enforcement = plan.PolicyDeny
	_, diags := b.Apply(t.Context(), t, read.Plan)
	if !strings.Contains(said(diags), "policy.late: from good") {
		t.Errorf("applied: %s", said(diags))
	}
}
