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

// patiently tries to take what others hold, again and again for as long as the options
// have it wait for holders that live.
func patiently(ctx context.Context, options LeaseOptions, try func() error) error {
	began := options.Clock.Now()
	var told Holder
	for {
		err := try()
		var locked *LockedError
		if !errors.As(err, &locked) {
			return err
		}
		left := options.Wait - elapsed(options.Clock.Now(), began)
		if left <= 0 {
			return err
		}
		if !locked.Holder.is(told) {
			told = locked.Holder
			options.Waiting(locked)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-options.Clock.After(min(left, options.Duration/15, waitPause)):
		}
	}
}

// waitPause is how often it is looked at most whether a holder has ended.
const waitPause = 2 * time.Second

// watch is what is known of a lease that is in the way.
type watch struct {
	name    string
	options LeaseOptions
	version string    // of the lease, as it was seen last; empty before it was
	since   time.Time // when that version had been seen
	told    bool      // that it is watched
}

// free waits until the lease of a key may be taken and returns the version to put over,
// or a *LockedError where its holder is at work. Called again, it goes on watching.
func (w *watch) free(ctx context.Context, store Store, key string) (string, error) {
	for {
		before := w.options.Clock.Now()
		text, version, err := store.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("locking %s: %w", w.name, err)
		}
		held, err := readLease(key, text, w.options)
		if err != nil {
			return "", err
		}
		if w.options.Dead(held.Holder) {
			return version, nil
		}
		duration := held.lasts()
		now := w.options.Clock.Now()
		age := now.Round(0).Sub(held.RenewedAt)
		fresh := -duration < age && age < duration // by clocks that may differ
		locked := held.locked(w.name)
		switch {
		case w.version != version:
			renewed := w.version != ""
			w.version, w.since = version, now
			if fresh || renewed {
				return "", locked
			}
		case before.Sub(w.since) >= duration:
			return version, nil
		case fresh:
			return "", locked
		}
		if !w.told {
			w.told = true
			locked.Expires = w.since.Add(duration)
			w.options.Watching(locked)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-w.options.Clock.After(duration / 10):
		}
	}
}

// readLease decodes a lease. One that cannot be read is somebody's, who keeps it by
// renewing it.
func readLease(key string, text []byte, options LeaseOptions) (lease, error) {
	var held lease
	err := decode(key, text, &held)
	if errors.Is(err, ErrNewer) {
		return lease{}, err
	}
	if err != nil {
		held = lease{Duration: options.Duration}
	}
	return held, nil
}

// lasts is how long a lease lasts that is not renewed, whatever it says itself.
func (l *lease) lasts() time.Duration { return min(max(l.Duration, time.Second), time.Hour) }

// locked is the lease as who is refused is told of it.
func (l *lease) locked(name string) *LockedError {
	return &LockedError{Name: name, Holder: l.Holder, Plan: l.Plan, Since: l.AcquiredAt, Expires: l.RenewedAt.Add(l.lasts())}
}
