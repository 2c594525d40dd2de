package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
)

func explodes() int { return note(nil) }

func note(counts map[string]int) int {
	counts["x"] = 1
	return exitDone
}

// TestPanicsAreToldAsBugs: the exit code is that of an error, not the one that says
// that a plan has changes, and where it happened is kept.
func TestPanicsAreToldAsBugs(t *testing.T) {
	for name, run := range map[string]func() int{
		"here": explodes,
		"in a goroutine": func() int {
			panic(&engine.Panic{Value: "assignment to entry. This is a bug in gantry", Stack: []byte("main.explodes in another goroutine")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var told strings.Builder
			c := &cli{err: &told, getenv: func(string) string { return "" }}
			if code := c.guarded(run); code != exitError {
				t.Errorf("the exit code is %d", code)
			}
			if !strings.Contains(told.String(), "This is a bug in gantry: assignment to entry") {
				t.Errorf("it says %q", told.String())
			}
			file := regexp.MustCompile(`\S+gantry-bug-\d+\.txt`).FindString(told.String())
			text, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(text), "explodes") || !strings.Contains(string(text), version) {
				t.Errorf("%s has %q (%v)", file, text, err)
			}
		})
	}
	c := &cli{}
	if code := c.guarded(func() int { return exitChanges }); code != exitChanges {
		t.Errorf("without a panic the exit code is %d", code)
	}
}

// TestPanicsQuoteNoValue: what a library panics with may hold a secret, and is told neither
// on the terminal nor in the file.
func TestPanicsQuoteNoValue(t *testing.T) {
	const secret = "hunter2"
	for _, value := range []any{
		"cannot convert " + secret, fmt.Errorf("cannot convert %s", secret),
		map[string]string{"password": secret},
		&engine.Panic{Value: "cannot convert " + secret, Stack: []byte("main.explodes")},
	} {
		t.Setenv("TMPDIR", t.TempDir())
		var told strings.Builder
		c := &cli{err: &told, getenv: func(string) string { return "" }}
		c.guarded(func() int { panic(value) })
		file := regexp.MustCompile(`\S+gantry-bug-\d+\.txt`).FindString(told.String())
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(told.String(), "a panic with a ") {
			t.Errorf("%T: it says %q, %v", value, told.String(), err)
		}
		if strings.Contains(told.String()+string(text), secret) {
			t.Errorf("%T: the value is told", value)
		}
	}
}
