package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

// ErrNoRecord means that the state knows nothing of an application.
var ErrNoRecord = errors.New("the state knows nothing of it")

// ErrAddressTaken means that the state has an application under an address already.
var ErrAddressTaken = errors.New("the state has it already")

// Leftover reports whether old is a record that lives on as another, under the address
// that it has now, and was to be deleted: what moved it was cut off. One that was made anew
// under the old address is none: it was written after the other, and has other objects.
func Leftover(old, now *Record) bool {
	if old == nil || now == nil || now.MovedFrom.IsZero() || now.MovedFrom != old.Address {
		return false
	}
	shared := slices.ContainsFunc(old.Objects, func(o Owned) bool {
		have := now.Find(o.ID)
		return have != nil && have.UID == o.UID && o.UID != ""
	})
	return shared || !old.UpdatedAt.After(now.UpdatedAt)
}

// Move gives an application another address. Its record is written under that one, with
// where it is from, before the old one is deleted: cut off anywhere in between, the old one
// counts no more (see Leftover), and the same call again finishes it. Others that depend on
// the application depend on the new address then, and its hold is on that, at no moment on
// none. Its revisions stay where they are: the record names them. The caller sees to it that
// no apply is at work on it.
func (r *Records) Move(ctx context.Context, from, to addr.Address) error {
	old, oldVersion, err := r.Get(ctx, from)
	if err != nil {
		return err
	}
	now, version, err := r.Get(ctx, to)
	if err != nil {
		return err
	}
	begun := now != nil && now.MovedFrom == from && (old == nil || Leftover(old, now))
	switch {
	case begun:
	case old == nil:
		return fmt.Errorf("%s: %w", from, ErrNoRecord)
	case now != nil:
		return fmt.Errorf("%s: %w", to, ErrAddressTaken)
	default:
		if err := r.copyHold(ctx, from, to); err != nil {
			return err
		}
		moved := *old
		moved.Address, moved.MovedFrom = to, from
		if version, err = r.Put(ctx, &moved, ""); err != nil {
			return err
		}
		now = &moved
	}
	if old != nil {
		if err := r.Delete(ctx, from, oldVersion); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	if err := r.redirect(ctx, from, to); err != nil {
		return err
	}
	if _, err := r.DeleteHold(ctx, from, time.Time{}); err != nil {
		return err
	}
	now.MovedFrom = addr.Address{}
	_, err = r.Put(ctx, now, version)
	return err
}

// MoveHold has the hold of an application be on another address, if that has none.
func (r *Records) MoveHold(ctx context.Context, from, to addr.Address) error {
	if err := r.copyHold(ctx, from, to); err != nil {
		return err
	}
	_, err := r.DeleteHold(ctx, from, time.Time{})
	return err
}

func (r *Records) copyHold(ctx context.Context, from, to addr.Address) error {
	hold, err := r.Hold(ctx, from)
	if err != nil || hold == nil {
		return err
	}
	_, err = r.PutHold(ctx, to, func(before *Hold) (*Hold, error) {
		if before != nil {
			return before, nil
		}
		return hold, nil
	})
	return err
}

// redirect has what depends on one application depend on another.
func (r *Records) redirect(ctx context.Context, from, to addr.Address) error {
	all, err := r.List(ctx)
	if err != nil {
		return err
	}
	for _, entry := range all {
		if !slices.Contains(entry.DependsOn, from) {
			continue
		}
		changed := *entry.Record
		changed.DependsOn = slices.Clone(changed.DependsOn)
		for i, on := range changed.DependsOn {
			if on == from {
				changed.DependsOn[i] = to
			}
		}
		if _, err := r.Put(ctx, &changed, entry.Version); err != nil {
			return err
		}
	}
	return nil
}

// Raise gives an application's record a serial that is above one that a cluster knows, so
// that it counts as the newest there is. Where there is no record, made is written.
func (r *Records) Raise(ctx context.Context, made *Record, above int64) (*Record, error) {
	record, version, err := r.Get(ctx, made.Address)
	if err != nil {
		return nil, err
	}
	if record == nil {
		record = made
	}
	record.Serial = max(record.Serial, above)
	_, err = r.Put(ctx, record, version)
	return record, err
}

// Overwrite writes a record over whatever is in its place, also where that is broken. The
// caller holds the state as a whole.
func (r *Records) Overwrite(ctx context.Context, record *Record) error {
	_, version, err := r.store.Get(ctx, RecordKey(record.Address))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	_, err = r.Put(ctx, record, version)
	return err
}

// ErrInUse means that an installation has something that is of its own lineage.
var ErrInUse = errors.New("it remembers something already")

// Inherit makes the installation, which nothing was applied from yet, one of another
// lineage: that of objects whose state was lost. ErrInUse where there are records.
func (r *Records) Inherit(ctx context.Context, lineage string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lineage == lineage {
		return nil
	}
	for _, prefix := range []string{recordPrefix, generatorPrefix, rolloutPrefix, holdPrefix, ledgerKey, publishedKey} {
		keys, err := r.store.List(ctx, prefix)
		if err == nil && len(keys) == 0 {
			_, _, err = r.store.Get(ctx, prefix)
		}
		switch {
		case err == nil:
			return fmt.Errorf("this state is of the lineage %s, and %w", r.lineage, ErrInUse)
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	changed := *r.installation
	changed.Lineage = lineage
	version, err := putInstallation(ctx, r.store, &changed, r.installationVersion)
	if err != nil {
		return err
	}
	r.installation, r.installationVersion, r.lineage = &changed, version, lineage
	return nil
}
