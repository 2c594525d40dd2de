package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
)

// valueChecks are about one key: what is written is what is read, and only over what was
// read.
func valueChecks() []check {
	return []check{
		{"get put delete", testLife},
		{"get of nothing", testGetOfNothing},
		{"delete of nothing", testDeleteOfNothing},
		{"compare and swap", testCompareAndSwap},
		{"create over what is there", testCreateOver},
		{"a key made again", testMadeAgain},
		{"many versions", testManyVersions},
		{"values are bytes", testValues},
		{"an empty value", testEmpty},
		{"large value", testLarge},
		{"values about the size of a chunk", testChunks},
		{"large becomes small and large again", testShrinks},
		{"a large value deleted", testLargeDeleted},
		{"values are owned", testOwned},
		{"a refused write changes nothing", testRefused},
		{"another client sees it at once", testOtherClient},
		{"cancelled", testCancelled},
		{"past its deadline", testDeadline},
		{"as a model has it", testModel},
	}
}

func testLife(t *testing.T, store *place) {
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

func testCompareAndSwap(t *testing.T, store *place) {
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

func testValues(t *testing.T, store *place) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, value := range []string{"", "\n", string(every), "no newline", "{}\n"} {
		key := "values/" + strconv.Itoa(i)
		expect(t, store, key, value, put(t, store, key, value, ""))
	}
}

func testLarge(t *testing.T, store *place) {
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

func testOwned(t *testing.T, store *place) {
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

func testCancelled(t *testing.T, store *place) {
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

func testGetOfNothing(t *testing.T, store *place) {
	value, version, err := store.Get(t.Context(), "nothing")
	if !errors.Is(err, state.ErrNotFound) || len(value) != 0 || version != "" {
		t.Errorf("Get of nothing: %q at %q, %v, want ErrNotFound", value, version, err)
	}
	if err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("the error does not name the key: %v", err)
	}
}

func testDeleteOfNothing(t *testing.T, store *place) {
	for _, version := range []string{"", "1", "nonsense"} {
		if err := store.Delete(t.Context(), "nothing", version); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("Delete of nothing at %q: %v, want ErrNotFound", version, err)
		}
	}
	if got := list(t, store, ""); len(got) != 0 {
		t.Errorf("there is %q", got)
	}
}

func testCreateOver(t *testing.T, store *place) {
	version := put(t, store, "key", "one", "")
	for _, value := range []string{"one", "two"} {
		if _, err := store.Put(t.Context(), "key", []byte(value), ""); !errors.Is(err, state.ErrConflict) {
			t.Errorf("Put of %q as if there were none: %v, want ErrConflict", value, err)
		}
	}
	expect(t, store, "key", "one", version)
}

// testMadeAgain: the version of a key that was deleted is none of the one that is made
// in its place with another value.
func testMadeAgain(t *testing.T, store *place) {
	var versions []string
	for i := range 5 {
		version := put(t, store, "key", strconv.Itoa(i), "")
		for _, old := range versions {
			if _, err := store.Put(t.Context(), "key", []byte("late"), old); !errors.Is(err, state.ErrConflict) {
				t.Errorf("Put at version %q of a life before: %v, want ErrConflict", old, err)
			}
			if err := store.Delete(t.Context(), "key", old); !errors.Is(err, state.ErrConflict) {
				t.Errorf("Delete at version %q of a life before: %v, want ErrConflict", old, err)
			}
		}
		expect(t, store, "key", strconv.Itoa(i), version)
		if err := store.Delete(t.Context(), "key", version); err != nil {
			t.Fatal(err)
		}
		versions = append(versions, version)
	}
}

func testManyVersions(t *testing.T, store *place) {
	const rounds = 60
	version, seen := "", map[string]bool{}
	for i := range rounds {
		version = put(t, store, "key", strconv.Itoa(i), version)
		if seen[version] {
			t.Fatalf("version %q stands for two values", version)
		}
		seen[version] = true
	}
	expect(t, store, "key", strconv.Itoa(rounds-1), version)
}

func testEmpty(t *testing.T, store *place) {
	version := put(t, store, "empty", "", "")
	expect(t, store, "empty", "", version)
	if got := list(t, store, ""); !slices.Equal(got, []string{"empty"}) {
		t.Errorf("List = %q", got)
	}
	version = put(t, store, "empty", "full", version)
	expect(t, store, "empty", "", put(t, store, "empty", "", version))
}

// testChunks has values about as large as what a backend may have to cut.
func testChunks(t *testing.T, store *place) {
	const most = 1 << 20
	noise := noise(3*most + 1)
	version := ""
	for _, size := range []int{most/2 - 1, most / 2, 900 << 10, most - 1, most, most + 1, 3 * most, 3*most + 1} {
		version = put(t, store, "chunked", noise[:size], version)
		expect(t, store, "chunked", noise[:size], version)
	}
	if got := list(t, store, ""); !slices.Equal(got, []string{"chunked"}) {
		t.Errorf("List = %q, want the key alone", got)
	}
}

func testShrinks(t *testing.T, store *place) {
	large := noise(2 << 20)
	version := ""
	for range 3 {
		version = put(t, store, "key", large, version)
		expect(t, store, "key", large, version)
		version = put(t, store, "key", "small", version)
		expect(t, store, "key", "small", version)
	}
}

func testLargeDeleted(t *testing.T, store *place) {
	large := noise(2 << 20)
	version := put(t, store, "key", large, "")
	if err := store.Delete(t.Context(), "key", version); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Get(t.Context(), "key"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Get of the deleted: %v, want ErrNotFound", err)
	}
	if got := list(t, store, ""); len(got) != 0 {
		t.Errorf("List = %q, want nothing", got)
	}
	expect(t, store, "key", large, put(t, store, "key", large, ""))
}

func testRefused(t *testing.T, store *place) {
	large := noise(2 << 20)
	version := put(t, store, "key", large, "")
	if _, err := store.Put(t.Context(), "key", []byte(large[1:]), "nonsense"); !errors.Is(err, state.ErrConflict) {
		t.Errorf("Put at no version: %v, want ErrConflict", err)
	}
	if _, err := store.Put(t.Context(), "other", []byte(large), version); !errors.Is(err, state.ErrConflict) {
		t.Errorf("Put of a new key at a version: %v, want ErrConflict", err)
	}
	expect(t, store, "key", large, version)
	if got := list(t, store, ""); !slices.Equal(got, []string{"key"}) {
		t.Errorf("List = %q, want the key alone", got)
	}
}

func testOtherClient(t *testing.T, store *place) {
	other := store.other(t)
	version := ""
	for i := range 10 {
		text := strconv.Itoa(i)
		version = put(t, store, "shared/key", text, version)
		expect(t, other, "shared/key", text, version)
		version = put(t, other, "shared/key", text+"!", version)
		expect(t, store, "shared/key", text+"!", version)
		if got := list(t, other, "shared"); !slices.Equal(got, []string{"shared/key"}) {
			t.Fatalf("List = %q", got)
		}
	}
	if err := other.Delete(t.Context(), "shared/key", version); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Get(t.Context(), "shared/key"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Get of what another deleted: %v, want ErrNotFound", err)
	}
}

func testDeadline(t *testing.T, store *place) {
	version := put(t, store, "key", "value", "")
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, _, err := store.Get(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v, want DeadlineExceeded", err)
	}
	if _, err := store.Put(ctx, "key", []byte("other"), version); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Put: %v, want DeadlineExceeded", err)
	}
	expect(t, store, "key", "value", version)
}

// testModel does what chance says to the store and to a map, and compares.
func testModel(t *testing.T, store *place) {
	const steps = 150
	seed := [32]byte{7}
	random := rand.New(rand.NewChaCha8(seed))
	type held struct{ value, version string }
	model := map[string]held{}
	var stale []string
	keys := []string{"a", "a/b", "a/c", "b", "b/c/d", "B"}
	for step := range steps {
		key := keys[random.IntN(len(keys))]
		have, there := model[key]
		version := have.version
		if len(stale) > 0 && random.IntN(4) == 0 {
			version = stale[random.IntN(len(stale))]
		}
		current := version == have.version
		var err error
		switch random.IntN(4) {
		case 0:
			err = store.Delete(t.Context(), key, version)
			switch {
			case !there:
				if !errors.Is(err, state.ErrNotFound) {
					t.Fatalf("step %d: Delete of nothing: %v", step, err)
				}
			case !current:
				if !errors.Is(err, state.ErrConflict) {
					t.Fatalf("step %d: Delete at a stale version: %v", step, err)
				}
			case err != nil:
				t.Fatalf("step %d: %v", step, err)
			default:
				stale = append(stale, have.version)
				delete(model, key)
			}
		case 1, 2:
			value := fmt.Sprintf("%s of step %d", key, step)
			var written string
			written, err = store.Put(t.Context(), key, []byte(value), version)
			switch {
			case !current:
				if !errors.Is(err, state.ErrConflict) {
					t.Fatalf("step %d: Put at a stale version: %v", step, err)
				}
			case err != nil:
				t.Fatalf("step %d: %v", step, err)
			default:
				if there {
					stale = append(stale, have.version)
				}
				model[key] = held{value, written}
			}
		default:
			if there {
				expect(t, store, key, have.value, have.version)
			} else if _, _, err := store.Get(t.Context(), key); !errors.Is(err, state.ErrNotFound) {
				t.Fatalf("step %d: Get of nothing: %v", step, err)
			}
		}
	}
	want := make([]string, 0, len(model))
	for key, have := range model {
		want = append(want, key)
		expect(t, store, key, have.value, have.version)
	}
	slices.Sort(want)
	if got := list(t, store, ""); !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
}

// noise returns bytes that do not compress, the same ones every time.
func noise(size int) string {
	value := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(value) // it cannot fail
	return string(value)
}
