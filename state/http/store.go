package http

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/gantrycd/gantry/state"
)

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, string, error) {
	if err := check(ctx, key); err != nil {
		return nil, "", err
	}
	found, err := s.look(ctx)
	if err != nil {
		return nil, "", err
	}
	one, ok, err := found.entry(key)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "", fmt.Errorf("%s: %w", key, state.ErrNotFound)
	}
	value, err := one.value(key)
	if err != nil {
		return nil, "", err
	}
	return value, one.Version, nil
}

// Put implements state.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	written := random()
	next, err := encodeEntry(written, value)
	if err != nil {
		return "", err
	}
	if err := s.change(ctx, &change{key: key, expected: version, next: next}); err != nil {
		return "", err
	}
	return written, nil
}

// List implements state.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := state.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	found, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	return found.below(prefix), nil
}

// GetAll implements state.BulkReader.
func (s *Store) GetAll(ctx context.Context, prefix string) ([]state.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := state.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	found, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	keys := found.below(prefix)
	items := make([]state.Item, len(keys))
	var readers errgroup.Group
	readers.SetLimit(runtime.GOMAXPROCS(0))
	for i, key := range keys {
		readers.Go(func() error {
			one, _, err := found.entry(key)
			if err != nil {
				return err
			}
			value, err := one.value(key)
			items[i] = state.Item{Key: key, Value: value, Version: one.Version}
			return err
		})
	}
	if err := readers.Wait(); err != nil {
		return nil, err
	}
	return items, nil
}

// Delete implements state.Store.
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	return s.change(ctx, &change{key: key, expected: version})
}

// change is one write of one key that waits for its turn.
type change struct {
	key, expected string
	next          json.RawMessage // an entry; nil deletes

	done chan error
}

// make changes a document, where the key is as it is expected to be.
func (c *change) make(d *document) error {
	found, ok, err := d.entry(c.key)
	switch {
	case err != nil:
		return err
	case !ok && c.next == nil:
		return fmt.Errorf("%s: %w", c.key, state.ErrNotFound)
	case found.Version != c.expected:
		return fmt.Errorf("%s: %w", c.key, state.ErrConflict)
	case c.next == nil:
		delete(d.keys, c.key)
	default:
		d.keys[c.key] = c.next
	}
	return nil
}

// change has a change made and waits for it.
func (s *Store) change(ctx context.Context, c *change) error {
	c.done = make(chan error, 1)
	s.mu.Lock()
	s.waiting = append(s.waiting, c)
	if !s.working {
		s.working = true
		go s.work() // until every change has had its turn, which each waits for
	}
	s.mu.Unlock()
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
	}
	if s.withdraw(c) {
		return ctx.Err()
	}
	return <-c.done // it has its turn, which is bounded
}

// withdraw takes back a change whose turn has not come.
func (s *Store) withdraw(c *change) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.waiting, c)
	if at < 0 {
		return false
	}
	s.waiting = slices.Delete(s.waiting, at, at+1)
	if len(s.waiting) == 0 && s.cancel != nil {
		s.cancel()
	}
	return true
}

// work gives turns until nothing waits.
func (s *Store) work() {
	for {
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.working = false
			s.mu.Unlock()
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		s.cancel = cancel
		s.mu.Unlock()

		held, err := s.lock(ctx)
		s.mu.Lock()
		s.cancel = nil
		if err != nil && ctx.Err() != nil {
			s.mu.Unlock() // all that waited were withdrawn; others may have come since
			continue
		}
		batch := s.waiting
		s.waiting = nil
		s.mu.Unlock()
		cancel()
		if err == nil {
			s.turn(held, batch)
			continue
		}
		for _, c := range batch {
			c.done <- err
		}
	}
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return state.CheckKey(key)
}
