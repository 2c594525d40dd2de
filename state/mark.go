package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Location names where a state is kept, without what logs in there.
type Location struct {
	Type      string            `json:"type"` // of the backend
	Arguments map[string]string `json:"arguments,omitempty"`
	Place     string            `json:"place"` // for people
}

// Mark is what stands in the place of an installation whose state is not to be used where
// it is, since it is being moved or was. It is in clear, also where the state is encrypted.
type Mark struct {
	FormatVersion int       `json:"formatVersion"`
	Migration     string    `json:"migration"` // the move's own ID
	At            time.Time `json:"at"`
	By            string    `json:"by,omitempty"`
	// One of the two is set.
	MovedTo  *Location `json:"movedTo,omitempty"`  // the state was here
	Arriving *Location `json:"arriving,omitempty"` // the state is not whole here yet; it comes from there
	// Installation is the installation as it was, and will be where the state arrives.
	Installation []byte `json:"installation"`
}

func (m *Mark) format() int { return m.FormatVersion }

// ErrElsewhere means that a state is not to be used where it is.
var ErrElsewhere = errors.New("the state is not here")

// MovedError means that a state was moved to another place. It is ErrElsewhere.
type MovedError struct{ Mark *Mark }

// Error implements error.
func (e *MovedError) Error() string {
	return fmt.Sprintf("the state was moved to %s at %s: name that backend (%s) in the configuration", e.Mark.MovedTo.Place, e.Mark.At.UTC().Format(time.RFC3339), e.Mark.MovedTo.Type)
}

// Unwrap returns ErrElsewhere.
func (e *MovedError) Unwrap() error { return ErrElsewhere }

// ArrivingError means that a state is being moved to this place, or that doing so was cut
// off. It is ErrElsewhere.
type ArrivingError struct{ Mark *Mark }

// Error implements error.
func (e *ArrivingError) Error() string {
	return fmt.Sprintf("the state is on its way here from %s, since %s, and is not whole yet. If nobody is moving it any more, run \"gantry init --migrate-state\" again, which goes on with it", e.Mark.Arriving.Place, e.Mark.At.UTC().Format(time.RFC3339))
}

// Unwrap returns ErrElsewhere.
func (e *ArrivingError) Unwrap() error { return ErrElsewhere }

// Err returns the error of opening a state with the mark.
func (m *Mark) Err() error {
	if m.MovedTo != nil {
		return &MovedError{m}
	}
	return &ArrivingError{m}
}

// ReadMark returns the mark that a value of the installation's key is; nil where it is an
// installation.
func ReadMark(value []byte) (*Mark, error) {
	if !strings.HasPrefix(string(value), "{") {
		return nil, nil // encrypted
	}
	var found struct {
		MovedTo  *Location `json:"movedTo"`
		Arriving *Location `json:"arriving"`
	}
	if json.Unmarshal(value, &found) != nil || found.MovedTo == nil && found.Arriving == nil {
		return nil, nil
	}
	mark := &Mark{}
	if err := decode(installationKey, value, mark); err != nil {
		return nil, err
	}
	if mark.Migration == "" || len(mark.Installation) == 0 || (mark.MovedTo == nil) == (mark.Arriving == nil) {
		return nil, &BrokenError{Key: installationKey, Reason: "it is the mark of a state that was moved, and not whole"}
	}
	return mark, nil
}

// Encode returns the mark as a value of the installation's key.
func (m *Mark) Encode() ([]byte, error) {
	out := *m
	out.FormatVersion, out.At = FormatVersion, stamp(m.At)
	return encode(&out)
}

// InstallationKey is the key of what a store knows of itself. Without it, there is no state.
const InstallationKey = installationKey

// LocksPrefix is what the keys of locks are below, which are of a place and not of a state.
const LocksPrefix = leasePrefix

// EnterWhole is Records.EnterWhole of a store whose state need not be open: one that is
// being moved, or that is encrypted with a key that is not here.
func EnterWhole(ctx context.Context, store Store, holder Holder, options LeaseOptions) (*Lease, error) {
	options = options.withDefaults()
	return (&Records{store: store, clock: options.Clock, leases: options}).EnterWhole(ctx, holder, options)
}
