package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// clock is what an engine takes for the time.
type clock struct{ at atomic.Int64 }

func (c *clock) set(t *testing.T, text string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	c.at.Store(at.UnixNano())
}

func (c *clock) now() time.Time { return time.Unix(0, c.at.Load()).UTC() }

const office = `
  sync_window {
    kind      = "allow"
    schedule  = "0 9 * * 1-5"
    duration  = "8h"
    time_zone = "Europe/Berlin"
    applications = ["web"]
    %s
  }
`

// newWindows is a stage with a clock, and a project of which "web" has office hours.
func newWindows(t *testing.T, more string) (*stage, *clock) {
	t.Helper()
	s, c := newMemoryStage(t), &clock{}
	c.set(t, "2026-11-20T20:00:00Z") // a Friday evening
	s.Adapt = func(o *engine.Options) { o.Now = c.now }
	s.project(t, more)
	s.application(t, "web", "project = project.shop", configMap("web", "a=1"))
	s.application(t, "shop", "project = project.shop\ndepends_on = [application.web]", configMap("shop", "a=1"))
	s.application(t, "other", "project = project.shop", configMap("other", "a=1"))
	return s, c
}

func (s *stage) project(t *testing.T, more string) {
	t.Helper()
	s.Write(t, map[string]string{"project.gantry.hcl": "project \"shop\" {" + strings.Replace(office, "%s", more, 1) + "}\n"})
}

func (s *stage) applyWith(t *testing.T, p *plan.Plan, options engine.ApplyOptions) (map[string]engine.Outcome, *engine.Result, string) {
	t.Helper()
	options.By = state.Holder{Who: "test"}
	result, diags := s.Engine().Apply(t.Context(), p, options)
	out := map[string]engine.Outcome{}
	said := ""
	for _, d := range diags {
		said += d.Summary + ": " + d.Detail + "\n"
	}
	if result != nil {
		for _, o := range result.Applications {
			out[o.Address.Name] = o
		}
	}
	return out, result, said
}

// TestWindows: an application outside of its window is planned, with the time at which it
// may be applied, and left out of an apply with what follows it; others go on. Inside of it,
// it is applied. The digest does not know of windows.
func TestWindows(t *testing.T) {
	t.Parallel()
	s, c := newWindows(t, "")
	p := s.saved(t, s.MustPlan(t, engine.PlanOptions{}))
	byName := map[string]*plan.Application{}
	for i := range p.Applications {
		byName[p.Applications[i].Name] = &p.Applications[i]
	}
	if got, want := byName["web"].Opening.String(), "may be applied from Mon 2026-11-23 09:00 Europe/Berlin for 8h"; got != want {
		t.Errorf("it %s, want it %s", got, want)
	}
	if byName["other"].Opening != nil || len(byName["other"].Settings.Windows) != 0 || len(byName["web"].Settings.Windows) != 1 {
		t.Errorf("other: %+v, %+v", byName["other"].Opening, byName["other"].Settings.Windows)
	}
	out, _, said := s.applyWith(t, p, engine.ApplyOptions{})
	if o := out["web"]; o.Outcome != engine.OutcomeSkipped || !o.OutsideWindow || !strings.Contains(o.Message, "outside of its sync window: allow 0 9 * * 1-5 Europe/Berlin for 8h; it may be applied from Mon 2026-11-23 09:00 Europe/Berlin for 8h") {
		t.Errorf("web: %+v\n%s", o, said)
	}
	if o := out["shop"]; o.Outcome != engine.OutcomeSkipped || !o.OutsideWindow {
		t.Errorf("shop, which follows it: %+v", o)
	}
	if o := out["other"]; o.Outcome != engine.OutcomeSucceeded || o.OutsideWindow {
		t.Errorf("other: %+v\n%s", o, said)
	}
	digest := byName["web"].Digest
	c.set(t, "2026-11-23T08:00:00Z")
	again := s.MustPlan(t, engine.PlanOptions{})
	for _, app := range again.Applications {
		if app.Name == "web" && (app.Digest != digest || app.Opening.String() != "may be applied now, until Mon 2026-11-23 17:00 Europe/Berlin") {
			t.Errorf("at nine: %s, and its digest changes: %v", app.Opening, app.Digest != digest)
		}
	}
	out, _, said = s.applyWith(t, again, engine.ApplyOptions{})
	if out["web"].Outcome != engine.OutcomeSucceeded || out["shop"].Outcome != engine.OutcomeSucceeded {
		t.Errorf("at nine: %+v\n%s", out, said)
	}
}

