package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// logOptions are the flags of log.
type logOptions struct {
	since    string
	limit    int
	verify   bool
	prune    string
	approved bool
}

func newLog(c *cli) *cobra.Command {
	var options logOptions
	command := &cobra.Command{
		Use:   "log [ADDRESS]",
		Short: "Show who did what, and when",
		Long: `Shows the audit log of the state, newest first: saved plans, applies, rollbacks, actions,
holds, and what was done to the state itself; each with who did it, from where, and how it
ended. Of an address only what is about it is shown.

With --json it is written as JSON, an entry a line, newest first, for other systems to keep.

Each entry has the hash of the one before it. An entry that was changed or taken out shows
as a fault, and --verify reads the whole log and looks for that. What it cannot show: that
somebody who may write the store has written all of the log anew, or has taken out the
newest entries together with the note of where the log ends. Export it to a place that the
same people cannot write.

The exit code is 0, 1 where the log cannot be read, and with --verify 2 where it has faults.`,
		Example: `  gantry log
  gantry log application.web --since 24h
  gantry log --json > audit.ndjson
  gantry log --verify
  gantry log --prune-before 2026-01-01`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			usage := func(err error) error { return &usageError{command: cmd.CommandPath(), err: err} }
			of := ""
			if len(args) > 0 {
				if _, err := parseApplication(args[0]); err != nil {
					return usage(err)
				}
				of = args[0]
			}
			if options.prune != "" {
				if given := firstSet(cmd, "since", "limit", "verify"); given != "" || of != "" {
					return usage(errors.New("--prune-before takes entries out, and shows none: give it alone"))
				}
				before, err := parseMoment(options.prune, time.Now())
				if err != nil {
					return usage(fmt.Errorf("--prune-before: %w", err))
				}
				return c.pruneLog(cmd.Context(), before, options.approved)
			}
			var since time.Time
			if options.since != "" {
				var err error
				if since, err = parseMoment(options.since, time.Now()); err != nil {
					return usage(fmt.Errorf("--since: %w", err))
				}
			}
			if options.verify && (of != "" || options.since != "" || options.limit > 0) {
				return usage(errors.New("--verify reads the whole log: it has no effect with an address, --since or --limit"))
			}
			return c.log(cmd.Context(), of, since, options)
		},
		ValidArgsFunction: c.recordedCompletions(1),
	}
	flags := command.Flags()
	flags.StringVar(&options.since, "since", "", "show what happened since this `time`: 24h, 2026-11-22, or 2026-11-22T15:04:05Z")
	flags.IntVar(&options.limit, "limit", 0, "show at most this `number` of entries")
	flags.BoolVar(&options.verify, "verify", false, "read all of it, and tell whether entries were changed or taken out")
	flags.StringVar(&options.prune, "prune-before", "", "take out the entries from before this `time`; that it was done is logged")
	flags.BoolVar(&options.approved, "auto-approve", false, "with --prune-before: do not ask")
	return command
}

// parseMoment reads a point in time: how long ago, a day, or a time.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: give how long ago (24h), a day (2026-11-22) or a time (2026-11-22T15:04:05Z)", text)
}

func (c *cli) log(ctx context.Context, of string, since time.Time, options logOptions) error {
	opened, err := c.openState(ctx, "gantry log")
	if err != nil {
		return err
	}
	mayGet, err := opened.mayGet(ctx)
	if err != nil {
		return err
	}
	hidden := 0
	meant := func(addr.Address) bool { return true }
	if of != "" {
		meant = addressPattern(of)
	}
	var text strings.Builder
	shown, faults, entries := 0, 0, 0
	for entry, err := range opened.records.AuditLog(ctx) {
		if err != nil {
			return failure("Audit log cannot be read", err)
		}
		entries++
		if len(entry.Faults) > 0 {
			faults++
		}
		if !entry.At.IsZero() && entry.At.Before(since) || options.limit > 0 && shown == options.limit {
			break
		}
		if of != "" && !isAbout(entry, meant) || options.verify && len(entry.Faults) == 0 {
			continue
		}
		if !opened.maySee(entry, mayGet) {
			hidden++
			continue
		}
		shown++
		if !c.json {
			showEvent(&text, entry)
		} else if err := c.writeEvent(entry); err != nil {
			return err
		}
	}
	if hidden > 0 {
		c.printDiagnostics(nil, hcl.Diagnostics{{
			Severity: hcl.DiagWarning, Summary: notAllowed, Detail: fmt.Sprintf("%s left out: they are about applications that you may not see.", entriesText(hidden)),
		}})
	}
	if options.verify {
		return c.verdictOnLog(&text, entries, faults)
	}
	if shown == 0 && !c.json {
		text.WriteString("The log has no such entries.\n")
	}
	return c.page([]byte(text.String()))
}

