package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/source"
)

func newRevisions(c *cli) *cobra.Command {
	var in inputs
	var work workOptions
	var limit int
	var compare bool
	command := &cobra.Command{
		Use:   "history ADDRESS [REVISION [REVISION]]",
		Short: "Show what was applied of an application, and what changed since",
		Long: `Shows the applies of an application that the state remembers, the newest first: when and by
whom, what its sources were, what was done and how it ended. How many are remembered is
said by revision_history_limit: 10 of those that succeeded, if nothing else is.

With --diff, it shows object by object what changed from one revision to another, or from
one to what was applied last. Values of Secrets are shown as fingerprints.

No cluster is asked, and no source is read.`,
		Example: `  gantry history application.web
  gantry history application.web --limit 3
  gantry history application.web --json
  gantry history application.web --diff 4 5
  gantry history application.web --diff 4`,
		Args: takes(1, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			usage := func(format string, words ...any) error {
				return &usageError{command: cmd.CommandPath(), err: fmt.Errorf(format, words...)}
			}
			address, err := oneApplication(args[0])
			if err != nil {
				return usage("%w", err)
			}
			revisions := make([]int64, 2)
			for i, text := range args[1:] {
				if revisions[i], err = strconv.ParseInt(text, 10, 64); err != nil || revisions[i] < 1 {
					return usage("%q is no revision, which is a number from 1", text)
				}
			}
			switch {
			case limit < 1:
				return usage("--limit is %d, and must be at least 1", limit)
			case compare && len(args) == 1:
				return usage("--diff needs a revision to compare with, or two")
			case !compare && len(args) > 1:
				return usage("revisions are compared with --diff")
			case compare:
				return c.compareRevisions(cmd.Context(), &in, work, address, revisions)
			}
			return c.history(cmd.Context(), address, limit)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return c.revisionCompletions(cmd.Context(), args[0]), cobra.ShellCompDirectiveNoFileComp
			}
			return c.knownApplications(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		},
	}
	in.register(c, command)
	work.register(c, command)
	for _, hidden := range []string{"target", "parallelism", "stats", "events"} {
		if err := command.Flags().MarkHidden(hidden); err != nil {
			panic(err)
		}
	}
	command.Flags().BoolVar(&compare, "diff", false, "show what changed from the one revision to the other, or to what was applied last")
	command.Flags().IntVar(&limit, "limit", 1000, "show this `number` of applies at most")
	return command
}

// oneApplication parses the address of an application.
func oneApplication(text string) (addr.Address, error) {
	address, err := addr.Parse(text)
	if err == nil && address.Kind != "application" {
		err = fmt.Errorf("%s is no application", text)
	}
	return address, err
}

// history shows the history of an application.
func (c *cli) history(ctx context.Context, address addr.Address, limit int) error {
	opened, err := c.openState(ctx, "gantry history")
	if err != nil {
		return err
	}
	if err := opened.permit(ctx, access.Get, address); err != nil {
		return err
	}
	all, err := engine.ReadHistory(ctx, opened.records, address)
	if err != nil {
		return failure("State cannot be read", err)
	}
	if all == nil {
		return opened.unknown(ctx, address)
	}
	all = all[:min(limit, len(all))]
	hold, err := opened.records.Hold(ctx, address)
	if err != nil {
		return failure("State cannot be read", err)
	}
	if c.json {
		out := map[string]any{"formatVersion": "1.0", "application": address.String(), "history": all}
		if hold != nil {
			out["held"] = &hold.Hold
		}
		return c.writeJSON(out)
	}
	if hold != nil {
		if _, err := fmt.Fprintf(c.out, "%s is held: %s.\n\n", printable(address.String()), printable(hold.String())); err != nil {
			return err
		}
	}
	return c.writeTable(historyTable(all))
}

func historyTable(all []engine.Past) [][]string {
	rows := [][]string{{"REVISION", "APPLIED", "BY", "OUTCOME", "CHANGES", "SOURCES", ""}}
	for i := range all {
		p := &all[i]
		id := strconv.FormatInt(p.ID, 10)
		if p.ID == 0 {
			id = "-"
		}
		var sources []string
		for _, pin := range p.Sources {
			sources = append(sources, shortPin(pin))
		}
		rows = append(rows, []string{
			id, p.FinishedAt.UTC().Format(time.DateTime), p.By, p.Outcome, strconv.Itoa(p.Counts.Changes()), strings.Join(sources, ", "), remarkOf(p),
		})
	}
	return rows
}

// shortPin is what a source came to, in few words.
func shortPin(pin source.Pin) string {
	name := pin.Chart
	if name == "" {
		name = pin.Path
	}
	revision := pin.Resolved
	if pin.Type == source.Git {
		revision = revision[:min(len(revision), 12)]
	}
	if revision == "" {
		revision = strings.TrimPrefix(pin.Digest, "sha256:")
		revision = revision[:min(len(revision), 12)]
	}
	return strings.Trim(name+"@"+revision, "@")
}

func remarkOf(p *engine.Past) string {
	var out []string
	if p.Act != "" {
		out = append(out, p.Act)
	}
	if p.Rollback != nil {
		out = append(out, fmt.Sprintf("rolled back from %d to %d", p.Rollback.From, p.Rollback.To))
	}
	if p.Partial {
		out = append(out, "a part of it")
	}
	switch {
	case p.Lost != "":
		out = append(out, "lost: "+p.Lost)
	case !p.Kept && p.Act == "" && p.Outcome == engine.OutcomeSucceeded:
		out = append(out, "not all of it is kept")
	}
	if p.Message != "" {
		message, _, _ := strings.Cut(p.Message, "\n")
		out = append(out, message)
	}
	return strings.Join(out, "; ")
}

// writeTable writes rows in columns.
func (c *cli) writeTable(rows [][]string) error {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
			widths[i] = max(widths[i], cells(row[i]))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(pad(cell, widths[i]) + "  ")
		}
		if _, err := fmt.Fprintln(c.out, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// compareRevisions shows what changed between two revisions.
func (c *cli) compareRevisions(ctx context.Context, in *inputs, options workOptions, address addr.Address, revisions []int64) error {
	options.sourceless = true
	w, err := c.begin(ctx, in, options)
	if err != nil {
		return err
	}
	defer w.end()
	if err := w.permitOne(ctx, access.Get, address); err != nil {
		return err
	}
	made, diags := w.engine.Compare(ctx, w.config, address, revisions[0], revisions[1])
	w.progress.pause()
	c.printDiagnostics(w.files, diags)
	if made == nil {
		return failed(diags)
	}
	return c.showPlan(made, options.view, false)
}

// revisionCompletions are the revisions of an application.
func (c *cli) revisionCompletions(ctx context.Context, text string) []string {
	address, err := oneApplication(text)
	if err != nil {
		return nil
	}
	opened, err := c.openState(ctx, "gantry history")
	if err != nil {
		return nil
	}
	all, _ := engine.ReadHistory(ctx, opened.records, address)
	var out []string
	for i := range all {
		if all[i].Kept {
			out = append(out, strconv.FormatInt(all[i].ID, 10))
		}
	}
	return out
}
