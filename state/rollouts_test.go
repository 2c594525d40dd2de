package state_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

var webRollout = addr.Address{Kind: "rollout", Name: "web"}

// Who asks and who applies change the same, and neither loses what the other wrote.
func TestRolloutsAreChangedSideBySide(t *testing.T) {
	records, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	if known, err := records.Rollout(t.Context(), webRollout); known != nil || err != nil {
		t.Fatalf("%v, %v", known, err)
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if err := records.ChangeRollout(t.Context(), webRollout, func(r *state.Rollout) error { r.Step++; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	refused := errors.New("not now")
	if err := records.ChangeRollout(t.Context(), webRollout, func(r *state.Rollout) error { r.Order = "abort"; return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	known, err := records.Rollout(t.Context(), webRollout)
	if err != nil || known.Step != 5 || known.Order != "" || known.UpdatedAt.IsZero() {
		t.Errorf("%+v, %v", known, err)
	}
	if list, err := records.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("it counts as an application: %v, %v", list, err)
	}
}

// What is of another installation, or of another rollout, is not believed.
func TestRolloutsOfOthersAreRefused(t *testing.T) {
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	if err := records.ChangeRollout(t.Context(), webRollout, func(*state.Rollout) error { return nil }); err != nil {
		t.Fatal(err)
	}
	value, _, err := store.Get(t.Context(), state.RolloutKey(webRollout))
	if err != nil {
		t.Fatal(err)
	}
	other := addr.Address{Kind: "rollout", Name: "other"}
	if _, err := store.Put(t.Context(), state.RolloutKey(other), value, ""); err != nil {
		t.Fatal(err)
	}
	var broken *state.BrokenError
	if _, err := records.Rollout(t.Context(), other); !errors.As(err, &broken) {
		t.Error(err)
	}
}
