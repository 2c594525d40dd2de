package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pairsOfGuards is how many pairs of plans tell what guards add. The fastest of each counts,
// for what else a machine does only ever adds.
const pairsOfGuards = 3

// guardsAlone measures what guards add to a first plan, and nothing else. A plan before has
// everything rendered.
func (b *bench) guardsAlone(ctx context.Context) ([]result, error) {
	if err := b.configure(true); err != nil {
		return nil, err
	}
	first, err := b.step(ctx, predicted, true, "plan", "--detailed-exitcode")
	if err != nil {
		return nil, err
	}
	measured, err := b.measureGuards(ctx, b.guards)
	return append([]result{first}, measured...), err
}

// measureGuards measures the first plan again, when all is rendered, without the guards and
// with them, in turns.
func (b *bench) measureGuards(ctx context.Context, pairs int) ([]result, error) {
	var without, with []result
	for range pairs {
		one, err := b.step(ctx, unguarded, true, "plan", "--detailed-exitcode")
		if err != nil {
			return nil, err
		}
		without = append(without, one)
		if err := b.guard(); err != nil {
			return nil, err
		}
		one, err = b.step(ctx, guarded, true, "plan", "--detailed-exitcode")
		if err := errors.Join(err, b.unguard()); err != nil {
			return nil, err
		}
		with = append(with, one)
	}
	return []result{fastest(without), fastest(with)}, nil
}

// fastest is of several measurements the least wall time, and the least CPU.
func fastest(results []result) result {
	out := results[0]
	for _, r := range results[1:] {
		out.wall, out.CPU = min(out.wall, r.wall), min(out.CPU, r.CPU)
	}
	return out
}

// guardsFile is what configure wrote is guarded by.
func (b *bench) guardsFile() string { return filepath.Join(b.dir, "guards.gantry.hcl") }

// guard writes the guards that every object of the workload passes, and puts each
// application into one of the projects.
func (b *bench) guard() error {
	if err := os.WriteFile(b.guardsFile(), []byte(guards()), 0o644); err != nil {
		return err
	}
	file := filepath.Join(b.dir, "bench.gantry.hcl")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	one := fmt.Sprintf("  project    = project.team[tostring(parseint(trimprefix(each.value.path.basename, \"application-\"), 10) %% %d)]\n\n  source {\n    repository", guardedProjects)
	return os.WriteFile(file, []byte(strings.Replace(string(text), "\n  source {\n    repository", one, 1)), 0o644)
}

// unguard takes the guards away again.
func (b *bench) unguard() error {
	if err := os.Remove(b.guardsFile()); err != nil {
		return err
	}
	return b.configure(true)
}

// How many projects and policies there are.
const (
	guardedProjects = 20
	guardedPolicies = 50
)

// guards are projects, and for each kind of the workload five policies of which one is of
// Kubernetes.
func guards() string {
	kinds := []struct{ kind, resource, violated string }{
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
	var out strings.Builder
	fmt.Fprintf(&out, `
project "team" {
  for_each     = toset([for n in range(%d) : tostring(n)])
  repositories = ["file://**", "!file:///elsewhere/**"]

  destination {
    clusters   = ["other-*"]
    namespaces = ["*"]
  }
  destination {
    clusters   = ["ben*"]
    namespaces = ["bench", "bench-*"]
  }
  namespace_resources {
    allow = ["*"]
    deny  = ["Endpoints", "discovery.k8s.io/*"]
  }
}
`, guardedProjects)
	each := guardedPolicies / len(kinds)
	for i, of := range kinds {
		group, kind, grouped := strings.Cut(of.kind, "/")
		if !grouped {
			group, kind = "", of.kind
		}
		for n := range each - 1 {
			fmt.Fprintf(&out, "\npolicy \"p%d_%d\" {\n  kinds    = [%q]\n  violated = %s\n}\n", i, n, of.kind, of.violated)
		}
		fmt.Fprintf(&out, `
policy "admission_%s" {
  manifests = [
    {
      apiVersion = "admissionregistration.k8s.io/v1", kind = "ValidatingAdmissionPolicy", metadata = { name = %q }
      spec = {
        matchConstraints = { resourceRules = [{ apiGroups = [%q], apiVersions = ["*"], operations = ["CREATE", "UPDATE"], resources = [%q] }] }
        validations      = [{ expression = "object.metadata.name.size() < 200 && !has(object.metadata.finalizers)" }]
      }
    },
    { apiVersion = "admissionregistration.k8s.io/v1", kind = "ValidatingAdmissionPolicyBinding", metadata = { name = %q }, spec = { policyName = %q, validationActions = ["Deny"] } },
  ]
}
`, strings.ToLower(kind), of.resource, group, of.resource, of.resource, of.resource)
	}
	return out.String()
}
