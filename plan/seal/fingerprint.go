package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// KeySize is how long a fingerprint key is, in bytes.
const KeySize = 32

// Fingerprinter stands in for values that must not be shown. Equal values have
// equal fingerprints as long as the key is the same; without the key nothing can
// be said about a value, not even by trying likely ones. It is safe for concurrent
// use. The zero value must not be used.
type Fingerprinter struct{ key []byte }

// GenerateKey makes a new fingerprint key.
func GenerateKey() ([]byte, error) {
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("making a fingerprint key: %w", err)
	}
	return key, nil
}

// NewFingerprinter returns the Fingerprinter of a key of KeySize bytes.
func NewFingerprinter(key []byte) (Fingerprinter, error) {
	if len(key) != KeySize {
		return Fingerprinter{}, fmt.Errorf("a fingerprint key has %d bytes, not %d", KeySize, len(key))
	}
	return Fingerprinter{append([]byte{}, key...)}, nil
}

// Of returns a value's fingerprint: 64 bits of a keyed digest in hexadecimal, in
// angle quotation marks, "‹9f3c21ab04d1e877›".
func (f Fingerprinter) Of(value string) string {
	return opening + hex.EncodeToString(f.sum("fingerprint", []byte(value))[:tokenBytes]) + closing
}

// Digest returns a keyed digest of some parts, "hmac-sha256:…": for telling later
// whether they are what they were, where they may hold secrets.
func (f Fingerprinter) Digest(parts ...[]byte) string {
	return "hmac-sha256:" + hex.EncodeToString(f.sum("digest", parts...))
}

// Key returns a key of 32 bytes for one purpose, other than that of fingerprints: who
// has it learns nothing of the key that it is derived from.
func (f Fingerprinter) Key(purpose string) []byte { return f.sum("key", []byte(purpose)) }

// sum is the keyed digest of parts, for one purpose.
func (f Fingerprinter) sum(purpose string, parts ...[]byte) []byte {
	if len(f.key) != KeySize {
		panic("seal: a Fingerprinter without a key was used. This is a bug in gantry.")
	}
	mac := hmac.New(sha256.New, f.key)
	write := func(part []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		_, _ = mac.Write(size[:]) // a hash never fails
		_, _ = mac.Write(part)
	}
	write([]byte(purpose))
	for _, part := range parts {
		write(part)
	}
	return mac.Sum(nil)
}

// String returns object.Redacted, so that no format shows the key.
func (f Fingerprinter) String() string { return object.Redacted }

// GoString returns object.Redacted.
func (f Fingerprinter) GoString() string { return object.Redacted }

const (
	opening    = "‹"
	closing    = "›"
	tokenBytes = 8
)

// IsFingerprint reports whether a text has the form of a fingerprint.
func IsFingerprint(text string) bool {
	inner, ok := strings.CutPrefix(text, opening)
	if !ok {
		return false
	}
	inner, ok = strings.CutSuffix(inner, closing)
	if !ok || len(inner) != 2*tokenBytes {
		return false
	}
	_, err := hex.DecodeString(inner)
	return err == nil && inner == strings.ToLower(inner)
}

// KeyCheck tells Fingerprinters apart: those of one key have the same, and it says
// nothing of the key.
func (f Fingerprinter) KeyCheck() string {
	return "key:" + hex.EncodeToString(f.sum("key check")[:tokenBytes])
}
