package state

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// keep starts the renewal of a lease just acquired, which Release ends.
func (l *Lease) keep(ctx context.Context) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.stopped, l.lost = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(l.stopped)
		pause := l.body.Duration / 3
		for {
			select {
			case <-ctx.Done():
				return
			case <-l.clock.After(pause):
			}
			pause = l.body.Duration / 3
			if err := l.renew(ctx); errors.Is(err, ErrLeaseLost) {
				l.lose(err)
				return
			} else if err != nil {
				pause = l.body.Duration / 20 // it may pass
			}
		}
	}()
}

// renew writes the lease again. The error is ErrLeaseLost where someone else
// has it; others may pass.
func (l *Lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.body.Duration/3)
	defer cancel()
	l.mu.Lock()
	body, version := l.body, l.version
	l.mu.Unlock()

	sent := l.clock.Now()
	body.RenewedAt = stamp(sent)
	body.Renewals++
	version, err := l.put(ctx, body, version)
	if errors.Is(err, ErrConflict) {
		// Either it was taken, or an earlier renewal that seemed to fail did not.
		version, body, err = l.reread(ctx)
		if err != nil {
			return err
		}
		body.RenewedAt = stamp(sent)
		body.Renewals++
		version, err = l.put(ctx, body, version)
		if errors.Is(err, ErrConflict) {
			return fmt.Errorf("%w: someone else wrote it", ErrLeaseLost)
		}
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.body, l.version, l.renewed = body, version, sent
	return nil
}

// reread returns the lease as it is in the store, if it is still this one.
func (l *Lease) reread(ctx context.Context) (string, lease, error) {
	text, version, err := l.store.Get(ctx, l.key)
	if errors.Is(err, ErrNotFound) {
		return "", lease{}, fmt.Errorf("%w: it was removed", ErrLeaseLost)
	}
	if err != nil {
		return "", lease{}, err
	}
	var body lease
	if err := decode(l.key, text, &body); err != nil {
		return "", lease{}, fmt.Errorf("%w: %w", ErrLeaseLost, err)
	}
	if body.ID != l.body.ID {
		return "", lease{}, fmt.Errorf("%w: %s has it", ErrLeaseLost, body.Holder.Who)
	}
	return version, body, nil
}

func (l *Lease) lose(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
	close(l.lost)
}

// watch is what Acquire knows of the lease that is in its way.
type watch struct {
	name    string
	options LeaseOptions
	version string    // of the lease that is watched; empty before one is
	since   time.Time // when that version was first seen
}

// free waits until the lease of a key may be taken and returns the version to
// put over, or a *LockedError.
func (w *watch) free(ctx context.Context, store Store, key string) (string, error) {
	for {
		text, version, err := store.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("locking %s: %w", w.name, err)
		}
		var held lease
		if err := decode(key, text, &held); errors.Is(err, ErrNewer) {
			return "", err
		} else if err != nil {
			held = lease{Duration: w.options.Duration} // unreadable: whoever it is keeps it by renewing
		}
		if w.options.Dead(held.Holder) {
			return version, nil
		}
		duration := min(max(held.Duration, time.Second), time.Hour)
		now := w.options.Clock.Now()
		locked := &LockedError{Name: w.name, Holder: held.Holder, Since: held.AcquiredAt, Expires: held.RenewedAt.Add(duration)}
		age := now.Round(0).Sub(held.RenewedAt)
		switch fresh := -duration < age && age < duration; {
		case fresh, w.version != "" && w.version != version:
			return "", locked // its holder is at work
		case w.version == "":
			w.version, w.since = version, now
			locked.Expires = now.Add(duration)
			w.options.Watching(locked)
		case now.Sub(w.since) >= duration:
			return version, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-w.options.Clock.After(duration / 10):
		}
	}
}
