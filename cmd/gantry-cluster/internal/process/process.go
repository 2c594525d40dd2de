// Package process names processes so that a pid which the system has given to
// another process in the meantime is never mistaken for the first, waits for
// processes that are not children, and signals them.
package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ErrGone means that the process has ended.
var ErrGone = errors.New("the process has ended")

// ID names one process for good. The zero ID names none.
type ID struct {
	PID int `json:"pid"`
	// Start tells when the process started, in a form of the platform's own.
	Start string `json:"start"`
}

// Find returns the ID of the process that has the pid now, or ErrGone.
func Find(pid int) (ID, error) {
	start, err := startOf(pid)
	if err != nil {
		return ID{}, err
	}
	return ID{PID: pid, Start: start}, nil
}

// Alive tells whether the process is still running. One that has ended and that
// its parent has not yet asked about is not.
func (id ID) Alive() bool {
	if id.PID <= 0 {
		return false
	}
	start, err := startOf(id.PID)
	return err == nil && start == id.Start
}

// Signal sends a signal, or returns ErrGone.
func (id ID) Signal(signal unix.Signal) error {
	if !id.Alive() {
		return ErrGone
	}
	err := send(id, signal)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	if err != nil {
		return fmt.Errorf("send %s to process %d: %w", unix.SignalName(signal), id.PID, err)
	}
	return nil
}

// Wait returns when the process has ended (nil) or when the context is done
// (its error).
func (id ID) Wait(ctx context.Context) error {
	return wait(ctx, id)
}

// poll asks every so often whether the process is alive.
func poll(ctx context.Context, id ID) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for id.Alive() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
