package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/providers"
)

// unwatched has nothing of the stage's cluster be watched.
func (s *stage) unwatched() {
	s.tap(taps{watch: func(_ context.Context, r providers.Resource, _ func() error) error {
		return fmt.Errorf("watching %s: %w", r.Plural, providers.ErrForbidden)
	}})
}

// TestWaitingWithoutWatches: where the kind may not be watched, it is listed now and then.
func TestWaitingWithoutWatches(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	s.Write(t, map[string]string{"health.gantry.hcl": `health "ConfigMap" {
  healthy = field("data.ready", "") == "yes"
}`})
	s.application(t, "web", createNamespace, configMap("a", "v=1"))
	s.unwatched()
	p := s.MustPlan(t, engine.PlanOptions{})
	var once sync.Once
	var edits sync.WaitGroup
	s.Events = func(e engine.Event) {
		if e.Kind == engine.EventWaiting || e.Kind == engine.EventWritten && e.Object.Kind == "ConfigMap" {
			once.Do(func() {
				edits.Go(func() {
					_, err := s.cluster.Apply(context.Background(), providers.ApplyRequest{
						Resource: configMaps, Object: s.configMap("a", map[string]any{"ready": "yes"}), Manager: "someone", Force: true,
					})
					if err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, diags := s.Apply(ctx, t, p)
	edits.Wait()
	enginetest.Check(t, diags)
}
