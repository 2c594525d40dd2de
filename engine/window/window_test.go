package window_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/window"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/lang/schedule"
	"github.com/gantrycd/gantry/plan"
)

// argoWindow is a window as Argo CD has it.
type argoWindow struct {
	Kind, Schedule, Duration, TimeZone string
	ManualSync, SyncOverrun            bool
}

type testCase struct {
	Windows        []argoWindow
	Now            time.Time
	Manual         bool
	OperationStart time.Time
	CanSync        bool
	Error          string
	ID             string
}

// planned is a case's windows as a plan has them; the error is that they cannot be
// written so.
func (c testCase) planned(t *testing.T) (*window.Windows, error) {
	t.Helper()
	windows := make([]plan.Window, len(c.Windows))
	for i, w := range c.Windows {
		duration, err := time.ParseDuration(w.Duration)
		if err != nil {
			return nil, err
		}
		zone := w.TimeZone
		if zone == "" {
			zone = "UTC"
		}
		windows[i] = plan.Window{Deny: w.Kind == "deny", Schedule: w.Schedule, Duration: duration, TimeZone: zone, ManualSync: w.ManualSync, Overrun: w.SyncOverrun}
	}
	return window.Parse(windows)
}

// TestConformance compares answers with Argo CD's. Where they differ, a reason must hold.
func TestConformance(t *testing.T) {
	cases := conformance.Cases[testCase](t, "syncwindows/can_sync_cases.jsonl")
	tally := conformance.Count(t, conformance.Windows)
	for i, c := range cases {
		windows, err := c.planned(t)
		if err != nil {
			switch {
			case c.Error != "" && !c.CanSync:
				tally.Agree()
			case strings.Contains(err.Error(), "time zone"):
				tally.Differ(unknownZone)
			case strings.Contains(err.Error(), "no time"):
				tally.Differ("a window without a duration is an error when it is loaded; in Argo CD it never opens")
			default:
				tally.Fail("line %d: %v: %+v", i+1, err, c)
			}
			continue
		}
		got := windows.Judge(c.Now, window.Sync{Manual: c.Manual, Started: c.OperationStart}).Allowed
		if c.Error != "" {
			tally.Fail("line %d: Argo CD refuses the windows: %s: %+v", i+1, c.Error, c)
			continue
		}
		if got == c.CanSync {
			tally.Agree()
			continue
		}
		reason := c.reason()
		if reason == "" {
			tally.Fail("line %d: allowed %v, want %v: %+v", i+1, got, c.CanSync, c)
			continue
		}
		tally.Differ(reason)
	}
}

const unknownZone = "a zone that is unknown is an error when it is loaded; Argo CD takes it as UTC"

// TestConformanceOfSyntax compares which windows are valid.
func TestConformanceOfSyntax(t *testing.T) {
	cases := conformance.Cases[struct {
		Window argoWindow
		Valid  bool
		Error  string
	}](t, "syncwindows/validate_cases.jsonl")
	tally := conformance.Count(t, conformance.WindowSyntax)
	for i, c := range cases {
		_, err := testCase{Windows: []argoWindow{c.Window}}.planned(t)
		switch valid := err == nil && slices.Contains([]string{"allow", "deny"}, c.Window.Kind); {
		case valid == c.Valid:
			tally.Agree()
		case c.Valid && c.Window.TimeZone != "" && strings.Contains(err.Error(), "time zone"):
			tally.Differ(unknownZone)
		case c.Valid && strings.HasPrefix(c.Window.Duration, "-"):
			tally.Differ("a window that would be open for less than no time is an error; in Argo CD it never opens")
		default:
			tally.Fail("line %d: %v, Argo CD has %q: %+v", i+1, err, c.Error, c.Window)
		}
	}
}

