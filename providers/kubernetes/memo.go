package kubernetes

import (
	"context"
	"sync"
)

// memo keeps a value that is read once. A read that fails is not kept. The zero
// value is empty.
type memo[T any] struct {
	mu         sync.Mutex
	value      *T
	reading    chan struct{} // closed when the read under way ends; nil when none is
	generation int           // of forget, so that a read begun before it is not kept after it
}

// get returns the value, and reads it first where it is not known. One caller
// reads and the others wait; where the reader fails, the next one tries for
// itself.
func (m *memo[T]) get(ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	for {
		m.mu.Lock()
		if m.value != nil {
			value := *m.value
			m.mu.Unlock()
			return value, nil
		}
		if m.reading == nil {
			return m.readLocked(ctx, read)
		}
		wait := m.reading
		m.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			var none T
			return none, context.Cause(ctx)
		}
	}
}

// readLocked reads as the one reader. It is called with the lock held, and
// releases it.
func (m *memo[T]) readLocked(ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	done := make(chan struct{})
	generation := m.generation
	m.reading = done
	m.mu.Unlock()

	value, err := read(ctx)

	m.mu.Lock()
	defer m.mu.Unlock()
	if m.generation == generation {
		m.reading = nil
		if err == nil {
			m.value = &value
		}
	}
	close(done)
	return value, err
}

// forget drops the value.
func (m *memo[T]) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value, m.reading = nil, nil
	m.generation++
}
