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
			select {
			case <-done:
				return
			case <-signals:
			}
			if count > 1 {
				fmt.Fprintln(out, "\nInterrupted again: leaving at once. What was in flight is in the journal, and the next run finishes or forgets it.")
				exit(exitError)
				return
			}
			fmt.Fprintln(out, "\nInterrupted: finishing what is in flight, then stopping. Interrupt again to leave at once.")
			cancel(errInterrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
