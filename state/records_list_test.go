package state_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// bulk is a store that reads all at once, or says why it cannot.
type bulk struct {
	*memory.Store
	err   error
	calls int
}

func (b *bulk) GetAll(ctx context.Context, prefix string) ([]state.Item, error) {
	b.calls++
	keys, err := b.List(ctx, prefix)
	if err := errors.Join(b.err, err); err != nil {
		return nil, err
	}
	var items []state.Item
	for _, key := range keys {
		value, version, err := b.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		items = append(items, state.Item{Key: key, Value: value, Version: version})
	}
	return items, nil
}

// TestListAtOnce: what is read at once is what is read one by one, and what is broken
// costs itself either way.
func TestListAtOnce(t *testing.T) {
	store := &bulk{Store: memory.New()}
	records := openRecords(t, store)
	for _, one := range []*state.Record{record(web), record(billing)} {
		if _, err := records.Put(t.Context(), one, ""); err != nil {
			t.Fatal(err)
		}
	}
	plain := openRecords(t, struct{ state.Store }{store.Store})
	want, err := plain.List(t.Context())
	if err != nil || len(want) != 2 {
		t.Fatalf("%d, %v", len(want), err)
	}
	same := func(context string) {
		t.Helper()
		got, err := records.List(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", context, err, diff)
		}
	}
	same("at once")
	store.err = &state.BrokenError{Key: "applications/x", Reason: "a part is missing"}
	same("one by one")
	if store.calls != 2 {
		t.Errorf("the store was asked %d times", store.calls)
	}
	store.err = errors.New("the server is away")
	if _, err := records.List(t.Context()); !errors.Is(err, store.err) {
		t.Errorf("List: %v", err)
	}
	store.err = nil
	if _, err := store.Put(t.Context(), "applications/%zz", []byte("{}"), ""); err != nil {
		t.Fatal(err)
	}
	overwrite(t, store, state.RecordKey(billing), replace(`"serial"`, `"serail"`))
	got, err := records.List(t.Context())
	if err == nil || len(got) != 1 || got[0].Address != web {
		t.Errorf("with two that are broken: %d records, %v", len(got), err)
	}
}
