package engine

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// sealed is a custom resource that the library of health rules knows, and its change.
func sealed(version, status string) (object.Object, *plan.Change) {
	o := object.Object{
		"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
		"metadata": map[string]any{"name": "token", "namespace": "web", "uid": "token", "resourceVersion": version, "generation": int64(1)},
		"status":   map[string]any{"conditions": []any{map[string]any{"type": "Synced", "status": status, "message": "no key"}}},
	}
	return o, &plan.Change{ID: o.ID(), Version: "v1alpha1", Plural: "sealedsecrets", Namespaced: true, Action: plan.Create}
}

// TestDegradedForAWhile: what the library finds degraded is a failure when it stays so,
// what the configuration finds degraded, at once.
func TestDegradedForAWhile(t *testing.T) {
	t.Parallel()
	own := []plan.HealthRule{{
		Group: "bitnami.com", Kind: "*",
		Degraded: json.RawMessage(`{"scope": "health", "want": "condition", "text": "condition(\"Synced\").status == \"False\"", "range": {}}`),
		Message:  json.RawMessage(`{"scope": "health", "want": "string", "text": "\"ours: ${condition(\"Synced\").message}\"", "range": {}}`),
	}}
	for name, c := range map[string]struct {
		rules    []plan.HealthRule
		recovers time.Duration // when it becomes healthy; 0 is never
		failure  string
		from, to time.Duration // when waiting ends
	}{
		"stays":     {nil, 0, "is not healthy: no key", degradedFor, degradedFor + lookLast},
		"recovers":  {nil, 10 * time.Second, "", 10 * time.Second, 10 * time.Second},
		"by a rule": {own, 10 * time.Second, "is not healthy: ours: no key", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, change := sealed("10", "False")
				cluster := newWatchable(o)
				w := newWaiter(t, cluster, plan.Settings{})
				assessor, err := health.NewAssessor(c.rules)
				if err != nil {
					t.Fatal(err)
				}
				w.applying.health = assessor
				if c.recovers > 0 {
					time.AfterFunc(c.recovers, func() {
						next, _ := sealed("11", "True")
						cluster.put(next, false)
					})
				}
				began := time.Now()
				_, err = w.untilHealthy(t.Context(), change, o)
				took := time.Since(began)
				w.applying.watchers.close()
				if c.failure == "" && err != nil || c.failure != "" && (!errors.Is(err, errUnhealthy) || !strings.Contains(err.Error(), c.failure)) {
					t.Errorf("got %v, want %q", err, c.failure)
				}
				if took < c.from || took > c.to {
					t.Errorf("it took %s, want %s to %s", took, c.from, c.to)
				}
				time.Sleep(c.recovers) // what was begun, ends
			})
		})
	}
}
