package window

import (
	"fmt"
	"time"

	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
)

// For returns those of a project's windows that are for an application, as a plan has
// them. None is nil.
func For(windows []govern.Window, subject govern.Subject) []plan.Window {
	var out []plan.Window
	for i := range windows {
		w := &windows[i]
		if !w.Matches(subject) {
			continue
		}
		out = append(out, plan.Window{
			Description: w.Description, Deny: w.Deny, Schedule: w.Schedule.String(), Duration: w.Duration, TimeZone: w.TimeZone,
			ManualSync: w.ManualSync, Overrun: w.Overrun, At: fmt.Sprintf("%s:%d", w.Range.Filename, w.Range.Start.Line),
		})
	}
	return out
}

// Opening says for people when a sync may run, asked at a time.
func (w *Windows) Opening(at time.Time, sync Sync) plan.Opening {
	judged := w.Judge(at, sync)
	out := plan.Opening{Now: judged.Allowed, Manual: judged.ManualAllowed, Window: judged.Window, TimeZone: "UTC"}
	next, ok := w.Next(at, sync)
	decides := judged.Window
	if decides == nil && ok && !next.To.IsZero() { // one that denies ends it
		decides = w.Judge(next.To, sync).Window
	}
	if decides == nil && len(w.windows) > 0 {
		decides = &w.windows[0]
	}
	location := time.UTC
	if decides != nil {
		if zone, err := time.LoadLocation(decides.TimeZone); err == nil {
			out.TimeZone, location = decides.TimeZone, zone
		}
	}
	if ok {
		out.From = next.From.In(location)
		if !next.To.IsZero() {
			out.To = next.To.In(location)
		}
	}
	return out
}

// Next returns the next time from a time on at which syncs under all of some windows may
// run, for those that differ; false where none is found.
func Next(at time.Time, all []*Windows, sync Sync) (time.Time, bool) {
	from := at
	for range maxChanges {
		latest := from
		for _, w := range all {
			next, ok := w.Next(from, sync)
			if !ok {
				return time.Time{}, false
			}
			if next.From.After(latest) {
				latest = next.From
			}
		}
		if latest.Equal(from) {
			return from, true
		}
		if latest.Sub(at) > ahead {
			break
		}
		from = latest
	}
	return time.Time{}, false
}
