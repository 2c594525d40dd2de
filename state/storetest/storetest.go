// Package storetest is the suite that every state store passes, in memory, on
// disk and on a server.
//
// Run is the contract of state.Store within one process; Processes is the part
// that takes several.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// Run holds a store to the contract of state.Store. Each call of open returns a
// store with nothing in it.
func Run(t *testing.T, open func(t *testing.T) state.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, state.Store){
		"get put delete":   testLife,
		"compare and swap": testCompareAndSwap,
		"values are bytes": testValues,
		"large value":      testLarge,
		"values are owned": testOwned,
		"list":             testList,
		"names":            testNames,
		"bad keys":         testBadKeys,
		"cancelled":        testCancelled,
		"contention":       testContention,
		"create race":      testCreateRace,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func testLife(t *testing.T, store state.Store) {
	ctx := t.Context()
	if _, _, err := store.Get(ctx, "a/b"); !errors.Is(err, state.ErrNotFound) {
		t.Fatalf("Get of nothing: %v, want ErrNotFound", err)
	}
	if err := store.Delete(ctx, "a/b", ""); !errors.Is(err, state.ErrNotFound) {
		t.Fatalf("Delete of nothing: %v, want ErrNotFound", err)
	}
	first := put(t, store, "a/b", "one", "")
	expect(t, store, "a/b", "one", first)
	second := put(t, store, "a/b", "two", first)
	if first == second || second == "" {
		t.Errorf("versions %q and %q of two values", first, second)
	}
	expect(t, store, "a/b", "two", second)
	if err := store.Delete(ctx, "a/b", second); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Get(ctx, "a/b"); !errors.Is(err, state.ErrNotFound) {
		t.Fatalf("Get of the deleted: %v, want ErrNotFound", err)
	}
	if _, err := store.Put(ctx, "a/b", []byte("three"), second); !errors.Is(err, state.ErrConflict) {
		t.Fatalf("Put over the deleted: %v, want ErrConflict", err)
	}
	put(t, store, "a/b", "again", "")
}

func testCompareAndSwap(t *testing.T, store state.Store) {
	ctx := t.Context()
	first := put(t, store, "key", "one", "")
	second := put(t, store, "key", "two", first)
	for _, stale := range []string{"", first, "nonsense"} {
		if _, err := store.Put(ctx, "key", []byte("three"), stale); !errors.Is(err, state.ErrConflict) {
			t.Errorf("Put at version %q: %v, want ErrConflict", stale, err)
		}
		if err := store.Delete(ctx, "key", stale); !errors.Is(err, state.ErrConflict) {
			t.Errorf("Delete at version %q: %v, want ErrConflict", stale, err)
		}
	}
	if _, err := store.Put(ctx, "other", nil, second); !errors.Is(err, state.ErrConflict) {
		t.Errorf("Put of a new key at a version: %v, want ErrConflict", err)
	}
	expect(t, store, "key", "two", second)
}

func testValues(t *testing.T, store state.Store) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, value := range []string{"", "\n", string(every), "no newline", "{}\n"} {
		key := "values/" + strconv.Itoa(i)
		expect(t, store, key, value, put(t, store, key, value, ""))
	}
}

func testLarge(t *testing.T, store state.Store) {
	const size = 8 << 20
	value := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	if _, err := random.Read(value); err != nil {
		t.Fatal(err)
	}
	version := put(t, store, "large", string(value), "")
	expect(t, store, "large", string(value), version)
	expect(t, store, "large", "small", put(t, store, "large", "small", version))
}

