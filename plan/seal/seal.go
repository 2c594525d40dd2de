// Package seal keeps values that must travel but not be read: it seals them to
// the age recipient of an installation, and it stands in for them with
// fingerprints where people only need to see that one changed.
//
// Sealing hides a value and ties it to its place; it does not say who sealed it,
// since whoever has the recipient can. The package decides nothing about what is
// a secret; plan/redact does.
package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/gantrycd/gantry/plan/object"
)

var (
	// ErrWrongIdentity means that a value was sealed to another recipient.
	ErrWrongIdentity = errors.New("sealed to another recipient than this identity's")
	// ErrMoved means that a sealed value is not where it was sealed for.
	ErrMoved = errors.New("sealed for another place than where it was found")
	// ErrDamaged means that sealed bytes are not as they were made.
	ErrDamaged = errors.New("sealed value is damaged")
)

// Recipient is whom values are sealed to: the public half of an Identity. It
// is not secret.
type Recipient struct{ age *age.X25519Recipient }

// ParseRecipient parses what Recipient.String prints: "age1…".
func ParseRecipient(text string) (*Recipient, error) {
	recipient, err := age.ParseX25519Recipient(text)
	if err != nil {
		return nil, fmt.Errorf("recipient %q: expected a public key like age1…", text)
	}
	return &Recipient{recipient}, nil
}

// String returns the public key, "age1…".
func (r *Recipient) String() string { return r.age.String() }

// Identity opens what was sealed to its recipient. It is secret: it prints as
// (sensitive).
type Identity struct{ age *age.X25519Identity }

// GenerateIdentity makes a new identity.
func GenerateIdentity() (*Identity, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("making an identity: %w", err)
	}
	return &Identity{identity}, nil
}

// ParseIdentity parses an identity's secret key, "AGE-SECRET-KEY-1…".
func ParseIdentity(text object.Sensitive) (*Identity, error) {
	identity, err := age.ParseX25519Identity(text.Reveal())
	if err != nil {
		return nil, errors.New("not an identity: expected a secret key like AGE-SECRET-KEY-1…")
	}
	return &Identity{identity}, nil
}

// Recipient returns whom to seal to so that the identity can open it.
func (i *Identity) Recipient() *Recipient { return &Recipient{i.age.Recipient()} }

// SecretKey returns what ParseIdentity parses.
func (i *Identity) SecretKey() object.Sensitive { return object.Sensitive(i.age.String()) }

// String returns object.Redacted.
func (i *Identity) String() string { return object.Redacted }

// GoString returns object.Redacted.
func (i *Identity) GoString() string { return object.Redacted }

// Seal encrypts a value for a recipient. The place names where it belongs, and
// Open must be told the same; so a sealed value cannot be put where another was.
// Every call gives other bytes.
func Seal(recipient *Recipient, place string, value []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipient.age)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if _, err := w.Write(header(place)); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if _, err := w.Write(value); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return out.Bytes(), nil
}

// Open decrypts what Seal returned. Errors are ErrWrongIdentity, ErrMoved and
// ErrDamaged.
func (i *Identity) Open(place string, sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), i.age)
	if err != nil {
		var other *age.NoIdentityMatchError
		if errors.As(err, &other) {
			return nil, ErrWrongIdentity
		}
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	value, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	value, ok := bytes.CutPrefix(value, header(place))
	if !ok {
		return nil, ErrMoved
	}
	return value, nil
}

// header is what stands before a sealed value: which format, for which place.
func header(place string) []byte {
	sum := sha256.Sum256([]byte(place))
	return append([]byte("gantry-sealed-1\n"), sum[:]...)
}
