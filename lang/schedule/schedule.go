// Package schedule reads when sync windows open: cron schedules, and the names of
// time zones. It has no clock: it tells what is written, and which windows can
// never be open together by any clock. Only lang and the packages below it, and
// who asks whether a window is open, import it.
package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is a cron schedule of five fields: minute, hour, day of month, month,
// day of week. The zero value never comes. The dialect is Argo CD's (robfig/cron):
// * and ? are every value, a-b a range, a,b a list, /n a step, months and days of
// the week may be written as JAN and MON; 0 is Sunday and 7 is no day. Where both
// days are restricted, either is enough.
type Schedule struct {
	minute, hour, dayOfMonth, month, dayOfWeek uint64 // bit n: the value n
	anyDayOfMonth, anyDayOfWeek                bool   // written as * or ?

	text string
}

// String returns the schedule as it was written.
func (s Schedule) String() string { return s.text }

// Equal reports whether two schedules are written alike.
func (s Schedule) Equal(other Schedule) bool { return s == other }

// field is what one field of a schedule may hold.
type field struct {
	name      string
	low, high int
	names     []string // of the values from low on
}

func fields() [5]field {
	return [5]field{
		{name: "minute", low: 0, high: 59},
		{name: "hour", low: 0, high: 23},
		{name: "day of the month", low: 1, high: 31},
		{name: "month", low: 1, high: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
		{name: "day of the week", low: 0, high: 6, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
	}
}

// Parse reads a schedule. Its errors are sentences without the full stop that do
// not repeat the schedule.
func Parse(text string) (Schedule, error) {
	s := Schedule{text: text}
	parts := strings.Fields(text)
	switch {
	case strings.HasPrefix(text, "@"):
		return s, fmt.Errorf("words such as %s are not known; write the five fields minute, hour, day of month, month and day of week, such as \"0 9 * * 1-5\"", strconv.Quote(parts[0]))
	case len(parts) > 0 && (strings.HasPrefix(parts[0], "TZ=") || strings.HasPrefix(parts[0], "CRON_TZ=")):
		return s, fmt.Errorf("the time zone is an argument of its own: time_zone")
	case len(parts) == 6:
		return s, fmt.Errorf("it has six fields, and seconds are not supported; the five are minute, hour, day of month, month and day of week")
	case len(parts) != 5:
		return s, fmt.Errorf("it has %d fields, and must have five: minute, hour, day of month, month and day of week, such as \"0 9 * * 1-5\"", len(parts))
	}
	bits := [5]*uint64{&s.minute, &s.hour, &s.dayOfMonth, &s.month, &s.dayOfWeek}
	var stars [5]bool
	for i, f := range fields() {
		for _, part := range strings.Split(parts[i], ",") {
			values, star, err := f.parse(part)
			if err != nil {
				return s, err
			}
			*bits[i] |= values
			stars[i] = stars[i] || star
		}
	}
	s.anyDayOfMonth, s.anyDayOfWeek = stars[2], stars[4]
	return s, nil
}

// parse reads one element of a list: a value, a range or a star, and a step.
func (f field) parse(text string) (values uint64, star bool, err error) {
	body, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		if step, err = number(stepText); err != nil || step == 0 {
			return 0, false, fmt.Errorf("in %q, the step after \"/\" must be a whole number from 1", text)
		}
	}
	low, high := f.low, f.high
	from, to, ranged := strings.Cut(body, "-")
	switch body {
	case "*", "?":
		star = step == 1
	default:
		if low, err = f.value(from); err != nil {
			return 0, false, err
		}
		if ranged {
			if high, err = f.value(to); err != nil {
				return 0, false, err
			}
		} else if !stepped {
			high = low
		}
	}
	if low > high {
		return 0, false, fmt.Errorf("the range %q of the %s ends before it begins", body, f.name)
	}
	for n := low; n <= high; n += step {
		values |= 1 << n
	}
	return values, star, nil
}

// value reads a number or a name.
func (f field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.low + i, nil
		}
	}
	n, err := number(text)
	if err == nil && n >= f.low && n <= f.high {
		return n, nil
	}
	expected := fmt.Sprintf("from %d to %d", f.low, f.high)
	if len(f.names) > 0 {
		expected += fmt.Sprintf(" or %s to %s", f.names[0], f.names[len(f.names)-1])
	}
	if f.names != nil && err == nil && n == 7 && f.high == 6 {
		expected += "; Sunday is 0"
	}
	return 0, fmt.Errorf("%q is no %s: it must be %s", text, f.name, expected)
}

func number(text string) (int, error) {
	if strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}

// on reports whether the schedule comes on a day.
func (s Schedule) on(day time.Time) bool {
	if s.month&(1<<int(day.Month())) == 0 {
		return false
	}
	inMonth, inWeek := s.dayOfMonth&(1<<day.Day()) != 0, s.dayOfWeek&(1<<int(day.Weekday())) != 0
	if s.anyDayOfMonth || s.anyDayOfWeek {
		return inMonth && inWeek
	}
	return inMonth || inWeek
}

// weekly reports whether all weeks are alike.
func (s Schedule) weekly() bool { return s.anyDayOfMonth && s.month == 1<<13-2 }
