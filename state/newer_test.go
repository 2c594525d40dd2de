package state_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// TestAStateOfANewerGantryIsLeftAlone has each part of a state be of a newer format: what
// reads and what writes it is refused with ErrNewer, and all of the state is as it was.
func TestAStateOfANewerGantryIsLeftAlone(t *testing.T) {
	t.Parallel()
	type use = func(context.Context, *state.Records) error
	uses := map[string]map[string]use{
		"installation": {
			"open": func(ctx context.Context, r *state.Records) error { _, err := state.Open(ctx, r.Store()); return err },
		},
		state.RecordKey(web): {
			"get":    func(ctx context.Context, r *state.Records) error { _, _, err := r.Get(ctx, web); return err },
			"list":   func(ctx context.Context, r *state.Records) error { _, err := r.List(ctx); return err },
			"move":   func(ctx context.Context, r *state.Records) error { return r.Move(ctx, web, billing) },
			"forget": func(ctx context.Context, r *state.Records) error { return r.Forget(ctx, web) },
		},
		"plans": {
			"look": func(ctx context.Context, r *state.Records) error {
				_, err := r.AppliedPlan(ctx, "p", time.Now())
				return err
			},
			"begin": func(ctx context.Context, r *state.Records) error { return r.BeginPlan(ctx, state.AppliedPlan{ID: "q"}) },
			"end":   func(ctx context.Context, r *state.Records) error { return r.EndPlan(ctx, "p") },
		},
		"published": {
			"read":  func(ctx context.Context, r *state.Records) error { _, err := r.Published(ctx); return err },
			"write": func(ctx context.Context, r *state.Records) error { return r.PutPublished(ctx, &published.Document{}) },
		},
		"audit": {
			"append": func(ctx context.Context, r *state.Records) error {
				return r.Audit(ctx, state.Event{Kind: state.EventHeld})
			},
		},
	}
	for key, all := range uses {
		for what, use := range all {
			t.Run(key+" "+what, func(t *testing.T) {
				store := memory.New()
				records := openRecords(t, store)
				_, err := records.Put(t.Context(), record(web), "")
				err = errors.Join(err, records.BeginPlan(t.Context(), state.AppliedPlan{ID: "p"}),
					records.PutPublished(t.Context(), &published.Document{}), records.Audit(t.Context(), state.Event{Kind: state.EventReleased}))
				if err != nil {
					t.Fatal(err)
				}
				overwrite(t, store, key, func(text string) string {
					return strings.Replace(text, fmt.Sprintf(`"formatVersion":%d`, state.FormatVersion), fmt.Sprintf(`"formatVersion":%d`, state.FormatVersion+1), 1)
				})
				before := everything(t, store)
				if err := use(t.Context(), records); !errors.Is(err, state.ErrNewer) || !strings.Contains(err.Error(), "use the newer gantry") {
					t.Errorf("%v, want that a newer gantry made it", err)
				}
				if after := everything(t, store); !maps.Equal(before, after) {
					t.Errorf("the state was %q, and is %q", before, after)
				}
			})
		}
	}
}

// everything is all that a store holds.
func everything(t *testing.T, store state.Store) map[string]string {
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
		out[key] = string(value)
	}
	return out
}
