// Package once computes values one time for many callers, each with a context of
// its own: what sources remember for the length of a plan.
//
// It is a leaf and imports nothing of Gantry.
package once

import (
	"context"
	"sync"
)

// Map holds values by key. The zero value is empty. It is safe for concurrent
// use.
type Map[K comparable, V any] struct {
	mu    sync.Mutex
	slots map[K]*slot[V]
}

type slot[V any] struct {
	turn  chan struct{} // holds one while someone computes or looks
	done  bool
	value V
	err   error
}

// Get returns the value of a key, and computes it for the first caller while
// others wait. Success and failure are both kept, but not the failure of a
// caller whose own context ended: the next one computes again.
func (m *Map[K, V]) Get(ctx context.Context, key K, compute func(context.Context) (V, error)) (V, error) {
	var none V
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	s := m.slot(key)
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	if s.done {
		return s.value, s.err
	}
	value, err := compute(ctx)
	if err == nil || ctx.Err() == nil {
		s.done, s.value, s.err = true, value, err
	}
	return value, err
}

func (m *Map[K, V]) slot(key K) *slot[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots == nil {
		m.slots = map[K]*slot[V]{}
	}
	s := m.slots[key]
	if s == nil {
		s = &slot[V]{turn: make(chan struct{}, 1)}
		m.slots[key] = s
	}
	return s
}
