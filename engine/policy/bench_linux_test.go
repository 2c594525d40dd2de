package policy_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/engine/policy"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// BenchmarkJudge: 10,000 objects against 50 policies, half of them of Kubernetes, and 20
// projects. In "kinds" each policy is for one of five kinds, so that ten are asked about each
// object; in "all" each is asked about every object, which is 500,000 evaluations.
func BenchmarkJudge(b *testing.B) {
	kinds := []struct{ kind, resource string }{{"Deployment", "deployments"}, {"StatefulSet", "statefulsets"}, {"DaemonSet", "daemonsets"}, {"ReplicaSet", "replicasets"}, {"ControllerRevision", "controllerrevisions"}}
	for _, of := range []string{"kinds", "all"} {
		var rules []plan.Policy
		for i := range 25 {
			kind, resource := kinds[i%len(kinds)].kind, kinds[i%len(kinds)].resource
			if of == "all" {
				kind, resource = "*", "*"
			}
			rules = append(rules,
				rule(b, fmt.Sprintf("p%d", i), kind, `anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest")])`),
				plan.Policy{Address: addr.Address{Kind: "policy", Name: fmt.Sprintf("a%d", i)}, Enforcement: plan.PolicyDeny, Manifests: admissionRule(fmt.Sprintf("a%d", i), resource, "object.spec.template.spec.containers.all(c, !c.image.endsWith(':latest'))")},
			)
		}
		app := &policy.Application{Address: addr.Application("web"), Name: "web"}
		var cases []policy.Case
		for i := range 10_000 {
			cases = append(cases, created(app, workload(kinds[i%len(kinds)].kind, fmt.Sprintf("o%d", i))))
		}
		projects := make([]*plan.Project, 20)
		for i := range projects {
			projects[i] = &plan.Project{
				Address: addr.Address{Kind: "project", Name: fmt.Sprintf("p%d", i)}, Name: fmt.Sprintf("p%d", i),
				Destinations:       []plan.Destination{{Clusters: []string{"other-*"}, Namespaces: []string{"*"}}, {Clusters: []string{"prod-*"}, Namespaces: []string{"web", "web-*"}}},
				NamespaceResources: plan.ResourceRules{Allow: []string{"*"}, Deny: []string{"Secret", "rbac.authorization.k8s.io/*"}},
			}
		}
		b.Run(of, func(b *testing.B) {
			before := used(b)
			for b.Loop() {
				for i, project := range projects { // each has as many of the objects
					rules := guard.Compile(project)
					for n := i; n < len(cases); n += len(projects) {
						if problems := rules.Object(cases[n].Change.ID, true, "prod-eu", "https://eu.example.com"); problems != nil {
							b.Fatal(problems)
						}
					}
				}
				set, errs := policy.Compile(rules)
				if len(errs) > 0 {
					b.Fatal(errs)
				}
				results, err := set.Judge(b.Context(), cases, &policy.World{}, time.Now())
				if err != nil {
					b.Fatal(err)
				}
				for _, found := range results {
					if len(found) > 0 {
						b.Fatal(found)
					}
				}
			}
			b.ReportMetric((used(b)-before)/float64(b.N), "cpu-s/op")
		})
	}
}

// BenchmarkWorkload: 10,000 objects of ten kinds, as cmd/internal/bench has them, with its 50
// policies: five for each kind, one of them of Kubernetes. What it takes to make them ready is in
// it, and measured beside it.
func BenchmarkWorkload(b *testing.B) {
	var rules []plan.Policy
	for _, of := range workloadKinds {
		for n := range 4 {
			rules = append(rules, rule(b, fmt.Sprintf("%s-%d", of.resource, n), of.kind, of.violated))
		}
		manifests := admissionRule(of.resource, of.resource, "object.metadata.name.size() < 200 && !has(object.metadata.finalizers)")
		manifests[0]["spec"].(map[string]any)["matchConstraints"].(map[string]any)["resourceRules"].([]any)[0].(map[string]any)["apiGroups"] = []any{"*"}
		manifests[0]["spec"].(map[string]any)["matchConstraints"].(map[string]any)["resourceRules"].([]any)[0].(map[string]any)["apiVersions"] = []any{"*"}
		rules = append(rules, plan.Policy{Address: addr.Address{Kind: "policy", Name: "admission-" + of.resource}, Enforcement: plan.PolicyDeny, Manifests: manifests})
	}
	app := &policy.Application{Address: addr.Application("web"), Name: "web"}
	var cases []policy.Case
	for i := range 1000 {
		for _, o := range service(b, fmt.Sprintf("service-%d", i)) {
			cases = append(cases, created(app, o))
		}
	}
	b.Run("ready", func(b *testing.B) {
		before := used(b)
		for b.Loop() {
			if _, errs := policy.Compile(rules); len(errs) > 0 {
				b.Fatal(errs)
			}
		}
		b.ReportMetric((used(b)-before)/float64(b.N), "cpu-s/op")
	})
	b.Run("judged", func(b *testing.B) {
		before := used(b)
		for b.Loop() {
			set, errs := policy.Compile(rules) // anew, for a set remembers what it was content with
			if len(errs) > 0 {
				b.Fatal(errs)
			}
			results, err := set.Judge(b.Context(), cases, &policy.World{}, time.Now())
			if err != nil {
				b.Fatal(err)
			}
			for i, found := range results {
				if len(found) > 0 {
					b.Fatal(cases[i].Change.ID, found)
				}
			}
		}
		b.ReportMetric((used(b)-before)/float64(b.N), "cpu-s/op")
	})
}

