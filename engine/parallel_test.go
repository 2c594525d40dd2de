package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// caught runs a function and returns what it panicked with.
func caught(run func()) (value any) {
	defer func() { value = recover() }()
	run()
	return nil
}

func explode() { panic("at the third") }

// TestPanicsReachTheCaller: a panic in any goroutine is one of whoever waits for it,
// after the others are done.
func TestPanicsReachTheCaller(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{2, 8} {
		var done atomic.Int64
		value := caught(func() {
			parallel(t.Context(), limit, 8, func(i int) {
				if i == 2 {
					explode()
				}
				done.Add(1)
			})
		})
		found, ok := value.(*Panic)
		if !ok || found.Value != "at the third" || !strings.Contains(string(found.Stack), "explode") {
			t.Errorf("%d at a time: panicked with %v", limit, value)
		}
		if done.Load() != 7 {
			t.Errorf("%d at a time: %d others were done", limit, done.Load())
		}
	}
	nested := caught(func() {
		parallel(t.Context(), 2, 2, func(int) { parallel(t.Context(), 2, 2, func(int) { explode() }) })
	})
	if found, ok := nested.(*Panic); !ok || found.Value != "at the third" {
		t.Errorf("nested: panicked with %v", nested)
	}
}

func TestParallelStopsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 3} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var calls atomic.Int64
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			parallel(ctx, limit, 1000, func(int) {
				if calls.Add(1) == 2 {
					cancel(errors.New("enough"))
				}
			})
		}()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("it does not end")
		}
		if n := calls.Load(); n < 2 || n > int64(2+2*limit+1) {
			t.Errorf("%d at a time: %d calls", limit, n)
		}
	}
}
