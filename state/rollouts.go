package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

const rolloutPrefix = "rollouts"

// Rollout is what is asked of a rollout, and how the last apply of it went. Who asks and
// who applies write it side by side, so it is changed by ChangeRollout only.
type Rollout struct {
	FormatVersion int          `json:"formatVersion"`
	Lineage       string       `json:"lineage"` // of the installation
	Address       addr.Address `json:"address"`
	// Order is "pause" or "abort", with who asked for it and when; empty is to go on.
	// That it is to be aborted is said of the apply of one plan.
	Order     string    `json:"order,omitempty"`
	OrderedBy string    `json:"orderedBy,omitempty"`
	OrderedAt time.Time `json:"orderedAt,omitzero"`
	// Plan is the ID of the plan that is, or was last, applied; empty is that none was.
	Plan string `json:"plan,omitempty"`
	// Step is the step that it is at, counted from 0, of Steps; they are equal when all are done.
	Step  int `json:"step"`
	Steps int `json:"steps"`
	// State says in one line how far it is, and Ended that the apply of it is over.
	State     string    `json:"state,omitempty"`
	Ended     bool      `json:"ended,omitempty"`
	UpdatedAt time.Time `json:"updatedAt"`
}

func (r *Rollout) format() int { return r.FormatVersion }

// RolloutKey returns the key of what is known of a rollout.
func RolloutKey(address addr.Address) string {
	return rolloutPrefix + "/" + EscapeSegment(address.String())
}

// Rollout returns what is known of a rollout; nil where nothing is.
func (r *Records) Rollout(ctx context.Context, address addr.Address) (*Rollout, error) {
	found, _, err := r.rollout(ctx, address)
	return found, err
}

// ChangeRollout changes what is known of a rollout, from how it is now; change may be
// called again where someone else was quicker. An error of change leaves it as it is.
func (r *Records) ChangeRollout(ctx context.Context, address addr.Address, change func(*Rollout) error) error {
	return swap(ctx, r.clock, func() error {
		found, version, err := r.rollout(ctx, address)
		if err != nil {
			return err
		}
		if found == nil {
			found = &Rollout{}
		}
		if err := change(found); err != nil {
			return err
		}
		found.FormatVersion, found.Lineage, found.Address, found.UpdatedAt = FormatVersion, r.lineage, address, stamp(r.clock.Now())
		text, err := encode(found)
		if err != nil {
			return err
		}
		_, err = r.store.Put(ctx, RolloutKey(address), text, version)
		return err
	})
}

func (r *Records) rollout(ctx context.Context, address addr.Address) (*Rollout, string, error) {
	key := RolloutKey(address)
	value, version, err := r.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &Rollout{}
	if err := decode(key, value, found); err != nil {
		return nil, "", err
	}
	if found.Lineage != r.lineage || found.Address != address {
		return nil, "", &BrokenError{Key: key, Reason: fmt.Sprintf("it is of %s of the lineage %q, and not of %s of %s", found.Address, found.Lineage, address, r.lineage)}
	}
	return found, version, nil
}
