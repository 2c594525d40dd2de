package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// faultCase is a fault, and the tests that bring it about.
type faultCase struct {
	name     string
	bar      string
	packages []string // of this module: "./state/local"
	tests    []string // their names; those of a package that has none of them count as nothing
}

// matches reports whether the case is one of those that were asked for.
func (c faultCase) matches(text string) bool {
	return strings.Contains(c.name, text) || slices.ContainsFunc(c.tests, func(test string) bool { return strings.Contains(test, text) })
}

// result is what came of a case.
type result struct {
	faultCase
	soak     bool      // in the tests' long forms
	at       time.Time // when
	survived []string  // as the tests say it
	ran      int
	failed   []string
	skipped  []string // with the reason
	output   string   // of those that failed
}

func (r *result) passed() bool { return r.ran > 0 && len(r.failed) == 0 }

// verdict is the cell of the table.
func (r *result) verdict() string {
	switch {
	case len(r.failed) > 0:
		return "**failed**: " + strings.Join(r.failed, ", ")
	case r.ran == 0 && len(r.skipped) > 0:
		return "not run here: " + strings.Join(r.skipped, "; ")
	case r.ran == 0:
		return "**not found**"
	}
	text := strings.Join(r.survived, "; ")
	if text == "" {
		text = fmt.Sprintf("%d tests passed", r.ran)
	}
	if len(r.skipped) > 0 {
		text += " (not run here: " + strings.Join(r.skipped, "; ") + ")"
	}
	return text
}

// row is the line of the table.
func (r *result) row() string {
	form := "the form in CI"
	if r.soak {
		form = "the long form"
	}
	return fmt.Sprintf("| %s | %s | %s | %s, %s | `%s` in %s |\n", r.name, r.bar, r.verdict(),
		r.at.UTC().Format("2006-01-02"), form, strings.Join(r.tests, "`, `"), strings.Join(r.packages, ", "))
}

// run runs the tests of a case. The error is that they could not be run.
func (c faultCase) run(ctx context.Context, soak bool) (result, error) {
	arguments := []string{"test", "-json", "-count=1", "-timeout=6h", "-run=^(" + strings.Join(c.tests, "|") + ")$"}
	command := exec.CommandContext(ctx, "go", append(arguments, c.packages...)...)
	command.Env = os.Environ()
	if soak {
		command.Env = append(command.Env, "GANTRY_SOAK=1")
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || len(out) == 0 {
		return result{}, errors.Join(err, errors.New(stderr.String()))
	}
	r := result{faultCase: c, soak: soak, at: time.Now()}
	return r, r.read(out)
}

// read takes the events of `go test -json`.
func (r *result) read(out []byte) error {
	lines := map[string]*strings.Builder{}
	scanner := bufio.NewScanner(bytes.NewReader(out))
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var event struct{ Action, Package, Test, Output string }
		if json.Unmarshal(scanner.Bytes(), &event) != nil {
			continue // what the compiler says
		}
		id := event.Package + " " + event.Test
		if lines[id] == nil {
			lines[id] = &strings.Builder{}
		}
		switch event.Action {
		case "output", "build-output":
			lines[id].WriteString(event.Output)
			if _, text, ok := strings.Cut(event.Output, "survived: "); ok && !slices.Contains(r.survived, strings.TrimSpace(text)) {
				r.survived = append(r.survived, strings.TrimSpace(text))
			}
		case "build-fail":
			r.failed = append(r.failed, "it does not compile")
		}
		top := event.Test != "" && !strings.Contains(event.Test, "/")
		switch {
		case event.Action == "pass" && top:
			r.ran++
		case event.Action == "fail" && (top || event.Test == "" && len(r.failed) == 0):
			r.ran++
			r.failed = append(r.failed, strings.TrimSpace(event.Test+" of "+event.Package))
			r.output += lines[id].String()
		case event.Action == "skip" && top:
			r.skipped = append(r.skipped, event.Test+": "+reason(lines[id].String()))
		}
	}
	return scanner.Err()
}

// reason is why a test was skipped, as it said.
func reason(output string) string {
	for line := range strings.SplitSeq(output, "\n") {
		if _, text, ok := strings.Cut(strings.TrimSpace(line), ".go:"); ok {
			_, text, _ = strings.Cut(text, ": ")
			return text
		}
	}
	return "it did not say why"
}
