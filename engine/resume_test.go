package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

var errCut = errors.New("the connection was cut")

// TestAResumedPlanDoesNothingTwice: of a plan whose apply failed halfway, what was done is
// done. Its hooks do not run again, and what depends on it goes on.
func TestAResumedPlanDoesNothingTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hook := job("  name: migrate\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n"+deletePolicy+"BeforeHookCreation\n", "")
	s.application(t, "api", createNamespace, configMap("first", "a=b"), hook)
	s.application(t, "web", "depends_on = [application.api]", configMap("second", "a=b"), configMap("third", "a=b"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.tap(taps{apply: func(_ context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
		if r.Object.Name() == "third" {
			return providers.ApplyResult{}, errCut
		}
		return on()
	}})
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "the connection was cut")
	ran, first := s.get(t, jobs, "migrate").UID(), s.get(t, configMaps, "first").ResourceVersion()

	var started []string
	s.Wrap = nil
	s.Events = func(event engine.Event) {
		if event.Kind == engine.EventStarted {
			started = append(started, event.Application.String())
		}
	}
	result, diags := s.Apply(t.Context(), t, p)
	s.Events = nil
	enginetest.Check(t, diags)
	if again := s.get(t, jobs, "migrate").UID(); again != ran {
		t.Errorf("the hook ran again: its uid is %s, and was %s", again, ran)
	}
	if now := s.get(t, configMaps, "first").ResourceVersion(); now != first {
		t.Error("what was done is written again")
	}
	s.wantData(t, "third", "a", "b")
	if len(started) != 1 || started[0] != "application.web" {
		t.Errorf("%q were begun, want application.web alone", started)
	}
	if len(result.Applications) != 2 {
		t.Fatalf("the result has %+v", result.Applications)
	}
	for _, outcome := range result.Applications {
		if outcome.Outcome != engine.OutcomeSucceeded {
			t.Errorf("%s: %s: %s", outcome.Address, outcome.Outcome, outcome.Message)
		}
	}
	if api := result.Applications[0]; len(api.Done) != 0 || api.Message == "" {
		t.Errorf("of what was done before it says %+v", api)
	}
	_, diags = s.Apply(t.Context(), t, p)
	wantError(t, diags, "a plan is applied once")
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestAnotherApplyIsNotAResumedOne: an application that was applied before with the very
// changes of a plan is not done by that plan.
func TestAnotherApplyIsNotAResumedOne(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	webs(t, b, "", "web")
	b.MustApply(t, engine.PlanOptions{})
	web := liveWeb(t, cluster)
	gone := providers.DeleteRequest{Resource: engine.GuessResource(web.GVK()), Namespace: "web", Name: "web"}
	// The same changes twice, the second time killed before the object is made: what the
	// record has of success is of the apply before.
	for _, cut := range []bool{false, true} {
		if err := cluster.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		p := b.MustPlan(t, engine.PlanOptions{})
		if c := p.Applications[0].Changes[0]; c.Action != plan.Create {
			t.Fatalf("planned %s", c.Action)
		}
		if cut {
			whole, reached := b.Records, b.Wrap
			var err error
			if b.Records, err = state.Open(t.Context(), &failing{Store: whole.Store(), after: 1}); err != nil {
				t.Fatal(err)
			}
			b.Wrap = func(all providers.Clusters) providers.Clusters {
				return failingClusters{Clusters: reached(all), left: &atomic.Int64{}, fail: func() error { return errCut }}
			}
			_, diags := b.Apply(t.Context(), t, p)
			wantError(t, diags, "Apply failed", "what was done cannot be recorded")
			b.Records, b.Wrap = whole, reached
			record, _, err := b.Records.Get(t.Context(), p.Applications[0].Address)
			if err != nil || record.Plan != p.ID || record.History[len(record.History)-1].Digest != p.Applications[0].Digest {
				t.Fatalf("the record is not that of the case: %+v, %v", record, err)
			}
		}
		_, diags := b.Apply(t.Context(), t, p)
		enginetest.Check(t, diags)
		if liveWeb(t, cluster) == nil {
			t.Error("the object is not there")
		}
	}
}

// rememberMore adds finished plans to those that a state remembers, at once: each is a copy of the
// one that is there.
func rememberMore(t *testing.T, store state.Store, count int, made time.Time) {
	t.Helper()
	text, version, err := store.Get(t.Context(), "plans")
	if err != nil {
		t.Fatal(err)
	}
	var ledger map[string]any
	if err := json.Unmarshal(text, &ledger); err != nil {
		t.Fatal(err)
	}
	plans := ledger["plans"].([]any)
	for i := range count {
		one := maps.Clone(plans[0].(map[string]any))
		one["id"], one["createdAt"] = fmt.Sprint(i), made
		plans = append(plans, one)
	}
	ledger["plans"] = plans
	if text, err = json.Marshal(ledger); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "plans", text, version); err != nil {
		t.Fatal(err)
	}
}

// TestAForgottenPlanIsRefused: a plan that was applied stays applied when the state has
// forgotten it, although the record still names it as the one that wrote it last.
func TestAForgottenPlanIsRefused(t *testing.T) {
	t.Parallel()
	b, cluster := inMemory(t)
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	b.Records = records
	webs(t, b, "", "web")
	p := b.MustApply(t, engine.PlanOptions{})
	// As many plans as are remembered; one more, and the oldest is forgotten.
	rememberMore(t, store, 999, p.CreatedAt.Add(time.Second))
	if found, err := b.Records.AppliedPlan(t.Context(), p.ID, p.CreatedAt); err != nil || found == nil {
		t.Fatalf("it is forgotten before there are too many: %+v, %v", found, err)
	}
	if err := errors.Join(b.Records.BeginPlan(t.Context(), state.AppliedPlan{ID: "last", CreatedAt: p.CreatedAt.Add(time.Second)}), b.Records.EndPlan(t.Context(), "last")); err != nil {
		t.Fatal(err)
	}
	web := liveWeb(t, cluster)
	if err := cluster.Delete(t.Context(), providers.DeleteRequest{Resource: engine.GuessResource(web.GVK()), Namespace: "web", Name: "web"}); err != nil {
		t.Fatal(err)
	}
	_, diags := b.Apply(t.Context(), t, p)
	wantError(t, diags, "Plan cannot be applied", "cannot be told whether it was applied", "Plan again")
	if liveWeb(t, cluster) != nil {
		t.Error("it was applied again")
	}
}
