package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// nameChecks are about keys, and what lists have of them.
func nameChecks() []check {
	return []check{
		{"list", testList},
		{"list of nothing", testListOfNothing},
		{"list of many", testListOfMany},
		{"lists are sorted", testSorted},
		{"a list while keys come and go", testListMeanwhile},
		{"keys below a key", testBelow},
		{"names", testNames},
		{"bad keys", testBadKeys},
		{"many at once", testGetAll},
	}
}

func testList(t *testing.T, store *place) {
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
func testNames(t *testing.T, store *place) {
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

func testBadKeys(t *testing.T, store *place) {
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

func testListOfNothing(t *testing.T, store *place) {
	for _, prefix := range []string{"", "a", "applications", "a/b/c"} {
		if got := list(t, store, prefix); len(got) != 0 {
			t.Errorf("List(%q) of an empty store = %q", prefix, got)
		}
	}
}

// testListOfMany has more keys than a page of any list.
func testListOfMany(t *testing.T, store *place) {
	const count = 1100
	want := fill(t, store, "many", count)
	put(t, store, "many-others", "", "")
	if got := list(t, store, "many"); !slices.Equal(got, want) {
		t.Errorf("List has %d keys, want %d", len(got), len(want))
	}
	if got := list(t, store, ""); len(got) != count+1 {
		t.Errorf("List of all has %d keys, want %d", len(got), count+1)
	}
}

func testSorted(t *testing.T, store *place) {
	keys := []string{"z", "a-b", "a/b", "a.b", "a0", "A", "_", "%", "a/B", "a%2f"}
	for _, key := range keys {
		put(t, store, key, key, "")
	}
	slices.Sort(keys)
	if got := list(t, store, ""); !slices.Equal(got, keys) {
		t.Errorf("List = %q, want %q: sorted by bytes", got, keys)
	}
}

// testListMeanwhile: what is there all the time is in every list.
func testListMeanwhile(t *testing.T, store *place) {
	stays := fill(t, store, "list/stays", 40)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for i := range 2 {
		group.Go(func() {
			key := "list/comes-" + strconv.Itoa(i)
			for ctx.Err() == nil {
				version, err := store.Put(t.Context(), key, []byte(key), "")
				if err == nil {
					err = store.Delete(t.Context(), key, version)
				}
				if err != nil {
					t.Errorf("%s: %v", key, err)
					return
				}
			}
		})
	}
	for range 15 {
		got, err := store.List(t.Context(), "list")
		if err != nil {
			t.Error(err)
			break
		}
		got = slices.DeleteFunc(got, func(key string) bool { return strings.HasPrefix(key, "list/comes-") })
		if !slices.Equal(got, stays) {
			t.Errorf("List has %d of %d keys that stay", len(got), len(stays))
			break
		}
	}
	stop()
	group.Wait()
}

// testBelow: a key may be the prefix of others, and neither knows of the other.
func testBelow(t *testing.T, store *place) {
	above := put(t, store, "a/b", "above", "")
	below := put(t, store, "a/b/c", "below", "")
	if err := store.Delete(t.Context(), "a/b", above); err != nil {
		t.Fatal(err)
	}
	expect(t, store, "a/b/c", "below", below)
	above = put(t, store, "a/b", "again", "")
	if err := store.Delete(t.Context(), "a/b/c", below); err != nil {
		t.Fatal(err)
	}
	expect(t, store, "a/b", "again", above)
	if got := list(t, store, "a"); !slices.Equal(got, []string{"a/b"}) {
		t.Errorf("List = %q", got)
	}
}

// testGetAll: what a backend reads at once is what it reads one by one.
func testGetAll(t *testing.T, store *place) {
	keys := fill(t, store, "bulk", 60)
	keys = append(keys, "bulk/large")
	slices.Sort(keys)
	put(t, store, "bulk/large", noise(2<<20), "")
	put(t, store, "bulkier", "not below", "")
	bulk, ok := store.Store.(state.BulkReader)
	if !ok {
		for _, key := range keys {
			if _, _, err := store.Get(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
		return
	}
	items, err := bulk.GetAll(t.Context(), "bulk")
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(items))
	for i, item := range items {
		got[i] = item.Key
		expect(t, store, item.Key, string(item.Value), item.Version)
	}
	if !slices.Equal(got, keys) {
		t.Errorf("GetAll has %q, want %q", got, keys)
	}
	if items, err := bulk.GetAll(t.Context(), "nothing"); err != nil || len(items) != 0 {
		t.Errorf("GetAll of nothing = %v, %v", items, err)
	}
	if _, err := bulk.GetAll(t.Context(), "../bulk"); !errors.Is(err, state.ErrBadKey) {
		t.Errorf("GetAll of a bad prefix: %v, want ErrBadKey", err)
	}
}

// fill writes keys below a prefix, several at once, and returns them sorted.
func fill(t *testing.T, store state.Store, prefix string, count int) []string {
	t.Helper()
	keys := make([]string, count)
	next := make(chan int)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range next {
				if _, err := store.Put(t.Context(), keys[i], []byte(keys[i]), ""); err != nil {
					t.Errorf("Put(%q): %v", keys[i], err)
				}
			}
		})
	}
	for i := range keys {
		keys[i] = fmt.Sprintf("%s/%04d", prefix, i)
		next <- i
	}
	close(next)
	group.Wait()
	return keys
}
