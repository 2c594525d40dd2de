package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/state/storetest/soak"
)

// faultCase is a fault, and the tests that bring it about.
type faultCase struct {
	name     string
	bar      string
	packages []string // of this module: "./state/local"
	tests    []string // their names; those of a package that has none of them count as nothing
	seeded   bool     // they go through seeds, and do the same with the same ones
}

// matches reports whether the case is one of those that were asked for.
func (c faultCase) matches(text string) bool {
	return strings.Contains(c.name, text) || slices.ContainsFunc(c.tests, func(test string) bool { return strings.Contains(test, text) })
}

// form is how much of a case is run.
type form struct {
	soak   bool
	rounds int           // in place of those of the form; 0: those
	seed   uint64        // the first; 0: 1
	part   string        // a regular expression of names of parts of the tests
	limit  time.Duration // 0: none
}

// environment is what tells the tests.
func (f form) environment() []string {
	env := os.Environ()
	if f.soak {
		env = append(env, soak.Variable+"=1")
	}
	if f.rounds > 0 {
		env = append(env, fmt.Sprintf("%s=%d", soak.RoundsVariable, f.rounds))
	}
	if f.seed > 0 {
		env = append(env, fmt.Sprintf("%s=%d", soak.SeedVariable, f.seed))
	}
	return env
}

// begun is the block of a case that is about to run.
func (c faultCase) begun(f form) *run {
	r := &run{block: block{Case: c.name, Form: shortForm}}
	if f.soak {
		r.Form = longForm
	}
	if c.seeded {
		r.Seed = max(f.seed, 1)
	}
	return r
}

// run runs the tests of a case until they end, or are interrupted or at their limit: what
// they said until then is kept. The error is that they could not be run.
func (c faultCase) run(ctx context.Context, f form) (*run, error) {
	if f.limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, f.limit)
		defer stop()
	}
	pattern := "-run=^(" + strings.Join(c.tests, "|") + ")$"
	if f.part != "" {
		pattern += "/" + f.part
	}
	command := exec.CommandContext(ctx, "go", append([]string{"test", "-json", "-count=1", "-timeout=24h", pattern}, c.packages...)...)
	command.Env = f.environment()
	together(command)
	command.WaitDelay = 20 * time.Second
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	r := c.begun(f)
	r.interrupted = func() bool { return ctx.Err() != nil }
	err = r.read(out)
	ended := command.Wait()
	r.Cut, r.Date = ctx.Err() != nil, today()
	var exit *exec.ExitError
	if !r.Cut && (!r.told || ended != nil && !errors.As(ended, &exit)) {
		return nil, errors.Join(err, ended, errors.New(stderr.String()))
	}
	if r.Cut { // what is read of a pipe that was closed is no news
		err = nil
	}
	return r, err
}

// run is a block with what is known while it is made.
type run struct {
	block
	told        bool        // anything
	interrupted func() bool // may be nil
	output      string      // of those that failed
}

// read takes the events of `go test -json`, as they come.
func (r *run) read(events io.Reader) error {
	lines := map[string]*strings.Builder{}
	scanner := bufio.NewScanner(events)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var event struct{ Action, Package, Test, Output string }
		if json.Unmarshal(scanner.Bytes(), &event) != nil {
			continue // what the compiler says
		}
		r.told = true
		id := event.Package + " " + event.Test
		if lines[id] == nil {
			lines[id] = &strings.Builder{}
		}
		name, _, part := strings.Cut(event.Test, "/")
		top := name != "" && !part
		switch event.Action {
		case "output", "build-output":
			lines[id].WriteString(event.Output)
			if _, text, ok := strings.Cut(event.Output, "survived: "); ok {
				r.Survived = add(r.Survived, outcome{inModule(event.Package), name, strings.TrimSpace(text)})
			}
		case "build-fail":
			r.Failed = append(r.Failed, "it does not compile")
		case "pass":
			if top {
				r.Ran++
			}
		case "fail":
			if !top && (event.Test != "" || len(r.Failed) > 0) {
				break
			}
			// That a test was ended from outside is no failure of it.
			if r.interrupted != nil && r.interrupted() && !strings.Contains(lines[id].String(), "--- FAIL") {
				break
			}
			r.Ran++
			r.Failed = append(r.Failed, strings.TrimSpace(event.Test+" of "+event.Package))
			r.output += lines[id].String()
		case "skip":
			if top {
				r.Skipped = append(r.Skipped, event.Test+": "+reason(lines[id].String()))
			}
		}
	}
	return scanner.Err()
}

// inModule is a package as it is named in the folder of its module.
func inModule(path string) string {
	if _, rest, ok := strings.Cut(path, "/gantry/"); ok {
		return "./" + rest
	}
	return path
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
