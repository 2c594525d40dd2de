package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

func newStateList(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "list [PATTERN...]",
		Short: "List the applications of the state",
		Long: `Lists the applications that the state has, with where they were applied, how many objects
they own, and their last apply. A pattern is an address, of which the instances are shown,
too; a module; or has "*" in it, for any text.

No cluster is asked, and no source is read.`,
		Example: `  gantry state list
  gantry state list application.web
  gantry state list 'application.*["eu"]'
  gantry state list --json`,
		Args: takes(0, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.stateList(cmd.Context(), args)
		},
		ValidArgsFunction: c.recordedCompletions(many),
	}
}

// listedRecord is an application of the state in short.
type listedRecord struct {
	Address   addr.Address `json:"address"`
	Cluster   string       `json:"cluster"`
	Namespace string       `json:"namespace"`
	Serial    int64        `json:"serial"`
	Objects   int          `json:"objects"`
	Unsettled int          `json:"unsettled"` // changes that were begun, and not known to be finished
	UpdatedAt time.Time    `json:"updatedAt"`
	Outcome   string       `json:"outcome,omitempty"` // of the last apply
	By        string       `json:"by,omitempty"`
}

func (c *cli) stateList(ctx context.Context, patterns []string) error {
	opened, err := c.openState(ctx, "gantry state list")
	if err != nil {
		return err
	}
	if err := opened.permitState(ctx); err != nil {
		return err
	}
	records, broken := opened.list(ctx)
	if records == nil && broken != nil {
		return broken
	}
	found := make([]bool, len(patterns))
	rows := []listedRecord{}
	for _, r := range records {
		meant := len(patterns) == 0
		for i, pattern := range patterns {
			if addressPattern(pattern)(r.Address) {
				meant, found[i] = true, true
			}
		}
		if !meant {
			continue
		}
		row := listedRecord{
			Address: r.Address, Cluster: r.Cluster.Name, Namespace: r.Namespace, Serial: r.Serial,
			Objects: len(r.Objects), Unsettled: len(r.Journal), UpdatedAt: r.UpdatedAt,
		}
		if last := r.LastApply(); last != nil {
			row.Outcome, row.By = last.Outcome, last.By
		}
		rows = append(rows, row)
	}
	for i, pattern := range patterns {
		if !found[i] {
			return failure("Unknown application", fmt.Errorf("the state has nothing that %q means", pattern))
		}
	}
	if c.json {
		err = c.writeJSON(rows)
	} else {
		err = c.writeRecords(rows)
	}
	if err != nil {
		return err
	}
	return broken
}

func (c *cli) writeRecords(rows []listedRecord) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(c.out, "The state has no applications.")
		return err
	}
	table := [][]string{{"APPLICATION", "CLUSTER", "NAMESPACE", "OBJECTS", "SERIAL", "WRITTEN", "LAST APPLY"}}
	for _, row := range rows {
		last := row.Outcome
		if row.By != "" {
			last += " by " + row.By
		}
		if row.Unsettled > 0 {
			last = strings.TrimSpace(last + fmt.Sprintf(" (%s not settled)", count(row.Unsettled, "change")))
		}
		table = append(table, []string{
			row.Address.String(), row.Cluster, orDash(row.Namespace), fmt.Sprint(row.Objects), fmt.Sprint(row.Serial),
			row.UpdatedAt.UTC().Format(time.RFC3339), orDash(last),
		})
	}
	return writeTable(c.out, table)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// writeTable writes columns side by side.
func writeTable(out io.Writer, rows [][]string) error {
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], cells(printable(cell)))
		}
	}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += pad(printable(cell), wide[i]+2)
		}
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

func newStateShow(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show ADDRESS",
		Short: "Show what the state has of an application",
		Long: `Shows the record of an application: where it was applied, what it owns, what was begun and
is not known to be finished, and its history. With --json it is the record as it is kept,
but for what is sealed: the objects as they were applied.`,
		Example: `  gantry state show application.web
  gantry state show 'application.web["eu"]' --json`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := parseApplication(args[0])
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.stateShow(cmd.Context(), address)
		},
		ValidArgsFunction: c.recordedCompletions(1),
	}
}

func (c *cli) stateShow(ctx context.Context, address addr.Address) error {
	opened, err := c.openState(ctx, "gantry state show")
	if err != nil {
		return err
	}
	if err := opened.permit(ctx, access.State, address); err != nil {
		return err
	}
	record, err := opened.record(ctx, address)
	if err != nil {
		return err
	}
	if c.json {
		return c.writeJSON(withoutSealed(record))
	}
	var b strings.Builder
	showRecord(&b, record)
	return c.page([]byte(b.String()))
}

// withoutSealed is a record without what was applied, whose Secrets are sealed.
func withoutSealed(record *state.Record) *state.Record {
	out := *record
	out.History = append([]state.Entry(nil), out.History...)
	for i := range out.History {
		out.History[i].Plan = nil
	}
	out.Hooks = append([]state.Hook(nil), out.Hooks...)
	for i := range out.Hooks {
		out.Hooks[i].Plan = nil
	}
	return &out
}

// showRecord writes a record for people.
func showRecord(out io.Writer, r *state.Record) {
	line := func(format string, values ...any) { fmt.Fprintf(out, format+"\n", values...) }
	line("%s", r.Address)
	line("  cluster:    %s (%s)", r.Cluster.Name, r.Cluster.UID)
	line("  namespace:  %s", orDash(r.Namespace))
	line("  project:    %s", orDash(r.Project))
	line("  lineage:    %s", r.Lineage)
	line("  serial:     %d, written %s", r.Serial, r.UpdatedAt.UTC().Format(time.RFC3339))
	if !r.MovedFrom.IsZero() {
		line("  moved from: %s", r.MovedFrom)
	}
	if r.Parent != nil {
		line("  parent:     %s", object.ID{Kind: "ConfigMap", Namespace: r.Parent.Namespace, Name: r.Parent.Name})
	}
	for _, on := range r.DependsOn {
		line("  depends on: %s", on)
	}
	line("\n%s", count(len(r.Objects), "object"))
	for _, o := range r.Objects {
		marks := ""
		for _, mark := range []struct {
			is   bool
			word string
		}{{o.UID == "", "not confirmed"}, {o.Adopted, "adopted"}, {o.Keep, "stays when the application leaves"}, {o.Hook, "of a hook"}} {
			if mark.is {
				marks += ", " + mark.word
			}
		}
		line("  %s  %s%s", o.ID, orDash(o.UID), marks)
	}
	if len(r.Journal) > 0 {
		line("\n%s begun, and not known to be finished", count(len(r.Journal), "change"))
		for _, intent := range r.Journal {
			line("  %s %s, at %s", intent.Action, intent.ID, intent.At.UTC().Format(time.RFC3339))
		}
	}
	if len(r.History) > 0 {
		line("\nHistory, newest first")
	}
	for i := range r.History {
		showEntry(line, &r.History[len(r.History)-1-i])
	}
}

func showEntry(line func(string, ...any), e *state.Entry) {
	what := "apply"
	if e.Act != nil {
		what = e.Act.String()
	}
	line("  %s  %s %s by %s: %s", e.FinishedAt.UTC().Format(time.RFC3339), what, e.Outcome, orDash(e.By), doneText(e.Counts))
	if e.Message != "" {
		line("    %s", e.Message)
	}
	for _, pin := range e.Sources {
		at := pin.Resolved
		if at == "" {
			at = pin.Digest
		}
		line("    %s at %s", pin.Key(), orDash(at))
	}
}
