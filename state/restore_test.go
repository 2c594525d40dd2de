package state_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// copied makes a copy of a state as a file has it.
func copied(t *testing.T, records *state.Records, of addr.Address) *state.Export {
	t.Helper()
	made, err := records.Export(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	out, err := state.ReadExport(text)
	if err != nil || out == nil {
		t.Fatal(out, err)
	}
	return out
}

// whole is a store's content, locks and the entries of the log left out.
func whole(t *testing.T, store state.Store) map[string]string {
	t.Helper()
	keys, err := store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, key := range keys {
		value, _, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(key, "locks") {
			out[key] = string(value)
		}
	}
	return out
}

// estate is a state of an application with all that is kept of one.
func estate(t *testing.T) (*memory.Store, *state.Records, addr.Address) {
	t.Helper()
	store := memory.New()
	records := openIn(t, store)
	web := addr.Application("web")
	record := owning(web, "1")
	record.UID = "abc"
	put(t, records, record)
	if _, err := store.Put(t.Context(), "revisions/application.old/abc.1", []byte("gantry-revision \xff\n"), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := records.PutHold(t.Context(), web, func(*state.Hold) (*state.Hold, error) { return &state.Hold{Hold: plan.Hold{Reason: "<freeze>"}}, nil }); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := records.Audit(t.Context(), state.Event{Kind: state.EventHeld, Reason: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	return store, records, web
}

// A copy becomes the state of an empty store byte by byte; cut off at any write, nobody
// uses it, and the same again finishes it.
func TestRestore(t *testing.T) {
	store, records, _ := estate(t)
	backup, want := copied(t, records, addr.Address{}), whole(t, store)
	for n := 0; ; n++ {
		place := memory.New()
		_, err := state.Restore(t.Context(), &cutOff{Store: place, left: n}, backup, state.Holder{Who: "a"}, state.LeaseOptions{})
		if err != nil {
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			if _, err := state.Open(t.Context(), place, state.Existing()); err == nil && n < len(want) {
				t.Fatalf("after %d writes it is open", n)
			}
			dead := state.LeaseOptions{Dead: func(state.Holder) bool { return true }}
			if _, err := state.Restore(t.Context(), place, backup, state.Holder{Who: "b"}, dead); err != nil {
				t.Fatalf("again, after %d writes: %v", n, err)
			}
		}
		got := whole(t, place)
		if len(got) != len(want) {
			t.Fatalf("%d keys, want %d", len(got), len(want))
		}
		for key := range want {
			if got[key] != want[key] {
				t.Errorf("after %d writes %s is %q, want %q", n, key, got[key], want[key])
			}
		}
		if err == nil {
			return
		}
	}
}

func TestRestoreRefused(t *testing.T) {
	_, records, web := estate(t)
	backup := copied(t, records, addr.Address{})
	for name, c := range map[string]struct {
		store  func() state.Store
		backup *state.Export
		want   error
	}{
		"another state": {func() state.Store { s := memory.New(); openIn(t, s); return s }, backup, state.ErrNotEmpty},
		"something else": {func() state.Store {
			s := memory.New()
			_, _ = s.Put(t.Context(), "notes", []byte("x"), "")
			return s
		}, backup, state.ErrNotEmpty},
		"of one application": {func() state.Store { return memory.New() }, copied(t, records, web), state.ErrPartial},
	} {
		store := c.store()
		before := whole(t, store)
		if _, err := state.Restore(t.Context(), store, c.backup, state.Holder{}, state.LeaseOptions{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after := whole(t, store); len(after) != len(before) {
			t.Errorf("%s: %d keys were written", name, len(after)-len(before))
		}
	}
}

// What of a copy is put back into the state that it was made from.
func TestPushExport(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, store *memory.Store, records *state.Records, web addr.Address)
		taken  bool
		others int
		why    string
	}{
		"as it is": {change: func(*testing.T, *memory.Store, *state.Records, addr.Address) {}},
		"gone": {change: func(t *testing.T, store *memory.Store, records *state.Records, web addr.Address) {
			forget(t, store, records, web)
		}, taken: true, others: 2},
		"broken": {change: func(t *testing.T, store *memory.Store, _ *state.Records, web addr.Address) {
			_, version, _ := store.Get(t.Context(), state.RecordKey(web))
			if _, err := store.Put(t.Context(), state.RecordKey(web), []byte("{"), version); err != nil {
				t.Fatal(err)
			}
		}, taken: true},
		"later, and released": {change: func(t *testing.T, _ *memory.Store, records *state.Records, web addr.Address) {
			record, _, _ := records.Get(t.Context(), web)
			put(t, records, record)
			if _, err := records.DeleteHold(t.Context(), web, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}, why: "serial 2, and the copy has 1"},
		"of the same serial, and another": {change: func(t *testing.T, store *memory.Store, records *state.Records, web addr.Address) {
			forget(t, store, records, web)
			put(t, records, owning(web, "2"))
		}, why: "another record of the same serial 1"},
	} {
		t.Run(name, func(t *testing.T) {
			store, records, web := estate(t)
			backup := copied(t, records, addr.Address{})
			was, _, err := records.Get(t.Context(), web)
			if err != nil {
				t.Fatal(err)
			}
			c.change(t, store, records, web)
			before := whole(t, store)
			got, err := records.PushExport(t.Context(), backup)
			if err != nil || len(got.Records) != 1 {
				t.Fatal(got, err)
			}
			if p := got.Records[0]; p.Taken != c.taken || got.Others != c.others || !strings.Contains(p.Refused, c.why) || c.why == "" && p.Refused != "" {
				t.Errorf("%+v, others %d", p, got.Others)
			}
			if after := whole(t, store); !c.taken && fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("it wrote: %v, want %v", after, before)
			}
			if !c.taken {
				return
			}
			if now, _, err := records.Get(t.Context(), web); err != nil || now.Serial != was.Serial || now.Find(now.Objects[0].ID).UID != "1" {
				t.Errorf("%+v, %v", now, err)
			}
			if hold, err := records.Hold(t.Context(), web); err != nil || hold == nil || hold.Reason != "<freeze>" {
				t.Errorf("%+v, %v", hold, err)
			}
		})
	}
	_, records, _ := estate(t)
	_, others, _ := estate(t)
	if _, err := records.PushExport(t.Context(), copied(t, others, addr.Address{})); err == nil || !strings.Contains(err.Error(), "another installation") {
		t.Errorf("of another installation: %v", err)
	}
}

func forget(t *testing.T, store *memory.Store, records *state.Records, address addr.Address) {
	t.Helper()
	if err := records.Forget(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	_, version, err := store.Get(t.Context(), "revisions/application.old/abc.1")
	if err == nil {
		err = store.Delete(t.Context(), "revisions/application.old/abc.1", version)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A hold goes with its application, and at no moment does it hold none of the two.
func TestMoveTakesTheHoldAlong(t *testing.T) {
	from, to := addr.Application("web"), addr.Application("site")
	for n := 0; ; n++ {
		store, records, _ := estate(t)
		err := openIn(t, &cutOff{Store: store, left: n}).Move(t.Context(), from, to)
		holds, holdsErr := records.Holds(t.Context())
		if holdsErr != nil {
			t.Fatal(holdsErr)
		}
		record, _, _ := records.Get(t.Context(), to)
		if record != nil && holds[to] == nil || record == nil && holds[from] == nil {
			t.Errorf("after %d writes the hold is lost: %v", n, holds)
		}
		if err == nil {
			if holds[from] != nil || holds[to].Reason != "<freeze>" || holds[to].Address != to {
				t.Errorf("%+v", holds)
			}
			return
		}
		if err := records.Move(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
		if holds, err = records.Holds(t.Context()); err != nil || holds[from] != nil || holds[to] == nil {
			t.Errorf("after %d writes, and again: %v, %v", n, holds, err)
		}
	}
}

// A copy of one application has its revisions of when it had another address.
func TestExportOfOneThatMoved(t *testing.T) {
	_, records, web := estate(t)
	if err := records.Move(t.Context(), web, addr.Application("site")); err != nil {
		t.Fatal(err)
	}
	made, err := records.Export(t.Context(), addr.Application("site"))
	if err != nil || len(made.Keys) != 3 || made.Keys["revisions/application.old/abc.1"] == nil {
		t.Errorf("%v, %v", made, err)
	}
}
