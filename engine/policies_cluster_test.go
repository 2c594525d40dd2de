package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// clusterRule is a policy of a cluster's own that allows ConfigMaps the values which a
// parameter has, with its binding.
func clusterRule() []object.Object {
	head := func(kind string, spec map[string]any) object.Object {
		return object.Object{"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": map[string]any{"name": "values"}, "spec": spec}
	}
	return []object.Object{
		head("ValidatingAdmissionPolicy", map[string]any{
			"paramKind":        map[string]any{"apiVersion": "rules.example.com/v1", "kind": "Allowed"},
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE", "UPDATE"}, "resources": []any{"configmaps"}}}},
			"validations":      []any{map[string]any{"expression": "object.data.a in params.data.allowed.split(' ')", "messageExpression": "'allowed is ' + params.data.allowed"}},
		}),
		head("ValidatingAdmissionPolicyBinding", map[string]any{
			"policyName": "values", "validationActions": []any{"Deny"},
			"paramRef": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"of": "values"}}, "namespace": "rules", "parameterNotFoundAction": "Deny"},
		}),
	}
}

// The policies of a cluster are asked where the server was not, and where the plan changes
// them, their bindings or their parameters: when it is made, and when it is applied.
func TestClusterPolicies(t *testing.T) {
	t.Parallel()
	const asks = "policy \"cluster\" {\n cluster_policies = true\n}\n"
	rules := func(allowed string) map[string]string {
		return map[string]string{"rules.gantry.hcl": `
application "rules" {
  source {
    objects = [{ apiVersion = "rules.example.com/v1", kind = "Allowed", metadata = { name = "allowed", labels = { of = "values" } }, data = { allowed = "` + allowed + `" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "rules"
  }
}
`}
	}
	for name, test := range map[string]struct {
		policies  string
		value     string
		predicted bool   // the server was not asked
		changed   string // what the plan makes of the parameter; empty leaves it
		blocked   string
	}{
		"the server was asked":         {policies: asks, value: "bad"},
		"it was not":                   {policies: asks, value: "bad", predicted: true, blocked: "policy.cluster: values: allowed is good"},
		"it was not, and nothing is":   {policies: asks, value: "good", predicted: true},
		"nobody wants them asked":      {policies: "", value: "bad", predicted: true},
		"the plan changes a parameter": {policies: asks, value: "good", changed: "bad", blocked: "policy.cluster: values: allowed is bad"},
		"and allows what was not":      {policies: asks, value: "bad", changed: "bad", predicted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, cluster := judged(t, test.policies, "x", test.value)
			b.Write(t, rules("good"))
			b.MustApply(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("rules")}})
			put(t, cluster, clusterRule()...)
			if test.changed != "" {
				b.Write(t, rules(test.changed))
			}
			if test.predicted {
				b.Write(t, makesNamespace())
			} else {
				put(t, cluster, object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "web"}})
			}
			p, diags := b.Plan(t, engine.PlanOptions{})
			if p == nil {
				t.Fatal(diags)
			}
			for i := range p.Applications {
				for _, c := range p.Applications[i].Changes {
					if asked := c.Validation == plan.ServerDryRun; c.ID.Namespace == "web" && asked == test.predicted {
						t.Fatalf("the server was asked about %s: %v", c.ID, asked)
					}
				}
			}
			var found []string
			for i := range p.Applications {
				for _, r := range p.Applications[i].Policies {
					found = append(found, r.Name()+": "+r.Message)
				}
			}
			if got := strings.Join(found, "; "); got != test.blocked {
				t.Errorf("got %q, want %q", got, test.blocked)
			}
			// A plan in which nobody has noted that is held to the same.
			for i := range p.Applications {
				p.Applications[i].Policies, p.Applications[i].Blocked = nil, nil
			}
			_, diags = b.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}})
			if test.blocked == "" {
				enginetest.Check(t, diags)
			} else if !strings.Contains(said(diags), test.blocked) {
				t.Errorf("applied: %s", said(diags))
			}
		})
	}
}

func put(t *testing.T, cluster *memory.Cluster, objects ...object.Object) {
	t.Helper()
	for _, o := range objects {
		if err := cluster.Put(context.Background(), o, "admin"); err != nil {
			t.Fatal(err)
		}
	}
}

// makesNamespace is an application with the namespace, so that no server can be asked about
// what is in it before that is there.
func makesNamespace() map[string]string {
	return map[string]string{"namespace.gantry.hcl": `
application "namespace" {
  source {
    objects = [{ apiVersion = "v1", kind = "Namespace", metadata = { name = "web" } }]
  }
  destination {
    cluster = cluster.main
  }
}
`}
}
