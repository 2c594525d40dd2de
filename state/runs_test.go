package state_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

var bob = state.Holder{Who: "bob@ci", Command: "gantry apply", PID: 4711, Host: "ci", Machine: "m2"}

func scopeOf(names ...string) state.Scope {
	scope := state.Scope{Plan: "p-" + fmt.Sprint(names)}
	for _, name := range names {
		scope.Applications = append(scope.Applications, addr.Application(name))
	}
	return scope
}

func openedRecords(t *testing.T, store state.Store) *state.Records {
	t.Helper()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func enter(t *testing.T, records *state.Records, holder state.Holder, scope state.Scope, options state.LeaseOptions) *state.Lease {
	t.Helper()
	lease, err := records.Enter(t.Context(), holder, scope, options)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func wantLocked(t *testing.T, err error, name string, by state.Holder) {
	t.Helper()
	var locked *state.LockedError
	if !errors.As(err, &locked) || locked.Name != name || locked.Holder != by {
		t.Fatalf("%v, want %s locked by %s", err, name, by.Who)
	}
}

func TestRunsOfOtherApplicationsGoOnSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := openedRecords(t, memory.New())
		web := enter(t, records, alice, scopeOf("web", "api"), state.LeaseOptions{})
		other := enter(t, records, bob, scopeOf("shop"), state.LeaseOptions{})
		_, err := records.Enter(t.Context(), bob, scopeOf("mail", "api"), state.LeaseOptions{})
		wantLocked(t, err, "application.api", alice)
		var locked *state.LockedError
		if errors.As(err, &locked); locked.Plan != "p-[web api]" || locked.Since.IsZero() {
			t.Errorf("%+v", locked)
		}
		runs, err := records.Runs(t.Context())
		if err != nil || len(runs) != 2 || runs[0].ID != web.ID() && runs[1].ID != web.ID() {
			t.Errorf("%+v, %v", runs, err)
		}
		release(t, web)
		release(t, other)
		if runs, err := records.Runs(t.Context()); err != nil || len(runs) != 0 {
			t.Errorf("left are %+v, %v", runs, err)
		}
	})
}

func TestARunWaitsForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := openedRecords(t, memory.New())
		first := enter(t, records, alice, scopeOf("web"), state.LeaseOptions{})
		go func() {
			time.Sleep(2 * time.Minute)
			release(t, first)
		}()
		began, told := time.Now(), 0
		options := state.LeaseOptions{Wait: 5 * time.Minute, Waiting: func(*state.LockedError) { told++ }}
		second := enter(t, records, bob, scopeOf("web"), options)
		if waited := time.Since(began); waited < 2*time.Minute || waited > 2*time.Minute+10*time.Second || told != 1 {
			t.Errorf("waited %s, and was told %d times", waited, told)
		}
		defer release(t, second)
		began = time.Now()
		_, err := records.Enter(t.Context(), alice, scopeOf("web"), state.LeaseOptions{Wait: time.Minute})
		wantLocked(t, err, "application.web", bob)
		if waited := time.Since(began); waited < time.Minute || waited > time.Minute+10*time.Second {
			t.Errorf("gave up after %s, want a minute", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := records.Enter(ctx, alice, scopeOf("web"), state.LeaseOptions{Wait: time.Hour}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want that it was cancelled", err)
		}
	})
}

// TestADeadRunIsFree: whoever waits gets it within the time of a lease and ten seconds,
// whatever the clocks say; one whose end is known, at once.
func TestADeadRunIsFree(t *testing.T) {
	for _, skew := range []time.Duration{0, 24 * time.Hour, -24 * time.Hour, 20 * time.Second, -20 * time.Second} {
		for _, wait := range []time.Duration{0, 29 * time.Second, time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New()
				frozen := &failing{Store: store}
				dead := enter(t, openedRecords(t, frozen), alice, scopeOf("web"), state.LeaseOptions{Clock: skewed{skew}})
				frozen.fail.Store(true)
				time.Sleep(wait)
				records, began := openedRecords(t, store), time.Now()
				next := enter(t, records, bob, scopeOf("web"), state.LeaseOptions{Wait: time.Minute})
				if took := time.Since(began); took > 40*time.Second {
					t.Errorf("clock %s off, %s after its end: free after %s", skew, wait, took)
				}
				if took := wait + time.Since(began); took < 30*time.Second {
					t.Errorf("clock %s off: taken over %s after it was renewed last", skew, took)
				}
				frozen.fail.Store(false) // it lives after all
				time.Sleep(time.Minute)
				if err := dead.Check(); !errors.Is(err, state.ErrLeaseLost) {
					t.Errorf("the first still holds it: %v", err)
				}
				release(t, next)
				release(t, dead)
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		records := openedRecords(t, memory.New())
		enter(t, records, alice, scopeOf("web"), state.LeaseOptions{})
		began := time.Now()
		isDead := state.LeaseOptions{Dead: func(h state.Holder) bool { return h == alice }}
		release(t, enter(t, records, bob, scopeOf("web"), isDead))
		if took := time.Since(began); took > 0 {
			t.Errorf("a run whose process has ended was free after %s", took)
		}
		time.Sleep(time.Minute) // the other notices
	})
}

