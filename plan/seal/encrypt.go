package seal

import (
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/plan/object"
)

// Addressee is someone who can read what is encrypted to them as a whole: the public
// half of a Key. It is not secret.
type Addressee struct {
	age  age.Recipient
	text string
}

// ParseAddressee parses a public key: age's ("age1…", "age1pq1…") or an SSH key in one
// line ("ssh-ed25519 AAAA…", "ssh-rsa AAAA…").
func ParseAddressee(text string) (*Addressee, error) {
	text = strings.TrimSpace(text)
	var to age.Recipient
	var err error
	switch {
	case strings.HasPrefix(text, "age1pq1"):
		to, err = age.ParseHybridRecipient(text)
	case strings.HasPrefix(text, "age1"):
		to, err = age.ParseX25519Recipient(text)
	case strings.HasPrefix(text, "ssh-"):
		to, err = agessh.ParseRecipient(text)
	case strings.HasPrefix(text, "AGE-SECRET-KEY-"):
		return nil, errors.New("that is a secret key: give the public key that belongs to it, like age1…")
	default:
		err = errors.New("unknown form")
	}
	if err != nil {
		return nil, fmt.Errorf("recipient %q: expected a public key like age1… or ssh-ed25519 AAAA…", text)
	}
	return &Addressee{age: to, text: text}, nil
}

// String returns the public key.
func (a *Addressee) String() string { return a.text }

// Key opens what was encrypted to its Addressee. It is secret: it prints as (sensitive).
type Key struct{ age age.Identity }

// String returns object.Redacted.
func (k *Key) String() string { return object.Redacted }

// GoString returns object.Redacted.
func (k *Key) GoString() string { return object.Redacted }

// Key returns the identity as a key for what is encrypted to its recipient as a whole.
func (i *Identity) Key() *Key { return &Key{i.age} }

// LoadKeys reads the keys of a file: secret keys of age, a line each, or one SSH
// private key, which passphrase opens where it is protected by one.
func LoadKeys(path string, passphrase object.Sensitive) ([]*Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a key: %w", err)
	}
	if err := private(path); err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(text)), "-----BEGIN") {
		key, err := parseSSHKey(text, passphrase)
		if err != nil {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
		return []*Key{key}, nil
	}
	keys, err := ParseKeys(object.Sensitive(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

// ParseKeys reads secret keys of age, a line each.
func ParseKeys(text object.Sensitive) ([]*Key, error) {
	found, err := age.ParseIdentities(strings.NewReader(text.Reveal()))
	if err != nil { // which could quote it
		return nil, errors.New("expected secret keys like AGE-SECRET-KEY-1…, or an SSH private key")
	}
	keys := make([]*Key, len(found))
	for i, identity := range found {
		keys[i] = &Key{identity}
	}
	return keys, nil
}

func parseSSHKey(text []byte, passphrase object.Sensitive) (*Key, error) {
	private, err := ssh.ParseRawPrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if passphrase == "" {
			return nil, errors.New("it is protected by a passphrase, and none is given")
		}
		if private, err = ssh.ParseRawPrivateKeyWithPassphrase(text, []byte(passphrase.Reveal())); err != nil {
			return nil, errors.New("it does not open with the passphrase that is given")
		}
	}
	if err != nil {
		return nil, errors.New("it is no SSH private key that can be read") // the error could quote it
	}
	var identity age.Identity
	switch private := private.(type) {
	case *ed25519.PrivateKey:
		identity, err = agessh.NewEd25519Identity(*private)
	case *rsa.PrivateKey:
		identity, err = agessh.NewRSAIdentity(private)
	default:
		return nil, fmt.Errorf("nothing can be encrypted to an SSH key of its kind (%T): use ed25519 or RSA", private)
	}
	if err != nil {
		return nil, errors.New("it is no SSH private key that something can be encrypted to")
	}
	return &Key{identity}, nil
}

// Encrypt returns what encrypts to w for addressees, of whom there is at least one; each
// can read it with one of their keys. What is written is complete once it is closed.
func Encrypt(w io.Writer, to []*Addressee) (io.WriteCloser, error) {
	recipients := make([]age.Recipient, len(to))
	for i, one := range to {
		recipients[i] = one.age
	}
	out, err := age.Encrypt(w, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return out, nil
}

// Decrypt reads what Encrypt wrote. It is ErrWrongIdentity where no key is of one of
// the addressees. Damage is an error of reading at the latest.
func Decrypt(r io.Reader, keys []*Key) (io.Reader, error) {
	if len(keys) == 0 {
		return nil, ErrWrongIdentity
	}
	identities := make([]age.Identity, len(keys))
	for i, key := range keys {
		identities[i] = key.age
	}
	out, err := age.Decrypt(r, identities...)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return nil, ErrWrongIdentity
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return out, nil
}
