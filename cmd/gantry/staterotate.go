package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/encrypted"
	"github.com/gantrycd/gantry/state/process"
)

func newStateRotate(c *cli) *cobra.Command {
	var fromClear, toClear bool
	command := &cobra.Command{
		Use:   "rotate",
		Short: "Write all of the state with the key that is configured",
		Long: `Writes every value of the state anew, with what the encryption block of the configuration
says: its key, or its recipients. What is encrypted with a previous key is read with that,
and can be read without it afterwards.

A state in clear is encrypted with --from-clear; without it, a value in clear is an error,
for someone may have put it in the place of one that was encrypted. --to-clear decrypts all
of it, so that the encryption block can be taken out.

Nobody else may be at work. If it is interrupted, run it again: until then each value is
read with the key that it has.`,
		Example: `  gantry state rotate
  gantry state rotate --from-clear
  gantry state rotate --to-clear`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if fromClear && toClear {
				return &usageError{command: cmd.CommandPath(), err: errors.New("--from-clear and --to-clear are opposites: give one of them")}
			}
			return c.stateRotate(cmd.Context(), fromClear, toClear)
		},
	}
	command.Flags().BoolVar(&fromClear, "from-clear", false, "encrypt what is in clear, too")
	command.Flags().BoolVar(&toClear, "to-clear", false, "decrypt all of it")
	return command
}

func (c *cli) stateRotate(ctx context.Context, fromClear, toClear bool) error {
	dir, err := c.directory()
	if err != nil {
		return err
	}
	read, diags, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return err
	}
	if read.config.Settings.Backend.Type == lang.UnknownBackend {
		c.printDiagnostics(read.files, diags)
		return failed(diags)
	}
	at, err := c.settle(backendOf(read.config))
	if err != nil {
		return err
	}
	below, err := c.openStore(ctx, dir, at)
	if err != nil {
		return failure("State cannot be opened", err)
	}
	keys, err := c.keysOf(ctx, dir, at)
	if err != nil {
		return failure("State cannot be encrypted", err)
	}
	if keys.IsZero() {
		return failure("State cannot be encrypted", errors.New("the configuration has no encryption block in its gantry block: say there with which key, or to whom"))
	}
	// Only the one who holds the state is at work; that is written in clear.
	opening := keys
	if fromClear || toClear {
		opening = keys.Lenient()
	}
	records, err := state.Open(ctx, encrypted.New(below, opening), state.Existing())
	if err != nil {
		return failure("State cannot be opened", err)
	}
	asker, err := c.asking(ctx, "gantry state rotate", read.config)
	if err != nil {
		return err
	}
	if err := asker.permitAll(ctx, records, access.State); err != nil {
		return err
	}
	lease, err := records.EnterWhole(ctx, process.Self("gantry state rotate", time.Now()), state.LeaseOptions{Dead: process.Dead})
	if err != nil {
		return failure("State is held", err)
	}
	write := keys
	if toClear {
		write = encrypted.Keys{}
	}
	done, err := encrypted.Rewrite(ctx, state.Guard(below, lease.Check), keys, write, fromClear || toClear)
	if err == nil {
		err = auditRotated(ctx, encrypted.New(state.Guard(below, lease.Check), write), write.ID())
	}
	releaseErr := lease.Release(context.WithoutCancel(ctx))
	if err = errors.Join(err, releaseErr); err != nil {
		return failure("State cannot be written", err)
	}
	with := write.ID()
	if c.json {
		return c.writeJSON(map[string]any{"written": done.Written, "unchanged": done.As, "key": with})
	}
	if with == "" {
		with = "clear text"
	}
	_, err = fmt.Fprintf(c.out, "Wrote %s with %s; %d had it already.\n", count(done.Written, "value"), with, done.As)
	return err
}

// auditRotated enters into the audit log of a state that it was written with another key.
func auditRotated(ctx context.Context, store state.Store, key string) error {
	records, err := state.Open(ctx, store, state.Existing())
	if err != nil {
		return err
	}
	if key == "" {
		key = "clear text"
	}
	return records.Audit(ctx, state.Event{Kind: state.EventRotated, By: process.Self("gantry state rotate", time.Now()), Reason: "with " + key})
}