// TestWindowsOfAPlanMadeAnotherWay: windows that were taken out of a plan, or replaced by
// others in it, hold by those of the configuration where it is applied.
func TestWindowsOfAPlanMadeAnotherWay(t *testing.T) {
	t.Parallel()
	always := plan.Window{Schedule: "* * * * *", Duration: time.Hour, TimeZone: "UTC"}
	for name, forge := range map[string]func(app *plan.Application){
		"taken out":           func(app *plan.Application) { app.Settings.Windows, app.Opening = nil, nil },
		"one more":            func(app *plan.Application) { app.Settings.Windows = append(app.Settings.Windows, always) },
		"in another project":  func(app *plan.Application) { app.Settings.Windows, app.Project = nil, "" },
		"under another name":  func(app *plan.Application) { app.Settings.Windows, app.Name = nil, "other" },
		"windows that are no": func(app *plan.Application) { app.Settings.Windows[0].Schedule = "never" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newWindows(t, "")
			config, diags := s.Config(t, s.Engine())
			enginetest.Check(t, diags)
			p := s.MustPlan(t, engine.PlanOptions{})
			for i := range p.Applications {
				if p.Applications[i].Name == "web" {
					forge(&p.Applications[i])
				}
			}
			out, result, said := s.applyWith(t, p, engine.ApplyOptions{Guards: engine.GuardsOf(config)})
			if o := out["web"]; result != nil && (o.Outcome != engine.OutcomeSkipped || !o.OutsideWindow) || said == "" {
				t.Errorf("web: %+v\n%s", o, said)
			}
			if s.isThere(t, configMaps, "web") {
				t.Error("it was applied")
			}
		})
	}
}

// TestManualAndOverride: what a person starts passes windows that say so, and no others;
// a reason passes all of them, and is in the audit log.
func TestManualAndOverride(t *testing.T) {
	t.Parallel()
	s, _ := newWindows(t, "")
	p := s.MustPlan(t, engine.PlanOptions{})
	if out, _, _ := s.applyWith(t, p, engine.ApplyOptions{Manual: true}); !out["web"].OutsideWindow {
		t.Errorf("a person passes a window that does not say so: %+v", out["web"])
	}
	p = s.MustPlan(t, engine.PlanOptions{})
	if out, _, said := s.applyWith(t, p, engine.ApplyOptions{OverrideWindow: "incident 42"}); out["web"].Outcome != engine.OutcomeSucceeded {
		t.Errorf("override: %+v\n%s", out["web"], said)
	}
	var events []state.Event
	for event, err := range s.Records.AuditLog(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if event.Kind == state.EventOverridden {
			events = append(events, event.Event)
		}
	}
	if len(events) != 1 || events[0].Reason != "incident 42" || events[0].Applications[0].Address != addr.Application("web") || !strings.Contains(events[0].Message, "0 9 * * 1-5") {
		t.Errorf("the audit log has %+v", events)
	}
	s.project(t, "manual_sync = true")
	s.application(t, "web", "project = project.shop", configMap("web", "a=2"))
	p = s.MustPlan(t, engine.PlanOptions{})
	if out, _, _ := s.applyWith(t, p, engine.ApplyOptions{}); !out["web"].OutsideWindow {
		t.Errorf("nobody started it: %+v", out["web"])
	}
	p = s.MustPlan(t, engine.PlanOptions{})
	if out, _, said := s.applyWith(t, p, engine.ApplyOptions{Manual: true}); out["web"].Outcome != engine.OutcomeSucceeded {
		t.Errorf("a person: %+v\n%s", out["web"], said)
	}
}

