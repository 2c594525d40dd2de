package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/html"
	"github.com/gantrycd/gantry/plan/view/report"
)

// reportOptions are the flags that say where else a plan is written to.
type reportOptions struct {
	html, markdown, junit, sarif, gitlab string
	budget                               int
}

// toStdout is the file that is the command's own output.
const toStdout = "-"

// register adds the flags to a command.
func (o *reportOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.html, "html", "", "write the plan as one HTML page to a `file`; - is the output, in place of the text")
	flags.StringVar(&o.markdown, "markdown", "", "write the plan as Markdown, for a comment, to a `file`, or -")
	flags.IntVar(&o.budget, "budget", view.CommentLimit, "how many `bytes` the Markdown may have; 0 for any number")
	flags.StringVar(&o.junit, "junit", "", "write risks and what is blocked as JUnit to a `file`, or -")
	flags.StringVar(&o.sarif, "sarif", "", "write risks and what is blocked as SARIF to a `file`, or -")
	flags.StringVar(&o.gitlab, "gitlab-report", "", "write the counts that GitLab shows (artifacts:reports:terraform) to a `file`, or -")
}

// written is a report that was asked for.
type written struct {
	flag, file string
	write      func(io.Writer) error
}

func (o *reportOptions) list(p *plan.Plan) []written {
	return []written{
		{"html", o.html, func(w io.Writer) error { return html.Write(w, p, html.Options{Now: time.Now()}) }},
		{"markdown", o.markdown, func(w io.Writer) error { return view.Markdown(w, p, o.budget) }},
		{"junit", o.junit, func(w io.Writer) error { return report.JUnit(w, p) }},
		{"sarif", o.sarif, func(w io.Writer) error { return report.SARIF(w, p) }},
		{"gitlab-report", o.gitlab, func(w io.Writer) error { return report.GitLab(w, p) }},
	}
}

// check refuses what cannot be, before anything is planned.
func (o *reportOptions) check(c *cli, command string) error {
	const least = 1000
	if o.budget != 0 && o.budget < least {
		return &usageError{command: command, err: fmt.Errorf("--budget is %d, and must be at least %d, or 0 for any length", o.budget, least)}
	}
	taken := ""
	if c.json {
		taken = "json"
	}
	for _, r := range o.list(nil) {
		if r.file != toStdout {
			continue
		}
		if taken != "" {
			return &usageError{command: command, err: fmt.Errorf("--%s and --%s both write to the output: give one of them a file", taken, r.flag)}
		}
		taken = r.flag
	}
	return nil
}

// writeReports writes the reports that were asked for. It is true where one of them is
// the command's output.
func (c *cli) writeReports(p *plan.Plan, options reportOptions) (taken bool, err error) {
	for _, r := range options.list(p) {
		if r.file == "" {
			continue
		}
		var text bytes.Buffer
		if err := r.write(&text); err != nil {
			return taken, failure("Report cannot be made", fmt.Errorf("--%s: %w", r.flag, err))
		}
		if r.file == toStdout {
			taken = true
			if _, err := c.out.Write(text.Bytes()); err != nil {
				return taken, err
			}
			continue
		}
		if err := writeReport(r.file, text.Bytes()); err != nil {
			return taken, failure("Report cannot be written", fmt.Errorf("--%s: %w", r.flag, err))
		}
	}
	return taken, nil
}

// writeReport writes a file whole or not at all; a pipe is written to.
func writeReport(path string, text []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, text, 0o644)
	}
	return replaceFile(path, text)
}
