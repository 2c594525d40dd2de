package health_test

import (
	"fmt"
	"testing"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan/object"
)

// BenchmarkAssess assesses 1,000 custom resources by a rule of the library: a
// condition, and a chain of questions about a large status.
func BenchmarkAssess(b *testing.B) {
	nodes := make([]any, 50)
	for i := range nodes {
		nodes[i] = map[string]any{"name": fmt.Sprintf("node-%d", i), "ready": true, "addresses": []any{"10.0.0.1", "10.0.0.2"}}
	}
	condition := map[string]any{"type": "Ready", "status": "True", "reason": "Done", "message": "up to date"}
	for _, c := range []struct {
		name   string
		object object.Object
	}{
		{"condition", object.Object{
			"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": map[string]any{"name": "a"},
			"status": map[string]any{"conditions": []any{condition}, "nodes": nodes},
		}},
		{"chain", object.Object{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": map[string]any{"name": "a", "generation": int64(2)},
			"spec":   map[string]any{"replicas": int64(50), "strategy": map[string]any{"canary": map[string]any{}}},
			"status": map[string]any{"observedGeneration": "2", "phase": "Healthy", "nodes": nodes},
		}},
		{"builtin", object.Object{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "a", "generation": int64(2)},
			"spec":   map[string]any{"replicas": int64(1)},
			"status": map[string]any{"observedGeneration": int64(2), "replicas": int64(1), "updatedReplicas": int64(1), "availableReplicas": int64(1)},
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			a, err := health.NewAssessor(nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for range 1_000 {
					if got := a.Assess(c.object); got.Code != health.Healthy {
						b.Fatal(got)
					}
				}
			}
		})
	}
}

// BenchmarkLibrary reads the library, which every process does once that needs it.
func BenchmarkLibrary(b *testing.B) {
	for b.Loop() {
		if rules := rulesOf(b, health.LibraryText); len(rules) == 0 {
			b.Fatal("no rules")
		}
	}
}
