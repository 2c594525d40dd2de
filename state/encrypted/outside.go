package encrypted

import (
	"context"

	"github.com/gantrycd/gantry/state"
)

var _ state.Sealer = (*Store)(nil)

// Seal implements state.Sealer.
func (s *Store) Seal(_ context.Context, key string, value []byte) ([]byte, error) {
	return s.keys.encrypt(key, value)
}

// Open implements state.Sealer.
func (s *Store) Open(_ context.Context, key string, value []byte) ([]byte, error) {
	return s.keys.decrypt(key, value)
}
