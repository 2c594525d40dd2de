package once

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestComputedOnce(t *testing.T) {
	var m Map[string, int]
	var calls atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for key, want := range map[string]int{"a": 1, "bb": 2} {
				got, err := m.Get(t.Context(), key, func(context.Context) (int, error) {
					calls.Add(1)
					return len(key), nil
				})
				if got != want || err != nil {
					t.Errorf("%s: %d, %v", key, got, err)
				}
			}
		})
	}
	group.Wait()
	if calls.Load() != 2 {
		t.Errorf("computed %d times", calls.Load())
	}
}

func TestFailures(t *testing.T) {
	var m Map[int, int]
	calls := 0
	fail := func(context.Context) (int, error) { calls++; return 0, errors.New("no") }
	for range 2 {
		if _, err := m.Get(t.Context(), 1, fail); err == nil || calls != 1 {
			t.Errorf("%v after %d calls", err, calls)
		}
	}
	// The end of one caller's context is not kept.
	ctx, cancel := context.WithCancel(t.Context())
	_, err := m.Get(ctx, 2, func(ctx context.Context) (int, error) {
		cancel()
		return 0, ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got, err := m.Get(t.Context(), 2, func(context.Context) (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
}

func TestWaitingEnds(t *testing.T) {
	var m Map[int, int]
	inside, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_, _ = m.Get(context.Background(), 1, func(context.Context) (int, error) {
			close(inside)
			<-release
			return 1, nil
		})
	})
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	group.Go(cancel)
	if _, err := m.Get(ctx, 1, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	group.Wait()
}