// workloadKinds are the kinds of a service, and what its policies deny.
var workloadKinds = []struct{ kind, resource, violated string }{
	{"ServiceAccount", "serviceaccounts", `can(object.secrets)`},
	{"ConfigMap", "configmaps", `anytrue([for key, text in object.data : length(text) > 100000])`},
	{"Secret", "secrets", `try(object.type, "") == "kubernetes.io/tls"`},
	{"Service", "services", `try(object.spec.type, "") == "LoadBalancer"`},
	{"apps/Deployment", "deployments", `anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest") || !can(c.resources.requests.cpu)])`},
	{"autoscaling/HorizontalPodAutoscaler", "horizontalpodautoscalers", `object.spec.maxReplicas > 100`},
	{"networking.k8s.io/NetworkPolicy", "networkpolicies", `length(try(object.spec.ingress, [])) == 0`},
	{"policy/PodDisruptionBudget", "poddisruptionbudgets", `try(object.spec.maxUnavailable, 1) == 0`},
	{"rbac.authorization.k8s.io/Role", "roles", `anytrue([for rule in try(object.rules, []) : contains(try(rule.verbs, []), "*") && contains(try(rule.resources, []), "*")])`},
	{"rbac.authorization.k8s.io/RoleBinding", "rolebindings", `object.roleRef.name == "cluster-admin"`},
}

// service is the ten objects of one, as cmd/internal/bench writes them.
func service(b *testing.B, name string) []object.Object {
	b.Helper()
	meta := func() map[string]any { return map[string]any{"name": name, "namespace": "bench-1"} }
	selector := map[string]any{"matchLabels": map[string]any{"app": name}}
	container := map[string]any{
		"name": "main", "image": "registry.example.com/bench/" + name + ":v1", "ports": []any{map[string]any{"containerPort": int64(8080)}},
		"envFrom":   []any{map[string]any{"configMapRef": map[string]any{"name": name}}, map[string]any{"secretRef": map[string]any{"name": name}}},
		"resources": map[string]any{"requests": map[string]any{"cpu": "10m", "memory": "16Mi"}},
	}
	return []object.Object{
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta()},
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(), "data": map[string]any{"version": "v1", "settings": strings.Repeat("setting of "+name+" that is there to be read\n", 40)}},
		{"apiVersion": "v1", "kind": "Secret", "metadata": meta(), "stringData": map[string]any{"password": "redacted"}},
		{"apiVersion": "v1", "kind": "Service", "metadata": meta(), "spec": map[string]any{"selector": map[string]any{"app": name}, "ports": []any{map[string]any{"name": "http", "port": int64(80), "targetPort": int64(8080)}}}},
		{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(), "spec": map[string]any{"replicas": int64(0), "selector": selector, "template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": name}}, "spec": map[string]any{"serviceAccountName": name, "containers": []any{container}},
		}}},
		{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta(), "spec": map[string]any{
			"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": int64(1), "maxReplicas": int64(3),
			"metrics": []any{map[string]any{"type": "Resource", "resource": map[string]any{"name": "cpu", "target": map[string]any{"type": "Utilization", "averageUtilization": int64(80)}}}},
		}},
		{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta(), "spec": map[string]any{"podSelector": selector, "policyTypes": []any{"Ingress"}, "ingress": []any{map[string]any{"ports": []any{map[string]any{"protocol": "TCP", "port": int64(8080)}}}}}},
		{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta(), "spec": map[string]any{"maxUnavailable": int64(1), "selector": selector}},
		{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta(), "rules": []any{map[string]any{"apiGroups": []any{""}, "resources": []any{"configmaps"}, "verbs": []any{"get", "list", "watch"}}}},
		{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta(), "roleRef": map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}, "subjects": []any{map[string]any{"kind": "ServiceAccount", "name": name}}},
	}
}

// used is how many CPU seconds this process has taken, which other processes slow down less
// than the clock tells.
func used(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
