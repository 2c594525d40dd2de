package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

// pushFile takes what a file has: a copy of the state, or what an apply could not write.
func (c *cli) pushFile(ctx context.Context, file string) error {
	document, err := os.ReadFile(file)
	if err != nil {
		return failure("File cannot be read", err)
	}
	copied, err := state.ReadExport(document)
	if err != nil {
		return failure("Not a copy of a state", fmt.Errorf("%s: %w", file, err))
	}
	if copied == nil {
		return c.statePush(ctx, file)
	}
	opened, err := c.openState(ctx, "gantry state push")
	switch {
	case errors.Is(err, state.ErrNoInstallation):
		return c.restoreState(ctx, file, copied)
	case err != nil:
		return err
	}
	if err := opened.permitState(ctx); err != nil {
		return err
	}
	return c.pushCopy(ctx, opened, file, copied)
}

// restoreState makes a copy the state of a configuration that has none.
func (c *cli) restoreState(ctx context.Context, file string, copied *state.Export) error {
	dir, err := c.directory()
	if err != nil {
		return err
	}
	read, _, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return err
	}
	by, err := c.who(ctx, "gantry state push", read.config)
	if err != nil {
		return err
	}
	if decision := access.Of(access.Roles(read.config), by.Identity).CheckAll(access.State); !decision.Allowed {
		return failure(notAllowed, errors.New(because(decision)))
	}
	at, err := c.settle(backendOf(read.config))
	if err != nil {
		return err
	}
	store, err := c.openStore(ctx, dir, at)
	if err != nil {
		return failure("State cannot be opened", said(at, err))
	}
	written, err := state.Restore(ctx, store, copied, by, state.LeaseOptions{Dead: process.Dead})
	switch {
	case errors.Is(err, state.ErrLocked):
		return failure("State is held", err)
	case errors.Is(err, state.ErrPartial):
		return failure("Not a copy of a state", fmt.Errorf("%s: %w, %s, and there is no state to put it into: that takes a copy of everything", file, err, copied.Application))
	case err != nil:
		return failure("State cannot be written", fmt.Errorf("%w. Once that is mended, run the same command again: it goes on where this one ended", err))
	}
	if err := c.rememberPlace(dir, at, copied.Lineage); err != nil {
		return err
	}
	c.auditAfter(ctx, dir, at, state.Event{Kind: state.EventPushed, By: by, Reason: "from " + file}, by.Command)
	if c.json {
		return c.writeJSON(map[string]any{"lineage": copied.Lineage, "written": written})
	}
	_, err = fmt.Fprintf(c.out, "%s is the state in %s now: %s written.\n", file, at.shown(dir), count(written, "document"))
	return err
}

// pushCopy puts a copy back into the state that it was made from.
func (c *cli) pushCopy(ctx context.Context, opened *openedState, file string, copied *state.Export) error {
	if copied.Lineage != opened.records.Lineage() {
		return failure("State is of another installation", fmt.Errorf("%s has the lineage %s, and the state here %s. Move this state away to put the other one in its place", file, copied.Lineage, opened.records.Lineage()))
	}
	event := state.Event{Kind: state.EventPushed, Reason: "from " + file}
	for _, address := range copied.Applications() {
		event.Applications = append(event.Applications, state.EventApplication{Address: address})
	}
	var returned *state.Returned
	err := opened.alone(ctx, event, func(records *state.Records) (err error) {
		returned, err = records.PushExport(ctx, copied)
		return err
	})
	if returned != nil {
		if c.json && err == nil {
			err = c.writeJSON(returned)
		} else {
			err = errors.Join(err, c.showPushed(returned.Records))
		}
	}
	if err != nil {
		return err
	}
	for i := range returned.Records {
		if returned.Records[i].Refused != "" {
			return exitCode(exitError)
		}
	}
	return nil
}

// forget removes what the state has of applications.
func forget(ctx context.Context, records *state.Records, addresses []addr.Address) error {
	for _, address := range addresses {
		if err := engine.Forget(ctx, records, address); err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
	}
	return nil
}
