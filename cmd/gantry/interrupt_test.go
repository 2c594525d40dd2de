package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(text)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestInterrupts: the first cancels, the second gives up what is in flight, the third
// leaves, as the second does where giving up takes too long.
func TestInterrupts(t *testing.T) {
	for _, third := range []bool{true, false} {
		t.Run(fmt.Sprintf("a third %v", third), func(t *testing.T) {
			var out lockedBuffer
			left := make(chan int, 1)
			ctx, giveUp, stop := interruptible(t.Context(), &out, func(code int) { left <- code })
			defer stop()

			interruptSelf(t)
			within(t, ctx.Done(), "the first interrupt does not cancel")
			if !errors.Is(context.Cause(ctx), errInterrupted) {
				t.Errorf("the cause is %v", context.Cause(ctx))
			}
			select {
			case <-giveUp:
				t.Error("the first interrupt gives up what is in flight")
			default:
			}
			interruptSelf(t)
			within(t, giveUp, "the second interrupt does not give up")
			if third {
				interruptSelf(t)
			}
			if code := within(t, left, "nothing ends it"); code != 130 {
				t.Errorf("left with %d", code)
			}
			if !strings.Contains(out.String(), "finishing what is in flight") || !strings.Contains(out.String(), "giving up what is in flight") {
				t.Errorf("both are announced, got %q", out.String())
			}
		})
	}
}

func within[T any](t *testing.T, c <-chan T, otherwise string) T {
	t.Helper()
	select {
	case value := <-c:
		return value
	case <-time.After(time.Minute):
		t.Fatal(otherwise)
		panic("unreachable")
	}
}

func interruptSelf(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}
