package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// TestReplacingIsResumed breaks an apply at its n-th write: the deletion of what it
// replaces, its creation, or a write after that. The same plan finishes it, and what was
// made anew is not deleted again.
func TestReplacingIsResumed(t *testing.T) {
	t.Parallel()
	inWave := func(document, wave string) string {
		return strings.Replace(document, "metadata:\n", "metadata:\n  annotations:\n    argocd.argoproj.io/sync-wave: \""+wave+"\"\n", 1)
	}
	for _, test := range []struct {
		n        int
		answered bool // the write at which it breaks is done, and its answer lost
		made     bool // the object is there anew when it breaks
		edit     map[string]any
		want     string
	}{
		{n: 0, answered: false},
		{n: 0, answered: true},
		{n: 1, answered: false},
		{n: 1, answered: true, made: true},
		{n: 2, answered: false, made: true},
		{n: 2, answered: true, made: true},
		{n: 0, answered: true, edit: map[string]any{"a": "2"}, want: "fixed is another object by now"},
		{n: 2, answered: false, made: true, edit: map[string]any{"b": "3"}},
	} {
		t.Run(fmt.Sprintf("at write %d, done %v, edited %v", test.n, test.answered, test.edit), func(t *testing.T) {
			s := newStage(t)
			version := func(v int) {
				s.application(t, "web", "sync {\n create_namespace = true\n force = true\n}",
					inWave(immutableConfigMap(fmt.Sprint(v)), "-1"), configMap("later", fmt.Sprintf("a=%d", v)))
			}
			version(1)
			s.MustApply(t, engine.PlanOptions{})
			before := s.get(t, configMaps, "fixed").UID()
			version(2)
			p := s.MustPlan(t, engine.PlanOptions{})
			wantAction(t, s.change(p, "web", "ConfigMap", "fixed"), plan.Replace)
			left := &atomic.Int64{}
			left.Store(int64(test.n))
			s.Wrap = func(all providers.Clusters) providers.Clusters {
				return failingClusters{Clusters: all, left: left, answered: test.answered, fail: func() error { return errCut }}
			}
			_, diags := s.Apply(t.Context(), t, p)
			wantError(t, diags, "Apply failed", "the connection was cut")
			s.Wrap = nil
			made := ""
			if test.made {
				if made = s.get(t, configMaps, "fixed").UID(); made == before {
					t.Fatal("it is not replaced yet")
				}
			}
			if test.edit != nil {
				edited := s.configMap("fixed", test.edit)
				if test.made { // its data is immutable, its labels are not
					edited = s.fields(configMaps, "fixed", metadata("labels", map[string]any{"team": "x"}))
				}
				for !test.made { // the deletion takes its time
					if _, err := s.cluster.Get(t.Context(), configMaps, s.namespace, "fixed"); errors.Is(err, providers.ErrNotFound) {
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
				s.edit(t, configMaps, edited, "someone")
			}
			_, diags = s.Apply(t.Context(), t, p)
			if test.want != "" {
				wantError(t, diags, "Application left out", test.want)
				return
			}
			enginetest.Check(t, diags)
			after := s.get(t, configMaps, "fixed")
			if after.UID() == before {
				t.Error("it was not replaced")
			}
			if test.made && after.UID() != made {
				t.Error("it was replaced twice")
			}
			s.wantData(t, "later", "a", "2")
			if owned, journal := recordOf(t, s); len(owned) != 3 || len(journal) > 0 {
				t.Errorf("the record owns %v, and its journal has %v", owned, journal)
			}
			expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
		})
	}
}
