package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// registerLocking adds the flag to a command that changes applications.
func (o *workOptions) registerLocking(command *cobra.Command) {
	command.Flags().DurationVar(&o.lockTimeout, "lock-timeout", 0, "how long to wait for others who are at work on the same applications, `time` as in 5m")
}

// locking has an engine hold what it changes, and keep what it cannot record.
func (w *work) locking(setup *engine.Options) {
	setup.Lease.Wait = w.options.lockTimeout
	setup.Lease.Waiting = func(locked *state.LockedError) { w.tellLocked("Waiting", locked) }
	setup.Lease.Watching = func(locked *state.LockedError) { w.tellLocked("Looking whether its holder lives", locked) }
	setup.Unsaved = w.unsaved
}

func (w *work) tellLocked(what string, locked *state.LockedError) {
	if w.cli.notices == nil || w.cli.json {
		return
	}
	fmt.Fprintf(w.cli.notices, "%s: %s.\n", what, locked)
}

// await waits for others who are at work on what will be planned, so that the plan is made
// of what they leave.
func (w *work) await(ctx context.Context) error {
	if w.options.lockTimeout <= 0 || w.state == nil {
		return nil
	}
	var only []addr.Address
	if len(w.targets) > 0 {
		only = w.targets
	}
	err := w.state.records.Await(ctx, only, w.with.Lease)
	if errors.Is(err, state.ErrLocked) {
		return failure("State is held", err)
	}
	if err != nil {
		return failure("State cannot be read", err)
	}
	return nil
}

// unsaved keeps what an apply could not write into the state in a file beside it, or where
// that cannot be in the directory for temporary files, or else prints it.
func (w *work) unsaved(run string, document []byte) (string, error) {
	name := "unsaved-" + run + ".json"
	for _, dir := range []string{filepath.Join(w.dir, stateFolder), os.TempDir()} {
		path := filepath.Join(dir, name)
		if err := writeSynced(path, document); err == nil {
			return path, nil
		}
		_ = os.Remove(path) // half of it is nothing
	}
	if _, err := fmt.Fprintf(w.cli.out, "\n%s\n", document); err != nil {
		return "", fmt.Errorf("it cannot be printed either: %w", err)
	}
	return "what is printed on stdout: put that JSON into a FILE", nil
}

// writeSynced writes a file that is not there yet, for its owner only, and to the disk.
func writeSynced(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// lockAge is how long someone has held something, for people.
func lockAge(since, now time.Time) string {
	if since.IsZero() {
		return "unknown time"
	}
	return now.Sub(since).Round(time.Second).String()
}
