package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/term"
)

// typed is a terminal at which keys are pressed; it keeps what is shown.
type typed struct {
	io.Reader
	shown bytes.Buffer
}

func (t *typed) Write(p []byte) (int, error) { return t.shown.Write(p) }

// press opens a console in a directory with a configuration and presses keys.
func press(t *testing.T, cache, keys string) string {
	t.Helper()
	dir := t.TempDir()
	config := "locals {\n  teams = { blue = 1, green = 2 }\n  text  = \"x\"\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "main.gantry.hcl"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	c := &cli{
		dir: dir, cacheDir: cache, out: io.Discard, err: &errs,
		getenv: func(string) string { return "" }, environ: func() []string { return nil },
	}
	k := &consoleCommand{cli: c, in: &inputs{partial: true}, offline: true}
	if err := k.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	screen := &typed{Reader: strings.NewReader(keys)}
	asking := term.NewTerminal(screen, "")
	if err := asking.SetSize(200, 50); err != nil {
		t.Fatal(err)
	}
	asking.History = k.history()
	if err := k.ask(t.Context(), asking); err != nil {
		t.Fatal(err)
	}
	if errs.Len() > 0 {
		t.Errorf("on stderr: %s", errs.String())
	}
	return screen.shown.String()
}

func TestConsoleOnATerminal(t *testing.T) {
	const up, left = "\x1b[A", "\x1b[D"
	for name, c := range map[string]struct {
		keys string
		want []string
	}{
		"an expression":      {"1 + 1\r", []string{"\r\n2\r\n"}},
		"several lines":      {"[\r1,\r2]\r", []string{consoleGoesOn, "[1, 2]"}},
		"an error":           {"local.temas\r1 + 2\r", []string{"Did you mean local.teams?", "\r\n3\r\n"}},
		"completion":         {"local.tea\t.bl\t\r", []string{"\r\n1\r\n"}},
		"candidates":         {"local.te\t\tams\r", []string{"local.teams  local.text", "{ blue = 1, green = 2 }"}},
		"completion between": {"[local.tex]" + left + "\t\r", []string{`["x"]`}},
		"history":            {"40 + 2\r" + up + "\r", []string{"\r\n42\r\n"}},
		"help":               {":help\r", []string{":reload", "exit"}},
		"reload":             {":reload\rlocal.text\r", []string{`"x"`}},
		"leaving":            {"exit\r1 + 1\r", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := press(t, t.TempDir(), c.keys)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("there is no %q in %q", want, got)
				}
			}
			if name == "history" && strings.Count(got, "\r\n42\r\n") != 2 {
				t.Errorf("the expression was not asked again: %q", got)
			}
			if name == "leaving" && strings.Contains(got, "\r\n2\r\n") {
				t.Errorf("asked on after it was left: %q", got)
			}
		})
	}
}

// What was typed in one session is there in the next, for nobody else.
func TestConsoleHistory(t *testing.T) {
	cache := t.TempDir()
	press(t, cache, "1 + 1\r1 + 1\r\r2 + 2\r")
	file := filepath.Join(cache, consoleHistory)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("1 + 1\n2 + 2\n", string(content)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if got := press(t, cache, "\x1b[A\r"); !strings.Contains(got, "\r\n4\r\n") {
		t.Errorf("the last expression is not there: %q", got)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := newHistory("")
	for i := range 2 * maxHistory {
		h.Add(strings.Repeat("x", i%7+1))
	}
	if h.Len() != maxHistory || h.At(0) != strings.Repeat("x", (2*maxHistory-1)%7+1) {
		t.Errorf("%d lines, the newest %q", h.Len(), h.At(0))
	}
}
