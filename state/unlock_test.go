package state_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// TestUnlock: a run that lives is refused, one that is dead goes: at once where its end is
// known, or else once it was watched.
func TestUnlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		frozen := &failing{Store: store}
		all := func(*state.Run) bool { return true }
		records := openedRecords(t, store)
		lives := enter(t, records, alice, scopeOf("web"), state.LeaseOptions{})
		defer release(t, lives)
		unlock := func(want bool, because string, least, most time.Duration, options state.LeaseOptions, chosen func(*state.Run) bool) {
			t.Helper()
			began := time.Now()
			got, err := records.Unlock(t.Context(), chosen, options)
			if err != nil || len(got) != 1 || got[0].Released != want || !strings.HasPrefix(got[0].Because, because) {
				t.Fatalf("%+v, %v; want released %t because %s", got, err, want, because)
			}
			if took := time.Since(began); took < least || took > most {
				t.Errorf("took %s", took)
			}
		}
		unlock(false, "it renewed its lock while that was watched, for 1", 5*time.Second, 12*time.Second, state.LeaseOptions{}, all)
		if err := lives.Check(); err != nil {
			t.Error(err)
		}
		others := func(run *state.Run) bool { return run.ID != lives.ID() }
		gone := enter(t, openedRecords(t, frozen), bob, scopeOf("api"), state.LeaseOptions{})
		frozen.fail.Store(true)
		isDead := state.LeaseOptions{Dead: func(h state.Holder) bool { return h == bob }}
		unlock(true, "its process has ended", 0, 0, isDead, others)
		frozen.fail.Store(false)
		release(t, gone)
		gone = enter(t, openedRecords(t, frozen), bob, scopeOf("api"), state.LeaseOptions{})
		frozen.fail.Store(true)
		unlock(true, "it did not renew its lock for 3", 30*time.Second, 40*time.Second, state.LeaseOptions{}, others)
		frozen.fail.Store(false)
		release(t, gone)
		if got, err := records.Unlock(t.Context(), others, state.LeaseOptions{}); err != nil || len(got) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		if err := records.Await(t.Context(), nil, state.LeaseOptions{}); err == nil {
			t.Error("a run is waited for, and is not there")
		}
		if err := records.Await(t.Context(), scopeOf("api").Applications, state.LeaseOptions{}); err != nil {
			t.Error(err)
		}
	})
}
