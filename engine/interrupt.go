package engine

import (
	"context"
	"errors"
	"time"
)

const (
	// grace is how long requests in flight may take after an apply was cancelled.
	grace = 5 * time.Second
	// lastWords is how long a record may take to be written after that.
	lastWords = 3 * time.Second
)

// errGivenUp is why a request ended that an interruption cut off.
var errGivenUp = errors.New("given up without an answer, for the apply was interrupted; whether it was done is found out by the next one")

// inFlight returns the context of an apply's requests: it outlives the apply's own for the
// grace, or until giveUp is closed, so that what was sent can be answered and recorded.
// stop ends it.
func inFlight(ctx context.Context, giveUp <-chan struct{}) (requests context.Context, stop func()) {
	requests, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-requests.Done():
			return
		case <-giveUp:
		case <-ctx.Done():
			timer := time.NewTimer(grace)
			defer timer.Stop()
			select {
			case <-requests.Done():
				return
			case <-giveUp:
			case <-timer.C:
			}
		}
		cancel(errGivenUp)
	}()
	return requests, func() {
		cancel(nil)
		<-ended
	}
}

// interruptedBy reports whether an error is only that an apply was cancelled, which is
// told once and not of every object.
func interruptedBy(ctx context.Context, err error) bool {
	cause := context.Cause(ctx)
	return cause != nil && errors.Is(err, cause)
}
