package state_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// made is when the plans of these tests were made.
var made = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func TestPlansAreRememberedOnce(t *testing.T) {
	store := memory.New()
	records, err := state.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	known := func(id string) *state.AppliedPlan {
		t.Helper()
		found, err := records.AppliedPlan(t.Context(), id, made)
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
	must(records.BeginPlan(t.Context(), state.AppliedPlan{ID: "a", CreatedAt: made, By: "dev@example.com"}))
	if found := known("a"); found == nil || found.BegunAt.IsZero() || !found.DoneAt.IsZero() || found.By != "dev@example.com" {
		t.Errorf("begun: %+v", found)
	}
	must(records.BeginPlan(t.Context(), state.AppliedPlan{ID: "b", CreatedAt: made}))
	must(records.BeginPlan(t.Context(), state.AppliedPlan{ID: "a", CreatedAt: made, By: "ops@example.com"}))
	must(records.EndPlan(t.Context(), "a"))
	must(records.EndPlan(t.Context(), "unknown"))
	if found := known("a"); found == nil || found.DoneAt.IsZero() || found.By != "ops@example.com" {
		t.Errorf("done: %+v", found)
	}
	if found := known("b"); found == nil || !found.DoneAt.IsZero() {
		t.Errorf("another: %+v", found)
	}
}

// TestTheLedgerForgetsWhatIsFinished: what may be resumed is kept, unless it is the more;
// and of what is forgotten nobody says that it was never applied.
func TestTheLedgerForgetsWhatIsFinished(t *testing.T) {
	const finished, unfinished = true, false
	type begun struct {
		id   string
		done bool
	}
	tests := map[string]struct {
		plans     []begun // in the order in which they are begun, made a second after the one before
		kept      []string
		forgotten []string
	}{
		"as many as there may be":         {[]begun{{"a", finished}, {"b", unfinished}, {"c", finished}, {"d", finished}}, []string{"a", "b", "c", "d"}, nil},
		"the oldest finished":             {[]begun{{"a", unfinished}, {"b", finished}, {"c", finished}, {"d", finished}, {"e", unfinished}}, []string{"a", "c", "d", "e"}, []string{"b"}},
		"all are finished":                {[]begun{{"a", finished}, {"b", finished}, {"c", finished}, {"d", finished}, {"e", finished}, {"f", finished}}, []string{"c", "d", "e", "f"}, []string{"a", "b"}},
		"the oldest of many unfinished":   {[]begun{{"a", unfinished}, {"b", unfinished}, {"c", unfinished}, {"d", finished}, {"e", unfinished}}, []string{"b", "c", "d", "e"}, []string{"a"}},
		"what is resumed is newest again": {[]begun{{"a", finished}, {"b", unfinished}, {"c", finished}, {"b", finished}, {"d", finished}, {"e", finished}}, []string{"b", "c", "d", "e"}, []string{"a"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			records, err := state.Open(t.Context(), memory.New(), state.WithLedgerLimit(4))
			if err != nil {
				t.Fatal(err)
			}
			times := map[string]time.Time{}
			for i, p := range test.plans {
				if times[p.id].IsZero() {
					times[p.id] = made.Add(time.Duration(i) * time.Second)
				}
				if err := records.BeginPlan(t.Context(), state.AppliedPlan{ID: p.id, CreatedAt: times[p.id]}); err != nil {
					t.Fatal(err)
				}
				if p.done {
					if err := records.EndPlan(t.Context(), p.id); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, id := range test.kept {
				if found, err := records.AppliedPlan(t.Context(), id, times[id]); err != nil || found == nil {
					t.Errorf("%s: %+v, %v, want it known", id, found, err)
				}
			}
			for _, id := range test.forgotten {
				if found, err := records.AppliedPlan(t.Context(), id, times[id]); !errors.Is(err, state.ErrForgotten) {
					t.Errorf("%s: %+v, %v, want ErrForgotten", id, found, err)
				}
			}
			if found, err := records.AppliedPlan(t.Context(), "new", made.Add(time.Hour)); err != nil || found != nil {
				t.Errorf("a new plan: %+v, %v, want nothing", found, err)
			}
			_, err = records.AppliedPlan(t.Context(), "never begun", made.Add(-time.Second))
			if want := len(test.forgotten) > 0; errors.Is(err, state.ErrForgotten) != want {
				t.Errorf("a plan older than all: %v, want ErrForgotten %v", err, want)
			}
		})
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
		if _, err := records.AppliedPlan(t.Context(), "a", made); !errors.As(err, &broken) {
			t.Errorf("%s: %v, want a BrokenError", text, err)
		}
		if err := records.BeginPlan(t.Context(), state.AppliedPlan{ID: "a", CreatedAt: made}); !errors.As(err, &broken) {
			t.Errorf("%s: begun: %v, want a BrokenError", text, err)
		}
	}
}
