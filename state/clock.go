package state

import "time"

// Clock tells the time and waits.
type Clock interface {
	// Now returns the time, with a monotonic reading where there is one.
	Now() time.Time
	// After returns a channel that receives when a duration has passed.
	After(time.Duration) <-chan time.Time
}

// SystemClock returns the machine's clock.
func SystemClock() Clock { return systemClock{} }

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// elapsed is how long ago an earlier time was, on whichever of the monotonic
// and the wall clock more has passed: the monotonic one stands still while the
// machine sleeps, the wall clock can be set back.
func elapsed(now, earlier time.Time) time.Duration {
	return max(now.Sub(earlier), now.Round(0).Sub(earlier.Round(0)))
}