// reason says why a case is answered in another way; empty where there is no reason.
func (c testCase) reason() string {
	for _, at := range []time.Time{c.Now, c.OperationStart} {
		for _, w := range c.Windows {
			parsed, err := schedule.Parse(w.Schedule)
			duration, durationErr := time.ParseDuration(w.Duration)
			if err != nil || durationErr != nil || at.IsZero() {
				continue
			}
			times := schedule.Window{Schedule: parsed, Duration: duration, Zone: w.TimeZone}
			if opening, ok := times.Next(at.Add(-time.Nanosecond)); ok && opening.Equal(at) {
				return "a window is open from the moment on at which it opens; in Argo CD from the one after"
			}
		}
	}
	for _, w := range c.Windows {
		if parsed, err := schedule.Parse(w.Schedule); err == nil && !(schedule.Window{Schedule: parsed, Duration: time.Hour}).Opens() {
			return "a schedule that never comes never opens; in Argo CD such a window is always open"
		}
		if w.TimeZone == "" || w.TimeZone == "UTC" {
			continue
		}
		return "the schedule is of the zone's clock, summer and winter; Argo CD shifts it by the offset of the day on which it asks"
	}
	return ""
}

func parse(t *testing.T, windows ...plan.Window) *window.Windows {
	t.Helper()
	out, err := window.Parse(windows)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestNextOpening(t *testing.T) {
	office := plan.Window{Schedule: "0 9 * * 1-5", Duration: 8 * time.Hour, TimeZone: "Europe/Berlin", Description: "office hours"}
	freeze := plan.Window{Deny: true, Schedule: "0 0 24 12 *", Duration: 9 * 24 * time.Hour, TimeZone: "Europe/Berlin"}
	lunch := plan.Window{Deny: true, Schedule: "0 12 * * *", Duration: time.Hour, TimeZone: "Europe/Berlin", ManualSync: true}
	windows := parse(t, office, freeze, lunch)
	for _, test := range []struct{ at, from, to string }{
		{"2026-11-23T08:30:00Z", "2026-11-23T08:30:00Z", "2026-11-23T11:00:00Z"},
		{"2026-11-23T11:10:00Z", "2026-11-23T12:00:00Z", "2026-11-23T16:00:00Z"},
		{"2026-11-20T16:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T11:00:00Z"},
		{"2026-12-23T16:00:00Z", "2027-01-04T08:00:00Z", "2027-01-04T11:00:00Z"},
	} {
		next, ok := windows.Next(at(t, test.at), window.Sync{})
		if !ok || !next.From.Equal(at(t, test.from)) || !next.To.Equal(at(t, test.to)) {
			t.Errorf("from %s on: %v to %v, %v, want %s to %s", test.at, next.From.UTC(), next.To.UTC(), ok, test.from, test.to)
		}
	}
	day := windows.Openings(at(t, "2026-11-23T00:00:00Z"), at(t, "2026-11-24T00:00:00Z"), window.Sync{})
	if len(day) != 2 {
		t.Errorf("openings of a day: %v", day)
	}
	if got := windows.Judge(at(t, "2026-11-23T11:10:00Z"), window.Sync{}); got.Allowed || !got.ManualAllowed || got.Window.Schedule != lunch.Schedule {
		t.Errorf("at lunch: %+v", got)
	}
	never := parse(t, plan.Window{Deny: true, Schedule: "* * * * *", Duration: time.Hour, TimeZone: "UTC"})
	if next, ok := never.Next(at(t, "2026-11-23T11:10:00Z"), window.Sync{}); ok {
		t.Errorf("it may run at %v", next)
	}
	always := parse(t)
	if next, ok := always.Next(at(t, "2026-11-23T11:10:00Z"), window.Sync{}); !ok || !next.To.IsZero() {
		t.Errorf("without windows: %v, %v", next, ok)
	}
}

func TestWindowsThatCannotBeRead(t *testing.T) {
	for text, w := range map[string]plan.Window{
		"six fields":  {Schedule: "0 0 9 * * 1", Duration: time.Hour, TimeZone: "UTC"},
		"time zone":   {Schedule: "0 9 * * 1", Duration: time.Hour, TimeZone: "Europe/Atlantis"},
		"for no time": {Schedule: "0 9 * * 1", TimeZone: "UTC"},
		"must have":   {Schedule: "", Duration: time.Hour, TimeZone: "UTC"},
	} {
		if _, err := window.Parse([]plan.Window{w}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want an error about %q", w, err, text)
		}
	}
}
