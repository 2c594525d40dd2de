// Package sops decrypts files that SOPS (https://getsops.io) has encrypted for age and PGP
// keys: YAML, JSON, dotenv and binary. It does so in memory, as renderers read the files,
// and verifies the code that authenticates a file as a whole: one that was tampered with is
// refused. It encrypts nothing, knows no key service (KMS, Vault), and starts no program.
//
// The format is SOPS' own, as its version 3.13 writes it; the library itself is not used,
// for it brings the clients of four clouds with it. Commands import it.
package sops

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// Options is what a Decrypter works with.
type Options struct {
	// Secrets reads the keys that configurations name.
	Secrets providers.Secrets
	// Getenv reads the environment, for the keys of those that name none: SOPS_AGE_KEY,
	// SOPS_AGE_KEY_FILE. nil is no environment.
	Getenv func(string) string
	// Dir is what relative paths in the environment are relative to.
	Dir string
}

// Decrypter decrypts trees. It is safe for concurrent use.
type Decrypter struct{ options Options }

var _ providers.Decrypter = (*Decrypter)(nil)

// New returns a Decrypter.
func New(options Options) *Decrypter {
	if options.Getenv == nil {
		options.Getenv = func(string) string { return "" }
	}
	return &Decrypter{options}
}

// Decrypt implements providers.Decrypter. Keys are read when the first encrypted file is.
func (d *Decrypter) Decrypt(ctx context.Context, tree fs.FS, keys *target.Decryption) providers.Decrypted {
	return &Tree{inner: tree, keyring: sync.OnceValues(func() (*Keyring, error) { return d.keyring(ctx, keys) })}
}

// keyring reads the keys that are to be used: those that are named, and no others, or
// those of the environment, as sops itself finds them.
func (d *Decrypter) keyring(ctx context.Context, keys *target.Decryption) (*Keyring, error) {
	if keys == nil {
		return d.fromEnvironment()
	}
	out := &Keyring{}
	for _, secret := range keys.Age {
		value, err := d.read(ctx, secret)
		if err == nil {
			err = out.AddAge(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", secret.Address, err)
		}
	}
	for _, secret := range keys.PGP {
		value, err := d.read(ctx, secret)
		if err == nil {
			err = out.AddPGP(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", secret.Address, err)
		}
	}
	return out, nil
}

func (d *Decrypter) read(ctx context.Context, secret *target.Secret) (string, error) {
	if d.options.Secrets == nil {
		return "", errors.New("secrets cannot be read here")
	}
	value, err := d.options.Secrets.Read(ctx, secret)
	return string(value), err
}

func (d *Decrypter) fromEnvironment() (*Keyring, error) {
	out := &Keyring{}
	if text := d.options.Getenv("SOPS_AGE_KEY"); text != "" {
		if err := out.AddAge(text); err != nil {
			return nil, fmt.Errorf("SOPS_AGE_KEY: %w", err)
		}
	}
	if path := d.options.Getenv("SOPS_AGE_KEY_FILE"); path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(d.options.Dir, path)
		}
		text, err := os.ReadFile(path)
		if err == nil {
			err = out.AddAge(string(text))
		}
		if err != nil {
			return nil, fmt.Errorf("SOPS_AGE_KEY_FILE: %w", err)
		}
	}
	return out, nil
}

// ErrTampered is that a file is not what was encrypted.
var ErrTampered = errors.New("it was changed after it was encrypted: its authentication code (MAC) is not that of its content")

// ErrNoKey is that none of the keys at hand is one that a file is encrypted for.
var ErrNoKey = errors.New("no key for it is at hand")

// file is an encrypted file in one of the formats.
type file interface {
	// metadata is what sops noted in the file.
	metadata() (*metadata, error)
	// walk calls leaf for every value, in the order of the file, with the keys that lead to
	// it, and takes what it returns in its place.
	walk(leaf func(path []string, value any) (any, error)) error
	// plain is the file with the values that walk has set, without what sops noted.
	plain() ([]byte, error)
}

// Decrypt returns the content of a file in the clear, and the values that were encrypted.
// What is not encrypted is returned as it is, with false. Errors hold no part of a value.
func (k *Keyring) Decrypt(name string, content []byte) (plain []byte, secrets []string, encrypted bool, err error) {
	if !Marked(content) {
		return content, nil, false, nil
	}
	f, err := open(name, content)
	if err != nil || f == nil {
		return content, nil, f != nil, err
	}
	meta, err := f.metadata()
	if err != nil {
		return nil, nil, true, err
	}
	opener, err := k.opener(meta)
	if err != nil {
		return nil, nil, true, err
	}
	mac := newMAC(meta)
	err = f.walk(func(path []string, value any) (any, error) {
		hidden := meta.hides(path)
		if hidden {
			text, ok := value.(string)
			if !ok {
				return nil, fmt.Errorf("%s is to be encrypted, and is not: %w", strings.Join(path, "."), ErrTampered)
			}
			if value, err = opener.value(text, path); err != nil {
				return nil, fmt.Errorf("%s: %w", strings.Join(path, "."), err)
			}
			if text, ok := value.(string); ok && text != "" {
				secrets = append(secrets, text)
			}
		}
		if _, isComment := value.(comment); !isComment && (hidden || !meta.MACOnlyEncrypted) {
			mac.add(value)
		}
		return value, nil
	})
	if err == nil {
		err = opener.verify(mac, meta)
	}
	if err != nil {
		return nil, nil, true, err
	}
	plain, err = f.plain()
	return plain, secrets, true, err
}
