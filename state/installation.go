package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/plan/seal"
)

// installation is what a store knows of itself. It is written once.
type installation struct {
	FormatVersion int       `json:"formatVersion"`
	Lineage       string    `json:"lineage"` // a UUID
	CreatedAt     time.Time `json:"createdAt"`
	// Recipient is whom secrets are sealed to; empty until there is an identity.
	Recipient string `json:"recipient,omitempty"`
	// FingerprintKey lets whoever has it try values against fingerprints, no more.
	FingerprintKey []byte `json:"fingerprintKey"`
}

const installationKey = "installation"

// ErrOtherRecipient means that an installation seals to another recipient.
var ErrOtherRecipient = errors.New("the state seals its secrets to another recipient")

// ErrNoInstallation means that a store has no state.
var ErrNoInstallation = errors.New("there is no state")

// openInstallation reads the installation, or makes it where that is allowed.
func openInstallation(ctx context.Context, store Store, clock Clock, lineage string, create bool) (*installation, string, error) {
	for {
		value, version, err := store.Get(ctx, installationKey)
		if err == nil {
			found, err := readInstallation(value)
			return found, version, err
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, "", err
		}
		keys, err := store.List(ctx, recordPrefix)
		if err != nil {
			return nil, "", err
		}
		if len(keys) > 0 {
			return nil, "", &BrokenError{Key: installationKey, Reason: fmt.Sprintf("it is missing, while %d records are there", len(keys))}
		}
		if !create {
			return nil, "", ErrNoInstallation
		}
		made, err := newInstallation(clock, lineage)
		if err != nil {
			return nil, "", err
		}
		if version, err = putInstallation(ctx, store, made, ""); !errors.Is(err, ErrConflict) {
			return made, version, err
		}
	}
}

// newInstallation makes an installation, with a lineage of its own where it is given
// none.
func newInstallation(clock Clock, lineage string) (*installation, error) {
	if lineage == "" {
		made, err := uuid.NewRandom()
		if err != nil {
			return nil, fmt.Errorf("making a lineage: %w", err)
		}
		lineage = made.String()
	}
	key, err := seal.GenerateKey()
	if err != nil {
		return nil, err
	}
	return &installation{
		FormatVersion: FormatVersion, Lineage: lineage, CreatedAt: stamp(clock.Now()), FingerprintKey: key,
	}, nil
}

func readInstallation(value []byte) (*installation, error) {
	if mark, err := ReadMark(value); err != nil {
		return nil, err
	} else if mark != nil {
		return nil, mark.Err()
	}
	found := &installation{}
	if err := decode(installationKey, value, found); err != nil {
		return nil, err
	}
	if uuid.Validate(found.Lineage) != nil {
		return nil, &BrokenError{Key: installationKey, Reason: fmt.Sprintf("its lineage %q is no UUID", found.Lineage)}
	}
	if len(found.FingerprintKey) != seal.KeySize {
		return nil, &BrokenError{Key: installationKey, Reason: fmt.Sprintf("its fingerprint key does not have %d bytes", seal.KeySize)}
	}
	if found.Recipient != "" {
		if _, err := seal.ParseRecipient(found.Recipient); err != nil {
			return nil, &BrokenError{Key: installationKey, Reason: err.Error()}
		}
	}
	return found, nil
}

func putInstallation(ctx context.Context, store Store, value *installation, version string) (string, error) {
	text, err := encode(value)
	if err != nil {
		return "", err
	}
	return store.Put(ctx, installationKey, text, version)
}

// Recipient returns whom secrets of this installation are sealed to, or nil
// where none is set yet.
func (r *Records) Recipient() (*seal.Recipient, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.installation.Recipient == "" {
		return nil, nil
	}
	return seal.ParseRecipient(r.installation.Recipient)
}

// SetRecipient publishes whom secrets are sealed to. Setting the one that is set
// does nothing; another is ErrOtherRecipient, since what is sealed already could
// not be opened any more.
func (r *Records) SetRecipient(ctx context.Context, recipient *seal.Recipient) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch r.installation.Recipient {
		case recipient.String():
			return nil
		case "":
		default:
			return fmt.Errorf("%w: %s, and this identity's is %s; put the identity in place that belongs to the state",
				ErrOtherRecipient, r.installation.Recipient, recipient)
		}
		changed := *r.installation
		changed.Recipient = recipient.String()
		version, err := putInstallation(ctx, r.store, &changed, r.installationVersion)
		if err == nil {
			r.installation, r.installationVersion = &changed, version
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if r.installation, r.installationVersion, err = openInstallation(ctx, r.store, r.clock, r.lineage, true); err != nil {
			return err
		}
	}
}

// Fingerprinter returns what stands in for secret values of this installation.
func (r *Records) Fingerprinter() seal.Fingerprinter { return r.fingerprinter }
