package state_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// setClock is a clock that a test sets.
type setClock struct{ now time.Time }

func (c *setClock) Now() time.Time { return c.now }

func (c *setClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

func holdsIn(t *testing.T, store state.Store, now time.Time) (*state.Records, *setClock) {
	t.Helper()
	clock := &setClock{now}
	records, err := state.Open(t.Context(), store, state.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	return records, clock
}

func address(t *testing.T, text string) addr.Address {
	t.Helper()
	out, err := addr.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func placing(reason string, until time.Time) func(*state.Hold) (*state.Hold, error) {
	return func(*state.Hold) (*state.Hold, error) {
		return &state.Hold{Hold: plan.Hold{Reason: reason, By: "alice@laptop", Until: until}}, nil
	}
}

func TestHolds(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	store := memory.New()
	records, clock := holdsIn(t, store, now)
	web, shop := address(t, `application.web["production"]`), address(t, "application.shop")
	if found, err := records.Hold(t.Context(), web); found != nil || err != nil {
		t.Fatalf("before any: %v, %v", found, err)
	}
	for address, until := range map[addr.Address]time.Time{web: {}, shop: now.Add(time.Hour)} {
		if _, err := records.PutHold(t.Context(), address, placing("incident", until)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := records.Holds(t.Context())
	if err != nil || len(all) != 2 || all[web].Reason != "incident" || all[web].Address != web || !all[web].Since.Equal(now) || !all[web].Until.IsZero() {
		t.Fatalf("%+v, %v", all[web], err)
	}

	// One that has expired counts no more, and gives way to the next.
	clock.now = now.Add(time.Hour)
	all, err = records.Holds(t.Context())
	if err != nil || len(all) != 1 || all[web] == nil {
		t.Errorf("an hour later: %v, %v", all, err)
	}
	if released, err := records.DeleteHold(t.Context(), shop, time.Time{}); released != nil || err != nil {
		t.Errorf("releasing what has expired: %v, %v", released, err)
	}
	_, err = records.PutHold(t.Context(), web, func(before *state.Hold) (*state.Hold, error) {
		if before == nil || before.Reason != "incident" {
			t.Errorf("before: %+v", before)
		}
		return placing("longer", time.Time{})(before)
	})
	if err != nil {
		t.Fatal(err)
	}
	if released, err := records.DeleteHold(t.Context(), web, now); released != nil || err != nil {
		t.Errorf("a hold of another time was released: %v, %v", released, err)
	}
	if released, err := records.DeleteHold(t.Context(), web, time.Time{}); err != nil || released == nil || released.Reason != "longer" {
		t.Errorf("released %+v, %v", released, err)
	}
	if keys, err := store.List(t.Context(), "holds"); err != nil || len(keys) != 0 {
		t.Errorf("left: %v, %v", keys, err)
	}
}

// TestHoldsByManyAtOnce: what many do to one hold happens one after the other.
func TestHoldsByManyAtOnce(t *testing.T) {
	records, _ := holdsIn(t, memory.New(), time.Now())
	web := address(t, "application.web")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, err := records.PutHold(t.Context(), web, func(before *state.Hold) (*state.Hold, error) {
				reason := "x"
				if before != nil {
					reason += before.Reason
				}
				return &state.Hold{Hold: plan.Hold{Reason: reason}}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if found, err := records.Hold(t.Context(), web); err != nil || found.Reason != strings.Repeat("x", 20) {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestBrokenHold(t *testing.T) {
	store := memory.New()
	records, _ := holdsIn(t, store, time.Now())
	web, shop := address(t, "application.web"), address(t, "application.shop")
	if _, err := records.PutHold(t.Context(), web, placing("incident", time.Time{})); err != nil {
		t.Fatal(err)
	}
	text, _, err := store.Get(t.Context(), state.HoldKey(web))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), state.HoldKey(shop), text, ""); err != nil { // in another's place
		t.Fatal(err)
	}
	all, err := records.Holds(t.Context())
	var broken *state.BrokenError
	if !errors.As(err, &broken) || broken.Key != state.HoldKey(shop) || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestHasMovedPast(t *testing.T) {
	git := func(commit string) []source.Pin {
		return []source.Pin{{Location: source.Location{Type: source.Git, URL: "https://git.example.com/web"}, Resolved: commit}}
	}
	back := state.RolledBack{
		Left:   []state.Revision{{ID: 6, Sources: git("666"), Rendered: "six"}, {ID: 7, Sources: git("777"), Rendered: "seven"}},
		To:     state.Revision{ID: 5, Sources: git("555"), Rendered: "five"},
		Config: "then",
	}
	asked := git("888")
	asked[0].Revision = "main"
	for name, c := range map[string]struct {
		now    state.Revision
		config string
		want   bool
	}{
		"the bad revision":                           {state.Revision{Sources: git("777"), Rendered: "seven"}, "then", false},
		"one before it that was bad, too":            {state.Revision{Sources: git("666"), Rendered: "six"}, "then", false},
		"what it was rolled back to":                 {state.Revision{Sources: git("555"), Rendered: "five"}, "then", false},
		"a commit that changes nothing of it":        {state.Revision{Sources: git("888"), Rendered: "seven"}, "then", false},
		"a new revision":                             {state.Revision{Sources: asked, Rendered: "eight"}, "then", true},
		"other values in the configuration":          {state.Revision{Sources: git("777"), Rendered: "eight"}, "now", true},
		"an edit of the configuration elsewhere":     {state.Revision{Sources: git("777"), Rendered: "seven"}, "now", false},
		"it renders something else, by nobody's act": {state.Revision{Sources: git("777"), Rendered: "other"}, "then", false},
		"it cannot be rendered":                      {state.Revision{Sources: git("888")}, "now", false},
	} {
		if have := back.HasMovedPast(c.now, c.config); have != c.want {
			t.Errorf("%s: %v, want %v", name, have, c.want)
		}
	}
	back.Left[1].Rendered = "" // it was never known what the bad one renders
	if back.HasMovedPast(state.Revision{Sources: git("777"), Rendered: "seven"}, "now") {
		t.Error("the bad revision, of which is not known what it renders, counts as a new one")
	}
	if !back.HasMovedPast(state.Revision{Sources: git("888"), Rendered: "eight"}, "then") {
		t.Error("a new revision does not count as one")
	}
}
