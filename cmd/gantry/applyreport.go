package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/story"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
)

// registerReport adds the flag that says where the report of an apply is written to.
func (o *workOptions) registerReport(command *cobra.Command) {
	command.Flags().StringArrayVar(&o.reports, "report", nil, "write what came of it to a `file`: Markdown (.md), JSON (.json) or JUnit (.xml); may be repeated")
}

// applyReports are the writers of reports, by the end of the file's name.
func applyReports() map[string]func(io.Writer, *story.Report) error {
	return map[string]func(io.Writer, *story.Report) error{
		".md":   func(w io.Writer, r *story.Report) error { return story.Markdown(w, r, view.CommentLimit) },
		".json": story.JSON,
		".xml":  story.JUnit,
	}
}

// checkReports refuses files of which it is not known what they should hold.
func (o *workOptions) checkReports() error {
	for _, file := range o.reports {
		if end := filepath.Ext(file); applyReports()[strings.ToLower(end)] == nil {
			return &usageError{command: o.command, err: fmt.Errorf("--report %s: a report is Markdown, JSON or JUnit, by the end of the file's name: .md, .json or .xml", file)}
		}
	}
	return nil
}

// report writes the reports of an apply, however it ended. The error is of the first that
// cannot be written; the others are.
func (w *work) report(ctx context.Context, p *plan.Plan, result *engine.Result, diags hcl.Diagnostics, by string) error {
	if len(w.options.reports) == 0 {
		return nil
	}
	_, stopped := interrupted(ctx)
	about := story.About{
		ToolVersion: version, Command: w.options.command, By: by, Plan: p, Result: result,
		Problems: problemsOf(diags, result), Interrupted: stopped, Finished: time.Now(), Next: "gantry apply --resume",
	}
	made := w.progress.story.Report(about)
	var failed error
	for _, file := range w.options.reports {
		var text bytes.Buffer
		err := applyReports()[strings.ToLower(filepath.Ext(file))](&text, made)
		if err == nil {
			err = writeReport(file, text.Bytes())
		}
		if err != nil && failed == nil {
			failed = failure("Report cannot be written", fmt.Errorf("--report: %w", err))
		}
	}
	return failed
}

// problemsOf are the diagnostics of an apply that are of no application's outcome.
func problemsOf(diags hcl.Diagnostics, result *engine.Result) []story.Problem {
	outcomes := map[string]bool{}
	if result != nil {
		for _, o := range result.Applications {
			outcomes[fmt.Sprintf("%s: %s", o.Address, o.Message)] = true
		}
	}
	var out []story.Problem
	for _, d := range diags {
		if outcomes[d.Detail] {
			continue
		}
		severity := "error"
		if d.Severity == hcl.DiagWarning {
			severity = "warning"
		}
		out = append(out, story.Problem{Severity: severity, Summary: d.Summary, Detail: d.Detail})
	}
	return out
}
