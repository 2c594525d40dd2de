package state_test

import (
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// TestLook: who looks at a lease learns who holds it, and takes nothing.
func TestLook(t *testing.T) {
	store := memory.New()
	look := func(at time.Time) *state.LockedError {
		t.Helper()
		held, err := state.Look(t.Context(), store, "application.web", at)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	if held := look(time.Now()); held != nil {
		t.Errorf("nobody holds it, and it is %+v", held)
	}
	lease := acquire(t, store, state.Holder{Who: "alice"}, state.LeaseOptions{})
	if held := look(time.Now()); held == nil || held.Holder.Who != "alice" || held.Since.IsZero() {
		t.Errorf("alice holds it, and it is %+v", held)
	}
	if held := look(time.Now().Add(time.Hour)); held != nil {
		t.Errorf("a lease that nobody renews is over, and it is %+v", held)
	}
	if err := lease.Check(); err != nil {
		t.Errorf("looking took it: %v", err)
	}
	release(t, lease)
	if held := look(time.Now()); held != nil {
		t.Errorf("it is free again, and it is %+v", held)
	}
}
