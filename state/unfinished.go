package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

const unfinishedPrefix = "unfinished"

// Unfinished is a plan whose apply was begun and is not known to have finished, kept so
// that it can be resumed.
type Unfinished struct {
	// FormatVersion and Lineage are of the form and the installation; KeepPlan sets them.
	FormatVersion int       `json:"formatVersion"`
	Lineage       string    `json:"lineage"`
	ID            string    `json:"id"`
	BegunAt       time.Time `json:"begunAt"` // KeepPlan sets it
	Act           bool      `json:"act,omitempty"`
	// Applications are those of the plan that no later apply was about: what may still be
	// done of it. Never empty in what is kept.
	Applications []addr.Address `json:"applications"`
	File         []byte         `json:"file"` // a plan file
}

func (u *Unfinished) format() int { return u.FormatVersion }

func unfinishedKey(id string) string { return unfinishedPrefix + "/" + EscapeSegment(id) }

// KeepPlan keeps a plan that is about to be applied. The caller has had what is kept of
// others superseded, and holds the lease of its applications.
func (r *Records) KeepPlan(ctx context.Context, kept Unfinished) error {
	_, version, err := r.store.Get(ctx, unfinishedKey(kept.ID))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	kept.BegunAt = stamp(r.clock.Now())
	return r.putUnfinished(ctx, &kept, version)
}

func (r *Records) putUnfinished(ctx context.Context, kept *Unfinished, version string) error {
	kept.FormatVersion, kept.Lineage = FormatVersion, r.lineage
	text, err := encode(kept)
	if err != nil {
		return err
	}
	_, err = r.store.Put(ctx, unfinishedKey(kept.ID), text, version)
	return err
}

// SupersedePlans takes applications out of all plans that are kept, but for the one with
// an ID: another plan has decided about them. An act decides nothing: it leaves applies
// as they are, and takes the place of acts.
func (r *Records) SupersedePlans(ctx context.Context, by Unfinished) error {
	keys, err := r.store.List(ctx, unfinishedPrefix)
	if err != nil {
		return err
	}
	about := make(map[addr.Address]bool, len(by.Applications))
	for _, address := range by.Applications {
		about[address] = true
	}
	for _, key := range keys {
		if key == unfinishedKey(by.ID) {
			continue
		}
		if err := r.supersede(ctx, key, by.Act, about); err != nil {
			return err
		}
	}
	return nil
}

func (r *Records) supersede(ctx context.Context, key string, act bool, about map[addr.Address]bool) error {
	for {
		found, version, err := r.unfinished(ctx, key)
		if err != nil || found == nil || act && !found.Act {
			return err
		}
		before := len(found.Applications)
		found.Applications = slices.DeleteFunc(found.Applications, func(a addr.Address) bool { return about[a] })
		switch len(found.Applications) {
		case before:
			return nil
		case 0:
			err = r.store.Delete(ctx, key, version)
		default:
			err = r.putUnfinished(ctx, found, version)
		}
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

// KeptPlans returns the plans that are kept, those that are applies first, and the one
// that was begun last first among them.
func (r *Records) KeptPlans(ctx context.Context) ([]Unfinished, error) {
	keys, err := r.store.List(ctx, unfinishedPrefix)
	if err != nil {
		return nil, err
	}
	var out []Unfinished
	for _, key := range keys {
		found, _, err := r.unfinished(ctx, key)
		if err != nil {
			return nil, err
		}
		if found != nil {
			out = append(out, *found)
		}
	}
	slices.SortStableFunc(out, func(a, b Unfinished) int {
		if a.Act != b.Act {
			if b.Act {
				return -1
			}
			return 1
		}
		return cmp.Or(b.BegunAt.Compare(a.BegunAt), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// KeptPlan returns what is kept of the plan with an ID; nil where it is not.
func (r *Records) KeptPlan(ctx context.Context, id string) (*Unfinished, error) {
	found, _, err := r.unfinished(ctx, unfinishedKey(id))
	return found, err
}

// DropPlan forgets the plan with an ID, if it is kept: it is applied, all of it.
func (r *Records) DropPlan(ctx context.Context, id string) error {
	key := unfinishedKey(id)
	_, version, err := r.store.Get(ctx, key)
	if err == nil {
		err = r.store.Delete(ctx, key, version)
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// unfinished reads what is kept at a key; nil and "" where nothing is.
func (r *Records) unfinished(ctx context.Context, key string) (*Unfinished, string, error) {
	value, version, err := r.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &Unfinished{}
	if err := decode(key, value, found); err != nil {
		return nil, "", err
	}
	switch {
	case found.Lineage != r.lineage:
		return nil, "", &BrokenError{Key: key, Reason: fmt.Sprintf("its lineage %q is another installation's; this one's is %s", found.Lineage, r.lineage)}
	case unfinishedKey(found.ID) != key:
		return nil, "", &BrokenError{Key: key, Reason: fmt.Sprintf("it is of the plan %q", found.ID)}
	case len(found.Applications) == 0:
		return nil, "", &BrokenError{Key: key, Reason: "it is of no application"}
	}
	return found, version, nil
}

// LastApply returns what is known of the apply that was begun last, acts left out; nil
// where there was none.
func (r *Records) LastApply(ctx context.Context) (*AppliedPlan, error) {
	found, _, err := r.ledger(ctx)
	if err != nil {
		return nil, err
	}
	for i := range slices.Backward(found.Plans) {
		if !found.Plans[i].Act {
			return &found.Plans[i], nil
		}
	}
	return nil, nil
}
