// Package configtest runs the tests of a configuration: *.gantrytest.hcl files,
// whose runs plan a configuration with given variables and fixtures, and assert on
// what comes of it.
//
// It does what `gantry plan` and `gantry apply` do, with the same engine, on
// clusters and a state in memory. Nothing is ever read over the network, and no
// cluster is asked. It knows no terminal; cmd shows what it returns, and JUnit
// writes it for others. Only cmd imports it.
package configtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan"
)

// Suffix is how the names of test files end.
const Suffix = ".gantrytest.hcl"

// Folder is where tests may be besides the configuration's own directory.
const Folder = "tests"

// Options are what tests need besides their files.
type Options struct {
	Dir string // of the configuration
	// Selected reports whether a run is to be carried out, by its name; nil is all.
	Selected func(run string) bool
	// Load reads the configuration; what files has is read in place of the directory.
	Load func(files fs.FS) (*lang.Module, hcl.Diagnostics)
	// Variables returns the values that variables have unless a test gives others.
	Variables func(*lang.Module) ([]lang.VariableInput, hcl.Diagnostics)
	Renderers engine.Renderers
	// APIVersions are what charts are told that every cluster has, besides what
	// fixtures add.
	APIVersions []string
	Version     string // of this tool
	// Started and Done are told of each run; they may be nil.
	Started func(file string, run string)
	Done    func(file string, run *Run)
}

// Status is how a run, or a file, ended.
type Status string

// How runs end, from best to worst.
const (
	Passed  Status = "passed"
	Skipped Status = "skipped" // left out by a filter, by an interruption, or because a run that it builds on did not pass
	Failed  Status = "failed"  // something asserted does not hold
	Errored Status = "error"   // it could not be carried out: there are errors that were not expected
)

// Report is what tests came to.
type Report struct {
	Files    []*File
	Duration time.Duration
}

// File is one file of tests.
type File struct {
	Name string
	Runs []*Run // in their order; those that are not selected are left out
	// Diagnostics are of the file itself: what is wrong with it, and fixtures without
	// effect.
	Diagnostics hcl.Diagnostics
	// Sources are the files that diagnostics of the file and of its runs are about.
	Sources map[string]*hcl.File
}

// Run is one run.
type Run struct {
	Name        string
	Range       hcl.Range
	Status      Status
	Duration    time.Duration
	Diagnostics hcl.Diagnostics // why it did not pass, and warnings
	Plan        *plan.Plan      // nil where none was made
}

// Broken returns how many files could not be read, so that none of their runs was
// carried out.
func (r *Report) Broken() int {
	n := 0
	for _, file := range r.Files {
		if file.Diagnostics.HasErrors() {
			n++
		}
	}
	return n
}

// Counts returns how many runs ended in which way.
func (r *Report) Counts() map[Status]int {
	counts := map[Status]int{}
	for _, file := range r.Files {
		for _, run := range file.Runs {
			counts[run.Status]++
		}
	}
	return counts
}

// Find returns the names of the test files of a configuration, sorted: those in
// its directory and in the folder tests.
func Find(dir string) ([]string, error) {
	var names []string
	for _, folder := range []string{dir, filepath.Join(dir, Folder)} {
		entries, err := os.ReadDir(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if name := entry.Name(); !entry.IsDir() && strings.HasSuffix(name, Suffix) && !strings.HasPrefix(name, ".") {
				names = append(names, filepath.Join(folder, name))
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// Execute runs the tests of some files, in order. When the context ends, the run
// that is being carried out and those after it are skipped.
func Execute(ctx context.Context, options Options, files []string) *Report {
	started := time.Now()
	report := &Report{}
	for _, name := range files {
		report.Files = append(report.Files, executeFile(ctx, options, name))
	}
	report.Duration = time.Since(started)
	return report
}

func executeFile(ctx context.Context, options Options, name string) *File {
	out := &File{Name: name, Sources: map[string]*hcl.File{}}
	src, err := os.ReadFile(name)
	if err != nil {
		out.Diagnostics = hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read tests", Detail: fmt.Sprintf("%s cannot be read: %s.", name, value.FileFault(err))}}
		return out
	}
	parsed, diags := parse(src, name)
	out.Sources[name] = parsed.file
	out.Diagnostics = diags
	if diags.HasErrors() {
		return out
	}
	s, err := newSession(options, parsed)
	if err != nil {
		out.Diagnostics = append(out.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot run tests", Detail: fmt.Sprintf("%s: %s.", name, err)})
		return out
	}
	for _, declared := range parsed.runs {
		if options.Selected != nil && !options.Selected(declared.name) {
			continue
		}
		if options.Started != nil {
			options.Started(name, declared.name)
		}
		run := s.run(ctx, declared)
		for file, content := range s.sources() {
			out.Sources[file] = content
		}
		out.Runs = append(out.Runs, run)
		if options.Done != nil {
			options.Done(name, run)
		}
	}
	if len(out.Runs) == len(parsed.runs) {
		out.Diagnostics = append(out.Diagnostics, s.unused(out.Runs)...)
	}
	return out
}
