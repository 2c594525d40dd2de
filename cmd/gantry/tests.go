package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/configtest"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/providers/helm"
)

// exitFailed is how `gantry test` ends where something asserted does not hold, and
// nothing else is wrong.
const exitFailed = 2

// testCommand is one run of `gantry test`.
type testCommand struct {
	cli     *cli
	in      inputs
	filter  string
	junit   string
	verbose bool
}

func newTest(c *cli) *cobra.Command {
	t := &testCommand{cli: c}
	command := &cobra.Command{
		Use:   "test [FILE]...",
		Short: "Run the tests of the configuration",
		Long: `Runs the tests in *.gantrytest.hcl files: those of the configuration's directory
and of its folder "tests", or those named. Each run in them plans the configuration
with variables and fixtures of its own, and asserts on the applications, their
objects and the plan.

Nothing is read over the network, and no cluster and no state is asked: sources are
fixtures or directories beside the configuration, and clusters are in memory.

The exit code is 0 where everything passed, 2 where something asserted does not
hold, and 1 where there is an error: in a test, in the configuration, or in how the
command was called.`,
		Example: `  gantry test
  gantry test --filter 'team.*leaves' --verbose
  gantry test --junit report.xml`,
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd, args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"hcl"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	t.in.register(c, command)
	flags := command.Flags()
	flags.StringVar(&t.filter, "filter", "", "only runs whose name matches this regular `expression`")
	flags.StringVar(&t.junit, "junit", "", "`file` to write the results to as JUnit's XML, for CI systems")
	flags.BoolVarP(&t.verbose, "verbose", "v", false, "show the plan of every run")
	complete(command, "filter", fixedCompletions())
	complete(command, "junit", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"xml"}, cobra.ShellCompDirectiveFilterFileExt
	})
	return command
}

func (t *testCommand) run(cmd *cobra.Command, args []string) error {
	dir, err := t.cli.directory()
	if err != nil {
		return err
	}
	files := args
	if len(files) == 0 {
		if files, err = configtest.Find(dir); err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("there is no *%s file in %s, nor in its folder %s. \"gantry schema run\" shows what is in one",
				configtest.Suffix, orThis(dir), configtest.Folder)
		}
	}
	for _, file := range files {
		if !strings.HasSuffix(file, configtest.Suffix) {
			return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("%s is no file of tests: their names end in %s", file, configtest.Suffix)}
		}
	}
	options, err := t.options(cmd, dir)
	if err != nil {
		return err
	}
	report := configtest.Execute(cmd.Context(), options, files)
	if t.junit != "" {
		if err := t.writeJUnit(report); err != nil {
			return err
		}
	}
	if err := t.show(report); err != nil {
		return err
	}
	return t.end(cmd, report)
}

func orThis(dir string) string {
	if dir == "." {
		return "this directory"
	}
	return dir
}

// options wires the tests as plans are wired, but for the outside world.
func (t *testCommand) options(cmd *cobra.Command, dir string) (configtest.Options, error) {
	modules, _, diags := t.cli.moduleReader(dir, nil, &t.in, nil)
	options := configtest.Options{
		Dir: dir, Renderers: renderers(), APIVersions: helm.DefaultAPIVersions(), Version: version,
		Load: func(files fs.FS) (*lang.Module, hcl.Diagnostics) {
			module, more := lang.Load(dir, lang.LoadOptions{FS: files, Version: version, Modules: modules, Context: cmd.Context()})
			return module, append(slices.Clone(diags), more...)
		},
		Variables: func(m *lang.Module) ([]lang.VariableInput, hcl.Diagnostics) {
			return lang.ReadVariables(m, lang.VarArgs{Vars: t.in.vars, VarFiles: t.in.varFiles})
		},
	}
	if t.filter != "" {
		pattern, err := regexp.Compile(t.filter)
		if err != nil {
			return options, &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--filter: %w", err)}
		}
		options.Selected = pattern.MatchString
	}
	if !t.cli.json {
		at := ""
		options.Done = func(file string, run *configtest.Run) {
			if at != file {
				at = file
				fmt.Fprintln(t.cli.out, file)
			}
			t.showRun(run)
		}
	}
	return options, nil
}

// showRun tells how a run ended.
func (t *testCommand) showRun(run *configtest.Run) {
	word := map[configtest.Status]string{
		configtest.Passed: "pass", configtest.Failed: "FAIL", configtest.Errored: "ERROR", configtest.Skipped: "skip",
	}[run.Status]
	colour := map[configtest.Status]colour{
		configtest.Passed: green, configtest.Failed: red, configtest.Errored: red, configtest.Skipped: yellow,
	}[run.Status]
	fmt.Fprintf(t.cli.out, "  %s  %s (%s)\n", paint(t.cli.colour(t.cli.out), colour, fmt.Sprintf("%-5s", word)), run.Name, duration(run.Duration))
	if t.verbose && run.Plan != nil {
		// The stream is gone when this fails, and the summary will tell.
		_ = t.cli.showPlan(run.Plan, viewOptions{verbose: true}, false)
	}
}

