package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/state"
)

// Where the installation's identity comes from, beside --identity-file.
const (
	identityVariable     = "GANTRY_IDENTITY"
	identityFileVariable = "GANTRY_IDENTITY_FILE"
)

// loadIdentity returns the identity that is given by flag or environment, or that is in a
// folder; seal.ErrNoIdentity where there is none.
func (c *cli) loadIdentity(folder string) (*seal.Identity, error) {
	if c.identityFile != "" {
		return seal.Load(c.identityFile)
	}
	if text := c.getenv(identityVariable); text != "" {
		identity, err := seal.ParseIdentity(object.Sensitive(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", identityVariable, err)
		}
		return identity, nil
	}
	if path := c.getenv(identityFileVariable); path != "" {
		return seal.Load(path)
	}
	return seal.Load(filepath.Join(folder, "identity"))
}

// givesIdentity reports whether flag or environment name an identity.
func (c *cli) givesIdentity() bool {
	return c.identityFile != "" || c.getenv(identityVariable) != "" || c.getenv(identityFileVariable) != ""
}

// openIdentity returns what opens the secrets of a state, and whom they are sealed to. A
// state that seals to nobody yet gets an identity, which is made if there is none. Without
// the identity (nil) everything can be planned, and what is not sealed applied.
func (c *cli) openIdentity(ctx context.Context, records *state.Records, at place, folder string) (*seal.Identity, *seal.Recipient, error) {
	published, err := records.Recipient()
	if err != nil {
		return nil, nil, err
	}
	identity, err := c.loadIdentity(folder)
	switch {
	case err == nil:
	case !errors.Is(err, seal.ErrNoIdentity), c.givesIdentity():
		return nil, nil, failure("Identity cannot be read", err)
	case published != nil:
		return nil, published, nil
	default:
		path := filepath.Join(folder, "identity")
		made := false
		if identity, made, err = seal.LoadOrCreate(path); err != nil {
			return nil, nil, err
		}
		if made && !at.isLocal() {
			c.printDiagnostics(nil, hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Identity made", Detail: fmt.Sprintf(
				"The identity that opens this state's secrets is in %s, and in no backend. Keep a copy of it, and give it to whoever else applies, in %s or %s.", path, identityVariable, identityFileVariable)}})
		}
	}
	if err := records.SetRecipient(ctx, identity.Recipient()); err != nil {
		return nil, nil, failure("Identity is another state's", err)
	}
	return identity, identity.Recipient(), nil
}

// sealedHere says what is missing where something sealed cannot be opened.
func (b *backend) sealedHere(err error) error {
	if b.identity != nil || !errors.Is(err, planfile.ErrSealed) {
		return err
	}
	return fmt.Errorf("%w to %s, and the identity that opens them is not here: give it with --identity-file, %s or %s", err, b.to, identityVariable, identityFileVariable)
}
