package schedule_test

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/lang/schedule"
)

func TestParse(t *testing.T) {
	for _, text := range []string{
		"* * * * *", "0 9 * * 1-5", "*/15 0-6/2 1,15 JAN-mar,DEC SUN", "59 23 31 12 6", "? ? ? ? ?", "5/20 * * * *", "  0 10 * * *  ", "0 0 1-31 1-12 0-6",
	} {
		if s, err := schedule.Parse(text); err != nil || s.String() != text {
			t.Errorf("Parse(%q) = %q, %v", text, s, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]string{
		"":                             `it has 0 fields, and must have five: minute, hour, day of month, month and day of week, such as "0 9 * * 1-5"`,
		"* * * *":                      `it has 4 fields, and must have five: minute, hour, day of month, month and day of week, such as "0 9 * * 1-5"`,
		"0 0 9 * * *":                  `it has six fields, and seconds are not supported; the five are minute, hour, day of month, month and day of week`,
		"@daily":                       `words such as "@daily" are not known; write the five fields minute, hour, day of month, month and day of week, such as "0 9 * * 1-5"`,
		"@every 1h":                    `words such as "@every" are not known; write the five fields minute, hour, day of month, month and day of week, such as "0 9 * * 1-5"`,
		"TZ=UTC 0 9 * * *":             "the time zone is an argument of its own: time_zone",
		"60 * * * *":                   `"60" is no minute: it must be from 0 to 59`,
		"* 24 * * *":                   `"24" is no hour: it must be from 0 to 23`,
		"* * 0 * *":                    `"0" is no day of the month: it must be from 1 to 31`,
		"* * L * *":                    `"L" is no day of the month: it must be from 1 to 31`,
		"* * * 13 *":                   `"13" is no month: it must be from 1 to 12 or JAN to DEC`,
		"* * * * 7":                    `"7" is no day of the week: it must be from 0 to 6 or SUN to SAT; Sunday is 0`,
		"* * * * 1#1":                  `"1#1" is no day of the week: it must be from 0 to 6 or SUN to SAT`,
		"* * * * MONDAY":               `"MONDAY" is no day of the week: it must be from 0 to 6 or SUN to SAT`,
		"* * * * MON-":                 `"" is no day of the week: it must be from 0 to 6 or SUN to SAT`,
		"*/0 * * * *":                  `in "*/0", the step after "/" must be a whole number from 1`,
		"*/x * * * *":                  `in "*/x", the step after "/" must be a whole number from 1`,
		"*/ * * * *":                   `in "*/", the step after "/" must be a whole number from 1`,
		"30-10 * * * *":                `the range "30-10" of the minute ends before it begins`,
		"+5 * * * *":                   `"+5" is no minute: it must be from 0 to 59`,
		"-5 * * * *":                   `"" is no minute: it must be from 0 to 59`,
		"1,,2 * * * *":                 `"" is no minute: it must be from 0 to 59`,
		"99999999999999999999 * * * *": `"99999999999999999999" is no minute: it must be from 0 to 59`,
	}
	for text, want := range tests {
		_, err := schedule.Parse(text)
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%q): got %v, want %s", text, err, want)
		}
	}
}

// What Argo CD reads, is read, and what it does not, is refused: but for zones
// before the schedule, which have an argument.
func TestConformance(t *testing.T) {
	cases := conformance.Cases[struct {
		Windows []struct{ Schedule string }
		Error   string
	}](t, "syncwindows/can_sync_cases.jsonl")
	tally := conformance.Count(t, conformance.Schedules)
	refused := map[string]bool{} // by Argo CD
	for _, c := range cases {
		for _, w := range c.Windows {
			refused[w.Schedule] = refused[w.Schedule] || strings.Contains(c.Error, "schedule '"+w.Schedule+"'")
		}
	}
	for text, want := range refused {
		_, err := schedule.Parse(text)
		switch {
		case (err != nil) == want:
			tally.Agree()
		case strings.Contains(text, "TZ=") && err != nil:
			tally.Differ("a zone is an argument of the window; Argo CD takes one before the schedule, too")
		default:
			tally.Fail("Parse(%q): %v", text, err)
		}
	}
}

// goRoot returns where the toolchain is.
func goRoot(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("there is no toolchain: ", err)
	}
	return strings.TrimSpace(string(root))
}