func testOwned(t *testing.T, store state.Store) {
	value := []byte("value")
	if _, err := store.Put(t.Context(), "key", value, ""); err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	got, version, err := store.Get(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != "value" {
		t.Errorf("the store kept the caller's bytes: %q", got)
	}
	got[0] = 'X'
	expect(t, store, "key", "value", version)
}

func testList(t *testing.T, store state.Store) {
	keys := []string{"a", "a/b", "a/b/c", "a/c", "ab", "ab/c", "b.json", "b.json/x", "b", "B"}
	if got := list(t, store, ""); len(got) != 0 {
		t.Errorf("an empty store lists %q", got)
	}
	for _, key := range keys {
		put(t, store, key, key, "")
	}
	for prefix, want := range map[string][]string{
		"":         keys,
		"a":        {"a/b", "a/b/c", "a/c"},
		"a/b":      {"a/b/c"},
		"b.json":   {"b.json/x"},
		"B":        nil,
		"nothing":  nil,
		"a/b/c/d":  nil,
		"nothing/": nil,
	} {
		if strings.HasSuffix(prefix, "/") {
			if _, err := store.List(t.Context(), prefix); !errors.Is(err, state.ErrBadKey) {
				t.Errorf("List(%q): %v, want ErrBadKey", prefix, err)
			}
			continue
		}
		want := slices.Sorted(slices.Values(want))
		if got := list(t, store, prefix); !slices.Equal(got, want) {
			t.Errorf("List(%q) = %q, want %q", prefix, got, want)
		}
	}
	for _, key := range keys {
		value, version, err := store.Get(t.Context(), key)
		if err != nil || string(value) != key {
			t.Fatalf("Get(%q) = %q, %v", key, value, err)
		}
		if err := store.Delete(t.Context(), key, version); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(t, store, ""); len(got) != 0 {
		t.Errorf("after deleting everything there is %q", got)
	}
}

// testNames has keys that file systems, shells and URLs might take for something
// else, or for each other.
func testNames(t *testing.T, store state.Store) {
	keys := []string{
		state.RecordKey(addr.Application("web")),
		state.RecordKey(addr.Application("Web")),
		state.RecordKey(addr.Application("web").Instance("")),
		state.RecordKey(addr.Application("web").Instance("prod-eu/eu-1")),
		state.RecordKey(addr.Application("web").Instance("..")),
		state.RecordKey(addr.Application("web").Instance(`a"b\c%2f${d}[*]?`)),
		state.RecordKey(addr.Application("web").Instance("schön 你好")),
		state.RecordKey(addr.Application("web").Instance(strings.Repeat("long.", 100))),
		state.RecordKey(addr.Application("web").Instance(strings.Repeat("long.", 100) + "er")),
		"%", "%%", "%2f", "%2F", "...", ".hidden", "a.json", "a.json.json", "a..b", "a...json", "CON",
		"-", "_", "x/" + strings.Repeat(".", 201) + "/y", strings.Repeat("A", 300), strings.Repeat("a", 300),
		strings.Repeat("k/", 100) + "k", strings.Repeat("m", state.MaxKey),
	}
	for _, key := range keys {
		put(t, store, key, key, "")
	}
	for _, key := range keys {
		value, _, err := store.Get(t.Context(), key)
		if err != nil || string(value) != key {
			t.Errorf("Get(%q) = %q, %v", key, value, err)
		}
	}
	want := slices.Sorted(slices.Values(keys))
	if got := list(t, store, ""); !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
}

func testBadKeys(t *testing.T, store state.Store) {
	ctx := t.Context()
	bad := []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a b", "a\x00", "a\nb", `a\b`, "a:b",
		"a*", "~a", "a=b", "a+", "ä", strings.Repeat("a", state.MaxKey+1),
	}
	for _, key := range bad {
		if _, _, err := store.Get(ctx, key); !errors.Is(err, state.ErrBadKey) {
			t.Errorf("Get(%q): %v, want ErrBadKey", key, err)
		}
		if _, err := store.Put(ctx, key, nil, ""); !errors.Is(err, state.ErrBadKey) {
			t.Errorf("Put(%q): %v, want ErrBadKey", key, err)
		}
		if err := store.Delete(ctx, key, ""); !errors.Is(err, state.ErrBadKey) {
			t.Errorf("Delete(%q): %v, want ErrBadKey", key, err)
		}
		if key == "" {
			continue
		}
		if _, err := store.List(ctx, key); !errors.Is(err, state.ErrBadKey) {
			t.Errorf("List(%q): %v, want ErrBadKey", key, err)
		}
	}
	if got := list(t, store, ""); len(got) != 0 {
		t.Errorf("bad keys were written: %q", got)
	}
}

func testCancelled(t *testing.T, store state.Store) {
	version := put(t, store, "key", "value", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := store.Get(ctx, "key"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v, want Canceled", err)
	}
	if _, err := store.Put(ctx, "key", []byte("other"), version); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v, want Canceled", err)
	}
	if _, err := store.List(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, want Canceled", err)
	}
	if err := store.Delete(ctx, "key", version); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete: %v, want Canceled", err)
	}
	expect(t, store, "key", "value", version)
}

// testContention has goroutines count up one number: none may be lost.
func testContention(t *testing.T, store state.Store) {
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
func testCreateRace(t *testing.T, store state.Store) {
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

func put(t *testing.T, store state.Store, key, value, version string) string {
	t.Helper()
	version, err := store.Put(t.Context(), key, []byte(value), version)
	if err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
	if version == "" {
		t.Fatalf("Put(%q) returned no version", key)
	}
	return version
}

func expect(t *testing.T, store state.Store, key, value, version string) {
	t.Helper()
	got, gotVersion, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	if !bytes.Equal(got, []byte(value)) {
		t.Errorf("Get(%q) = %.80q (%d bytes), want %.80q (%d bytes)", key, got, len(got), value, len(value))
	}
	if gotVersion != version {
		t.Errorf("Get(%q) is at version %q, want %q", key, gotVersion, version)
	}
}

func expectCount(t *testing.T, store state.Store, key string, want int) {
	t.Helper()
	value, _, err := store.Get(t.Context(), key)
	if err != nil || string(value) != strconv.Itoa(want) {
		t.Errorf("%s counted to %q, %v, want %d", key, value, err, want)
	}
}

func list(t *testing.T, store state.Store, prefix string) []string {
	t.Helper()
	keys, err := store.List(t.Context(), prefix)
	if err != nil {
		t.Fatalf("List(%q): %v", prefix, err)
	}
	return keys
}
