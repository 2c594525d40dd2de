package main

import (
	"context"
	"errors"
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

func TestFirstInterruptCancelsSecondLeaves(t *testing.T) {
	var out lockedBuffer
	left := make(chan int, 1)
	ctx, stop := interruptible(t.Context(), &out, func(code int) { left <- code })
	defer stop()

	interruptSelf(t)
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the first interrupt does not cancel")
	}
	if !errors.Is(context.Cause(ctx), errInterrupted) {
		t.Errorf("the cause is %v", context.Cause(ctx))
	}
	interruptSelf(t)
	select {
	case code := <-left:
		if code != 130 {
			t.Errorf("left with %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the second interrupt does not leave")
	}
	if !strings.Contains(out.String(), "finishing what is in flight") || !strings.Contains(out.String(), "leaving at once") {
		t.Errorf("both are announced, got %q", out.String())
	}
}

func interruptSelf(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}
