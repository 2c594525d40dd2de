package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// place holds an application, as a person does.
func (s *stage) place(t *testing.T, name string, until time.Time) {
	t.Helper()
	_, err := s.Records.PutHold(t.Context(), addr.Application(name), func(*state.Hold) (*state.Hold, error) {
		return &state.Hold{Hold: plan.Hold{Reason: "incident 42", By: "alice@laptop", Until: until}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHeld: what is held is planned and not applied, also where it never was applied, where
// the hold came after the plan, and where what is planned heals itself; what depends on it
// waits, and others go on. It is as before once it is released.
func TestHeld(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	write := func(value string) {
		s.application(t, "web", "sync {\n automated {\n  self_heal = true\n }\n}", configMap("settings", value))
		s.application(t, "shop", "depends_on = [application.web]", configMap("shop", value))
		s.application(t, "other", "", configMap("other", value))
	}
	write("a=1")
	s.place(t, "web", time.Time{}) // before there is a record
	p := s.MustPlan(t, engine.PlanOptions{})
	if app := p.Applications[2]; app.Held == nil || app.Held.Reason != "incident 42" || !app.HasChanges() || app.IsBlocked() {
		t.Fatalf("%+v", app.Held)
	}
	if warnings := p.Applications[1].Warnings; len(warnings) != 1 || !strings.Contains(warnings[0], "depends on application.web, which is held") {
		t.Errorf("what depends on it warns of %q", warnings)
	}
	_, diags := s.Apply(t.Context(), t, p)
	if !wantDiag(diags, "Application left out", "application.web: it is held: incident 42, by alice@laptop") || !wantDiag(diags, "Application left out", "application.shop") || wantDiag(diags, "application.other") {
		t.Errorf("%v", diags)
	}
	s.wantData(t, "other", "a", "1")
	if s.isThere(t, configMaps, "settings") || s.isThere(t, configMaps, "shop") {
		t.Error("what is held, or waits for it, was applied")
	}
	digest := p.Applications[2].Digest

	// Released since, the plan that shows it as held does not apply it.
	if _, err := s.Records.DeleteHold(t.Context(), addr.Application("web"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, diags := s.resume(t, p); !wantDiag(diags, "Application left out", "it is held: incident 42") {
		t.Errorf("a plan that shows it as held: %v", diags)
	}
	free := s.MustPlan(t, engine.PlanOptions{})
	if free.Applications[2].Digest != digest {
		t.Error("a hold is part of the change digest")
	}
	// Held since, neither.
	s.place(t, "web", time.Time{})
	if _, diags := s.Apply(t.Context(), t, free); !wantDiag(diags, "Application left out", "it is held: incident 42", "gantry release 'application.web'") {
		t.Errorf("held since it was planned: %v", diags)
	}
	s.place(t, "web", time.Now().Add(time.Millisecond)) // which is over at once
	time.Sleep(2 * time.Millisecond)
	s.MustApply(t, engine.PlanOptions{})
	s.wantData(t, "shop", "a", "1")

	// Drift of what is held is left alone, and it is not destroyed nor taken away.
	s.place(t, "web", time.Time{})
	s.setData(t, configMaps, "ConfigMap", "settings", map[string]any{"a": "drift"})
	found := s.heal(t)
	if found.Plan.HasChanges() || len(found.Left) == 0 || !strings.Contains(found.Left[len(found.Left)-1].Why, "it is held: incident 42") {
		t.Errorf("%q would be put back; left %+v", done(found.Plan), found.Left)
	}
	gone, diags := s.Plan(t, engine.PlanOptions{Destroy: true})
	if !wantDiag(diags, "Application is held", "release it first") {
		t.Errorf("destroy: %v", diags)
	}
	_, _ = s.Apply(t.Context(), t, gone)
	s.wantData(t, "settings", "a", "drift")
	if s.isThere(t, configMaps, "other") {
		t.Error("what is not held was not destroyed")
	}
}

// TestHoldWhileApplying: a hold counts for what the apply has not come to yet.
func TestHoldWhileApplying(t *testing.T) {
	t.Parallel()
	s := newMemoryStage(t)
	now := time.Now()
	s.Adapt = func(o *engine.Options) { o.Now = func() time.Time { now = now.Add(time.Second); return now } }
	s.application(t, "web", "", configMap("settings", "a=1"))
	s.application(t, "shop", "depends_on = [application.web]", configMap("shop", "a=1"))
	p := s.MustPlan(t, engine.PlanOptions{})
	s.Events = func(e engine.Event) {
		if e.Kind == engine.EventWritten {
			s.place(t, "shop", time.Time{})
			now = now.Add(time.Minute)
		}
	}
	if _, diags := s.Apply(t.Context(), t, p); !wantDiag(diags, "Application left out", "application.shop: it is held") {
		t.Errorf("%v", diags)
	}
	s.wantData(t, "settings", "a", "1")
}
