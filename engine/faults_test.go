package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// failingClusters let a number of writes through, and fail after that: before the
// request leaves, or after it was done and before its answer arrives.
type failingClusters struct {
	providers.Clusters
	left     *atomic.Int64
	once     bool // only one write fails, and those after it go through
	answered bool
	fail     func() error
}

func (f failingClusters) Connect(name string, c target.Connection, cr target.Credentials) (providers.Cluster, error) {
	cluster, err := f.Clusters.Connect(name, c, cr)
	return failingCluster{cluster, f}, err
}

// through reports whether the next write does not fail.
func (f failingClusters) through() bool {
	left := f.left.Add(-1)
	return left >= 0 || f.once && left < -1
}

type failingCluster struct {
	providers.Cluster
	faults failingClusters
}

func (f failingCluster) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if request.DryRun {
		return f.Cluster.Apply(ctx, request)
	}
	if f.faults.through() {
		return f.Cluster.Apply(ctx, request)
	}
	if f.faults.answered {
		if _, err := f.Cluster.Apply(ctx, request); err != nil {
			return providers.ApplyResult{}, err
		}
	}
	return providers.ApplyResult{}, f.faults.fail()
}

func (f failingCluster) Patch(ctx context.Context, resource providers.Resource, namespace, name string, patch []byte, dryRun bool) (object.Object, error) {
	if dryRun || f.faults.through() {
		return f.Cluster.Patch(ctx, resource, namespace, name, patch, dryRun)
	}
	if f.faults.answered {
		if _, err := f.Cluster.Patch(ctx, resource, namespace, name, patch, false); err != nil {
			return nil, err
		}
	}
	return nil, f.faults.fail()
}

func (f failingCluster) Delete(ctx context.Context, request providers.DeleteRequest) error {
	if f.faults.through() {
		return f.Cluster.Delete(ctx, request)
	}
	if f.faults.answered {
		if err := f.Cluster.Delete(ctx, request); err != nil {
			return err
		}
	}
	return f.faults.fail()
}

// TestInterruptedAppliesConverge breaks an apply at its n-th write, for every n,
// with and without the write being done, and expects that the next one finishes
// it: everything that is wanted is there, everything that was begun is known.
func TestInterruptedAppliesConverge(t *testing.T) {
	t.Parallel()
	errCut := errors.New("the connection was cut")
	for _, answered := range []bool{false, true} {
		for n := range 6 {
			t.Run(fmt.Sprintf("at write %d, done %v", n, answered), func(t *testing.T) {
				s := newStage(t)
				s.application(t, "web", createNamespace, configMap("old", "a=b"), configMap("kept", "a=b"))
				s.MustApply(t, engine.PlanOptions{})
				s.application(t, "web", createNamespace, configMap("kept", "a=c"), configMap("new-1", "a=b"), configMap("new-2", "a=b"))
				left := &atomic.Int64{}
				left.Store(int64(n))
				s.Wrap = func(all providers.Clusters) providers.Clusters {
					return failingClusters{Clusters: all, left: left, answered: answered, fail: func() error { return errCut }}
				}
				p := s.MustPlan(t, engine.PlanOptions{})
				_, diags := s.Apply(t.Context(), t, p)
				if n < 4 {
					wantError(t, diags, "Apply failed", "the connection was cut")
				}
				s.Wrap = nil
				s.MustApply(t, engine.PlanOptions{})
				expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
				for name, want := range map[string]bool{"old": false, "kept": true, "new-1": true, "new-2": true} {
					_, err := s.cluster.Get(t.Context(), configMaps, s.namespace, name)
					if there := err == nil; there != want {
						t.Errorf("%s: %v, want there %v", name, err, want)
					}
				}
				record, journal := recordOf(t, s)
				if len(journal) > 0 {
					t.Errorf("the journal is not empty: %+v", journal)
				}
				if len(record) != 4 { // three config maps and the namespace
					t.Errorf("the record owns %v", record)
				}
			})
		}
	}
}

