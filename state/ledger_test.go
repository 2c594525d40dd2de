package state_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

func TestPlansAreRememberedOnce(t *testing.T) {
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	known := func(id string) *state.AppliedPlan {
		t.Helper()
		found, err := records.AppliedPlan(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if found := known("a"); found != nil {
		t.Errorf("a plan that was never begun: %+v", found)
	}
	must(records.BeginPlan(t.Context(), "a", "dev@example.com"))
	if found := known("a"); found == nil || found.BegunAt.IsZero() || !found.DoneAt.IsZero() || found.By != "dev@example.com" {
		t.Errorf("begun: %+v", found)
	}
	must(records.BeginPlan(t.Context(), "b", ""))
	must(records.BeginPlan(t.Context(), "a", "ops@example.com"))
	must(records.EndPlan(t.Context(), "a"))
	must(records.EndPlan(t.Context(), "unknown"))
	if found := known("a"); found == nil || found.DoneAt.IsZero() || found.By != "ops@example.com" {
		t.Errorf("done: %+v", found)
	}
	if found := known("b"); found == nil || !found.DoneAt.IsZero() {
		t.Errorf("another: %+v", found)
	}
	for i := range 1000 {
		must(records.BeginPlan(t.Context(), fmt.Sprint(i), ""))
	}
	if known("a") != nil || known("b") != nil || known("0") == nil || known("999") == nil {
		t.Error("the ledger does not keep the newest thousand")
	}
}

func TestABrokenLedgerIsTold(t *testing.T) {
	for _, text := range []string{"{", `{"formatVersion":1,"lineage":"another","plans":[]}`, `{"formatVersion":1,"later":1}`} {
		store := memory.New()
		records, err := state.Open(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(t.Context(), "plans", []byte(text), ""); err != nil {
			t.Fatal(err)
		}
		var broken *state.BrokenError
		if _, err := records.AppliedPlan(t.Context(), "a"); !errors.As(err, &broken) {
			t.Errorf("%s: %v, want a BrokenError", text, err)
		}
		if err := records.BeginPlan(t.Context(), "a", ""); !errors.As(err, &broken) {
			t.Errorf("%s: begun: %v, want a BrokenError", text, err)
		}
	}
}
