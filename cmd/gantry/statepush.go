package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

func newStatePush(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "push FILE",
		Short: "Take back what an apply could not write, or a copy of the state",
		Long: `An apply that cannot write the state (a full disk, no network) stops, saves what it knows in
a file, and names it. This takes the file back, once the state can be written again.

A record is taken if the one in the state is the very one that it was made from. One that is
in the state already is left, so that doing it twice does no harm. One that was written since
is refused, and so is one whose application is being applied: then the state is newer, and
the next apply finds by its journal what was done.

A copy that "gantry state pull" made is put back, too. Where there is no state, the copy
becomes it, with its history and its audit log, as it was. Where there is one, it must be of
the same lineage, and nobody may be at work: an application is taken that the state does not
have, has a broken record of, or has of a lower serial; one of which the state has a later
serial is refused, and "gantry state rm" makes room for it. Plans say afterwards where the
clusters know of more than the copy does.`,
		Example: `  gantry state push .gantry/unsaved-9f1c2d3e-0000-4000-8000-000000000000.json
  gantry state push backup.json`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.pushFile(cmd.Context(), args[0]) },
	}
}

func (c *cli) statePush(ctx context.Context, file string) error {
	opened, err := c.openState(ctx, "gantry state push")
	if err != nil {
		return err
	}
	if err := opened.permitState(ctx); err != nil {
		return err
	}
	document, err := os.ReadFile(file)
	if err != nil {
		return failure("File cannot be read", err)
	}
	unsaved, err := opened.records.ImportUnsaved(ctx, document)
	if err != nil {
		return failure("Not what an apply saved", fmt.Errorf("%s: %w", file, err))
	}
	event := state.Event{Kind: state.EventPushed, By: opened.by, Plan: unsaved.Plan, Reason: "from " + file}
	for i := range unsaved.Records {
		event.Applications = append(event.Applications, state.EventApplication{Address: unsaved.Records[i].Record.Address})
	}
	if err := opened.records.Audit(ctx, event); err != nil {
		return failure("Not recorded in the audit log", fmt.Errorf("nothing was changed: %w", err))
	}
	pushed, err := opened.records.PushUnsaved(ctx, unsaved, state.LeaseOptions{Dead: process.Dead})
	if err == nil {
		if c.json {
			err = c.writeJSON(map[string]any{"run": unsaved.Run, "savedAt": unsaved.SavedAt, "records": pushed})
		} else {
			err = c.showPushed(pushed)
		}
	} else {
		err = failure("State cannot be written", errors.Join(err, c.showPushed(pushed)))
	}
	if err != nil {
		return err
	}
	for i := range pushed {
		if pushed[i].Refused != "" {
			return exitCode(exitError)
		}
	}
	return nil
}

func (c *cli) showPushed(pushed []state.Pushed) error {
	var errs []error
	for i := range pushed {
		p := &pushed[i]
		var text string
		switch {
		case p.Refused != "":
			text = fmt.Sprintf("%s: refused, for %s.", p.Address, p.Refused)
		case !p.Taken:
			text = fmt.Sprintf("%s: is in the state already, as serial %d.", p.Address, p.Serial)
		case p.Gone:
			text = fmt.Sprintf("%s: has left, and its record with it.", p.Address)
		default:
			text = fmt.Sprintf("%s: taken, as serial %d, with %s", p.Address, p.Serial, count(p.Objects, "object"))
			if p.Journal > 0 {
				text += fmt.Sprintf("; of %s the outcome is not known, and the next plan finds it", count(p.Journal, "request"))
			}
			text += "."
		}
		_, err := fmt.Fprintln(c.out, text)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
