package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// tally is a number that several writers count up, with how often each of them did: so
// whoever reads it knows whose writes took place.
type tally struct {
	Total  int         `json:"total"`
	Writer map[int]int `json:"writer"`
}

// Restarts is RestartsOf for 10 times, or 200 in the long form.
func Restarts(t *testing.T, open func(t *testing.T) state.Store, restart func(t *testing.T)) {
	t.Helper()
	RestartsOf(t, soak.Rounds(10, 200), open, restart)
}

// RestartsOf holds a store to its answers while its server goes away and comes back, so many
// times. Writers count up numbers by compare-and-swap all the
// while, one that they share and one for each of them alone. What a write answered must
// be so: nil is that it is there, and there once; ErrConflict that it is not. Of any other
// error the writer reads what became of it, as everyone is to do.
//
// restart is called while writes are under way, and returns when the server is back. open
// is called for each writer, and for a look at what is there in the end.
func RestartsOf(t *testing.T, rounds int, open func(t *testing.T) state.Store, restart func(t *testing.T)) {
	t.Helper()
	const writers = 6
	const told = 10 // restarts at a time are told of
	r := &restarts{}
	survived, writing := 0, int64(0)
	var before [2]int64
	tell := func() {
		after := [2]int64{r.acknowledged.Load(), r.unknown.Load() + r.refused.Load()}
		t.Logf("survived: {%d} restarts with {%d} writes under way, {%d} acknowledged, 0 lost, 0 doubled; {%d} of unknown outcome were found out by reading",
			survived, writing, after[0]-before[0], after[1]-before[1])
		survived, writing, before = 0, 0, after
	}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for id := range writers {
		store := open(t)
		group.Go(func() {
			if err := r.count(ctx, store, id); err != nil {
				t.Error(err)
				r.failed.Store(true)
			}
		})
	}
	for round := range rounds {
		if !r.progress(t, round) {
			break
		}
		writing += r.writing.Load()
		restart(t)
		survived++
		// Each writer reads what became of its last write before its next: what was
		// acknowledged before the restart before this one is known to be there.
		if survived == told && round+1 < rounds && r.progress(t, round+1) {
			tell()
		}
	}
	r.progress(t, rounds)
	stop()
	group.Wait()
	r.expect(t, open(t), writers)
	if !t.Failed() {
		tell()
	}
}

// restarts is what came of the writes.
type restarts struct {
	acknowledged, conflicts, unknown, refused atomic.Int64
	writing                                   atomic.Int64                           // now, by all writers
	done                                      [64]struct{ shared, own atomic.Int64 } // by writer
	failed                                    atomic.Bool
}

// progress waits until some more writes were acknowledged, and reports whether they were.
func (r *restarts) progress(t *testing.T, round int) bool {
	t.Helper()
	before := r.acknowledged.Load()
	for deadline := time.Now().Add(2 * time.Minute); r.acknowledged.Load() < before+30; time.Sleep(time.Millisecond) {
		if r.failed.Load() {
			return false
		}
		if time.Now().After(deadline) {
			t.Errorf("after restart %d no writes are acknowledged any more", round)
			return false
		}
	}
	return true
}

// count counts up until the context ends.
func (r *restarts) count(ctx context.Context, store state.Store, id int) error {
	own := fmt.Sprintf("restarts/of-%d", id)
	for n := 1; ctx.Err() == nil; n++ {
		// The write itself is not cut short, so that what is done is known in the end.
		if err := r.increment(store, "restarts/shared", id, n, true); err != nil {
			return err
		}
		r.done[id].shared.Store(int64(n))
		if err := r.increment(store, own, id, n, false); err != nil {
			return err
		}
		r.done[id].own.Store(int64(n))
	}
	return nil
}

// increment makes a writer's n-th increment of a key, once. Of a key that nobody else
// writes, no write may meet a conflict.
func (r *restarts) increment(store state.Store, key string, id, n int, shared bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	mayBe := false // an earlier attempt may have taken place
	for {
		found, version, err := readTally(ctx, store, key)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, errTally) {
				return fmt.Errorf("%s: %w", key, err)
			}
			continue
		}
		switch had := found.Writer[id]; {
		case had == n && mayBe:
			return nil
		case had == n:
			return fmt.Errorf("%s has increment %d of writer %d, which was answered with a conflict or not sent", key, n, id)
		case had != n-1:
			return fmt.Errorf("%s has %d increments of writer %d, and %d were acknowledged", key, had, id, n-1)
		}
		found.Total++
		found.Writer[id] = n
		text, err := json.Marshal(found)
		if err != nil {
			return err
		}
		r.writing.Add(1)
		_, err = store.Put(ctx, key, text, version)
		r.writing.Add(-1)
		switch {
		case err == nil:
			r.acknowledged.Add(1)
			return nil
		case errors.Is(err, state.ErrConflict):
			r.conflicts.Add(1)
			if !shared && !mayBe {
				return fmt.Errorf("%s: nobody else writes it: %w", key, err)
			}
		case errors.Is(err, state.ErrUnknown):
			r.unknown.Add(1)
			mayBe = true
		default:
			r.refused.Add(1)
			mayBe = true
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
}

var errTally = errors.New("nobody wrote this")

func readTally(ctx context.Context, store state.Store, key string) (tally, string, error) {
	found := tally{Writer: map[int]int{}}
	text, version, err := store.Get(ctx, key)
	if errors.Is(err, state.ErrNotFound) {
		return found, "", nil
	}
	if err != nil {
		return found, "", err
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return found, "", fmt.Errorf("%w: %w", errTally, err)
	}
	sum := 0
	for _, count := range found.Writer {
		sum += count
	}
	if sum != found.Total {
		return found, "", fmt.Errorf("%w: it has %d increments and counts to %d", errTally, sum, found.Total)
	}
	return found, version, nil
}

// expect compares what is there with what was answered.
func (r *restarts) expect(t *testing.T, store state.Store, writers int) {
	t.Helper()
	shared, _, err := readTally(t.Context(), store, "restarts/shared")
	if err != nil {
		t.Fatal(err)
	}
	for id := range writers {
		own, _, err := readTally(t.Context(), store, fmt.Sprintf("restarts/of-%d", id))
		if err != nil {
			t.Fatal(err)
		}
		if want := int(r.done[id].shared.Load()); shared.Writer[id] != want {
			t.Errorf("writer %d did %d increments of the shared number, and %d are there", id, want, shared.Writer[id])
		}
		if want := int(r.done[id].own.Load()); own.Writer[id] != want {
			t.Errorf("writer %d did %d increments of its own number, and %d are there", id, want, own.Writer[id])
		}
	}
}
