package view_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
)

// TestWhatDiffersIsNotCutOff: of long lines that begin alike, what differs is shown.
func TestWhatDiffersIsNotCutOff(t *testing.T) {
	long := strings.Repeat("é", 1200)
	for _, c := range []struct {
		name, before, after string
		shown               []string
	}{
		{"in the middle", "a\n" + long + "old" + long + "\nb\n", "a\n" + long + "new" + long + "\nb\n", []string{"éold", "énew"}},
		{"at the end", long + "\nb\n", long + "x\nb\n", []string{"- …", "+ …", "éx"}},
		{"beside lines that go", "short\nother\n" + long + "old\nb\n", long + "new\nb\n", []string{"- short", "éold", "énew"}},
		{"of two lines", long + "1\n" + long + "2\nb\n", long + "3\n" + long + "4\nb\n", []string{"é1", "é2", "é3", "é4"}},
		{"begins otherwise", "old" + long + "\nb\n", "new" + long + "\nb\n", []string{"- oldé", "+ newé", "(205 more characters)"}},
		{"just cut off", strings.Repeat("x", 998) + "old\nb\n", strings.Repeat("x", 998) + "new\nb\n", []string{"xold", "xnew"}},
		{"just what is shown", strings.Repeat("x", 1000) + "\nb\n", strings.Repeat("x", 1000) + "tail\nb\n", []string{"xtail"}},
	} {
		p := base(web(change(plan.Update, "ConfigMap", "settings", changed("data.text", c.before, c.after))))
		var out bytes.Buffer
		if err := view.Text(&out, p, view.Options{}); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.shown {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, out.String())
			}
		}
		for line := range strings.Lines(out.String()) {
			if rest, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "- "); ok && strings.Contains(out.String(), "+ "+rest) {
				t.Errorf("%s: what goes and what comes look the same: %.80s", c.name, line)
			}
		}
	}
}
