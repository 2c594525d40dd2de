package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
)

// leaseChecks are about who may write: the same on every backend that has
// compare-and-swap.
func leaseChecks() []check {
	return []check{
		{"lease: one holder", testOneHolder},
		{"lease: free when it is released", testReleased},
		{"lease: renewed as long as it is held", testRenewed},
		{"lease: free when its holder is dead", testDeadHolder},
		{"lease: free when nobody renews it", testAbandoned},
		{"lease: lost when another has it", testLost},
		{"lease: one at a time of many", testOneAtATime},
		{"lease: leases of other names", testOtherNames},
		{"lease: fenced writes", testFenced},
	}
}

const leaseName = "application.web"

func holder(who string) state.Holder { return state.Holder{Who: who, Command: "gantry apply"} }

func acquire(t *testing.T, store state.Store, who string, options state.LeaseOptions) *state.Lease {
	t.Helper()
	lease, err := state.Acquire(t.Context(), store, leaseName, holder(who), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lease.Release(t.Context()) })
	return lease
}

func release(t *testing.T, lease *state.Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// refused says that another holds the lease.
func refused(t *testing.T, store state.Store, by string) {
	t.Helper()
	_, err := state.Acquire(t.Context(), store, leaseName, holder("carol"), state.LeaseOptions{})
	var locked *state.LockedError
	if !errors.As(err, &locked) || locked.Holder.Who != by {
		t.Fatalf("Acquire: %v, want that %s holds it", err, by)
	}
}

func testOneHolder(t *testing.T, store *place) {
	lease := acquire(t, store.Store, "alice", state.LeaseOptions{})
	refused(t, store.other(t), "alice")
	if err := lease.Check(); err != nil {
		t.Error(err)
	}
	if left := time.Until(lease.Deadline()); left <= 0 {
		t.Errorf("the deadline was %s ago", -left)
	}
}

func testReleased(t *testing.T, store *place) {
	lease := acquire(t, store.Store, "alice", state.LeaseOptions{})
	release(t, lease)
	if err := lease.Check(); !errors.Is(err, state.ErrLeaseLost) {
		t.Errorf("Check of the released: %v, want ErrLeaseLost", err)
	}
	release(t, acquire(t, store.other(t), "bob", state.LeaseOptions{}))
	release(t, lease) // again: nothing
	acquire(t, store.Store, "carol", state.LeaseOptions{})
}

// testRenewed: a holder that lives keeps its lease for longer than one lasts.
func testRenewed(t *testing.T, store *place) {
	const duration = 5 * time.Second
	lease := acquire(t, store.Store, "alice", state.LeaseOptions{Duration: duration})
	first := lease.Deadline()
	for end := time.Now().Add(duration + duration/4); time.Now().Before(end); time.Sleep(duration / 10) {
		taken, err := state.Acquire(t.Context(), store.other(t), leaseName, holder("carol"), state.LeaseOptions{})
		if err == nil {
			release(t, taken)
		}
		if lease.Check() != nil {
			t.Skip("the machine is too busy to renew a lease in time")
		}
		if !errors.Is(err, state.ErrLocked) {
			t.Fatalf("Acquire of what is renewed: %v, want ErrLocked", err)
		}
	}
	if !lease.Deadline().After(first) {
		t.Error("the lease was never renewed")
	}
}

func testDeadHolder(t *testing.T, store *place) {
	lease := acquire(t, store.Store, "alice", state.LeaseOptions{})
	dead := state.LeaseOptions{Dead: func(h state.Holder) bool { return h.Who == "alice" }}
	began := time.Now()
	taken := acquire(t, store.other(t), "bob", dead)
	if waited := time.Since(began); waited > 20*time.Second {
		t.Errorf("a dead holder was followed after %s", waited)
	}
	if err := taken.Check(); err != nil {
		t.Error(err)
	}
	// What was taken is not released by the one before.
	release(t, lease)
	refused(t, store.other(t), "bob")
}

// testAbandoned: what its holder left behind, as one that was killed does, is free once
// its time is over, whatever its clock said.
func testAbandoned(t *testing.T, store *place) {
	for name, skew := range map[string]time.Duration{"": 0, "a clock a day behind": -24 * time.Hour, "a clock a day ahead": 24 * time.Hour} {
		abandoned := abandon(t, store, state.LeaseOptions{Clock: skewed(skew), Duration: time.Second})
		began := time.Now()
		var watched atomic.Bool
		for {
			lease, err := state.Acquire(t.Context(), store.other(t), leaseName, holder("bob"), state.LeaseOptions{
				Duration: time.Second, Watching: func(*state.LockedError) { watched.Store(true) },
			})
			if err == nil {
				release(t, lease)
				break
			}
			if !errors.Is(err, state.ErrLocked) {
				t.Fatalf("%s: %v", name, err)
			}
			if time.Since(began) > time.Minute {
				t.Fatalf("%s: locked after a minute: %v", name, err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		if !watched.Load() {
			t.Errorf("%s: the lease was taken without watching it", name)
		}
		_ = abandoned.Release(t.Context()) // it can no longer delete anything
	}
}

// abandon takes a lease whose renewals come to nothing.
func abandon(t *testing.T, store *place, options state.LeaseOptions) *state.Lease {
	t.Helper()
	lease, err := state.Acquire(t.Context(), &frozen{Store: store.Store}, leaseName, holder("alice"), options)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// frozen is a store that takes one write, as a client has it that is cut off then.
type frozen struct {
	state.Store
	written atomic.Bool
}

var errFrozen = errors.New("cut off")

func (f *frozen) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if f.written.Swap(true) {
		return "", errFrozen
	}
	return f.Store.Put(ctx, key, value, version)
}

// Delete implements state.Store.
func (f *frozen) Delete(context.Context, string, string) error { return errFrozen }

// skewed is a clock that is wrong.
type skewed time.Duration

func (s skewed) Now() time.Time                       { return time.Now().Add(time.Duration(s)) }
func (skewed) After(d time.Duration) <-chan time.Time { return time.After(d) }

func testLost(t *testing.T, store *place) {
	lease := acquire(t, store.Store, "alice", state.LeaseOptions{Duration: 2 * time.Second})
	taken := acquire(t, store.other(t), "bob", state.LeaseOptions{Dead: func(h state.Holder) bool { return h.Who == "alice" }})
	select {
	case <-lease.Lost():
	case <-time.After(time.Minute):
		t.Fatal("the holder never noticed")
	}
	if err := lease.Check(); !errors.Is(err, state.ErrLeaseLost) {
		t.Errorf("Check: %v, want ErrLeaseLost", err)
	}
	if err := taken.Check(); err != nil {
		t.Errorf("the one who took it: %v", err)
	}
}

// testOneAtATime has many take one lease over and over: never two at once.
func testOneAtATime(t *testing.T, store *place) {
	const workers, rounds = 10, 3
	var inside, entered atomic.Int32
	var group sync.WaitGroup
	for i := range workers {
		client := store.Store
		if i%2 == 1 {
			client = store.other(t)
		}
		group.Go(func() {
			for done := 0; done < rounds; {
				lease, err := state.Acquire(t.Context(), client, leaseName, holder("someone"), state.LeaseOptions{})
				if errors.Is(err, state.ErrLocked) {
					time.Sleep(time.Millisecond)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold the lease", n)
				}
				entered.Add(1)
				inside.Add(-1)
				if err := lease.Release(t.Context()); err != nil {
					t.Error(err)
					return
				}
				done++
			}
		})
	}
	group.Wait()
	if got := entered.Load(); got != workers*rounds {
		t.Errorf("the lease was held %d times, want %d", got, workers*rounds)
	}
}

func testOtherNames(t *testing.T, store *place) {
	acquire(t, store.Store, "alice", state.LeaseOptions{})
	for _, name := range []string{"application.other", `application.web["production"]`, "application"} {
		lease, err := state.Acquire(t.Context(), store.other(t), name, holder("bob"), state.LeaseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		release(t, lease)
	}
	refused(t, store.other(t), "alice")
}

// testFenced: a holder that slept while another took its place and wrote can no longer
// write what it had read.
func testFenced(t *testing.T, store *place) {
	slow := openRecords(t, store.Store)
	record := newRecord(application(1))
	version, err := slow.Put(t.Context(), record, "")
	if err != nil {
		t.Fatal(err)
	}
	abandoned := abandon(t, store, state.LeaseOptions{Duration: time.Second})
	lease := acquire(t, store.other(t), "bob", state.LeaseOptions{Dead: func(h state.Holder) bool { return h.Who == "alice" }})
	next := openRecords(t, store.other(t))
	theirs, read, err := next.Get(t.Context(), record.Address)
	if err != nil {
		t.Fatal(err)
	}
	theirs.Claim = &state.Claim{Lease: leaseName, Holder: holder("bob"), Since: time.Now().UTC()}
	if _, err := next.Put(t.Context(), theirs, read); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Put(t.Context(), record, version); !errors.Is(err, state.ErrConflict) {
		t.Errorf("the one before wrote: %v, want ErrConflict", err)
	}
	_ = abandoned.Release(t.Context())
	if err := lease.Check(); err != nil {
		t.Errorf("the one who follows: %v", err)
	}
}
