package sops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	agearmor "filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	pgparmor "github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Keyring is the private keys at hand. The zero value has none. It is not changed once it
// decrypts.
type Keyring struct {
	age []age.Identity
	pgp openpgp.EntityList
}

// AddAge adds age identities, one a line, or an SSH private key. Its errors hold no part of
// a key.
func (k *Keyring) AddAge(text string) error {
	if strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN") {
		identity, err := agessh.ParseIdentity([]byte(text))
		if err != nil {
			return errors.New("it is no SSH private key without a passphrase")
		}
		k.age = append(k.age, identity)
		return nil
	}
	identities, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		return errors.New("it is no age identity: it must be a line that begins with AGE-SECRET-KEY-1")
	}
	k.age = append(k.age, identities...)
	return nil
}

// AddPGP adds private keys of PGP, armored or not. Its errors hold no part of a key.
func (k *Keyring) AddPGP(text string) error {
	read, of := openpgp.ReadKeyRing, io.Reader(strings.NewReader(text))
	if strings.Contains(text, "-----BEGIN PGP") {
		read = openpgp.ReadArmoredKeyRing
	}
	keys, err := read(of)
	if err != nil {
		return errors.New("it is no PGP key: export one with gpg --export-secret-keys --armor")
	}
	for _, key := range keys {
		if key.PrivateKey == nil {
			return fmt.Errorf("the PGP key %X is a public one: export the private one with gpg --export-secret-keys --armor", key.PrimaryKey.Fingerprint)
		}
		for _, sub := range key.Subkeys {
			if sub.PrivateKey != nil && sub.PrivateKey.Encrypted {
				return fmt.Errorf("the PGP key %X has a passphrase, which is not supported: keep it without one where it is read from", key.PrimaryKey.Fingerprint)
			}
		}
	}
	k.pgp = append(k.pgp, keys...)
	return nil
}

// opener opens the key of a file with one of those at hand.
func (k *Keyring) opener(m *metadata) (*opener, error) {
	for _, r := range m.Age {
		if len(k.age) == 0 {
			break
		}
		if key, err := k.openAge(r.Encrypted); err == nil {
			return newOpener(key)
		}
	}
	for _, r := range m.PGP {
		if len(k.pgp) == 0 {
			break
		}
		if key, err := k.openPGP(r.Encrypted); err == nil {
			return newOpener(key)
		}
	}
	return nil, fmt.Errorf("it is encrypted with SOPS for %s, and %w. Name one in a decryption block of the application, or of its profile, or set SOPS_AGE_KEY or SOPS_AGE_KEY_FILE", m.recipients(), ErrNoKey)
}

// maxKey bounds what is read of a file's own key, which has 32 bytes.
const maxKey = 1 << 10

func (k *Keyring) openAge(text string) ([]byte, error) {
	plain, err := age.Decrypt(agearmor.NewReader(strings.NewReader(text)), k.age...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(plain, maxKey))
}

func (k *Keyring) openPGP(text string) ([]byte, error) {
	block, err := pgparmor.Decode(bytes.NewReader([]byte(text)))
	if err != nil {
		return nil, err
	}
	message, err := openpgp.ReadMessage(block.Body, k.pgp, nil, nil)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(message.UnverifiedBody, maxKey))
}
