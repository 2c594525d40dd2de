package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
)

const holdPrefix = "holds"

// Hold is what keeps an application from being applied. There may be one for an
// application that has no record.
type Hold struct {
	plan.Hold
	// RolledBack is what a rollback left behind; nil for a hold that someone has placed.
	RolledBack *RolledBack `json:"rolledBack,omitempty"`
}

// RolledBack is what the sources of an application that was rolled back must have moved
// past before it is applied again.
type RolledBack struct {
	// Left are the revisions that it was rolled back from, oldest first, and To is the one
	// that it has now.
	Left []Revision `json:"left"`
	To   Revision   `json:"to"`
	// Config is the digest of the configuration at that time; empty where it is not known.
	Config string `json:"config,omitempty"`
}

// Revision is what an application was at an entry of its history.
type Revision struct {
	ID       int64        `json:"id"`
	Sources  []source.Pin `json:"sources,omitempty"`
	Rendered string       `json:"rendered,omitempty"` // as Entry has it
}

// HasMovedPast reports whether what the sources of the application are now is something
// else than what it was rolled back from, and than what it was rolled back to. That is so
// where they render something else, and where that comes of the sources or of the
// configuration: of something that people have changed, and not of a cluster's version or
// of a chart that renders something else every time. What is not known has not moved.
func (r *RolledBack) HasMovedPast(now Revision, config string) bool {
	if now.Rendered == "" {
		return false
	}
	edited := r.Config != "" && config != "" && config != r.Config
	for _, was := range append(slices.Clone(r.Left), r.To) {
		same := samePins(now.Sources, was.Sources)
		if now.Rendered == was.Rendered || same && !edited || was.Rendered == "" && same {
			return false
		}
	}
	return true
}

// samePins reports whether sources came to the same, whatever they were asked for by.
func samePins(a, b []source.Pin) bool {
	return slices.EqualFunc(a, b, func(a, b source.Pin) bool {
		return a.Type == b.Type && a.URL == b.URL && a.Chart == b.Chart && a.Path == b.Path && a.Resolved == b.Resolved && a.Digest == b.Digest
	})
}

// hold is a Hold as it is stored.
type hold struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"` // of the installation
	Hold          Hold   `json:"hold"`
}

func (h *hold) format() int { return h.FormatVersion }

// HoldKey returns the key of an application's hold.
func HoldKey(address addr.Address) string { return holdPrefix + "/" + EscapeSegment(address.String()) }

// Holds returns the holds of all applications, those that have expired left out. Where some
// cannot be read it returns the others, and an error that names each.
func (r *Records) Holds(ctx context.Context) (map[addr.Address]*Hold, error) {
	keys, err := r.store.List(ctx, holdPrefix)
	if err != nil {
		return nil, err
	}
	out := make(map[addr.Address]*Hold, len(keys))
	var errs []error
	for _, key := range keys {
		address, err := parseAddressKey(holdPrefix, "hold", key)
		if err != nil {
			errs = append(errs, &BrokenError{Key: key, Reason: err.Error()})
			continue
		}
		found, _, err := r.hold(ctx, address)
		switch {
		case err != nil:
			errs = append(errs, err)
		case found != nil && !found.Expired(r.clock.Now()): // else it went since it was listed
			out[address] = found
		}
	}
	return out, errors.Join(errs...)
}

// Hold returns an application's hold; nil where there is none, or it has expired.
func (r *Records) Hold(ctx context.Context, address addr.Address) (*Hold, error) {
	found, _, err := r.hold(ctx, address)
	if err != nil || found == nil || found.Expired(r.clock.Now()) {
		return nil, err
	}
	return found, nil
}

// PutHold holds an application, in place of the hold that it had: change is given that
// one, nil where there is none that counts, and returns the one to be, or an error that
// ends it. It may be called more than once, if others do the same. Since is set where it is
// zero.
func (r *Records) PutHold(ctx context.Context, address addr.Address, change func(*Hold) (*Hold, error)) (*Hold, error) {
	var made Hold
	err := swap(ctx, r.clock, func() error {
		before, version, err := r.hold(ctx, address)
		if err != nil {
			return err
		}
		if before != nil && before.Expired(r.clock.Now()) {
			before = nil
		}
		next, err := change(before)
		if err != nil {
			return err
		}
		made = *next
		made.Address = address
		if made.Since.IsZero() {
			made.Since = r.clock.Now()
		}
		made.Since, made.Until = stamp(made.Since), stamp(made.Until)
		text, err := encode(&hold{FormatVersion: FormatVersion, Lineage: r.lineage, Hold: made})
		if err != nil {
			return err
		}
		_, err = r.store.Put(ctx, HoldKey(address), text, version)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &made, nil
}

// DeleteHold releases an application and returns the hold that it had; nil where it had
// none that counts. Where only is not the zero time, a hold of another time stays.
func (r *Records) DeleteHold(ctx context.Context, address addr.Address, only time.Time) (released *Hold, err error) {
	err = swap(ctx, r.clock, func() error {
		found, version, err := r.hold(ctx, address)
		if err != nil || found == nil || !only.IsZero() && !found.Since.Equal(only) {
			return err
		}
		if !found.Expired(r.clock.Now()) {
			released = found
		}
		if err = r.store.Delete(ctx, HoldKey(address), version); errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return released, nil
}

// hold reads an application's hold, expired or not; nil and "" where there is none.
func (r *Records) hold(ctx context.Context, address addr.Address) (*Hold, string, error) {
	key := HoldKey(address)
	value, version, err := r.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &hold{}
	if err := decode(key, value, found); err != nil {
		return nil, "", err
	}
	switch {
	case found.Hold.Address != address:
		return nil, "", &BrokenError{Key: key, Reason: fmt.Sprintf("it is of %s", found.Hold.Address)}
	case found.Lineage != r.lineage:
		return nil, "", &BrokenError{Key: key, Reason: fmt.Sprintf("its lineage %q is another installation's; this one's is %s", found.Lineage, r.lineage)}
	}
	return &found.Hold, version, nil
}
