package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPaging: a text that does not fit on a terminal goes to the user's pager, and
// anything else, and without one, to the terminal.
func TestPaging(t *testing.T) {
	long := strings.Repeat("a line\n", 50)
	for _, c := range []struct {
		name, text string
		env        []string
		paged      bool
	}{
		{"long", long, []string{"GANTRY_PAGER=<pager>"}, true},
		{"by the general variable", long, []string{"PAGER=<pager>"}, true},
		{"gantry's own first", long, []string{"PAGER=false", "GANTRY_PAGER=<pager>"}, true},
		{"short", "a line\n", []string{"GANTRY_PAGER=<pager>"}, false},
		{"wide lines wrap", strings.Repeat("x", 30*80) + "\n", []string{"GANTRY_PAGER=<pager>"}, true},
		{"colours have no width", strings.Repeat("\x1b[31mx\x1b[0m", 70) + "\n", []string{"GANTRY_PAGER=<pager>"}, false},
		{"switched off", long, []string{"GANTRY_PAGER=", "PAGER=<pager>"}, false},
		{"cat", long, []string{"GANTRY_PAGER=cat"}, false},
		{"a dumb terminal", long, []string{"GANTRY_PAGER=<pager>", "TERM=dumb"}, false},
		{"one that is not there", long, []string{"GANTRY_PAGER=/no/such/pager"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours, theirs := terminal(t)
			if err := unix.IoctlSetWinsize(int(theirs.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
				t.Fatal(err)
			}
			read := make(chan string, 1)
			go func() { // a terminal that nobody reads blocks who writes
				text := make([]byte, 0, 1<<16)
				part := make([]byte, 4096)
				for {
					n, err := ours.Read(part)
					text = append(text, part[:n]...)
					if err != nil || bytes.HasSuffix(text, []byte("END\r\n")) {
						read <- string(text)
						return
					}
				}
			}()
			seen := filepath.Join(t.TempDir(), "seen")
			env := []string{"PATH=" + os.Getenv("PATH")}
			for _, setting := range c.env {
				env = append(env, strings.Replace(setting, "<pager>", "cat >"+seen, 1))
			}
			get := func(name string) string {
				for _, setting := range env {
					if key, value, _ := strings.Cut(setting, "="); key == name {
						return value
					}
				}
				return ""
			}
			cli := &cli{in: theirs, out: theirs, err: theirs, getenv: get, environ: func() []string { return env }}
			if err := cli.page([]byte(c.text)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(theirs, "END\n"); err != nil {
				t.Fatal(err)
			}
			shown := strings.ReplaceAll(<-read, "\r\n", "\n")
			paged, err := os.ReadFile(seen)
			if (err == nil) != c.paged || c.paged && string(paged) != c.text {
				t.Errorf("the pager got %q", paged)
			}
			if !c.paged != strings.Contains(shown, c.text) {
				t.Errorf("the terminal shows %q", shown)
			}
		})
	}
}
