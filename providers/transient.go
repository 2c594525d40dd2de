package providers

import (
	"errors"
	"time"
)

// TransientError is a server's answer that it cannot do now what it was asked. It is an
// ErrUnreachable. Whether it was done all the same, only reading tells.
type TransientError struct {
	Message string
	// After is how long the server asks to be left alone; 0 where it does not say.
	After time.Duration
	// Failed tells that the server failed over the request itself (a status of 500): it
	// may well do so again.
	Failed bool
}

// Error returns the message.
func (e *TransientError) Error() string { return e.Message }

// Is makes a TransientError an ErrUnreachable.
func (e *TransientError) Is(target error) bool { return target == ErrUnreachable }

// RetryAfter returns how long the server asks to be left alone, 0 where an error does
// not say so.
func RetryAfter(err error) time.Duration {
	var transient *TransientError
	if errors.As(err, &transient) {
		return transient.After
	}
	return 0
}
