package policy_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/engine/policy"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
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

// used is how many CPU seconds this process has taken, which other processes slow down less
// than the clock tells.
func used(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