// TestWindowEnds: where the time is over between two waves, the rest is not begun, unless
// the window lets what runs go on.
func TestWindowEnds(t *testing.T) {
	t.Parallel()
	for name, goesOn := range map[string]bool{"": false, "overrun = true": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newWindows(t, name)
			wave := func(name, wave string) string {
				return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  annotations:\n    argocd.argoproj.io/sync-wave: \"" + wave + "\"\n"
			}
			s.application(t, "web", "project = project.shop", wave("first", "1"), wave("second", "2"))
			c.set(t, "2026-11-23T15:59:00Z")
			p := s.MustPlan(t, engine.PlanOptions{})
			s.Events = func(event engine.Event) {
				if event.Kind == engine.EventWritten && event.Object.Name == "first" {
					c.set(t, "2026-11-23T16:01:00Z")
				}
			}
			out, _, said := s.applyWith(t, p, engine.ApplyOptions{})
			if goesOn {
				if out["web"].Outcome != engine.OutcomeSucceeded {
					t.Errorf("it does not go on: %+v\n%s", out["web"], said)
				}
				return
			}
			o := out["web"]
			if o.Outcome != engine.OutcomeFailed || !o.OutsideWindow || !strings.Contains(o.Message, "its time is over") || !strings.Contains(o.Message, "Tue 2026-11-24 09:00") {
				t.Errorf("%+v\n%s", o, said)
			}
			if !s.isThere(t, configMaps, "first") || s.isThere(t, configMaps, "second") {
				t.Error("the second wave was begun, or the first was not")
			}
			c.set(t, "2026-11-24T09:00:00Z")
			s.MustApply(t, engine.PlanOptions{})
			if !s.isThere(t, configMaps, "second") {
				t.Error("the next apply does not end it")
			}
		})
	}
}

// TestSelfHealHeedsWindows: drift is not put back outside of the window that the
// configuration has by now.
func TestSelfHealHeedsWindows(t *testing.T) {
	t.Parallel()
	s, c := newWindows(t, "manual_sync = true")
	healing := "project = project.shop\nsync {\n automated {\n  self_heal = true\n }\n}"
	s.application(t, "web", healing, configMap("web", "a=1"))
	c.set(t, "2026-11-23T09:00:00Z")
	s.MustApply(t, engine.PlanOptions{})
	s.setData(t, configMaps, "ConfigMap", "web", map[string]any{"a": "drift"})
	c.set(t, "2026-11-23T20:00:00Z")
	found := s.heal(t)
	out, _, said := s.applyWith(t, found.Plan, engine.ApplyOptions{})
	if o := out["web"]; !o.OutsideWindow || o.Outcome != engine.OutcomeSkipped {
		t.Errorf("%+v\n%s", o, said)
	}
	c.set(t, "2026-11-24T09:00:00Z")
	found = s.heal(t)
	if out, _, said := s.applyWith(t, found.Plan, engine.ApplyOptions{}); out["web"].Outcome != engine.OutcomeSucceeded {
		t.Errorf("%+v\n%s", out["web"], said)
	}
}

// TestRetryHeedsWindows: what failed is not tried again once the time is over.
func TestRetryHeedsWindows(t *testing.T) {
	t.Parallel()
	s, c := newWindows(t, "")
	s.application(t, "web", "project = project.shop\nsync {\n retry {\n  limit = 3\n  backoff = \"1ms\"\n }\n}", configMap("web", "a=1"))
	c.set(t, "2026-11-23T15:59:00Z")
	p := s.MustPlan(t, engine.PlanOptions{})
	var tries atomic.Int32
	s.tap(taps{apply: func(_ context.Context, request providers.ApplyRequest, on func() (providers.ApplyResult, error)) (providers.ApplyResult, error) {
		if request.Object.Name() != "web" || request.DryRun {
			return on()
		}
		tries.Add(1)
		c.set(t, "2026-11-23T16:01:00Z")
		return providers.ApplyResult{}, errors.New("the server is tired")
	}})
	out, _, said := s.applyWith(t, p, engine.ApplyOptions{})
	if o := out["web"]; !o.OutsideWindow || !strings.Contains(o.Message, "its time is over") || !strings.Contains(o.Message, "the server is tired") || tries.Load() != 1 {
		t.Errorf("after %d tries: %+v\n%s", tries.Load(), o, said)
	}
}

