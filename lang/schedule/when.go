package schedule

import (
	"slices"
	"time"
	_ "time/tzdata" // the zones are the same on every machine
)

// Interval is a time from From on, up to and without To.
type Interval struct{ From, To time.Time }

// horizon is how far ahead an opening is looked for, in days: in 28 years every date
// falls on every day of the week, but for a century that skips a leap year.
const horizon = 41 * 366

// location is the window's zone. A zone that is not known is UTC: Parse and IsZone are
// where it is refused.
func (w Window) location() *time.Location {
	location, err := time.LoadLocation(w.zone())
	if err != nil || w.zone() == time.Local.String() {
		return time.UTC
	}
	return location
}

// OpenAt reports whether the window is open at a time, and since and until when: openings
// that meet count as one, of which what lies a hundred days away is not told. It is open from the minute of its schedule on, and lasts for its
// duration as time passes: eight hours are eight hours also in the night in which clocks
// change. An opening that falls into the hour that a clock skips is at the moment of the
// change; one in the hour that comes twice is at its first time, unless the schedule is of
// every hour.
func (w Window) OpenAt(at time.Time) (Interval, bool) {
	const near, far = 36 * time.Hour, 100 * 24 * time.Hour // nobody asks how long before or after that
	if w.always() {
		return Interval{From: at.Add(-far), To: at.Add(far)}, true
	}
	if len(w.openings(at.Add(-w.Duration), at)) == 0 {
		return Interval{}, false
	}
	for _, around := range []time.Duration{near, far} {
		from, to := at.Add(-around), at.Add(around)
		for _, open := range w.joined(w.openings(from.Add(-w.Duration), to)) {
			within := open.From.After(from) && open.To.Before(to)
			if !at.Before(open.From) && at.Before(open.To) && (within || around == far) {
				return open, true
			}
		}
	}
	return Interval{}, false
}

// always reports whether the window opens again, every day, before it closes: also in the
// hour that comes twice.
func (w Window) always() bool {
	if !w.Schedule.weekly() || w.Schedule.dayOfWeek != 1<<7-1 {
		return false
	}
	longest, first, before := 0, -1, 0
	for minute := range 24 * 60 {
		if w.Schedule.hour&(1<<(minute/60)) == 0 || w.Schedule.minute&(1<<(minute%60)) == 0 {
			continue
		}
		if first < 0 {
			first = minute
		} else {
			longest = max(longest, minute-before)
		}
		before = minute
	}
	if first < 0 {
		return false
	}
	longest = max(longest, first+24*60-before)
	const change = 2 * 60 // no clock is set by more than that, but where a zone crosses the date line
	return w.Duration >= time.Duration(longest)*time.Minute && w.Schedule.hour == 1<<24-1 ||
		w.Duration >= time.Duration(longest+change)*time.Minute
}

// joined returns when the window is open that opens at some times, which are sorted.
func (w Window) joined(openings []time.Time) []Interval {
	var out []Interval
	for _, at := range openings {
		if last := len(out) - 1; last >= 0 && !at.After(out[last].To) {
			out[last].To = at.Add(w.Duration)
			continue
		}
		out = append(out, Interval{From: at, To: at.Add(w.Duration)})
	}
	return out
}

// Next returns the window's first opening after a time; false where there is none.
func (w Window) Next(after time.Time) (time.Time, bool) {
	location := w.location()
	local := after.In(location)
	for n := -1; n < horizon; n++ {
		day := time.Date(local.Year(), local.Month(), local.Day()+n, 12, 0, 0, 0, time.UTC)
		if !w.Schedule.on(day) {
			continue
		}
		for _, at := range w.ofDate(day, location) {
			if at.After(after) {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// Between returns when the window is open from one time to another, sorted and apart.
func (w Window) Between(from, to time.Time) []Interval {
	var out []Interval
	for _, open := range w.joined(w.openings(from.Add(-w.Duration), to.Add(-time.Nanosecond))) {
		open.From, open.To = latest(open.From, from), earliest(open.To, to)
		if open.From.Before(open.To) {
			out = append(out, open)
		}
	}
	return out
}

// openings returns when the window opens after one time and up to another, sorted.
func (w Window) openings(after, upTo time.Time) []time.Time {
	if w.Duration <= 0 {
		return nil
	}
	location := w.location()
	var out []time.Time
	first, last := after.In(location), upTo.In(location)
	day := time.Date(first.Year(), first.Month(), first.Day()-1, 12, 0, 0, 0, time.UTC)
	for end := time.Date(last.Year(), last.Month(), last.Day()+1, 12, 0, 0, 0, time.UTC); !day.After(end); day = day.AddDate(0, 0, 1) {
		if !w.Schedule.on(day) {
			continue
		}
		for _, at := range w.ofDate(day, location) {
			if at.After(after) && !at.After(upTo) {
				out = append(out, at)
			}
		}
	}
	return out
}

// ofDate returns when the window opens on a date of its zone, sorted.
func (w Window) ofDate(day time.Time, location *time.Location) []time.Time {
	const everyHour = 1<<24 - 1
	var out []time.Time
	for hour := range 24 {
		if w.Schedule.hour&(1<<hour) == 0 {
			continue
		}
		for minute := range 60 {
			if w.Schedule.minute&(1<<minute) == 0 {
				continue
			}
			times := onTheClock(day, hour, minute, location)
			if w.Schedule.hour != everyHour {
				times = times[:1]
			}
			out = append(out, times...)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// onTheClock returns when a clock in a zone shows a time of a date, sorted: once, twice
// where it is set back, and the moment of the change where it skips that time.
func onTheClock(day time.Time, hour, minute int, location *time.Location) []time.Time {
	// Far enough from any change of that date, on both sides of it.
	wall := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC)
	var out []time.Time
	var offsets [2]int
	for i, probe := range []time.Time{wall.Add(-26 * time.Hour), wall.Add(26 * time.Hour)} {
		_, offsets[i] = probe.In(location).Zone()
		at := wall.Add(-time.Duration(offsets[i]) * time.Second).In(location)
		if at.Hour() == hour && at.Minute() == minute && at.Day() == day.Day() && !slices.ContainsFunc(out, at.Equal) {
			out = append(out, at)
		}
	}
	if len(out) == 0 {
		// The later reading of a time that is skipped lies before the change, the earlier
		// one after it: the change is where the zone's offset begins.
		after := wall.Add(-time.Duration(min(offsets[0], offsets[1])) * time.Second).In(location)
		if begins, _ := after.ZoneBounds(); !begins.IsZero() {
			after = begins
		}
		out = append(out, after.In(location))
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
