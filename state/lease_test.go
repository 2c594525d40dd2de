package state_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

var alice = state.Holder{Who: "alice@laptop", Command: "gantry apply", PID: 17, Host: "laptop", Machine: "m1"}

func acquire(t *testing.T, store state.Store, holder state.Holder, options state.LeaseOptions) *state.Lease {
	t.Helper()
	lease, err := state.Acquire(t.Context(), store, "application.web", holder, options)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func release(t *testing.T, lease *state.Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestALeaseKeepsOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		lease := acquire(t, store, alice, state.LeaseOptions{})
		since := time.Now()
		time.Sleep(5*time.Minute + time.Second) // through many renewals
		if err := lease.Check(); err != nil {
			t.Error(err)
		}
		if left := time.Until(lease.Deadline()); left <= 0 || left > 30*time.Second {
			t.Errorf("deadline in %s", left)
		}
		_, err := state.Acquire(t.Context(), store, "application.web", state.Holder{Who: "bob"}, state.LeaseOptions{})
		var locked *state.LockedError
		if !errors.As(err, &locked) || !errors.Is(err, state.ErrLocked) {
			t.Fatalf("Acquire: %v, want LockedError", err)
		}
		if locked.Holder != alice || !locked.Since.Equal(since) || !locked.Expires.After(time.Now()) {
			t.Errorf("LockedError = %+v", locked)
		}
		want := "application.web is locked by alice@laptop (gantry apply, process 17 on laptop) since 2000-01-01T00:00:00Z; " +
			"the lock ends at 2000-01-01T00:05:30Z unless its holder is at work"
		if err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
		other, err := state.Acquire(t.Context(), store, "application.other", state.Holder{}, state.LeaseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		release(t, other)
		release(t, lease)
		release(t, lease)
		if err := lease.Check(); !errors.Is(err, state.ErrLeaseLost) {
			t.Errorf("Check of the released: %v", err)
		}
		release(t, acquire(t, store, alice, state.LeaseOptions{}))
	})
}

func TestRecordsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		records, err := state.Open(t.Context(), store, state.WithClock(skewed{time.Hour}),
			state.WithLeases(state.LeaseOptions{Dead: func(h state.Holder) bool { return h == alice }}))
		if err != nil {
			t.Fatal(err)
		}
		abandon(t, store, state.LeaseOptions{})
		lease, err := records.Acquire(t.Context(), "application.web", state.Holder{Who: "bob"})
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(lease.Deadline()); left < time.Hour {
			t.Errorf("deadline in %s: the records' clock is not used", left)
		}
		release(t, lease)
	})
}

func TestOneOfManyGetsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		var group sync.WaitGroup
		var won atomic.Int32
		for range 10 {
			group.Go(func() {
				lease, err := state.Acquire(t.Context(), store, "name", alice, state.LeaseOptions{})
				switch {
				case err == nil:
					won.Add(1)
					time.Sleep(time.Minute)
					release(t, lease)
				case !errors.Is(err, state.ErrLocked):
					t.Error(err)
				}
			})
		}
		group.Wait()
		if won.Load() != 1 {
			t.Errorf("%d have the lease", won.Load())
		}
	})
}

// abandon takes a lease in a store that then stops taking its renewals, as if
// the holder had died.
func abandon(t *testing.T, store state.Store, options state.LeaseOptions) {
	t.Helper()
	cut := &failing{Store: store}
	lease := acquire(t, cut, alice, options)
	cut.fail.Store(true)
	t.Cleanup(func() { _ = lease.Release(context.Background()) })
}

func TestADeadHolderIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		abandon(t, store, state.LeaseOptions{})
		start := time.Now()
		lease := acquire(t, store, state.Holder{}, state.LeaseOptions{Dead: func(h state.Holder) bool { return h == alice }})
		if waited := time.Since(start); waited > 0 {
			t.Errorf("waited %s", waited)
		}
		release(t, lease)
	})
}

func TestAnAbandonedLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		abandon(t, store, state.LeaseOptions{})
		time.Sleep(29 * time.Second)
		if _, err := state.Acquire(t.Context(), store, "application.web", alice, state.LeaseOptions{}); !errors.Is(err, state.ErrLocked) {
			t.Errorf("Acquire before the end: %v, want ErrLocked", err)
		}
		time.Sleep(time.Second)
		start, watched := time.Now(), 0
		lease := acquire(t, store, state.Holder{}, state.LeaseOptions{Watching: func(locked *state.LockedError) {
			watched++
			if locked.Holder != alice {
				t.Errorf("watching %+v", locked)
			}
		}})
		if waited := time.Since(start); waited < 30*time.Second || waited > 40*time.Second {
			t.Errorf("watched for %s, want the lease's 30 s", waited)
		}
		if watched != 1 {
			t.Errorf("told %d times", watched)
		}
		release(t, lease)
	})
}

func TestAnUnreadableLeaseEndsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		if _, err := store.Put(t.Context(), "locks/application.web", []byte("{"), ""); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		release(t, acquire(t, store, alice, state.LeaseOptions{}))
		if waited := time.Since(start); waited < 30*time.Second {
			t.Errorf("taken after %s", waited)
		}
	})
}

func TestClocksThatDifferTakeNoLiveLease(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New()
			lease := acquire(t, store, alice, state.LeaseOptions{})
			defer release(t, lease)
			_, err := state.Acquire(t.Context(), store, "application.web", state.Holder{Who: "bob"},
				state.LeaseOptions{Clock: skewed{skew}})
			if !errors.Is(err, state.ErrLocked) {
				t.Errorf("with a clock %s off: %v, want ErrLocked", skew, err)
			}
			if err := lease.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestALeaseThatCannotBeRenewedIsNotReliedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failing{Store: memory.New()}
		lease := acquire(t, store, alice, state.LeaseOptions{})
		store.fail.Store(true)
		time.Sleep(24 * time.Second)
		if err := lease.Check(); err != nil {
			t.Errorf("after 24 s: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := lease.Check(); !errors.Is(err, state.ErrLeaseLost) {
			t.Errorf("after 26 s: %v, want ErrLeaseLost", err)
		}
		store.fail.Store(false)
		time.Sleep(2 * time.Second)
		if err := lease.Check(); err != nil {
			t.Errorf("renewed in time, nobody took it: %v", err)
		}
		release(t, lease)
	})
}

func TestATakenLeaseIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		lease := acquire(t, store, alice, state.LeaseOptions{})
		bob := acquire(t, store, state.Holder{Who: "bob"}, state.LeaseOptions{Dead: func(state.Holder) bool { return true }})
		select {
		case <-lease.Lost():
		case <-time.After(time.Minute):
			t.Error("Lost was not closed")
		}
		if err := lease.Check(); !errors.Is(err, state.ErrLeaseLost) {
			t.Errorf("Check: %v, want ErrLeaseLost", err)
		}
		release(t, lease)
		if err := bob.Check(); err != nil {
			t.Errorf("releasing a lost lease took the other's: %v", err)
		}
		release(t, bob)
	})
}

func TestAWriteThatOnlySeemedToFailLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failing{Store: memory.New()}
		lease := acquire(t, store, alice, state.LeaseOptions{})
		store.after.Store(true)
		time.Sleep(11 * time.Second)
		store.after.Store(false)
		time.Sleep(time.Minute)
		if err := lease.Check(); err != nil {
			t.Error(err)
		}
		store.after.Store(true)
		time.Sleep(10 * time.Second)
		store.after.Store(false)
		release(t, lease)
		if keys, err := store.List(t.Context(), "locks"); err != nil || len(keys) != 0 {
			t.Errorf("after Release: %q, %v", keys, err)
		}
	})
}

func TestASleepingMachineLosesItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &sleeper{}
		lease := acquire(t, memory.New(), alice, state.LeaseOptions{Clock: clock})
		clock.slept.Store(int64(time.Hour))
		if err := lease.Check(); !errors.Is(err, state.ErrLeaseLost) {
			t.Errorf("Check after an hour's sleep: %v, want ErrLeaseLost", err)
		}
		release(t, lease)
	})
}

// failing is a store whose writes fail, before or after they took place.
type failing struct {
	state.Store
	fail, after atomic.Bool
}

var errUnreachable = errors.New("unreachable")

func (f *failing) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if f.fail.Load() {
		return "", errUnreachable
	}
	version, err := f.Store.Put(ctx, key, value, version)
	if f.after.Load() {
		return "", errUnreachable
	}
	return version, err
}

func (f *failing) Delete(ctx context.Context, key, version string) error {
	if f.fail.Load() {
		return errUnreachable
	}
	return f.Store.Delete(ctx, key, version)
}

// skewed is a clock that is set wrong.
type skewed struct{ by time.Duration }

func (s skewed) Now() time.Time                         { return time.Now().Add(s.by) }
func (s skewed) After(d time.Duration) <-chan time.Time { return time.After(d) }

// sleeper is a clock without a monotonic part that has stood still.
type sleeper struct{ slept atomic.Int64 }

func (s *sleeper) Now() time.Time {
	return time.Now().Round(0).Add(time.Duration(s.slept.Load()))
}
func (s *sleeper) After(d time.Duration) <-chan time.Time { return time.After(d) }
