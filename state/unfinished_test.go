package state_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// TestOnePlanIsKept: the one whose apply was begun last.
func TestOnePlanIsKept(t *testing.T) {
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	want := func(id, file string) {
		t.Helper()
		haveID, have, err := records.KeptPlan(t.Context())
		if err != nil || haveID != id || string(have) != file {
			t.Errorf("kept is %q %q, %v; want %q %q", haveID, have, err, id, file)
		}
	}
	want("", "")
	if err := errors.Join(records.DropPlan(t.Context()), records.KeepPlan(t.Context(), "a", []byte("file of a"))); err != nil {
		t.Fatal(err)
	}
	want("a", "file of a")
	if err := records.KeepPlan(t.Context(), "b", []byte("file of b")); err != nil {
		t.Fatal(err)
	}
	want("b", "file of b")
	if err := records.DropPlan(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("", "")

	if last, err := records.LastPlan(t.Context()); last != nil || err != nil {
		t.Errorf("last is %+v, %v", last, err)
	}
	for _, id := range []string{"a", "b", "a"} {
		if err := records.BeginPlan(t.Context(), id, time.Now(), "someone"); err != nil {
			t.Fatal(err)
		}
	}
	if last, err := records.LastPlan(t.Context()); err != nil || last.ID != "a" || last.By != "someone" {
		t.Errorf("last is %+v, %v", last, err)
	}

	// What another installation kept is not this one's.
	other, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.KeepPlan(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	value, _, err := other.Store().Get(t.Context(), "unfinished")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "unfinished", value, ""); err != nil {
		t.Fatal(err)
	}
	var broken *state.BrokenError
	if _, _, err := records.KeptPlan(t.Context()); !errors.As(err, &broken) {
		t.Errorf("error %v, want a BrokenError", err)
	}
}
