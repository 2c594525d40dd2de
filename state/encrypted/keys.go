package encrypted

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/seal"
)

// Algorithms of envelopes.
const (
	algorithmKey = "aes-256-gcm"
	algorithmAge = "age"
)

// Keys are what values are written and read with. The zero value writes in clear, and reads
// nothing that is encrypted.
type Keys struct {
	// Key writes and reads values; nil where Recipients do, or nothing is encrypted.
	Key *seal.SecretKey
	// Recipients are whom values are written to, and Identities read them.
	Recipients []*seal.Addressee
	Identities []*seal.Key
	// Previous read values that were written before the keys were changed.
	Previous []*seal.SecretKey
}

// IsZero reports whether nothing is encrypted.
func (k Keys) IsZero() bool { return k.Key == nil && len(k.Recipients) == 0 }

// ID tells what values are written with: the key's ID, or a digest of the recipients;
// empty where they are written in clear.
func (k Keys) ID() string {
	switch {
	case k.Key != nil:
		return k.Key.ID()
	case len(k.Recipients) > 0:
		names := make([]string, len(k.Recipients))
		for i, recipient := range k.Recipients {
			names[i] = recipient.String()
		}
		slices.Sort(names)
		sum := sha256.Sum256([]byte(strings.Join(slices.Compact(names), "\n")))
		return "age:" + hex.EncodeToString(sum[:8])
	}
	return ""
}

// Lenient returns what reads with the same keys and reads clear text, too.
func (k Keys) Lenient() Keys {
	out := Keys{Identities: k.Identities, Previous: k.Previous}
	if k.Key != nil {
		out.Previous = append(slices.Clone(k.Previous), k.Key)
	}
	return out
}

// names says which keys there are, for who lacks another.
func (k Keys) names() string {
	var out []string
	switch {
	case k.Key != nil:
		out = append(out, "the key that is configured is "+k.Key.ID())
	case len(k.Recipients) > 0 && len(k.Identities) == 0:
		out = append(out, "there is no identity to read it with: name one in the encryption block, or by GANTRY_STATE_IDENTITY")
	case len(k.Recipients) > 0:
		out = append(out, "the identity that is configured is of none of its recipients")
	default:
		out = append(out, "no key is configured: the encryption block of the gantry block says what it is")
	}
	for _, key := range k.Previous {
		out = append(out, "a previous one is "+key.ID())
	}
	return strings.Join(out, ", ")
}

// seal encrypts a value for a place.
func (k Keys) seal(place string, value []byte) ([]byte, error) {
	if k.Key != nil {
		return k.Key.Seal(place, value)
	}
	var out bytes.Buffer
	w, err := seal.Encrypt(&out, k.Recipients)
	if err != nil {
		return nil, err
	}
	for _, part := range [][]byte{placed(place), value} {
		if _, err := w.Write(part); err != nil {
			return nil, fmt.Errorf("encrypting: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return out.Bytes(), nil
}

// open decrypts a value of a place that was written by an algorithm with the key of an ID.
// errNoKey means that the key is not here.
func (k Keys) open(algorithm, id, place string, sealed []byte) ([]byte, error) {
	if algorithm == algorithmAge {
		return k.openAge(place, sealed)
	}
	for _, key := range append([]*seal.SecretKey{k.Key}, k.Previous...) {
		if key != nil && key.ID() == id {
			return key.Open(place, sealed)
		}
	}
	return nil, errNoKey
}

func (k Keys) openAge(place string, sealed []byte) ([]byte, error) {
	r, err := seal.Decrypt(bytes.NewReader(sealed), k.Identities)
	if errors.Is(err, seal.ErrWrongIdentity) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, seal.ErrDamaged
	}
	value, ok := bytes.CutPrefix(text, placed(place))
	if !ok {
		return nil, seal.ErrMoved
	}
	return value, nil
}

var errNoKey = errors.New("its key is not here")

// placed stands before a value that is encrypted to recipients, which ties it to its place.
func placed(place string) []byte {
	sum := sha256.Sum256([]byte(place))
	return sum[:]
}
