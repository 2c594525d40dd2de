package engine_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// failsAt has the writes of objects of some names fail.
func (s *stage) failsAt(names ...string) {
	s.tap(taps{apply: func(_ context.Context, r providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
		for _, name := range names {
			if r.Object.Name() == name {
				return providers.ApplyResult{}, errCut
			}
		}
		return on()
	}})
}

// resume goes on with a plan.
func (s *stage) resume(t *testing.T, p *plan.Plan) (*engine.Result, hcl.Diagnostics) {
	t.Helper()
	return s.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}, Resume: true})
}

// wantPlans checks which plans are kept, in which order.
func (s *stage) wantPlans(t *testing.T, want ...*plan.Plan) {
	t.Helper()
	kept, err := s.Records.KeptPlans(t.Context())
	if err != nil || len(kept) != len(want) {
		t.Fatalf("%d plans are kept, want %d: %v", len(kept), len(want), err)
	}
	for i := range want {
		if kept[i].ID != want[i].ID {
			t.Errorf("kept is %s in place %d, want %s", kept[i].ID, i, want[i].ID)
		}
	}
}

// TestActsLeaveWhatIsUnfinished: drift that is put back and actions, on applications of an
// apply that did not finish and on others, leave it to be resumed.
func TestActsLeaveWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	estate := func(v string) {
		s.application(t, "api", selfHealing, configMap("api", "v="+v))
		s.application(t, "web", selfHealing, configMap("one", "v="+v), configMap("two", "v="+v), served)
	}
	estate("1")
	s.MustApply(t, engine.PlanOptions{})
	estate("2")
	p := s.MustPlan(t, engine.PlanOptions{})
	s.failsAt("two")
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed", "the connection was cut")
	s.wantPlans(t, p)
	s.tap(taps{})

	// api is done: its drift is put back. web is not: it is acted on.
	s.setData(t, configMaps, "ConfigMap", "api", map[string]any{"v": "theirs"})
	found := s.mustHeal(t)
	if len(done(found.Plan)) != 1 || len(found.Left) != 1 {
		t.Fatalf("%q is put back, and %+v left alone", done(found.Plan), found.Left)
	}
	s.wantData(t, "api", "v", "2")
	s.mustAct(t, "Deployment", "shop", "restart")
	s.wantPlans(t, p)

	left, diags := s.Engine().Remaining(t.Context(), p)
	enginetest.Check(t, diags)
	if have := done(left); len(have) != 1 || have[0] != "update two" {
		t.Errorf("left is %q", have)
	}
	before := s.get(t, configMaps, "one").ResourceVersion()
	_, diags = s.resume(t, p)
	enginetest.Check(t, diags)
	s.wantData(t, "two", "v", "2")
	if s.get(t, configMaps, "one").ResourceVersion() != before {
		t.Error("what was done is written again")
	}
	s.wantPlans(t)
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
}

