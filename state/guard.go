package state

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Guard returns a store that is written only while check returns nil: what it returns is
// then the error of the write.
func Guard(store Store, check func() error) Store { return &guarded{store, check} }

// guarded is a Store that asks before each write.
type guarded struct {
	Store
	check func() error
}

// Put implements Store.
func (g *guarded) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if err := g.check(); err != nil {
		return "", err
	}
	return g.Store.Put(ctx, key, value, version)
}

// Delete implements Store.
func (g *guarded) Delete(ctx context.Context, key, version string) error {
	if err := g.check(); err != nil {
		return err
	}
	return g.Store.Delete(ctx, key, version)
}

// Unwrap returns the store that is guarded.
func (g *guarded) Unwrap() Store { return g.Store }

// Under returns the records as the holder of a lease sees them, who writes nothing once
// the lease does not hold: such writes are ErrLeaseLost.
func (r *Records) Under(lease *Lease) *Records {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Records{
		store: Guard(r.store, lease.Check), clock: r.clock, leases: r.leases, fingerprinter: r.fingerprinter, lineage: r.lineage,
		existing: r.existing, ledgerLimit: r.ledgerLimit, installation: r.installation, installationVersion: r.installationVersion,
	}
}

// swapAttempts is how often a change of what many write is tried.
const swapAttempts = 100

// swap makes a change of what many write, by compare-and-swap, and again where someone
// else was faster, or where nobody knows whether it was made. attempt reads what is there
// and writes what comes of it; made twice, it comes to the same.
func swap(ctx context.Context, clock Clock, attempt func() error) error {
	for i := 1; ; i++ {
		err := attempt()
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknown) || i == swapAttempts {
			return err
		}
		pause := rand.N(time.Duration(min(i, 20)) * 5 * time.Millisecond)
		select {
		case <-ctx.Done():
			return err
		case <-clock.After(pause):
		}
	}
}

// remove deletes a key, whatever it holds; that there is none is well.
func (r *Records) remove(ctx context.Context, key string) error {
	return swap(ctx, r.clock, func() error {
		_, version, err := r.store.Get(ctx, key)
		if err == nil {
			err = r.store.Delete(ctx, key, version)
		}
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
}

// putOnce writes a value over a version of a key. Where nobody knows whether it was
// written, reading tells, as long as nobody else writes the same value.
func putOnce(ctx context.Context, store Store, clock Clock, key string, value []byte, version string) (string, error) {
	unsure := false
	for i := 1; ; i++ {
		written, err := store.Put(ctx, key, value, version)
		unknown, conflict := errors.Is(err, ErrUnknown), errors.Is(err, ErrConflict)
		unsure = unsure || unknown
		if !unsure || !unknown && !conflict || i == putAttempts {
			return written, err
		}
		have, now, readErr := store.Get(ctx, key)
		switch {
		case readErr == nil && bytes.Equal(have, value):
			return now, nil
		case conflict, readErr != nil && !errors.Is(readErr, ErrNotFound):
			return "", err
		}
		// It was not written, and may be yet: then the next attempt conflicts, and is read.
		select {
		case <-ctx.Done():
			return "", err
		case <-clock.After(time.Duration(i) * 100 * time.Millisecond):
		}
	}
}

// putAttempts is how often a write is tried of which nobody knows whether it was made.
const putAttempts = 5
