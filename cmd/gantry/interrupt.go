package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
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

// abandonTime is how long what is given up may take to be recorded.
const abandonTime = 2 * time.Second

// interruptible returns a context that the first SIGINT or SIGTERM cancels: what
// is in flight is finished, for some seconds, and recorded. The second closes giveUp: what
// is in flight is given up, and exit is called where that takes too long, as it is by the
// third. stop ends the watch.
func interruptible(parent context.Context, out io.Writer, exit func(int)) (ctx context.Context, giveUp <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done, abandoned := make(chan struct{}), make(chan struct{})
	go func() {
		var late <-chan time.Time
		for count := 1; ; count++ {
			var by interruption
			select {
			case <-done:
				return
			case <-late:
				by.signal, count = os.Interrupt, 3
			case by.signal = <-signals:
			}
			switch count {
			case 1:
				fmt.Fprintln(out, "\nInterrupted: finishing what is in flight, then stopping. Interrupt again to give it up.")
				cancel(by)
			case 2:
				fmt.Fprintln(out, "\nInterrupted again: giving up what is in flight. It is in the journal, and the next run finishes or forgets it.")
				close(abandoned)
				late = time.After(abandonTime)
			default:
				exit(by.code())
				return
			}
		}
	}()
	return ctx, abandoned, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