// The names of zones are those of the database that Go ships.
func TestZones(t *testing.T) {
	archive, err := zip.OpenReader(filepath.Join(goRoot(t), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip("the toolchain has no zones: ", err)
	}
	defer archive.Close()
	var want []string
	for _, file := range archive.File {
		if !strings.HasSuffix(file.Name, "/") && file.Name != "Factory" {
			want = append(want, file.Name)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, schedule.Zones()); diff != "" {
		t.Errorf("zones.txt is not current (-toolchain +have):\n%s", diff)
	}
	for name, want := range map[string]bool{"Europe/Berlin": true, "UTC": true, "europe/berlin": false, "Local": false, "": false, "Mars/Base": false, "../x": false, "Factory": false} {
		if got := schedule.IsZone(name); got != want {
			t.Errorf("IsZone(%q) = %v", name, got)
		}
	}
}

func TestJudge(t *testing.T) {
	allow := func(text, duration string) schedule.Window { return window(t, text, duration) }
	deny := func(text, duration string) schedule.Window {
		w := window(t, text, duration)
		w.Deny = true
		return w
	}
	manual := func(w schedule.Window) schedule.Window {
		w.Manual = true
		return w
	}
	in := func(zone string, w schedule.Window) schedule.Window {
		w.Zone = zone
		return w
	}
	tests := map[string]struct {
		windows []schedule.Window
		want    schedule.Verdict
	}{
		"none":                             {nil, schedule.Sometimes},
		"an allow":                         {[]schedule.Window{allow("0 9 * * 1-5", "8h")}, schedule.Sometimes},
		"a deny by day":                    {[]schedule.Window{deny("0 9 * * 1-5", "8h")}, schedule.Sometimes},
		"a deny always":                    {[]schedule.Window{deny("0 0 * * *", "24h")}, schedule.Never},
		"a deny always, by minutes":        {[]schedule.Window{deny("* * * * *", "1m")}, schedule.Never},
		"a deny for half of each minute":   {[]schedule.Window{deny("* * * * *", "30s")}, schedule.Sometimes},
		"a deny always but for a minute":   {[]schedule.Window{deny("1 0 * * *", "23h59m")}, schedule.Sometimes},
		"a deny always, weekly":            {[]schedule.Window{deny("30 3 * * WED", "168h")}, schedule.Never},
		"a deny always, monthly":           {[]schedule.Window{deny("0 0 1 * *", "744h")}, schedule.Never},
		"a deny always but in long ones":   {[]schedule.Window{deny("0 0 1 * *", "743h")}, schedule.Sometimes},
		"a deny always, yearly":            {[]schedule.Window{deny("0 0 1 1 *", "8784h")}, schedule.Never},
		"a deny but in leap years":         {[]schedule.Window{deny("0 0 1 1 *", "8760h")}, schedule.Sometimes},
		"two denies that meet":             {[]schedule.Window{deny("0 0 * * *", "12h"), deny("0 12 * * *", "12h")}, schedule.Never},
		"an allow within a deny":           {[]schedule.Window{allow("0 10 * * 1-5", "1h"), deny("0 9 * * 1-5", "8h")}, schedule.Never},
		"an allow across a deny's end":     {[]schedule.Window{allow("0 10 * * 1-5", "8h"), deny("0 9 * * 1-5", "8h")}, schedule.Sometimes},
		"over midnight":                    {[]schedule.Window{allow("0 1 * * MON", "1h"), deny("0 22 * * SUN", "8h")}, schedule.Never},
		"the first and the last of months": {[]schedule.Window{allow("0 0 31 * *", "1h"), deny("0 0 1 * *", "1h")}, schedule.Sometimes},
		"Friday the 13th":                  {[]schedule.Window{allow("0 0 13 * *", "1h"), deny("0 0 * * SUN-THU,SAT", "24h")}, schedule.Sometimes},
		"a day in 28 years":                {[]schedule.Window{allow("0 0 29 2 *", "1h"), deny("0 0 * * TUE-SAT", "24h"), deny("0 0 * * MON", "24h")}, schedule.Sometimes},
		"an allow that never opens":        {[]schedule.Window{allow("0 0 30 2 *", "1h")}, schedule.Never},
		"a deny that never opens":          {[]schedule.Window{deny("0 0 30 2 *", "1h")}, schedule.Sometimes},
		"either day is enough":             {[]schedule.Window{allow("0 0 30 2 1", "1h")}, schedule.Sometimes},
		"a deny that a person passes":      {[]schedule.Window{manual(deny("0 0 * * *", "24h"))}, schedule.ManualOnly},
		"one of two that a person passes":  {[]schedule.Window{manual(deny("0 0 * * *", "24h")), deny("0 0 * * *", "24h")}, schedule.Never},
		"one for a time only":              {[]schedule.Window{manual(deny("0 0 * * *", "24h")), deny("0 0 * * *", "23h")}, schedule.ManualOnly},
		"an allow that a person need not":  {[]schedule.Window{manual(allow("0 10 * * *", "1h")), deny("0 9 * * *", "8h")}, schedule.ManualOnly},
		"another that a person needs":      {[]schedule.Window{manual(allow("0 10 * * *", "1h")), allow("0 11 * * *", "1h"), deny("0 9 * * *", "8h")}, schedule.Never},
		"zones that cannot be compared":    {[]schedule.Window{in("Asia/Tokyo", allow("0 10 * * *", "1h")), deny("0 9 * * *", "8h")}, schedule.Sometimes},
		"always in any zone":               {[]schedule.Window{in("Asia/Tokyo", allow("0 10 * * *", "1h")), deny("0 0 * * *", "24h")}, schedule.Never},
		"in one zone, whatever another":    {[]schedule.Window{in("Asia/Tokyo", deny("0 10 * * *", "1h")), deny("0 9 * * *", "8h"), allow("0 9 * * *", "8h")}, schedule.Never},
		"a person's in another zone":       {[]schedule.Window{in("Asia/Tokyo", manual(deny("0 10 * * *", "1h"))), deny("0 9 * * *", "8h"), allow("0 9 * * *", "8h")}, schedule.ManualOnly},
		"UTC by its name":                  {[]schedule.Window{in("UTC", deny("0 9 * * *", "8h")), allow("0 9 * * *", "8h")}, schedule.Never},
	}
	for name, test := range tests {
		if got := schedule.Judge(test.windows); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestOpens(t *testing.T) {
	for text, want := range map[string]bool{"0 0 30 2 *": false, "0 0 31 4,6,9,11 *": false, "0 0 29 2 *": true, "* * * * *": true, "0 0 31 2 MON": true} {
		if got := window(t, text, "1h").Opens(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func window(t *testing.T, text, duration string) schedule.Window {
	t.Helper()
	s, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	d, err := time.ParseDuration(duration)
	if err != nil {
		t.Fatal(err)
	}
	return schedule.Window{Schedule: s, Duration: d}
}
