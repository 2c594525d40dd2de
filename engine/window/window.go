// Package window judges whether an application may be synced at a time, by the sync
// windows of its project: the rules are Argo CD's (SyncWindows.CanSync), with clocks that
// change for summer and openings that begin when they say.
//
// It has no clock and does no I/O. The engine imports it for plans and applies, and
// commands for calendars.
package window

import (
	"fmt"
	"time"

	"github.com/gantrycd/gantry/lang/schedule"
	"github.com/gantrycd/gantry/plan"
)

// Windows are those of one application.
type Windows struct {
	windows []plan.Window
	times   []schedule.Window
}

// Parse reads windows as a plan has them. What cannot be read is an error: a window that
// nobody understands lets nothing pass.
func Parse(windows []plan.Window) (*Windows, error) {
	out := &Windows{windows: windows, times: make([]schedule.Window, len(windows))}
	for i, w := range windows {
		parsed, err := schedule.Parse(w.Schedule)
		switch {
		case err != nil:
			return nil, fmt.Errorf("sync window %q: %w", w.Schedule, err)
		case !schedule.IsZone(w.TimeZone):
			return nil, fmt.Errorf("sync window %q: there is no time zone %q", w.Schedule, w.TimeZone)
		case w.Duration <= 0:
			return nil, fmt.Errorf("sync window %q: it is open for no time", w.Schedule)
		}
		out.times[i] = schedule.Window{Schedule: parsed, Duration: w.Duration, Zone: w.TimeZone, Deny: w.Deny, Manual: w.ManualSync}
	}
	return out, nil
}

// Sync is what is judged.
type Sync struct {
	// Manual: a person started it.
	Manual bool
	// Started is when it began, where it runs already; else zero.
	Started time.Time
}

// Judgement is what windows come to at one time.
type Judgement struct {
	Allowed bool
	// Window is the one that decides; nil where none does: there is none, or nothing but
	// windows that deny, all of them closed.
	Window *plan.Window
	// ManualAllowed: were it started by a person, it would be allowed.
	ManualAllowed bool
	// Overruns: it is allowed only because it was running already.
	Overruns bool
}

// Judge tells whether a sync may run at a time. An open window that denies denies, unless
// all of those that are open let pass what a person starts. Where there are windows that
// allow, one must be open, unless all of them let that pass. What was allowed when it
// began may go on where all windows that are in its way say so.
func (w *Windows) Judge(at time.Time, sync Sync) Judgement {
	inTheWay, allowed, decides := w.inTheWay(at)
	if allowed {
		return Judgement{Allowed: true, ManualAllowed: true, Window: decides}
	}
	manual, overrun := true, true
	for _, window := range inTheWay {
		manual = manual && window.ManualSync
		overrun = overrun && window.Overrun
	}
	out := Judgement{Window: decides, ManualAllowed: manual, Allowed: manual && sync.Manual}
	if !out.Allowed && overrun && !sync.Started.IsZero() {
		_, allowed, _ := w.inTheWay(sync.Started)
		out.Allowed = allowed || manual && sync.Manual
		out.Overruns = out.Allowed
	}
	return out
}

// inTheWay returns the windows that keep a sync from running at a time: those that deny and
// are open, or, where no window that allows is open, those that allow. The last result is
// the one to tell people of.
func (w *Windows) inTheWay(at time.Time) (blocking []*plan.Window, allowed bool, decides *plan.Window) {
	var denies, allows []*plan.Window
	var open *plan.Window
	for i := range w.windows {
		window := &w.windows[i]
		_, isOpen := w.times[i].OpenAt(at)
		switch {
		case window.Deny && isOpen:
			denies = append(denies, window)
		case !window.Deny && isOpen && open == nil:
			open = window
		case !window.Deny:
			allows = append(allows, window)
		}
	}
	switch {
	case len(denies) > 0:
		return denies, false, firstHard(denies)
	case open != nil:
		return nil, true, open
	case len(allows) > 0:
		return allows, false, firstHard(allows)
	}
	return nil, true, nil
}

// firstHard returns the first window that a person cannot pass, or the first.
func firstHard(windows []*plan.Window) *plan.Window {
	for _, window := range windows {
		if !window.ManualSync {
			return window
		}
	}
	return windows[0]
}

// maxChanges is how many openings and closings are looked at for the next time at which
// something may run, and ahead is how far.
const (
	maxChanges = 2000
	ahead      = 3 * 366 * 24 * time.Hour
)

// Next returns the next time from a time on at which a sync may run, and until when it
// then may, where that is within some hundred days; false where none is found. Where it
// may run now, that is the time itself.
func (w *Windows) Next(at time.Time, sync Sync) (schedule.Interval, bool) {
	sync.Started = time.Time{}
	from := at
	for range maxChanges {
		if w.Judge(from, sync).Allowed {
			return schedule.Interval{From: from, To: w.until(from, sync)}, true
		}
		next, ok := w.change(from)
		if !ok || next.Sub(at) > ahead {
			return schedule.Interval{}, false
		}
		from = next
	}
	return schedule.Interval{}, false
}

// until returns when a sync may no longer run that may at a time; zero where that does not
// come.
func (w *Windows) until(from time.Time, sync Sync) time.Time {
	began := from
	for range maxChanges {
		next, ok := w.change(from)
		if !ok || next.Sub(began) > ahead {
			return time.Time{}
		}
		if !w.Judge(next, sync).Allowed {
			return next
		}
		from = next
	}
	return time.Time{}
}

// change returns the next time after one at which a window opens or closes.
func (w *Windows) change(at time.Time) (time.Time, bool) {
	var next time.Time
	for _, times := range w.times {
		change, ok := time.Time{}, false
		if open, isOpen := times.OpenAt(at); isOpen {
			change, ok = open.To, true
		} else {
			change, ok = times.Next(at)
		}
		if ok && (next.IsZero() || change.Before(next)) {
			next = change
		}
	}
	return next, !next.IsZero()
}

// Openings returns when a sync may run from one time to another, sorted and apart.
func (w *Windows) Openings(from, to time.Time, sync Sync) []schedule.Interval {
	var out []schedule.Interval
	for at := from; at.Before(to) && len(out) < maxChanges; {
		open, ok := w.Next(at, sync)
		if !ok || !open.From.Before(to) {
			break
		}
		if open.To.IsZero() || open.To.After(to) {
			open.To = to
		}
		out = append(out, open)
		at = open.To
	}
	return out
}
