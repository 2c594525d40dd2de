package engine_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/selection"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// TestActsSayNothingOfHooks: drift that was put back, and an action, are no sync: the
// hooks of the last one are known still, so that the next plan runs none.
func TestActsSayNothingOfHooks(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hook := strings.Replace(configMap("pre", "a=1"), "metadata:\n", "metadata:\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n", 1)
	s.application(t, "web", selfHealing, configMap("settings", "colour=blue"), hook)
	s.MustApply(t, engine.PlanOptions{})
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"colour": "red"})
	if found := s.mustHeal(t); len(done(found.Plan)) != 1 {
		t.Fatalf("%q was done", done(found.Plan))
	}
	if hooks := s.record(t).Hooks; len(hooks) != 1 {
		t.Errorf("the record knows %d hooks, want 1", len(hooks))
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestHooksBesideOneThatFails: a hook that succeeded is not run again when the plan is
// resumed for another one that failed, though its policies have it deleted.
func TestHooksBesideOneThatFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var done told
	s.Events = done.event
	var sent []string
	s.tap(taps{apply: func(_ context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
		done.mu.Lock()
		sent = append(sent, r.Object.Name())
		done.mu.Unlock()
		return on()
	}})
	s.application(t, "web", createNamespace, configMap("a", "a=b"),
		hookJob("bad", "PreSync", "", fails), hookJob("good", "PreSync", deletePolicy+"HookSucceeded,HookFailed\n", ""))
	p := s.MustPlan(t, engine.PlanOptions{})
	for i, want := range []bool{true, false} {
		_, diags := s.Apply(t.Context(), t, p)
		wantError(t, diags, "Apply failed", "Job.batch "+s.namespace+"/bad")
		done.mu.Lock()
		ran := slices.Contains(done.list, "written Job/good") && slices.Contains(sent, "good")
		done.list, sent = nil, nil
		done.mu.Unlock()
		if ran != want {
			t.Errorf("apply %d: the hook that succeeds was run: %t", i+1, ran)
		}
		if !s.absent(t, jobs, "good") {
			t.Errorf("apply %d: it was to be deleted", i+1)
		}
	}
}

// TestPartsLeaveHooksForTheEnd: a plan of some objects forgets no hook, and does not end
// an application without those it has for that.
func TestPartsLeaveHooksForTheEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	app := func(deadline string) {
		s.application(t, "web", createNamespace, configMap("a", "a=1"), hookJob("first", "PreDelete", "", deadline))
	}
	app("")
	s.MustApply(t, engine.PlanOptions{})
	only, err := selection.Parse([]string{"ConfigMap"}, "")
	if err != nil {
		t.Fatal(err)
	}
	app("  activeDeadlineSeconds: 60\n") // it is another by now
	p := s.MustPlan(t, engine.PlanOptions{Only: only})
	for _, c := range p.Applications[0].Changes {
		if c.Action != plan.Unchanged {
			t.Errorf("%s of %s is planned", c.Action, c.ID)
		}
	}
	s.Write(t, map[string]string{"web.gantry.hcl": ""})
	p, diags := s.Plan(t, engine.PlanOptions{Only: only})
	wantError(t, diags, "Hooks would be left out", "Job.batch "+s.namespace+"/first")
	if _, diags = s.Apply(t.Context(), t, p); !diags.HasErrors() {
		t.Error("it is applied")
	}
	s.wantData(t, "a", "a", "1")
	s.MustApply(t, engine.PlanOptions{})
	s.wantGone(t, "a")
}

// blind is a cluster that cannot be read, in a way that nobody expects.
type blind struct{ refusing }

func (blind) List(context.Context, providers.Resource, string, providers.ListOptions) ([]object.Object, error) {
	panic("on purpose")
}

func (blind) Get(context.Context, providers.Resource, string, string) (object.Object, error) {
	panic("on purpose")
}

func (b blind) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	if !r.DryRun {
		b.fleet.mu.Lock()
		b.fleet.lines = append(b.fleet.lines, "sent "+r.Object.Name())
		b.fleet.mu.Unlock()
	}
	return b.refusing.Apply(ctx, r)
}

// TestWhatIsNotCheckedIsNotSent: where checking the plan panics, nothing of the cluster is
// written before the panic is its caller's.
func TestWhatIsNotCheckedIsNotSent(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "step {}")
	p := f.MustPlan(t, engine.PlanOptions{})
	f.blind = true
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it did not panic")
			}
		}()
		_, _ = f.Apply(t.Context(), t, p)
	}()
	if at := f.at("sent "); at >= 0 {
		t.Errorf("%q", f.lines)
	}
}

// TestALateApplyLeavesTheRolloutAlone: an apply that no longer holds the state does not
// write over the rollout of the one that does, nor take back what is asked of it.
func TestALateApplyLeavesTheRolloutAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, lateApply)
}

func lateApply(t *testing.T) {
	f := newFleet(t, strings.Replace(canaryFirst, `"1s"`, `"1h"`, 1))
	f.Adapt = func(o *engine.Options) { o.Lease.Duration = 300 * time.Millisecond }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var once sync.Once
	var other sync.WaitGroup
	f.on = func(e engine.Event) {
		if e.Kind == engine.EventHeld && strings.Contains(e.Message, "bakes") {
			once.Do(func() { other.Go(func() { f.takeOver(t, cancel) }) })
		}
	}
	_, diags := f.Apply(ctx, t, f.MustPlan(t, engine.PlanOptions{}))
	other.Wait()
	if !diags.HasErrors() {
		t.Error("it was not cancelled")
	}
	if known := f.known(t); known.Plan != "another" || known.Order != "abort" || known.Ended {
		t.Errorf("%+v", known)
	}
}

// takeOver is another apply, which holds the state by now, and whose rollout someone
// aborts.
func (f *fleet) takeOver(t *testing.T, then func()) {
	defer then()
	store := f.Records.Store()
	runs, err := f.Records.Runs(t.Context())
	if err != nil || len(runs) != 1 {
		t.Errorf("at work are %+v, %v", runs, err)
		return
	}
	for key := "locks/runs/" + runs[0].ID; ; { // its holder may renew it between the two
		_, version, err := store.Get(t.Context(), key)
		if err != nil {
			t.Error(err)
			return
		}
		if store.Delete(t.Context(), key, version) == nil {
			break
		}
	}
	time.Sleep(time.Second) // by then the other knows that it lost it
	err = f.Records.ChangeRollout(t.Context(), webRollout, func(r *state.Rollout) error {
		r.Plan, r.Order, r.Ended = "another", "abort", false
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
