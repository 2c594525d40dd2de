package planfile

import (
	"bytes"
	"fmt"

	"github.com/gantrycd/gantry/plan/seal"
)

// What is encrypted with a key has the key's ID in its first line, so that it can be told
// which key opens it.

func lock(body []byte, key *seal.SecretKey) ([]byte, error) {
	sealed, err := key.Seal(keyedPlace(key.ID()), body)
	if err != nil {
		return nil, err
	}
	return append([]byte(key.ID()+"\n"), sealed...), nil
}

func keyedPlace(id string) string { return "gantry plan\x00" + id }

// unlock opens a body that is encrypted with one of some keys.
func unlock(body []byte, keys []*seal.SecretKey) ([]byte, error) {
	id, sealed, found := bytes.Cut(body, []byte("\n"))
	if !found {
		return nil, invalid("it does not say which key it is encrypted with")
	}
	for _, key := range keys {
		if key.ID() != string(id) {
			continue
		}
		out, err := key.Open(keyedPlace(key.ID()), sealed)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w (its key is %q)", ErrEncrypted, id)
}
