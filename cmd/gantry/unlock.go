package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

func newUnlock(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "unlock [ADDRESS | RUN]",
		Short: "Give up the locks of commands that are dead",
		Long: `Nobody has to unlock anything: a lock ends by itself when its holder does, and the next
apply takes over what a dead one held. This is for who does not want to wait for that.

A command whose process has ended on this machine is known to be dead, and its lock goes at
once. Of others it is watched whether they renew their lock, which takes half a minute at
most. One that does is alive, and is left: the exit code is 1 then. Interrupt it where it
runs, with Ctrl-C.

With the address of an application it is about who is at work on that, and with the ID of a
run about that run. Without, about all.`,
		Example: `  gantry unlock
  gantry unlock application.web
  gantry unlock --json`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.unlock(cmd.Context(), strings.Join(args, ""))
		},
		ValidArgsFunction: c.recordedCompletions(1),
	}
}

func (c *cli) unlock(ctx context.Context, what string) error {
	opened, err := c.openState(ctx, "gantry unlock")
	if err != nil {
		return err
	}
	if err := opened.permitState(ctx); err != nil {
		return err
	}
	chosen, err := opened.runsOf(ctx, what)
	if err != nil {
		return err
	}
	options := state.LeaseOptions{Dead: process.Dead, Watching: func(locked *state.LockedError) {
		fmt.Fprintf(c.err, "Looking whether its holder lives: %s.\n", locked)
	}}
	found, err := opened.records.Unlock(ctx, chosen, options)
	if err != nil {
		return failure("State cannot be written", err)
	}
	if err := opened.auditUnlocked(ctx, found); err != nil {
		return err
	}
	if c.json {
		err = c.writeJSON(map[string]any{"runs": found})
	} else {
		err = c.showUnlocked(found)
	}
	if err != nil {
		return err
	}
	for i := range found {
		if !found[i].Released {
			return exitCode(exitError)
		}
	}
	return nil
}

// runsOf returns what tells the runs that are meant: those at work on an application, one
// by its ID, or all.
func (s *openedState) runsOf(ctx context.Context, what string) (func(*state.Run) bool, error) {
	if what == "" {
		return func(*state.Run) bool { return true }, nil
	}
	address, err := addr.Parse(what)
	if err != nil || address.Kind != "application" {
		if strings.Contains(what, ".") {
			return nil, &usageError{command: "gantry unlock", err: fmt.Errorf("%s is neither the address of an application nor the ID of a run", what)}
		}
		begins := func(run *state.Run) bool { return strings.HasPrefix(run.ID, what) }
		runs, err := s.records.Runs(ctx)
		if err != nil {
			return nil, failure("State cannot be read", err)
		}
		if !slices.ContainsFunc(runs, func(run state.Run) bool { return begins(&run) }) {
			return nil, failure("Unknown run", fmt.Errorf("no run that holds anything has an ID that begins with %q; \"gantry unlock\" without it looks at all of them. An application is named by its address, such as application.web", what))
		}
		return begins, nil
	}
	record, _, err := s.records.Get(ctx, address)
	if err != nil {
		return nil, failure("State cannot be read", err)
	}
	return func(run *state.Run) bool {
		if record != nil && record.Claim != nil && record.Claim.Lease == run.ID {
			return true
		}
		for _, on := range run.Applications {
			if on == address {
				return true
			}
		}
		return run.Whole
	}, nil
}

// auditUnlocked enters what was released into the audit log.
func (s *openedState) auditUnlocked(ctx context.Context, found []state.Unlocked) error {
	for i := range found {
		if !found[i].Released {
			continue
		}
		event := state.Event{Kind: state.EventUnlocked, By: s.by, Reason: found[i].Holder.Who + ": " + found[i].Because, Plan: found[i].Plan}
		for _, address := range found[i].Applications {
			event.Applications = append(event.Applications, state.EventApplication{Address: address})
		}
		if err := s.records.Audit(ctx, event); err != nil {
			return failure("Not recorded in the audit log", fmt.Errorf("the lock is released: %w", err))
		}
	}
	return nil
}

func (c *cli) showUnlocked(found []state.Unlocked) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(c.out, "Nobody holds it.")
		return err
	}
	var errs []error
	for i := range found {
		u := &found[i]
		text := "Released"
		if !u.Released {
			text = "Not released, for it is alive"
		}
		of := make([]string, len(u.Applications))
		for j, address := range u.Applications {
			of[j] = address.String()
		}
		held := "nothing by name"
		switch {
		case u.Whole:
			held = "the configuration"
		case len(of) > 0:
			held = some(of)
		}
		_, err := fmt.Fprintf(c.out, "%s (%s): run %s of %s (%s, process %d on %s), %s old, holding %s.\n",
			text, u.Because, u.ID, u.Holder.Who, u.Holder.Command, u.Holder.PID, u.Holder.Host, lockAge(u.Since, time.Now()), held)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