// TestClocksThatDiffer24Hours: nobody takes over a run that lives, however far its clock,
// or that of who looks, is off, and however long it is waited for.
func TestClocksThatDiffer24Hours(t *testing.T) {
	for _, holds := range []time.Duration{-24 * time.Hour, 0, 24 * time.Hour} {
		for _, looks := range []time.Duration{-24 * time.Hour, 0, 24 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				records := openedRecords(t, memory.New())
				lease := enter(t, records, alice, scopeOf("web"), state.LeaseOptions{Clock: skewed{holds}})
				_, err := records.Enter(t.Context(), bob, scopeOf("web"), state.LeaseOptions{Clock: skewed{looks}, Wait: 10 * time.Minute})
				wantLocked(t, err, "application.web", alice)
				if err := lease.Check(); err != nil {
					t.Errorf("clocks %s and %s off: %v", holds, looks, err)
				}
				release(t, lease)
			})
		}
	}
}

// TestAClockThatIsSetDuringALease: a jump of a day costs no more than the next renewal.
func TestAClockThatIsSetDuringALease(t *testing.T) {
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			clock := &jumping{}
			records := openedRecords(t, memory.New())
			lease := enter(t, records, alice, scopeOf("web"), state.LeaseOptions{Clock: clock})
			clock.by.Store(int64(jump))
			if err := lease.Hold(t.Context()); err != nil {
				t.Errorf("after a jump of %s: %v", jump, err)
			}
			_, err := records.Enter(t.Context(), bob, scopeOf("web"), state.LeaseOptions{Wait: time.Minute})
			wantLocked(t, err, "application.web", alice)
			release(t, lease)
		})
	}
}

// jumping is a clock that is set.
type jumping struct{ by atomic.Int64 }

func (j *jumping) Now() time.Time                         { return time.Now().Add(time.Duration(j.by.Load())) }
func (j *jumping) After(d time.Duration) <-chan time.Time { return time.After(d) }

func TestWorkOnTheWholeIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := openedRecords(t, memory.New())
		run := enter(t, records, alice, scopeOf("web"), state.LeaseOptions{})
		_, err := records.EnterWhole(t.Context(), bob, state.LeaseOptions{})
		wantLocked(t, err, "the state", alice)
		release(t, enter(t, records, bob, scopeOf("api"), state.LeaseOptions{})) // it has withdrawn

		var group sync.WaitGroup
		group.Go(func() {
			time.Sleep(time.Minute)
			_, err := records.Enter(t.Context(), alice, scopeOf("api"), state.LeaseOptions{})
			wantLocked(t, err, "the configuration", bob) // it waits, and nothing new begins
			release(t, run)
		})
		whole, err := records.EnterWhole(t.Context(), bob, state.LeaseOptions{Wait: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		group.Wait()
		_, err = records.EnterWhole(t.Context(), alice, state.LeaseOptions{})
		wantLocked(t, err, "configuration", bob)
		group.Go(func() { release(t, enter(t, records, alice, scopeOf("web"), state.LeaseOptions{Wait: time.Hour})) })
		time.Sleep(time.Minute)
		release(t, whole)
		group.Wait()
	})
}

// TestRunsAndTheWholeAreNeverThereTogether has many of both come and go.
func TestRunsAndTheWholeAreNeverThereTogether(t *testing.T) {
	records := openedRecords(t, memory.New())
	var runs, wholes, entered atomic.Int32
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			for range 10 {
				options := state.LeaseOptions{Wait: time.Minute, Duration: 10 * time.Second}
				if i < 4 {
					lease, err := records.EnterWhole(t.Context(), bob, options)
					if err != nil {
						t.Error(err)
						return
					}
					if wholes.Add(1) != 1 || runs.Load() != 0 {
						t.Errorf("%d are at work on the whole, beside %d runs", wholes.Load(), runs.Load())
					}
					wholes.Add(-1)
					release(t, lease)
				} else {
					lease, err := records.Enter(t.Context(), alice, scopeOf(fmt.Sprint("a", i)), options)
					if err != nil {
						t.Error(err)
						return
					}
					if runs.Add(1); wholes.Load() != 0 {
						t.Error("a run beside work on the whole")
					}
					runs.Add(-1)
					release(t, lease)
				}
				entered.Add(1)
			}
		})
	}
	group.Wait()
	if entered.Load() != 120 {
		t.Errorf("%d of 120 came in", entered.Load())
	}
}

func TestClaimsOfEndedRunsAreSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := openedRecords(t, memory.New())
		lease := enter(t, records, alice, scopeOf("web"), state.LeaseOptions{})
		claim := &state.Claim{Lease: lease.ID(), Holder: alice}
		wantLocked(t, records.Settle(t.Context(), claim, "application.web", state.LeaseOptions{}), "application.web", alice)
		release(t, lease)
		for _, claim := range []*state.Claim{nil, claim} {
			if err := records.Settle(t.Context(), claim, "application.web", state.LeaseOptions{}); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestNothingIsWrittenUnderALostLease: neither records nor what many write.
func TestNothingIsWrittenUnderALostLease(t *testing.T) {
	generator := addr.Address{Kind: "generator", Type: "list", Name: "g"}
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		records := openedRecords(t, store)
		lease := enter(t, records, alice, scopeOf("web"), state.LeaseOptions{})
		mine := records.Under(lease)
		if err := mine.PutGenerator(t.Context(), generator, []string{"a"}); err != nil {
			t.Fatal(err)
		}
		key := "locks/runs/" + lease.ID()
		_, version, err := store.Get(t.Context(), key)
		if err == nil {
			err = store.Delete(t.Context(), key, version)
		}
		if err != nil {
			t.Fatal(err)
		}
		<-lease.Lost()
		record := &state.Record{Address: addr.Application("web")}
		_, err = mine.Put(t.Context(), record, "")
		for what, err := range map[string]error{
			"record": err, "generator": mine.PutGenerator(t.Context(), generator, nil),
			"no generator": mine.DeleteGenerator(t.Context(), generator),
			"published":    mine.PutPublished(t.Context(), &published.Document{}),
			"ledger":       mine.EndPlan(t.Context(), "p"),
		} {
			if !errors.Is(err, state.ErrLeaseLost) {
				t.Errorf("%s: %v, want ErrLeaseLost", what, err)
			}
		}
	})
}

// TestManyWriteTheLedger: what many write at once is all there.
func TestManyWriteTheLedger(t *testing.T) {
	store := memory.New()
	records := openedRecords(t, store)
	made := time.Now()
	var group sync.WaitGroup
	for i := range 30 {
		group.Go(func() {
			id := fmt.Sprint(i)
			if err := errors.Join(records.BeginPlan(t.Context(), state.AppliedPlan{ID: id, CreatedAt: made}), records.EndPlan(t.Context(), id)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i := range 30 {
		if found, err := records.AppliedPlan(t.Context(), fmt.Sprint(i), made); err != nil || found == nil || found.DoneAt.IsZero() {
			t.Errorf("plan %d: %+v, %v", i, found, err)
		}
	}
}

// TestARecordIsWrittenOnce: where nobody knows whether a record was written, reading it
// tells, whether the write was made, was not, or is made late.
func TestARecordIsWrittenOnce(t *testing.T) {
	for _, how := range []string{"made", "not made", "made late", "other"} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New()
			fuzzy := &uncertain{Store: store}
			records := openedRecords(t, fuzzy)
			record := &state.Record{Address: addr.Application("web")}
			version, err := records.Put(t.Context(), record, "")
			if err != nil {
				t.Fatal(err)
			}
			fuzzy.how = how
			_, err = records.Put(t.Context(), record, version)
			if how == "other" {
				if !errors.Is(err, state.ErrConflict) {
					t.Errorf("%s: %v, want ErrConflict", how, err)
				}
				return
			}
			if err != nil || record.Serial != 2 {
				t.Errorf("%s: serial %d, %v", how, record.Serial, err)
			}
			if have, _, err := records.Get(t.Context(), record.Address); err != nil || have.Serial != 2 {
				t.Errorf("%s: stored %+v, %v", how, have, err)
			}
		})
	}
}

// uncertain is a store that loses the answer to one write.
type uncertain struct {
	state.Store
	how string
}

func (u *uncertain) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	how := u.how
	u.how = ""
	switch how {
	case "made":
		_, err := u.Store.Put(ctx, key, value, version)
		return "", errors.Join(state.ErrUnknown, err)
	case "not made":
		return "", state.ErrUnknown
	case "made late":
		go func() {
			time.Sleep(50 * time.Millisecond)
			_, _ = u.Store.Put(context.WithoutCancel(ctx), key, value, version)
		}()
		return "", state.ErrUnknown
	case "other":
		_, err := u.Store.Put(ctx, key, append(value, ' '), version)
		return "", errors.Join(state.ErrUnknown, err)
	}
	return u.Store.Put(ctx, key, value, version)
}
