package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
)

// Result is what came of a run. A test with subtests is counted by these, unless
// it failed although none of them did.
type Result struct {
	Passed  int      `json:"passed"`
	Failed  []string `json:"failed"` // package and test, or only a package that did not build or crashed
	Skipped []Skip   `json:"skipped"`
}

// Skip is a test that did not run, and why.
type Skip struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

func load(file string) (Result, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Result{}, err
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return Result{}, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

func (r *Result) save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

func (r *Result) add(other Result) {
	r.Passed += other.Passed
	r.Failed = append(r.Failed, other.Failed...)
	r.Skipped = append(r.Skipped, other.Skipped...)
}

// forbid returns the skips whose reason matches, which then count as failed.
func (r *Result) forbid(reasons *regexp.Regexp) []Skip {
	if reasons == nil {
		return nil
	}
	var bad, rest []Skip
	for _, skip := range r.Skipped {
		if reasons.MatchString(skip.Reason) {
			bad = append(bad, skip)
			r.Failed = append(r.Failed, skip.Name)
		} else {
			rest = append(rest, skip)
		}
	}
	r.Skipped = rest
	return bad
}

// print tells what came of a run. Only in total it ends with the counts of all.
func (r *Result) print(out io.Writer, total, verbose bool) {
	if verbose || total {
		for _, skip := range r.Skipped {
			fmt.Fprintf(out, "skipped: %s: %s\n", skip.Name, skip.Reason)
		}
	}
	if !total {
		fmt.Fprintf(out, "%d tests: %d failures, %d skipped\n", r.Passed+len(r.Failed)+len(r.Skipped), len(r.Failed), len(r.Skipped))
		return
	}
	for _, name := range r.Failed {
		fmt.Fprintf(out, "failed: %s\n", name)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(out, "%d skipped\n", len(r.Skipped))
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", r.Passed, len(r.Failed))
}
