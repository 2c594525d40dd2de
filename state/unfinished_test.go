package state_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

// TestUnfinishedPlans: each is kept until it is dropped, or until others are about all of
// its applications; acts are about none of an apply's.
func TestUnfinishedPlans(t *testing.T) {
	now := time.Now()
	records, err := state.Open(t.Context(), memory.New(), state.WithClock(&steppingClock{now: now}))
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	plan := func(id string, act bool, applications ...string) state.Unfinished {
		out := state.Unfinished{ID: id, Act: act, File: []byte("file of " + id)}
		for _, name := range applications {
			out.Applications = append(out.Applications, addr.Application(name))
		}
		return out
	}
	begin := func(p state.Unfinished) {
		t.Helper()
		must(records.SupersedePlans(t.Context(), p))
		must(records.KeepPlan(t.Context(), p))
	}
	want := func(want ...string) {
		t.Helper()
		found, err := records.KeptPlans(t.Context())
		must(err)
		var have []string
		for _, p := range found {
			text := p.ID
			for _, a := range p.Applications {
				text += " " + a.Name
			}
			have = append(have, text)
			if string(p.File) != "file of "+p.ID {
				t.Errorf("the file of %s is %q", p.ID, p.File)
			}
			if one, err := records.KeptPlan(t.Context(), p.ID); err != nil || one == nil || one.ID != p.ID {
				t.Errorf("%s by its ID: %+v, %v", p.ID, one, err)
			}
		}
		if strings.Join(have, ", ") != strings.Join(want, ", ") {
			t.Errorf("kept is %q, want %q", have, want)
		}
	}
	want()
	must(records.DropPlan(t.Context(), "a"))
	begin(plan("a", false, "one", "two", "three"))
	begin(plan("act", true, "one", "two"))
	want("a one two three", "act one two")
	begin(plan("again", true, "one"))
	want("a one two three", "again one", "act two")
	begin(plan("b", false, "two"))
	want("b two", "a one three", "again one")
	must(records.SupersedePlans(t.Context(), plan("c", false, "one", "three", "four")))
	want("b two")
	must(records.DropPlan(t.Context(), "b"))
	want()
	if one, err := records.KeptPlan(t.Context(), "b"); one != nil || err != nil {
		t.Errorf("what was dropped is %+v, %v", one, err)
	}
}

// steppingClock goes on by a second whenever it is looked at.
type steppingClock struct{ now time.Time }

func (c *steppingClock) Now() time.Time {
	c.now = c.now.Add(time.Second)
	return c.now
}

func (c *steppingClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// TestTheLastApply: acts do not count.
func TestTheLastApply(t *testing.T) {
	records, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	if last, err := records.LastApply(t.Context()); last != nil || err != nil {
		t.Errorf("last is %+v, %v", last, err)
	}
	for _, id := range []string{"a", "b", "a", "act"} {
		if err := records.BeginPlan(t.Context(), state.AppliedPlan{ID: id, CreatedAt: time.Now(), By: "someone", Act: id == "act"}); err != nil {
			t.Fatal(err)
		}
	}
	if last, err := records.LastApply(t.Context()); err != nil || last.ID != "a" || last.By != "someone" {
		t.Errorf("last is %+v, %v", last, err)
	}
}

// TestUnfinishedPlansOfOthers: what is kept under another name, of another installation, or
// of nothing is not taken for a plan.
func TestUnfinishedPlansOfOthers(t *testing.T) {
	other, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.KeepPlan(t.Context(), state.Unfinished{ID: "a", Applications: []addr.Address{addr.Application("web")}}); err != nil {
		t.Fatal(err)
	}
	value, _, err := other.Store().Get(t.Context(), "unfinished/a")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		records func() (*state.Records, error)
		key     string
		value   []byte
	}{
		"another installation's": {func() (*state.Records, error) { return state.Open(t.Context(), memory.New()) }, "unfinished/a", value},
		"another name":           {func() (*state.Records, error) { return other, nil }, "unfinished/b", value},
		"of nothing":             {func() (*state.Records, error) { return other, nil }, "unfinished/a", []byte(strings.Replace(string(value), `"application.web"`, "", 1))},
	} {
		t.Run(name, func(t *testing.T) {
			records, err := test.records()
			if err != nil {
				t.Fatal(err)
			}
			_, version, _ := records.Store().Get(t.Context(), test.key)
			version, err = records.Store().Put(t.Context(), test.key, test.value, version)
			if err != nil {
				t.Fatal(err)
			}
			var broken *state.BrokenError
			if _, err := records.KeptPlans(t.Context()); !errors.As(err, &broken) || broken.Key != test.key {
				t.Errorf("error %v, want a BrokenError of %s", err, test.key)
			}
			if err := records.SupersedePlans(t.Context(), state.Unfinished{ID: "z"}); !errors.As(err, &broken) {
				t.Errorf("error %v, want a BrokenError", err)
			}
			if err := records.Store().Delete(t.Context(), test.key, version); err != nil {
				t.Fatal(err)
			}
		})
	}
}