// TestAwaitWindows: a wait ends when the window opens, says until when it waits, holds no
// lock meanwhile, ends with its context, and refuses what never comes.
func TestAwaitWindows(t *testing.T) {
	t.Parallel()
	s, c := newWindows(t, "")
	p := s.MustPlan(t, engine.PlanOptions{})
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("someone interrupts it")
	var said []engine.Waiting
	err := s.Engine().AwaitWindows(ctx, p, engine.ApplyOptions{}, 0, func(w engine.Waiting) {
		said = append(said, w)
		cancel(stopped)
	})
	if !errors.Is(err, stopped) || len(said) != 1 || said[0].Until.Format(time.RFC3339) != "2026-11-23T09:00:00+01:00" || len(said[0].Applications) != 1 {
		t.Errorf("%v, %+v", err, said)
	}
	none := func(w engine.Waiting) { t.Errorf("it waits: %+v", w) }
	if err := s.Engine().AwaitWindows(t.Context(), p, engine.ApplyOptions{}, time.Hour, none); !errors.Is(err, engine.ErrNoWindow) || !strings.Contains(err.Error(), "later than the 1h") {
		t.Errorf("at most an hour: %v", err)
	}
	expires := *p
	expires.ExpiresAt = c.now().Add(time.Hour)
	if err := s.Engine().AwaitWindows(t.Context(), &expires, engine.ApplyOptions{}, 0, none); !errors.Is(err, engine.ErrNoWindow) || !strings.Contains(err.Error(), "expires before") {
		t.Errorf("a plan that expires: %v", err)
	}
	never, err := p.Clone()
	if err != nil {
		t.Fatal(err)
	}
	alone := *never
	alone.Applications = nil
	for i := range never.Applications {
		if app := &never.Applications[i]; app.Name == "web" {
			app.Settings.Windows = []plan.Window{{Deny: true, Schedule: "0 0 * * *", Duration: 24 * time.Hour, TimeZone: "UTC"}}
			alone.Applications = append(alone.Applications, *app)
		}
	}
	if err := s.Engine().AwaitWindows(t.Context(), never, engine.ApplyOptions{}, 0, none); !errors.Is(err, engine.ErrNoWindow) || !strings.Contains(err.Error(), "at once; application.web may not be applied at any time") || !strings.Contains(err.Error(), "--target") {
		t.Errorf("windows that never open: %v", err)
	}
	if err := s.Engine().AwaitWindows(t.Context(), &alone, engine.ApplyOptions{}, 0, none); !errors.Is(err, engine.ErrNoWindow) || strings.Contains(err.Error(), "--target") {
		t.Errorf("windows that never open, of all that changes: %v", err)
	}
	for _, options := range []engine.ApplyOptions{{OverrideWindow: "incident"}} {
		if err := s.Engine().AwaitWindows(t.Context(), p, options, 0, none); err != nil {
			t.Errorf("%+v: %v", options, err)
		}
	}
	c.set(t, "2026-11-23T07:59:59Z")
	waits := 0
	if err := s.Engine().AwaitWindows(t.Context(), p, engine.ApplyOptions{}, 0, func(engine.Waiting) {
		waits++
		c.set(t, "2026-11-23T08:00:00Z")
	}); err != nil || waits != 1 {
		t.Errorf("%v, after %d waits", err, waits)
	}
}
