package policy

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// A policy that does not come to an end denies, and says why; those behind it are not passed
// over, even where it would only warn itself. It is stopped: nothing of it is left running. (No
// other test runs beside this one, which looks at all goroutines.)
func TestPoliciesThatDoNotEnd(t *testing.T) {
	var policies []plan.Policy
	for _, p := range []struct {
		name, text  string
		enforcement plan.PolicyEnforcement
	}{
		{"loops", `try(length([for a in range(object.n) : [for b in range(object.n) : [for c in range(object.n) : c if false]]]), 0) == 0`, plan.PolicyWarn},
		{"holds", `false`, plan.PolicyDeny},
	} {
		at := hcl.Range{Filename: "policies.gantry.hcl", Start: hcl.Pos{Line: 1, Column: 1}, End: hcl.Pos{Line: 1, Column: 1 + len(p.text), Byte: len(p.text)}}
		expression, _, diags := late.Compile(late.Policy, late.Condition, late.Source{Text: []byte(p.text), At: at, Context: &hcl.EvalContext{}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		violated, err := json.Marshal(expression)
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, plan.Policy{
			Address: addr.Address{Kind: "policy", Name: p.name}, Kinds: []string{"*"}, Actions: []plan.Action{plan.Create}, Enforcement: p.enforcement, Violated: violated,
		})
	}
	set, errs := Compile(policies)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	set.limit = 10 * time.Millisecond // the loops take hours
	o := object.Object{"apiVersion": "v1", "kind": "ConfigMap", "n": int64(1000), "metadata": map[string]any{"name": "web", "namespace": "web"}}
	c := Case{Application: &Application{Address: addr.Application("web"), Name: "web"}, Change: &plan.Change{ID: o.ID(), Version: "v1", Action: plan.Create, Namespaced: true}, After: o}
	results, err := set.Judge(t.Context(), []Case{c}, &World{}, time.Now())
	if err != nil || len(results) != 1 || len(results[0]) != 2 {
		t.Fatalf("%+v, %v", results, err)
	}
	for i, want := range []string{"did not come to an end in 10ms", "was not asked"} {
		if r := results[0][i]; !r.Failed || !strings.Contains(r.Message, want) || r.Blocks() != (policies[i].Enforcement == plan.PolicyDeny) {
			t.Errorf("%+v, want %q", r, want)
		}
	}
	for began := time.Now(); strings.Contains(stacks(), "late.iteration"); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("it goes on")
		}
	}

	// About another change it is not asked again. The other one is, and is content.
	set.limit = time.Minute
	results, err = set.Judge(t.Context(), []Case{c}, &World{}, time.Now())
	if err != nil || len(results[0]) != 1 || !strings.Contains(results[0][0].Message, "did not come to an end") {
		t.Errorf("%+v, %v", results, err)
	}
}

// stacks are what all goroutines are at.
func stacks() string {
	text := make([]byte, 1<<20)
	return string(text[:runtime.Stack(text, true)])
}