// show writes what is to be told after the runs.
func (t *testCommand) show(report *configtest.Report) error {
	if t.cli.json {
		return t.cli.writeJSON(toTestReport(report))
	}
	for _, file := range report.Files {
		diags := file.Diagnostics
		for _, run := range file.Runs {
			diags = append(diags, run.Diagnostics...)
		}
		if len(diags) > 0 {
			fmt.Fprintln(t.cli.err)
		}
		t.cli.writeDiagnostics(t.cli.err, file.Sources, diags)
	}
	counts := report.Counts()
	total := 0
	var parts []string
	for _, each := range []struct {
		status configtest.Status
		noun   string
	}{{configtest.Passed, "passed"}, {configtest.Failed, "failed"}, {configtest.Errored, ""}, {configtest.Skipped, "skipped"}} {
		n := counts[each.status]
		total += n
		switch {
		case each.status == configtest.Errored && n > 0:
			parts = append(parts, count(n, "error"))
		case n > 0 || each.status == configtest.Passed:
			parts = append(parts, fmt.Sprintf("%d %s", n, each.noun))
		}
	}
	colour := green
	if counts[configtest.Failed]+counts[configtest.Errored] > 0 {
		colour = red
	}
	text := fmt.Sprintf("%s: %s in %s.", count(total, "run"), strings.Join(parts, ", "), duration(report.Duration))
	if n := report.Broken(); n > 0 {
		colour = red
		text += fmt.Sprintf(" %s could not be read.", count(n, "file"))
	}
	_, err := fmt.Fprintf(t.cli.out, "\n%s\n", paint(t.cli.colour(t.cli.out), colour, text))
	return err
}

// end gives the exit code.
func (t *testCommand) end(cmd *cobra.Command, report *configtest.Report) error {
	counts := report.Counts()
	total := 0
	for _, n := range counts {
		total += n
	}
	switch {
	case cmd.Context().Err() != nil, counts[configtest.Errored] > 0, report.Broken() > 0:
		return exitCode(exitError)
	case total == 0:
		return errors.New("no run was selected: --filter matches no name of a run")
	case counts[configtest.Failed] > 0:
		return exitCode(exitFailed)
	}
	return nil
}

func (t *testCommand) writeJUnit(report *configtest.Report) (err error) {
	if dir := filepath.Dir(t.junit); dir != "." {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	file, err := os.Create(t.junit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return configtest.JUnit(io.Writer(file), report)
}

// testReport is what `gantry test --json` prints.
type testReport struct {
	Files   []testFileResult          `json:"files"`
	Counts  map[configtest.Status]int `json:"counts"` // of runs
	Broken  int                       `json:"broken"` // files that could not be read
	Elapsed engine.Seconds            `json:"elapsedSeconds"`
}

// testFileResult is one file of tests.
type testFileResult struct {
	Name        string          `json:"name"`
	Runs        []testRunResult `json:"runs"`
	Diagnostics []diagnostic    `json:"diagnostics,omitempty"` // of the file itself
}

// testRunResult is one run.
type testRunResult struct {
	Name        string            `json:"name"`
	Status      configtest.Status `json:"status"`
	Line        int               `json:"line"`
	Elapsed     engine.Seconds    `json:"elapsedSeconds"`
	Diagnostics []diagnostic      `json:"diagnostics,omitempty"`
}

func toTestReport(report *configtest.Report) testReport {
	out := testReport{Files: []testFileResult{}, Counts: report.Counts(), Broken: report.Broken(), Elapsed: engine.Seconds(report.Duration)}
	shown := func(diags hcl.Diagnostics) []diagnostic {
		var out []diagnostic
		for _, d := range diags {
			out = append(out, toDiagnostic(d))
		}
		return out
	}
	for _, file := range report.Files {
		result := testFileResult{Name: file.Name, Runs: []testRunResult{}, Diagnostics: shown(file.Diagnostics)}
		for _, run := range file.Runs {
			result.Runs = append(result.Runs, testRunResult{
				Name: run.Name, Status: run.Status, Line: run.Range.Start.Line, Elapsed: engine.Seconds(run.Duration), Diagnostics: shown(run.Diagnostics),
			})
		}
		out.Files = append(out.Files, result)
	}
	return out
}
