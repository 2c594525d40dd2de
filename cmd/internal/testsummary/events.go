package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output and build-fail
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// test is what is known of one test while it runs; the test "" is its package.
type test struct {
	output   []string
	subtests bool
	failed   bool // it, or a subtest
}

// reader turns events into a Result and a report.
type reader struct {
	out    io.Writer
	tests  map[[2]string]*test // by package and test
	builds map[string][]string // what the compiler said, by import path
	result Result
}

// read reports packages as they finish, with the output of the tests that
// failed, and returns the counts.
func read(in io.Reader, out io.Writer) (Result, error) {
	r := &reader{out: out, tests: map[[2]string]*test{}, builds: map[string][]string{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return r.result, err
		}
	}
	if r.result.Passed+len(r.result.Failed)+len(r.result.Skipped) == 0 {
		return r.result, fmt.Errorf("no test ran")
	}
	for key, open := range r.tests { // the stream ended before the test did
		if open != nil {
			r.fail(key)
		}
	}
	slices.Sort(r.result.Failed)
	return r.result, nil
}

func (r *reader) line(line string) {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		fmt.Fprint(r.out, line) // not of a test: what the go command has to say
		return
	}
	switch e.Action {
	case "build-output":
		r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
	case "build-fail":
		fmt.Fprintf(r.out, "BUILD FAILED %s\n%s", e.ImportPath, strings.Join(r.builds[e.ImportPath], ""))
	case "start", "run":
		r.at(e)
	case "output":
		t := r.at(e)
		t.output = append(t.output, e.Output)
	case "pass", "fail", "skip":
		r.finish(e)
	}
}

// at returns the test of an event, known from then on, and tells its parent
// that it has a subtest.
func (r *reader) at(e event) *test {
	key := [2]string{e.Package, e.Test}
	if r.tests[key] == nil {
		r.tests[key] = &test{}
		if i := strings.LastIndexByte(e.Test, '/'); i >= 0 {
			r.at(event{Package: e.Package, Test: e.Test[:i]}).subtests = true
		}
	}
	return r.tests[key]
}

func (r *reader) finish(e event) {
	key := [2]string{e.Package, e.Test}
	t := r.at(e)
	defer delete(r.tests, key)
	if e.Test == "" {
		r.finishPackage(e, t)
		return
	}
	switch e.Action {
	case "pass":
		if !t.subtests {
			r.result.Passed++
		}
	case "skip":
		r.result.Skipped = append(r.result.Skipped, Skip{Name: name(key), Reason: reason(t.output)})
	case "fail":
		fmt.Fprintf(r.out, "--- FAIL %s (%.1fs)\n%s", name(key), e.Elapsed, indent(t.output))
		if !t.failed {
			r.result.Failed = append(r.result.Failed, name(key))
		}
		r.failParents(key)
	}
}

func (r *reader) finishPackage(e event, t *test) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(r.out, "ok   %6.1fs %s\n", e.Elapsed, e.Package)
	case "fail":
		for key := range r.tests { // what it was at when it crashed
			if key[0] == e.Package && key[1] != "" {
				r.fail(key)
				delete(r.tests, key)
			}
		}
		fmt.Fprintf(r.out, "FAIL %6.1fs %s\n", e.Elapsed, e.Package)
		if !t.failed {
			fmt.Fprint(r.out, indent(t.output))
			r.result.Failed = append(r.result.Failed, e.Package)
		}
	}
}

// fail counts a test that never finished.
func (r *reader) fail(key [2]string) {
	t := r.tests[key]
	if t.failed || t.subtests {
		return
	}
	fmt.Fprintf(r.out, "--- FAIL %s (did not finish)\n%s", name(key), indent(t.output))
	r.result.Failed = append(r.result.Failed, name(key))
	r.failParents(key)
}

func (r *reader) failParents(key [2]string) {
	for key[1] != "" {
		i := strings.LastIndexByte(key[1], '/')
		key[1] = key[1][:max(i, 0)]
		r.at(event{Package: key[0], Test: key[1]}).failed = true
	}
}

func name(key [2]string) string {
	if key[1] == "" {
		return key[0]
	}
	return key[0] + " " + key[1]
}

// reason returns what a skipped test said, without the file and line.
func reason(output []string) string {
	var words []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			continue
		}
		if _, after, ok := strings.Cut(line, ".go:"); ok {
			_, line, _ = strings.Cut(after, ": ")
		}
		words = append(words, line)
	}
	return strings.Join(words, " ")
}

func indent(output []string) string {
	var b strings.Builder
	for _, line := range output {
		if strings.HasPrefix(strings.TrimSpace(line), "=== ") {
			continue
		}
		b.WriteString("    ")
		b.WriteString(strings.TrimSuffix(line, "\n"))
		b.WriteByte('\n')
	}
	return b.String()
}
