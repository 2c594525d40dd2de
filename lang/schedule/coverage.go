package schedule

import (
	"cmp"
	"slices"
	"time"
)

// Window is a time that comes again: open from each time of its schedule for a
// duration, by the clocks of a zone.
type Window struct {
	Schedule Schedule
	Duration time.Duration
	Zone     string // "" is UTC
	Deny     bool
	Manual   bool // it does not hold for what a person starts
}

// Verdict is what windows come to over all times.
type Verdict int

// The verdicts.
const (
	Sometimes  Verdict = iota // there is a time at which everything may go
	ManualOnly                // there is none but for what a person starts
	Never                     // there is none at all
)

// Judge tells whether there is ever a time at which windows let something go, by
// Argo CD's rules: an open deny window denies; where there are allow windows, one
// must be open; with Manual a person may pass it. It counts by the clock on the
// wall, as if clocks were never changed for summer, and says Sometimes where
// windows of several zones would have to be held against each other.
func Judge(windows []Window) Verdict {
	zones := map[string]bool{}
	for _, w := range windows {
		zones[w.zone()] = true
	}
	worst := Sometimes
	for zone := range zones {
		worst = max(worst, judgeIn(zone, windows))
	}
	return worst
}

func (w Window) zone() string {
	if w.Zone == "" {
		return "UTC"
	}
	return w.Zone
}

// Opens reports whether there is a day on which the window opens: the 30th of
// February is none.
func (w Window) Opens() bool {
	open, told := w.open(calendarOf([]Window{w}))
	return !told || len(open) > 0
}

// judgeIn judges by the windows of one zone, and those of others that are always
// open. What it cannot tell, it takes to let things go.
func judgeIn(zone string, windows []Window) Verdict {
	c := calendarOf(windows)
	var hard, soft, allow, passable spans
	allows, allManual := 0, true
	for _, w := range windows {
		open, told := w.open(c)
		told = told && (w.zone() == zone || slices.Equal(open, c.all()))
		if !told && (!w.Deny || w.Manual) {
			open = c.all() // it may let something go at any time
		}
		switch {
		case !w.Deny:
			allows++
			allManual = allManual && w.Manual
			allow = append(allow, open...)
		case w.Manual:
			passable = append(passable, open...)
			if told {
				soft = append(soft, open...)
			}
		case told:
			hard = append(hard, open...)
		}
	}
	if allows == 0 {
		allow = c.all()
	}
	passable = append(passable, allow...)
	if allManual {
		passable = c.all()
	}
	switch {
	case len(passable.without(hard)) == 0:
		return Never
	case len(allow.without(slices.Concat(hard, soft))) == 0:
		return ManualOnly
	}
	return Sometimes
}

// calendar is the days that are looked at: one week where all are alike, or 28
// years, in which every date falls on every day of the week.
type calendar struct {
	first    time.Time
	days     int
	lookback int // days before, from which long windows reach into it
}

func calendarOf(windows []Window) calendar {
	first := time.Date(2001, time.January, 1, 0, 0, 0, 0, time.UTC) // a Monday
	for _, w := range windows {
		if !w.Schedule.weekly() {
			return calendar{first: first, days: 28*365 + 7, lookback: 12*365 + 3}
		}
	}
	return calendar{first: first, days: 7, lookback: 8}
}

const day = int64(24 * time.Hour)

func (c calendar) all() spans { return spans{{0, int64(c.days) * day}} }

// span is a time, in nanoseconds from the calendar's first day on.
type span struct{ from, to int64 }

type spans []span

// maxSpans bounds what is looked at: windows that open more often are not told.
const maxSpans = 500_000

// open returns when the window is open, sorted and apart. It is false where that
// is too much to tell.
func (w Window) open(c calendar) (spans, bool) {
	within := w.ofDay()
	lookback := min(int(int64(w.Duration)/day)+1, c.lookback)
	var out spans
	for n := -lookback; n < c.days; n++ {
		if !w.Schedule.on(c.first.AddDate(0, 0, n)) {
			continue
		}
		for _, s := range within {
			from, to := max(s.from+int64(n)*day, 0), min(s.to+int64(n)*day, int64(c.days)*day)
			switch last := len(out) - 1; {
			case from >= to:
			case last >= 0 && from <= out[last].to:
				out[last].to = max(out[last].to, to)
			default:
				out = append(out, span{from, to})
			}
		}
		if len(out) > maxSpans {
			return nil, false
		}
	}
	return out, true
}

// ofDay returns when the window is open that opens on a day.
func (w Window) ofDay() spans {
	var out spans
	for minute := range 24 * 60 {
		if w.Schedule.hour&(1<<(minute/60)) == 0 || w.Schedule.minute&(1<<(minute%60)) == 0 {
			continue
		}
		from := int64(minute) * int64(time.Minute)
		if last := len(out) - 1; last >= 0 && from <= out[last].to {
			out[last].to = from + int64(w.Duration)
			continue
		}
		out = append(out, span{from, from + int64(w.Duration)})
	}
	return out
}

// union sorts spans and joins those that meet.
func (s spans) union() spans {
	sorted := slices.Clone(s)
	slices.SortFunc(sorted, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out spans
	for _, next := range sorted {
		if last := len(out) - 1; last >= 0 && next.from <= out[last].to {
			out[last].to = max(out[last].to, next.to)
			continue
		}
		out = append(out, next)
	}
	return out
}

// without returns what is in s and not in other.
func (s spans) without(other spans) spans {
	var out spans
	holes := other.union()
	for _, left := range s.union() {
		for len(holes) > 0 && holes[0].to <= left.from {
			holes = holes[1:]
		}
		for _, hole := range holes {
			if hole.from >= left.to {
				break
			}
			if hole.from > left.from {
				out = append(out, span{left.from, hole.from})
			}
			left.from = max(left.from, hole.to)
		}
		if left.from < left.to {
			out = append(out, left)
		}
	}
	return out
}
