package encrypted

import (
	"context"
	"errors"
	"fmt"

	"github.com/gantrycd/gantry/state"
)

// Rewritten tells what Rewrite has done.
type Rewritten struct {
	Written int // values
	As      int // values that were as they are to be already
}

// Rewrite writes every value of a store, as it is below any Store, with the keys that it is
// to have, with the zero Keys in clear. read opens those that are encrypted. One in clear is
// ErrClear, unless lenient says that there may be such. Each value is written by
// compare-and-swap, so that what others write meanwhile is not lost. When it fails half-way
// every value is readable with the one or the other keys, and it can be run again.
func Rewrite(ctx context.Context, below state.Store, read, write Keys, lenient bool) (Rewritten, error) {
	if lenient {
		read = read.Lenient()
	}
	var out Rewritten
	keys, err := below.List(ctx, "")
	if err != nil {
		return out, err
	}
	for _, key := range keys {
		if isClear(key) {
			continue
		}
		written, err := rewrite(ctx, below, key, read, write)
		if err != nil {
			return out, fmt.Errorf("%w (%d of %d keys are done; run it again)", err, out.Written+out.As, len(keys))
		}
		if written {
			out.Written++
		} else {
			out.As++
		}
	}
	return out, nil
}

// attempts is how often one value is tried that others write at the same time.
const attempts = 20

func rewrite(ctx context.Context, below state.Store, key string, read, write Keys) (written bool, err error) {
	for range attempts {
		value, version, err := below.Get(ctx, key)
		if errors.Is(err, state.ErrNotFound) {
			return false, nil // it went since it was listed
		}
		if err != nil {
			return false, err
		}
		head, _, _, err := split(key, value)
		if err != nil {
			return false, err
		}
		id := ""
		if head != nil {
			id = head.KeyID
		}
		if value, err = read.decrypt(key, value); err != nil {
			return false, err
		}
		if id == write.ID() {
			return false, nil
		}
		if value, err = write.encrypt(key, value); err != nil {
			return false, err
		}
		_, err = below.Put(ctx, key, value, version)
		if !errors.Is(err, state.ErrConflict) && !errors.Is(err, state.ErrUnknown) && !errors.Is(err, state.ErrNotFound) {
			return err == nil, err
		}
	}
	return false, fmt.Errorf("%s: %w again and again: run it when nobody is at work", key, state.ErrConflict)
}
