// Package memory is a state store that lives and dies with the process: for
// tests, and for plans that are made without any state.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gantrycd/gantry/state"
)

// Store is a state.Store in memory.
type Store struct {
	mu     sync.Mutex
	writes uint64 // counts writes; a value's version is the count of its write
	values map[string]value
}

type value struct {
	data    []byte
	version string
}

var _ state.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store { return &Store{values: map[string]value{}} }

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, string, error) {
	if err := check(ctx, key); err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	if !ok {
		return nil, "", fmt.Errorf("%s: %w", key, state.ErrNotFound)
	}
	return bytes.Clone(v.data), v.version, nil
}

// Put implements state.Store.
func (s *Store) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[key].version != version {
		return "", fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	s.writes++
	v := value{data: append([]byte{}, data...), version: strconv.FormatUint(s.writes, 10)}
	s.values[key] = v
	return v.version, nil
}

// List implements state.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := state.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key := range s.values {
		if prefix == "" || strings.HasPrefix(key, prefix+"/") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Delete implements state.Store.
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	if !ok {
		return fmt.Errorf("%s: %w", key, state.ErrNotFound)
	}
	if v.version != version {
		return fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	delete(s.values, key)
	return nil
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return state.CheckKey(key)
}