// TestAnActThatFailsIsResumed: it has its place beside the apply that is unfinished, and
// the next one takes it.
func TestAnActThatFailsIsResumed(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	s.application(t, "api", selfHealing, configMap("api", "v=1"), configMap("more", "v=1"))
	s.application(t, "web", selfHealing, configMap("one", "v=1"))
	s.MustApply(t, engine.PlanOptions{})
	s.application(t, "web", selfHealing, configMap("one", "v=2"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.failsAt("one")
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed")

	for _, name := range []string{"api", "more"} {
		s.setData(t, configMaps, "ConfigMap", name, map[string]any{"v": "theirs"})
	}
	s.failsAt("more")
	var act *plan.Plan
	for range 2 {
		act = s.heal(t).Plan
		_, diags = s.Apply(t.Context(), t, act)
		wantError(t, diags, "Apply failed")
		s.wantPlans(t, p, act)
	}
	s.tap(taps{})
	_, diags = s.resume(t, act)
	enginetest.Check(t, diags)
	s.wantData(t, "more", "v", "1")
	s.wantPlans(t, p)
	_, diags = s.resume(t, p)
	enginetest.Check(t, diags)
	s.wantData(t, "one", "v", "2")
	s.wantPlans(t)
}

// TestLaterPlansSupersede: of an apply that did not finish, what is left of applications
// that a later plan is about is no longer meant, and the rest is.
func TestLaterPlansSupersede(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	estate := func(api, web string) {
		s.application(t, "api", createNamespace, configMap("api", "v="+api))
		s.application(t, "web", createNamespace, configMap("one", "v="+web))
	}
	estate("1", "1")
	s.MustApply(t, engine.PlanOptions{})
	estate("2", "2")
	p := s.MustPlan(t, engine.PlanOptions{})
	s.failsAt("api", "one")
	_, diags := s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed")
	s.tap(taps{})
	// Somebody takes the change of api back: nothing of it is to be done.
	estate("1", "2")
	s.MustApply(t, engine.PlanOptions{Targets: []addr.Address{addr.Application("api")}})
	s.wantPlans(t, p)
	left, diags := s.Engine().Remaining(t.Context(), p)
	enginetest.Check(t, diags)
	if have := done(left); len(have) != 1 || have[0] != "update one" {
		t.Errorf("left is %q", have)
	}
	_, diags = s.resume(t, p)
	enginetest.Check(t, diags)
	if text := diags.Error(); !strings.Contains(text, "application.api: another plan that is about it was applied since") {
		t.Errorf("that api is left out is not said: %s", text)
	}
	s.wantData(t, "api", "v", "1")
	s.wantData(t, "one", "v", "2")
	s.wantPlans(t)

	// A later plan about all of it leaves nothing.
	estate("3", "3")
	p = s.MustPlan(t, engine.PlanOptions{})
	s.failsAt("api", "one")
	_, diags = s.Apply(t.Context(), t, p)
	wantError(t, diags, "Apply failed")
	s.tap(taps{})
	estate("1", "2")
	s.MustApply(t, engine.PlanOptions{})
	_, diags = s.resume(t, p)
	wantError(t, diags, "Plan cannot be applied", "Another plan was applied since")
	s.wantPlans(t)
}

// TestHealingAfterARepeatedApply: what an apply that failed has written is put back, once
// one that found it unchanged has come to its end; also where nothing was left to do.
func TestHealingAfterARepeatedApply(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	estate := func(v string) {
		s.application(t, "web", selfHealing, configMap("a", "v="+v), configMap("b", "v="+v), secretWith("word-"+v))
	}
	estate("1")
	s.MustApply(t, engine.PlanOptions{})
	estate("2")
	s.failsAt("b")
	_, diags := s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
	wantError(t, diags, "Apply failed")
	s.tap(taps{})
	s.MustApply(t, engine.PlanOptions{})
	drift := func() {
		for _, name := range []string{"a", "b"} {
			s.setData(t, configMaps, "ConfigMap", name, map[string]any{"v": "theirs"})
		}
		s.remove(t, secrets, "login")
	}
	heals := func(v string) {
		t.Helper()
		drift()
		if found := s.mustHeal(t); len(found.Left) != 0 || len(done(found.Plan)) != 3 {
			t.Errorf("%q is put back, and left alone is %+v", done(found.Plan), found.Left)
		}
		s.wantData(t, "a", "v", v)
		s.wantData(t, "b", "v", v)
		login := s.get(t, secrets, "login")
		if have := valueAt(login, "data", "password"); have != base64.StdEncoding.EncodeToString([]byte("word-"+v)) {
			t.Errorf("the password is %v: %v", have, login)
		}
	}
	heals("2")

	// The answer to the last write is lost, and so is the cluster: nothing is left to do.
	estate("3")
	s.tap(taps{apply: func(_ context.Context, _ providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
		if _, err := on(); err != nil {
			return providers.ApplyResult{}, err
		}
		return providers.ApplyResult{}, errCut
	}})
	for range 3 { // one object each time
		_, diags = s.Apply(t.Context(), t, s.MustPlan(t, engine.PlanOptions{}))
		if !diags.HasErrors() {
			break
		}
	}
	s.tap(taps{})
	p := s.MustApply(t, engine.PlanOptions{})
	if len(done(p)) != 0 {
		t.Fatalf("%q was left to do", done(p))
	}
	expectNothing(t, s.MustPlan(t, engine.PlanOptions{}))
	heals("3")
}
