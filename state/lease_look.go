package state

import (
	"context"
	"errors"
	"time"
)

// Look returns who holds the lease of a name at the time, without taking it; nil where
// nobody does, as far as the clocks tell.
func Look(ctx context.Context, store Store, name string, now time.Time) (*LockedError, error) {
	key := leasePrefix + "/" + EscapeSegment(name)
	text, _, err := store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var held lease
	if err := decode(key, text, &held); err != nil {
		return nil, err
	}
	expires := held.RenewedAt.Add(max(held.Duration, time.Second))
	if !now.Before(expires) {
		return nil, nil
	}
	return &LockedError{Name: name, Holder: held.Holder, Since: held.AcquiredAt, Expires: expires}, nil
}
