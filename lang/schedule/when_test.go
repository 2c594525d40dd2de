package schedule_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/schedule"
)

func opening(t *testing.T, cron string, duration time.Duration, zone string) schedule.Window {
	t.Helper()
	s, err := schedule.Parse(cron)
	if err != nil {
		t.Fatal(err)
	}
	return schedule.Window{Schedule: s, Duration: duration, Zone: zone}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestOpenAt(t *testing.T) {
	for _, test := range []struct {
		name, cron string
		duration   time.Duration
		zone       string
		at         string
		want       string // "from to", empty for closed
	}{
		{"in the middle", "0 9 * * 1-5", 8 * time.Hour, "", "2026-11-23T12:00:00Z", "2026-11-23T09:00:00Z 2026-11-23T17:00:00Z"},
		{"at the start", "0 9 * * 1-5", 8 * time.Hour, "", "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z 2026-11-23T17:00:00Z"},
		{"at the end", "0 9 * * 1-5", 8 * time.Hour, "", "2026-11-23T17:00:00Z", ""},
		{"before", "0 9 * * 1-5", 8 * time.Hour, "", "2026-11-23T08:59:59Z", ""},
		{"on a Sunday", "0 9 * * 1-5", 8 * time.Hour, "", "2026-11-22T12:00:00Z", ""},
		{"over midnight", "0 22 * * *", 8 * time.Hour, "", "2026-11-23T05:00:00Z", "2026-11-22T22:00:00Z 2026-11-23T06:00:00Z"},
		{"in a zone", "0 9 * * *", time.Hour, "Europe/Berlin", "2026-11-23T08:30:00Z", "2026-11-23T08:00:00Z 2026-11-23T09:00:00Z"},
		{"in summer", "0 9 * * *", time.Hour, "Europe/Berlin", "2026-07-01T07:30:00Z", "2026-07-01T07:00:00Z 2026-07-01T08:00:00Z"},
		{"the date is the zone's", "0 9 * * 1", time.Hour, "Pacific/Auckland", "2026-11-22T20:30:00Z", "2026-11-22T20:00:00Z 2026-11-22T21:00:00Z"},
		{"openings that meet are one", "0 9,10 * * *", time.Hour, "", "2026-11-23T09:30:00Z", "2026-11-23T09:00:00Z 2026-11-23T11:00:00Z"},
		{"openings that overlap are one", "0 9,10 * * *", 90 * time.Minute, "", "2026-11-23T11:15:00Z", "2026-11-23T09:00:00Z 2026-11-23T11:30:00Z"},
		{"an hour that is skipped", "30 2 * * *", time.Hour, "Europe/Berlin", "2026-03-29T01:10:00Z", "2026-03-29T01:00:00Z 2026-03-29T02:00:00Z"},
		{"before an hour that is skipped", "30 2 * * *", time.Hour, "Europe/Berlin", "2026-03-29T00:59:00Z", ""},
		{"an hour that comes twice", "30 2 * * *", 30 * time.Minute, "Europe/Berlin", "2026-10-25T00:40:00Z", "2026-10-25T00:30:00Z 2026-10-25T01:00:00Z"},
		{"an hour that comes twice, the second time", "30 2 * * *", 30 * time.Minute, "Europe/Berlin", "2026-10-25T01:40:00Z", ""},
		{"every hour, the second time", "30 * * * *", 20 * time.Minute, "Europe/Berlin", "2026-10-25T01:40:00Z", "2026-10-25T01:30:00Z 2026-10-25T01:50:00Z"},
		{"eight hours in the night of the change", "0 22 * * *", 8 * time.Hour, "Europe/Berlin", "2026-10-25T03:59:00Z", "2026-10-24T20:00:00Z 2026-10-25T04:00:00Z"},
		{"a 30-minute zone", "0 9 * * *", time.Hour, "Asia/Kolkata", "2026-11-23T03:45:00Z", "2026-11-23T03:30:00Z 2026-11-23T04:30:00Z"},
		{"longer than a month", "0 0 1 1 *", 60 * 24 * time.Hour, "", "2026-02-20T00:00:00Z", "2026-01-01T00:00:00Z 2026-03-02T00:00:00Z"},
		{"a 29th of February", "0 0 29 2 *", time.Hour, "", "2028-02-29T00:30:00Z", "2028-02-29T00:00:00Z 2028-02-29T01:00:00Z"},
	} {
		w := opening(t, test.cron, test.duration, test.zone)
		open, ok := w.OpenAt(at(t, test.at))
		got := ""
		if ok {
			got = open.From.UTC().Format(time.RFC3339) + " " + open.To.UTC().Format(time.RFC3339)
		}
		if got != test.want {
			t.Errorf("%s: open %q, want %q", test.name, got, test.want)
		}
	}
}

func TestNext(t *testing.T) {
	for _, test := range []struct{ cron, zone, after, want string }{
		{"0 9 * * 1-5", "", "2026-11-21T12:00:00Z", "2026-11-23T09:00:00Z"},
		{"0 9 * * 1-5", "", "2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z"},
		{"0 9 * * 1-5", "Europe/Berlin", "2026-11-21T12:00:00Z", "2026-11-23T08:00:00Z"},
		{"0 0 29 2 *", "", "2026-11-21T12:00:00Z", "2028-02-29T00:00:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"0 0 30 2 *", "", "2026-11-21T12:00:00Z", ""},
	} {
		next, ok := opening(t, test.cron, time.Hour, test.zone).Next(at(t, test.after))
		got := ""
		if ok {
			got = next.UTC().Format(time.RFC3339)
		}
		if got != test.want {
			t.Errorf("%s after %s: %q, want %q", test.cron, test.after, got, test.want)
		}
	}
}

// TestOpenAgrees: whether a window is open, what its calendar has, and when it opens
// next are one thing.
func TestOpenAgrees(t *testing.T) {
	crons := []string{"0 9 * * 1-5", "*/15 * * * *", "30 2 * * *", "0 22 * * 6", "15 3 1,15 * *", "0 */6 * * *", "59 23 31 12 *"}
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"}
	rapid.Check(t, func(r *rapid.T) {
		w := opening(t, rapid.SampledFrom(crons).Draw(r, "cron"),
			time.Duration(rapid.IntRange(1, 60*50).Draw(r, "minutes"))*time.Minute, rapid.SampledFrom(zones).Draw(r, "zone"))
		now := time.Unix(int64(rapid.IntRange(1735689600, 1893456000).Draw(r, "now")), 0).UTC()
		open, ok := w.OpenAt(now)
		day := 24 * time.Hour
		listed := false
		for _, i := range w.Between(now.Add(-3*day), now.Add(3*day)) {
			if !now.Before(i.From) && now.Before(i.To) {
				listed = true
			}
		}
		if listed != ok {
			r.Fatalf("open %v at %s, and its calendar has it %v", ok, now, listed)
		}
		if ok && (now.Before(open.From) || !now.Before(open.To)) {
			r.Fatalf("open from %s to %s, which %s is not in", open.From, open.To, now)
		}
		if !ok {
			next, found := w.Next(now)
			if !found {
				r.Fatalf("%s never opens again", w.Schedule)
			}
			if _, open := w.OpenAt(next); !open {
				r.Fatalf("it is closed when it opens, at %s", next)
			}
			if _, open := w.OpenAt(next.Add(-time.Second)); open && next.Sub(now) > time.Second {
				r.Fatalf("it opens at %s, and was open before", next)
			}
		}
	})
}
