package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/state"
)

// An apply ends before its time, beginning no more requests, when its lock is lost, and
// when the state cannot be written: what the caller's context ends with says which.

// lostError is why an apply ends whose lock was lost.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// unwrittenError is why an apply ends that cannot write the state.
type unwrittenError struct{ error }

func (e unwrittenError) Unwrap() error { return e.error }
func (e unwrittenError) Error() string {
	return fmt.Sprintf("the state cannot be written, so nothing more is begun: %s", e.error)
}

// whileHeld returns a context that ends when the lease is lost, or with what end is given.
// stop ends the watch.
func whileHeld(ctx context.Context, lease *state.Lease) (held context.Context, end func(error), stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-lease.Lost():
			cancel(lostError{lease.Check()})
		case <-held.Done():
		}
	}()
	return held, cancel, func() {
		cancel(nil)
		<-ended
	}
}

// lost ends the apply if an error is that its lock is lost, and returns the error.
func (a *applying) lost(ctx context.Context, err error) error {
	if errors.Is(err, state.ErrLeaseLost) && ctx.Err() == nil {
		a.end(lostError{err})
	}
	return err
}

// lostWhy says how the lock was lost; nil where it was not.
func (a *applying) lostWhy() error {
	var lost lostError
	if a.caller != nil && errors.As(context.Cause(a.caller), &lost) {
		return lost.error
	}
	return nil
}

// unwritten ends the apply where a record cannot be written. That someone else has written
// a record that this apply has claimed means that the lock is lost.
func (p *progress) unwritten(err error) error {
	switch {
	case err == nil:
	case errors.Is(err, state.ErrConflict) && p.claimed:
		err = fmt.Errorf("%w: someone else has written the record of %s: %w", state.ErrLeaseLost, p.app.Address, err)
		p.applying.end(lostError{err})
	case errors.Is(err, state.ErrLeaseLost):
		p.applying.end(lostError{err})
	case errors.Is(err, state.ErrConflict):
	default:
		p.applying.end(unwrittenError{err})
	}
	return err
}

// keepsClaim reports whether an application stays claimed after its record is closed,
// because its hooks are still to be tidied up. Then the claim ends when that is written,
// or with the lease. The caller holds mu.
func (p *progress) keepsClaim() bool {
	for i := range p.record.Objects {
		if p.record.Objects[i].Hook {
			return true
		}
	}
	return false
}

// stopped tells what the apply found out on its way, and why it ended before its time.
func (a *applying) stopped(ctx context.Context, result *Result) hcl.Diagnostics {
	diags := a.notes.list
	if why := a.lostWhy(); why != nil {
		result.Lost = true
		diags = append(diags, a.tellLost(ctx, why))
	}
	return append(diags, a.save(result)...)
}

// save keeps elsewhere what could not be written into the state.
func (a *applying) save(result *Result) hcl.Diagnostics {
	unsaved := state.Unsaved{Run: a.lease.ID(), Holder: a.by, Plan: a.plan.ID}
	for _, p := range a.apps {
		if p.unsaved {
			unsaved.Records = append(unsaved.Records, state.UnsavedRecord{
				Record: p.record, Gone: p.app.Leaves && p.completed && len(p.record.Objects) == 0,
			})
		}
	}
	if len(unsaved.Records) == 0 {
		return nil
	}
	document, err := a.engine.options.Records.ExportUnsaved(a.requests, unsaved)
	if err == nil && a.engine.options.Unsaved == nil {
		err = errors.New("there is no place for it")
	}
	if err == nil {
		result.Unsaved, err = a.engine.options.Unsaved(unsaved.Run, document)
	}
	if err != nil {
		return hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "State is not saved", Detail: fmt.Sprintf(
				"What this apply did could not be written into the state, nor elsewhere: %s. The journal of the state has what was begun: apply again once the state can be written.", err),
		}}
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagError, Summary: "State is saved elsewhere", Detail: fmt.Sprintf(
			"What this apply did could not be written into the state. It is in %s. Once the state can be written again, \"gantry state push %s\" takes it back.", result.Unsaved, result.Unsaved),
	}}
}
