package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/encrypted"
)

// encryptionKeyVariable has the key that state and plans are encrypted with, in place of
// the configuration's.
const encryptionKeyVariable = "GANTRY_ENCRYPTION_KEY"

// keys reads what state and plans of a directory are encrypted with: what the encryption
// block says, nil where there is none, and what the environment says in its place. Errors
// name where a key should be, and never show it.
func (c *cli) keys(ctx context.Context, dir string, block *lang.Encryption) (encrypted.Keys, error) {
	var out encrypted.Keys
	if block == nil {
		block = &lang.Encryption{}
	}
	cache, err := c.cache()
	if err != nil {
		return out, err
	}
	secrets := c.secrets(dir, c.clusters(dir, cache))
	read := func(what string, from target.Credential) (object.Sensitive, error) {
		text, err := from.Resolve(ctx, secrets.Read)
		if err == nil && text == "" {
			err = errors.New("it is empty")
		}
		if err != nil {
			return "", fmt.Errorf("%s of the encryption block: %w", what, err)
		}
		return text, nil
	}
	secretKey := func(what string, from target.Credential) (*seal.SecretKey, error) {
		text, err := read(what, from)
		if err != nil {
			return nil, err
		}
		key, err := seal.ParseSecretKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s of the encryption block: %w", what, err)
		}
		return key, nil
	}
	identity := func(what string, from target.Credential) error {
		text, err := read(what, from)
		if err != nil {
			return err
		}
		keys, err := seal.ParseKeys(text)
		if err != nil {
			return fmt.Errorf("%s of the encryption block: %w", what, err)
		}
		out.Identities = append(out.Identities, keys...)
		return nil
	}
	switch text := c.getenv(encryptionKeyVariable); {
	case text != "":
		if out.Key, err = seal.ParseSecretKey(object.Sensitive(text)); err != nil {
			return out, fmt.Errorf("%s: %w", encryptionKeyVariable, err)
		}
	case !block.Key.IsZero():
		if out.Key, err = secretKey("the key", block.Key); err != nil {
			return out, err
		}
	}
	if out.Key == nil {
		for _, text := range block.Recipients {
			to, err := seal.ParseAddressee(text)
			if err != nil {
				return out, err
			}
			out.Recipients = append(out.Recipients, to)
		}
	}
	if !block.Identity.IsZero() {
		if err := identity("the identity", block.Identity); err != nil {
			return out, err
		}
	}
	for _, previous := range block.Previous {
		if !previous.Identity.IsZero() {
			if err := identity("a previous identity", previous.Identity); err != nil {
				return out, err
			}
			continue
		}
		key, err := secretKey("a previous key", previous.Key)
		if err != nil {
			return out, err
		}
		out.Previous = append(out.Previous, key)
	}
	return out, nil
}

// keysOf reads the keys of a place.
func (c *cli) keysOf(ctx context.Context, dir string, at place) (encrypted.Keys, error) {
	out, err := c.keys(ctx, dir, at.encryption)
	if err != nil {
		return out, err
	}
	if len(out.Recipients) > 0 { // what is sealed is the installation's to open, and so is this
		found, err := c.loadIdentity(at.folder(dir))
		switch {
		case err == nil:
			out.Identities = append(out.Identities, found.Key())
		case !errors.Is(err, seal.ErrNoIdentity):
			return out, err
		}
	}
	return out, nil
}

// openEncrypted opens the store of a place, with what decrypts it. Where the state is
// encrypted and the place is of a saved plan, the configuration that is here says with what.
func (c *cli) openEncrypted(ctx context.Context, dir string, at place) (state.Store, error) {
	below, err := c.openStore(ctx, dir, at)
	if err != nil {
		return nil, err
	}
	keys, err := c.keysOf(ctx, dir, at)
	if err != nil {
		return nil, err
	}
	out := encrypted.New(below, keys)
	if at.encryption != nil || at.configured || !keys.IsZero() {
		return out, nil
	}
	if _, _, err := out.Get(ctx, "installation"); !errors.Is(err, encrypted.ErrKey) {
		return out, nil
	}
	if keys, err = c.keysHere(ctx, dir, at); err != nil {
		return nil, err
	}
	return encrypted.New(below, keys), nil
}

// keysHere reads the keys that the configuration of a directory names, if there is one.
func (c *cli) keysHere(ctx context.Context, dir string, at place) (encrypted.Keys, error) {
	read, _, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return c.keysOf(ctx, dir, at)
	}
	at.encryption = read.config.Settings.Encryption
	return c.keysOf(ctx, dir, at)
}

// encryptPlan has a plan that is saved be encrypted as the state is, where nobody has said
// to whom.
func (w *work) encryptPlan(ctx context.Context, options *planfile.WriteOptions) error {
	if len(options.EncryptTo) > 0 {
		return nil
	}
	keys, err := w.cli.keysOf(ctx, w.dir, w.state.place)
	if err != nil {
		return failure("Plan cannot be encrypted", err)
	}
	options.Key, options.EncryptTo = keys.Key, keys.Recipients
	return nil
}

// planKeys adds the keys that open a plan file which is encrypted as the state is.
func (c *cli) planKeys(ctx context.Context, options *planfile.ReadOptions) error {
	dir, err := c.directory()
	if err != nil {
		return err
	}
	keys, err := c.keysHere(ctx, dir, place{})
	if err != nil {
		return err
	}
	options.Keys = append(options.Keys, keys.Identities...)
	options.SecretKeys = keys.Previous
	if keys.Key != nil {
		options.SecretKeys = append(options.SecretKeys, keys.Key)
	}
	return nil
}
