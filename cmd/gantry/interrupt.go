package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// errInterrupted is why a context ended: someone pressed Ctrl-C, or the process
// was asked to end.
var errInterrupted = errors.New("interrupted")

// interruption is errInterrupted with the signal that it came by.
type interruption struct{ signal os.Signal }

func (interruption) Error() string        { return errInterrupted.Error() }
func (interruption) Is(target error) bool { return target == errInterrupted }

// code is the exit code after a signal, as shells have it.
func (i interruption) code() int {
	if number, ok := i.signal.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return exitError
}

// interrupted returns why a context ended, where that was a signal.
func interrupted(ctx context.Context) (why interruption, ok bool) {
	ok = errors.As(context.Cause(ctx), &why)
	return why, ok
}

// interruptible returns a context that the first SIGINT or SIGTERM cancels: what
// is in flight is finished and recorded. The second calls exit. stop ends the
// watch.
func interruptible(parent context.Context, out io.Writer, exit func(int)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for count := 1; ; count++ {
			var by interruption
			select {
			case <-done:
				return
			case by.signal = <-signals:
			}
			if count > 1 {
				fmt.Fprintln(out, "\nInterrupted again: leaving at once. What was in flight is in the journal, and the next run finishes or forgets it.")
				exit(by.code())
				return
			}
			fmt.Fprintln(out, "\nInterrupted: finishing what is in flight, then stopping. Interrupt again to leave at once.")
			cancel(by)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
