package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A write has a ticket: a file or a directory of its own, which is there before the lock is
// asked for. What makes the write is a rename of the ticket, or into it; so without the
// ticket it cannot take place, and who removes it has called the write off. Who takes the
// lock over from a process that was stopped in the middle of a write (see locks) calls off
// all others under that lock, and those that live begin anew.

const (
	// attempts is how often a write is begun that others call off.
	attempts = 10
	// abandoned is how old a ticket is whose process has died. Were it alive after all, it
	// would begin its write anew.
	abandoned = 10 * time.Minute
)

// errCalledOff means that a write did not take place, since its ticket is gone.
var errCalledOff = errors.New("another process has taken it over: this one was stopped, or its disk did not answer, in the middle of a write")

// write is how a value is written or removed. Where it fails nothing has changed.
type write struct {
	issue  func(ticket string) error       // makes the ticket
	commit func(ticket, path string) error // the rename
}

// change makes a write if the key is still at version.
func (s *Store) change(ctx context.Context, key, version string, w write) error {
	for attempt := 1; ; attempt++ {
		err := s.expect(ctx, key, version) // without a ticket, which takes the disk some time
		if err == nil {
			err = s.attempt(ctx, key, version, w)
		}
		if attempt == attempts || !errors.Is(err, errCalledOff) {
			return err
		}
	}
}

func (s *Store) attempt(ctx context.Context, key, version string, w write) error {
	stripe := stripeOf(key)
	ticket := filepath.Join(s.dir, ticketsOf(stripe)+rand.Text())
	defer func() { _ = remove(ticket) }() // or else a sweep does
	path := s.path(key)
	if err := w.issue(ticket); err != nil {
		return calledOff(ticket, path, err)
	}
	held, err := s.locks.acquire(ctx, key, func() error { return s.callOff(stripe, ticket) })
	if err != nil {
		return fmt.Errorf("locking: %w", err)
	}
	defer held.release()
	if err := s.expect(ctx, key, version); err != nil {
		return err
	}
	return calledOff(ticket, path, w.commit(ticket, path))
}

// calledOff tells an error of a write that was called off from others, which name the file
// that was to be written.
func calledOff(ticket, path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Lstat(ticket); errors.Is(gone, fs.ErrNotExist) {
			return errCalledOff
		}
	}
	var of *fs.PathError
	if errors.As(err, &of) && of.Path == ticket {
		return &fs.PathError{Op: of.Op, Path: path, Err: of.Err}
	}
	return err
}

// ticketsOf is what the names of the tickets of a lock begin with.
func ticketsOf(stripe string) string { return ".tmp-" + stripe + "-" }

// callOff removes all tickets of a lock but one.
func (s *Store) callOff(stripe, mine string) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(s.dir, entry.Name())
		if strings.HasPrefix(entry.Name(), ticketsOf(stripe)) && path != mine {
			if err := remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep removes the tickets of processes that died. One that cannot be removed now is tried
// again by the next write.
func (s *Store) sweep() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".tmp-") {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = remove(filepath.Join(s.dir, entry.Name()))
		}
	}
}

// remove removes a ticket, whatever it is. A directory may get its file while it is looked
// into, once.
func remove(ticket string) error {
	err := os.RemoveAll(ticket)
	if err != nil {
		err = os.RemoveAll(ticket)
	}
	return err
}
