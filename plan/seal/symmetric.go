package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// SecretKey encrypts and opens values with one key of 32 bytes (AES-256-GCM). Other than
// with an Addressee, only who has the key can make a value that opens. It is secret: it
// prints as (sensitive).
//
// Every value has a key of its own, derived (HKDF-SHA-256) from the SecretKey and 32
// random bytes that stand before it. So no two values share a key and a nonce, however many
// there are: random nonces under one key are safe for some 2^32 values only, which a state
// that is written for years by many machines could come near, and nobody counts them.
type SecretKey struct {
	key []byte
	id  string
}

const saltSize = 32

// ParseSecretKey reads a key: 32 bytes in base64.
func ParseSecretKey(text object.Sensitive) (*SecretKey, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text.Reveal()))
	if err != nil || len(key) != KeySize {
		return nil, fmt.Errorf("it is no key: expected %d random bytes in base64, as \"openssl rand -base64 %d\" prints them", KeySize, KeySize)
	}
	made := &SecretKey{key: key}
	id, err := made.derive(nil, "gantry key id 1")
	if err != nil {
		return nil, err
	}
	made.id = "aes:" + hex.EncodeToString(id[:tokenBytes])
	return made, nil
}

// GenerateSecretKey makes a new key, as ParseSecretKey reads it.
func GenerateSecretKey() (object.Sensitive, error) {
	key, err := GenerateKey()
	if err != nil {
		return "", err
	}
	return object.Sensitive(base64.StdEncoding.EncodeToString(key)), nil
}

// ID tells keys apart, "aes:9f3c21ab04d1e877", and says nothing of the key.
func (k *SecretKey) ID() string { return k.id }

// String returns object.Redacted.
func (k *SecretKey) String() string { return object.Redacted }

// GoString returns object.Redacted.
func (k *SecretKey) GoString() string { return object.Redacted }

// Seal encrypts a value. The place says where it belongs, and Open must be told the same.
// Every call gives other bytes.
func (k *SecretKey) Seal(place string, value []byte) ([]byte, error) {
	out := make([]byte, saltSize, saltSize+len(value)+16)
	if _, err := rand.Read(out); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	gcm, err := k.gcm(out)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return gcm.Seal(out, make([]byte, gcm.NonceSize()), value, []byte(place)), nil
}

// Open decrypts what Seal returned. It is ErrDamaged where a bit of it is not as it was,
// where it is of another place, and where it was made with another key.
func (k *SecretKey) Open(place string, sealed []byte) ([]byte, error) {
	if len(sealed) < saltSize {
		return nil, fmt.Errorf("%w: it is cut short", ErrDamaged)
	}
	gcm, err := k.gcm(sealed[:saltSize])
	if err != nil {
		return nil, err
	}
	value, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), sealed[saltSize:], []byte(place))
	if err != nil {
		return nil, ErrDamaged
	}
	return value, nil
}

// gcm is the cipher of the value that has a salt.
func (k *SecretKey) gcm(salt []byte) (cipher.AEAD, error) {
	key, err := k.derive(salt, "gantry value 1")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (k *SecretKey) derive(salt []byte, use string) ([]byte, error) {
	if k == nil || len(k.key) != KeySize {
		return nil, errors.New("there is no key")
	}
	return hkdf.Key(sha256.New, k.key, salt, use, KeySize)
}
