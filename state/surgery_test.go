package state_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

var errCut = errors.New("cut off")

// cutOff is a store that fails from the n-th write on.
type cutOff struct {
	state.Store
	left int
}

func (c *cutOff) count() error {
	if c.left--; c.left < 0 {
		return errCut
	}
	return nil
}

func (c *cutOff) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if err := c.count(); err != nil {
		return "", err
	}
	return c.Store.Put(ctx, key, value, version)
}

func (c *cutOff) Delete(ctx context.Context, key, version string) error {
	if err := c.count(); err != nil {
		return err
	}
	return c.Store.Delete(ctx, key, version)
}

func put(t *testing.T, records *state.Records, record *state.Record) {
	t.Helper()
	_, version, err := records.Get(t.Context(), record.Address)
	if err == nil {
		_, err = records.Put(t.Context(), record, version)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func owning(address addr.Address, uid string, on ...addr.Address) *state.Record {
	return &state.Record{Address: address, Name: address.Name, DependsOn: on, Objects: []state.Owned{
		{ID: object.ID{Kind: "ConfigMap", Namespace: "web", Name: "web"}, Version: "v1", UID: uid},
	}}
}

// Cut off before any of its writes, moving a record is as if it had not begun, or is
// finished by the same again; and never do both records count.
func TestMoveCutOff(t *testing.T) {
	from, to, other := addr.Application("old"), addr.Application("new"), addr.Application("other")
	for n := 0; ; n++ {
		store := memory.New()
		records := openIn(t, store)
		put(t, records, owning(from, "1"))
		put(t, records, owning(other, "2", from))
		cut := openIn(t, &cutOff{Store: store, left: n})
		err := cut.Move(t.Context(), from, to)
		if err == nil {
			if n < 4 {
				t.Fatalf("%d writes were enough", n)
			}
			return
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		old, _, err := records.Get(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		now, _, err := records.Get(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		if old == nil && now == nil || old != nil && now != nil && !state.Leftover(old, now) {
			t.Errorf("after %d writes there are %+v and %+v", n, old, now)
		}
		if err := records.Move(t.Context(), from, to); err != nil {
			t.Fatalf("again, after %d writes: %v", n, err)
		}
		old, _, _ = records.Get(t.Context(), from)
		now, _, _ = records.Get(t.Context(), to)
		depends, _, _ := records.Get(t.Context(), other)
		if old != nil || now == nil || !now.MovedFrom.IsZero() || now.Find(now.Objects[0].ID).UID != "1" || !slices.Equal(depends.DependsOn, []addr.Address{to}) {
			t.Errorf("after %d writes and again: %+v, %+v, %+v", n, old, now, depends)
		}
	}
}

func TestMoveRefused(t *testing.T) {
	from, to := addr.Application("old"), addr.Application("new")
	records := openIn(t, memory.New())
	if err := records.Move(t.Context(), from, to); !errors.Is(err, state.ErrNoRecord) {
		t.Errorf("of nothing: %v", err)
	}
	put(t, records, owning(from, "1"))
	put(t, records, owning(to, "2"))
	if err := records.Move(t.Context(), from, to); !errors.Is(err, state.ErrAddressTaken) {
		t.Errorf("onto another: %v", err)
	}
}

// What is made under an address that something moved away from is no leftover, even where
// that it moved was not forgotten.
func TestLeftover(t *testing.T) {
	from, to := addr.Application("old"), addr.Application("new")
	now := owning(to, "1")
	now.MovedFrom, now.UpdatedAt = from, made
	made1 := owning(from, "2")
	made1.UpdatedAt = made.Add(time.Minute)
	if state.Leftover(made1, now) {
		t.Error("what was made later is a leftover")
	}
	old := owning(from, "1")
	old.UpdatedAt = made.Add(time.Minute) // by a clock that is ahead
	if !state.Leftover(old, now) {
		t.Error("what has the same objects is none")
	}
	now.MovedFrom = addr.Application("third")
	if state.Leftover(old, now) {
		t.Error("what moved elsewhere is one")
	}
}

func TestRaise(t *testing.T) {
	records := openIn(t, memory.New())
	address := addr.Application("web")
	record, err := records.Raise(t.Context(), &state.Record{Address: address, Name: "web"}, 41)
	if err != nil || record.Serial != 42 {
		t.Fatalf("%+v, %v", record, err)
	}
	if record, err = records.Raise(t.Context(), &state.Record{Address: address, Name: "other"}, 7); err != nil || record.Serial != 43 || record.Name != "web" {
		t.Errorf("%+v, %v", record, err)
	}
}

func TestExport(t *testing.T) {
	store := memory.New()
	records := openIn(t, store)
	web := addr.Application("web")
	put(t, records, owning(web, "1"))
	put(t, records, owning(web.Instance("eu"), "2"))
	if _, err := store.Put(t.Context(), "revisions/"+state.EscapeSegment(web.String())+"/1", []byte{0xff, 0xfe}, ""); err != nil {
		t.Fatal(err)
	}
	lease, err := records.Acquire(t.Context(), "apply", state.Holder{Who: "dev@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lease.Release(context.WithoutCancel(t.Context())) }()
	all, err := records.Export(t.Context(), addr.Address{})
	if err != nil || len(all.Keys) != 4 {
		t.Fatalf("%+v, %v", all, err)
	}
	one, err := records.Export(t.Context(), web)
	if err != nil || len(one.Keys) != 2 {
		t.Fatalf("%+v, %v", one, err)
	}
	if string(one.Keys["revisions/application.web/1"]) != `{"base64":"//4="}` {
		t.Errorf("%s", one.Keys["revisions/application.web/1"])
	}
	first, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	again, err := records.Export(t.Context(), addr.Address{})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := json.Marshal(again); err != nil || string(first) != string(second) || strings.Contains(string(first), "locks/") {
		t.Errorf("%v: it is not the same, or has locks:\n%s", err, first)
	}
}
