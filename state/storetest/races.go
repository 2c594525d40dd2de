package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/state"
)

// raceChecks are about several writers and readers at once.
func raceChecks() []check {
	return []check{
		{"contention", testContention},
		{"contention of two clients", testContentionOfClients},
		{"create race", testCreateRace},
		{"delete race", testDeleteRace},
		{"a write against a delete", testPutDeleteRace},
		{"writers of different keys", testDifferentKeys},
		{"readers see whole values", testWholeValues},
		{"versions and values belong together", testPairs},
	}
}

// testContention has goroutines count up one number: none may be lost.
func testContention(t *testing.T, store *place) {
	const workers, rounds = 8, 20
	var group sync.WaitGroup
	failed := make(chan error, workers)
	for range workers {
		group.Go(func() {
			for range rounds {
				if err := increment(t.Context(), store, "counter"); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	expectCount(t, store, "counter", workers*rounds)
}

// testCreateRace has goroutines create one key: one of them may.
func testCreateRace(t *testing.T, store *place) {
	const workers, rounds = 8, 20
	for round := range rounds {
		key := "race/" + strconv.Itoa(round)
		errs := make([]error, workers)
		var group sync.WaitGroup
		for i := range workers {
			group.Go(func() { _, errs[i] = store.Put(t.Context(), key, []byte(strconv.Itoa(i)), "") })
		}
		group.Wait()
		won := 0
		for i, err := range errs {
			switch {
			case err == nil:
				won++
				if value, _, err := store.Get(t.Context(), key); err != nil || string(value) != strconv.Itoa(i) {
					t.Errorf("writer %d won and the value is %q, %v", i, value, err)
				}
			case !errors.Is(err, state.ErrConflict):
				t.Errorf("a loser got %v, want ErrConflict", err)
			}
		}
		if won != 1 {
			t.Errorf("%d writers created %s", won, key)
		}
	}
}

// increment adds one to the number in a key, again until no one was in between.
func increment(ctx context.Context, store state.Store, key string) error {
	for {
		value, version, err := store.Get(ctx, key)
		count := 0
		switch {
		case errors.Is(err, state.ErrNotFound):
		case err != nil:
			return err
		default:
			if count, err = strconv.Atoi(string(value)); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		_, err = store.Put(ctx, key, []byte(strconv.Itoa(count+1)), version)
		if err == nil || !errors.Is(err, state.ErrConflict) {
			return err
		}
	}
}

func testContentionOfClients(t *testing.T, store *place) {
	const rounds = 25
	var group sync.WaitGroup
	for _, client := range []state.Store{store.Store, store.other(t), store.other(t)} {
		group.Go(func() {
			for range rounds {
				if err := increment(t.Context(), client, "counter"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	expectCount(t, store, "counter", 3*rounds)
}

// testDeleteRace has goroutines delete one key: one of them may.
func testDeleteRace(t *testing.T, store *place) {
	const workers, rounds = 6, 10
	for round := range rounds {
		key := "race/" + strconv.Itoa(round)
		version := put(t, store, key, "value", "")
		errs := make([]error, workers)
		var group sync.WaitGroup
		for i := range workers {
			group.Go(func() { errs[i] = store.Delete(t.Context(), key, version) })
		}
		group.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, state.ErrNotFound) && !errors.Is(err, state.ErrConflict):
				t.Errorf("a loser got %v, want ErrNotFound or ErrConflict", err)
			}
		}
		if won != 1 {
			t.Errorf("%d deleted %s", won, key)
		}
	}
}

// testPutDeleteRace has a writer and a deleter at one version: one of them may.
func testPutDeleteRace(t *testing.T, store *place) {
	const rounds = 20
	for round := range rounds {
		key := "race/" + strconv.Itoa(round)
		version := put(t, store, key, "old", "")
		var putErr, deleteErr error
		var group sync.WaitGroup
		group.Go(func() { _, putErr = store.Put(t.Context(), key, []byte("new"), version) })
		group.Go(func() { deleteErr = store.Delete(t.Context(), key, version) })
		group.Wait()
		value, _, err := store.Get(t.Context(), key)
		switch {
		case putErr == nil && errors.Is(deleteErr, state.ErrConflict) && err == nil && string(value) == "new":
		case deleteErr == nil && errors.Is(putErr, state.ErrConflict) && errors.Is(err, state.ErrNotFound):
		default:
			t.Errorf("Put: %v, Delete: %v, and then %q, %v", putErr, deleteErr, value, err)
		}
	}
}

func testDifferentKeys(t *testing.T, store *place) {
	const count = 80
	for _, key := range fill(t, store, "parallel", count) {
		value, _, err := store.Get(t.Context(), key)
		if err != nil || string(value) != key {
			t.Errorf("Get(%q) = %q, %v", key, value, err)
		}
	}
}

// testWholeValues: while a large value is replaced over and over, readers see one or
// the other, and never a part.
func testWholeValues(t *testing.T, store *place) {
	const size, writes = 1500 << 10, 12
	texts := map[string]bool{}
	values := make([]string, 3)
	for i := range values {
		values[i] = strconv.Itoa(i) + noise(size-i)
		texts[values[i]] = true
	}
	version := put(t, store, "whole", values[0], "")
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				value, _, err := store.Get(t.Context(), "whole")
				if err != nil || !texts[string(value)] {
					t.Errorf("a reader saw %d bytes that nobody wrote, %v", len(value), err)
					return
				}
			}
		})
	}
	for i := range writes {
		var err error
		if version, err = store.Put(t.Context(), "whole", []byte(values[(i+1)%len(values)]), version); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	group.Wait()
}

// testPairs: the version that comes with a value is that value's.
func testPairs(t *testing.T, store *place) {
	const writes = 60
	written := map[string]string{} // version to value
	read := make(chan [2]string, 10000)
	done := make(chan struct{})
	var group sync.WaitGroup
	version := put(t, store, "pair", "0", "")
	written[version] = "0"
	for range 3 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				value, version, err := store.Get(t.Context(), "pair")
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case read <- [2]string{version, string(value)}:
				default:
				}
			}
		})
	}
	for i := range writes {
		value := strconv.Itoa(i + 1)
		version = put(t, store, "pair", value, version)
		written[version] = value
	}
	close(done)
	group.Wait()
	close(read)
	for pair := range read {
		if written[pair[0]] != pair[1] {
			t.Fatalf("version %q came with %q, and is of %q", pair[0], pair[1], written[pair[0]])
		}
	}
}