// TestInterruptedAdoptionsConverge breaks the adoption of an object at its n-th write:
// before, at and after the move of the other tool's fields. The plan itself still holds
// then, and so does a new one: in the end the tool has nothing any more, and what is not
// rendered is gone.
func TestInterruptedAdoptionsConverge(t *testing.T) {
	t.Parallel()
	for _, again := range []string{"the same plan", "another plan"} {
		for _, answered := range []bool{false, true} {
			for n := range 3 {
				t.Run(fmt.Sprintf("%s, at write %d, done %v", again, n, answered), func(t *testing.T) {
					s := newStage(t)
					s.namespaced(t)
					as(t, "helm").Create(s.configMap("settings", map[string]any{"colour": "red", "old": "x"}))
					s.application(t, "web", "", configMap("settings", "colour=blue"))
					p := s.MustPlan(t, engine.PlanOptions{})
					left := &atomic.Int64{}
					left.Store(int64(n))
					s.Wrap = func(all providers.Clusters) providers.Clusters {
						return failingClusters{Clusters: all, left: left, answered: answered, fail: func() error { return errors.New("the connection was cut") }}
					}
					_, diags := s.Apply(t.Context(), t, p)
					if n < 2 {
						wantError(t, diags, "Apply failed", "the connection was cut")
					}
					s.Wrap = nil
					if again == "another plan" {
						p = s.MustPlan(t, engine.PlanOptions{})
					}
					if n < 2 || again == "another plan" {
						_, diags = s.Apply(t.Context(), t, p)
						enginetest.Check(t, diags)
					}
					expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
					live := s.live(t, configMaps, "settings")
					if data, _ := live.Get("data"); fmt.Sprint(data) != "map[colour:blue]" || slices.Contains(managersOf(live), "helm") {
						t.Errorf("it ends with %v, of %q", data, managersOf(live))
					}
					if owned, journal := recordOf(t, s); len(owned) != 1 || len(journal) > 0 {
						t.Errorf("the record owns %v, and its journal has %v", owned, journal)
					}
				})
			}
		}
	}
}

// TestForgottenCreationsAreFound kills an apply after it created an object and
// before it could record that; the object is no longer wanted by then.
func TestForgottenCreationsAreFound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("first", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", createNamespace, configMap("first", "a=b"), configMap("second", "a=b"))
	left := &atomic.Int64{}
	s.Wrap = func(all providers.Clusters) providers.Clusters {
		return failingClusters{Clusters: all, left: left, answered: true, fail: func() error { return errors.New("cut") }}
	}
	p := s.MustPlan(t, engine.PlanOptions{})
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "cut")
	s.Wrap = nil
	s.application(t, "web", createNamespace, configMap("first", "a=b"))
	p = s.MustApply(t, engine.PlanOptions{})
	if c := s.change(p, "web", "ConfigMap", "second"); c == nil || c.Action != plan.Prune {
		t.Errorf("want what was created unnoticed pruned, have %+v", c)
	}
}

// TestCancelledAppliesRecordWhatTheyDid cancels an apply at its second write.
func TestCancelledAppliesRecordWhatTheyDid(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("first", "a=b"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", "", configMap("first", "a=b"), configMap("second", "a=b"),
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: third\nspec:\n  ports:\n  - port: 80\n")
	p := s.MustPlan(t, engine.PlanOptions{})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	s.Events = func(event engine.Event) {
		if event.Kind == engine.EventWritten {
			cancel(errors.New("interrupted"))
		}
	}
	result, _ := s.Apply(ctx, t, p)
	s.Events = nil
	if len(result.Applications) != 1 || result.Applications[0].Outcome != engine.OutcomeCancelled {
		t.Fatalf("want a cancelled application, have %+v", result.Applications)
	}
	if owned, journal := recordOf(t, s); len(owned) < 2 || len(journal) == 0 {
		t.Errorf("want what was done in the record and the rest in its journal, have %v and %v", owned, journal)
	}
	s.MustApply(t, engine.PlanOptions{})
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

func recordOf(t *testing.T, s *stage) (owned []object.ID, journal []state.Intent) {
	t.Helper()
	records, err := s.Records.List(t.Context())
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records: %v", len(records), err)
	}
	for _, o := range records[0].Objects {
		owned = append(owned, o.ID)
	}
	return owned, records[0].Journal
}

// TestPanicsAreTheCallers has a request panic: so does Apply, with the state free
// again and what was begun in the journal, for the next one to finish.
func TestPanicsAreTheCallers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.application(t, "web", createNamespace, configMap("first", "a=b"), configMap("second", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.tap(taps{apply: func(_ context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
		if r.Object.Name() == "second" {
			panic("there is a bug")
		}
		return on()
	}})
	func() {
		defer func() {
			if found, ok := recover().(*engine.Panic); !ok || found.Value != "there is a bug" {
				t.Errorf("Apply panics with %v", found)
			}
		}()
		_, _ = s.Apply(t.Context(), t, p)
	}()
	s.Wrap = nil
	s.MustApply(t, engine.PlanOptions{})
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}