// isAbout reports whether an entry is about an application. One that cannot be read may be.
func isAbout(entry *state.LoggedEvent, meant func(addr.Address) bool) bool {
	if len(entry.Faults) > 0 {
		return true
	}
	for _, app := range entry.Applications {
		if meant(app.Address) || !app.To.IsZero() && meant(app.To) {
			return true
		}
	}
	return false
}

func (c *cli) verdictOnLog(text *strings.Builder, entries, faults int) error {
	verdict := fmt.Sprintf("%s, each as it was written.\n", entriesText(entries))
	if faults > 0 {
		verdict = fmt.Sprintf("%d of %s missing or not what was written.\n", faults, entriesText(entries))
	}
	if c.json {
		fmt.Fprint(c.err, verdict)
	} else if _, err := fmt.Fprint(c.out, text.String()+verdict); err != nil {
		return err
	}
	if faults > 0 {
		return exitCode(exitChanges)
	}
	return nil
}

// writeEvent writes an entry as a line of JSON.
func (c *cli) writeEvent(entry *state.LoggedEvent) error {
	out := struct {
		state.Event
		Faults []string `json:"faults,omitempty"`
	}{entry.Event, entry.Faults}
	encoder := jsonEncoder(c.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(out)
}

// showEvent writes an entry for people.
func showEvent(out *strings.Builder, e *state.LoggedEvent) {
	line := func(format string, values ...any) {
		out.WriteString(printable(fmt.Sprintf(format, values...)) + "\n")
	}
	if e.Kind == "" {
		line("#%d  %s", e.Number, strings.Join(e.Faults, "; "))
		return
	}
	head := fmt.Sprintf("#%d  %s  %s", e.Number, e.At.UTC().Format(time.RFC3339), e.Kind)
	if e.Act != "" {
		head += " (" + e.Act + ")"
	}
	if e.Outcome != "" {
		head += " " + e.Outcome
	}
	line("%s  by %s", head, orDash(e.By.Who))
	if e.By.Identity != nil {
		line("    as %s", printable(e.By.Identity.String()))
	}
	if e.By.Command != "" {
		line("    %s, process %d on %s", e.By.Command, e.By.PID, orDash(e.By.Host))
	}
	if e.Plan != "" {
		speaks := "not verified"
		if e.Verified != "" {
			speaks = "verified: " + e.Verified
		}
		line("    plan %s, %s", e.Plan, speaks)
	}
	for i, app := range e.Applications {
		if i == mostLogged {
			line("    and %d more applications", len(e.Applications)-mostLogged)
			break
		}
		text := app.Address.String()
		if !app.To.IsZero() {
			text += " to " + app.To.String()
		}
		for _, part := range []string{app.Outcome, app.Digest} {
			if part != "" {
				text += "  " + part
			}
		}
		line("    %s", text)
	}
	for _, text := range []string{e.Reason, e.Message} {
		if text != "" {
			line("    %s", text)
		}
	}
	if len(e.Faults) > 0 {
		line("    FAULT: %s", strings.Join(e.Faults, "; "))
	}
}

// mostLogged is how many applications of an entry are shown to people.
const mostLogged = 20

func (c *cli) pruneLog(ctx context.Context, before time.Time, approved bool) error {
	opened, err := c.openState(ctx, "gantry log --prune-before")
	if err != nil {
		return err
	}
	if err := opened.permitState(ctx); err != nil {
		return err
	}
	if err := c.agree(ctx, fmt.Sprintf("Take entries from before %s out of the log?", before.UTC().Format(time.RFC3339)), approved); err != nil {
		return err
	}
	n, err := opened.records.PruneAudit(ctx, before, opened.by)
	if err != nil {
		return failure("Audit log cannot be pruned", err)
	}
	_, err = fmt.Fprintf(c.out, "%s taken out of the log.\n", entriesText(n))
	return err
}

func entriesText(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
