package notify_test

import (
	"context"
	"errors"
	"strings"

	"github.com/gantrycd/gantry/state"
)

// failingStore cannot write below a prefix.
type failingStore struct {
	state.Store
	prefix string
}

func (s *failingStore) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if strings.HasPrefix(key, s.prefix) {
		return "", errors.New("the disk is full")
	}
	return s.Store.Put(ctx, key, value, version)
}
