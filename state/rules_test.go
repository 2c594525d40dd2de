package state_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// Rules are in force until others take the place of exactly those.
func TestRules(t *testing.T) {
	_, records := openMemory(t)
	if got, err := records.Rules(t.Context()); got != nil || err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	protection := &state.Protection{Branches: []string{"main"}, Approvals: &state.ApprovalsNeeded{Count: 2, Groups: []string{"sre"}, NotAuthor: true}}
	if err := records.AcceptRules(t.Context(), state.Rules{Commit: "one", Digest: "x", Protection: protection}, "something"); !errors.Is(err, state.ErrConflict) {
		t.Errorf("there were none before: %v", err)
	}
	if err := records.AcceptRules(t.Context(), state.Rules{Commit: "one", Digest: "x", Protection: protection}, ""); err != nil {
		t.Fatal(err)
	}
	for _, before := range []string{"", "y"} {
		if err := records.AcceptRules(t.Context(), state.Rules{Commit: "two", Digest: "y"}, before); !errors.Is(err, state.ErrConflict) {
			t.Errorf("after %q: %v", before, err)
		}
	}
	got, err := records.Rules(t.Context())
	if err != nil || got.Commit != "one" || got.AcceptedAt.IsZero() || got.Lineage != records.Lineage() {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff(protection, got.Protection); diff != "" {
		t.Error(diff)
	}
	if err := records.AcceptRules(t.Context(), state.Rules{Commit: "two", Digest: "y", Pull: 7}, "x"); err != nil {
		t.Fatal(err)
	}
	if got, err := records.Rules(t.Context()); err != nil || got.Commit != "two" || got.Pull != 7 || !got.Protection.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestProtectionIsZero(t *testing.T) {
	for _, p := range []*state.Protection{nil, {}} {
		if !p.IsZero() {
			t.Errorf("%+v", p)
		}
	}
	for _, p := range []*state.Protection{{Branches: []string{"main"}}, {Planners: []string{"x"}}, {Signers: []string{"x"}}, {Approvals: &state.ApprovalsNeeded{}}} {
		if p.IsZero() {
			t.Errorf("%+v", p)
		}
	}
}

// Each branch has a turn of its own, and who may take it decides about the one that is there.
func TestTurns(t *testing.T) {
	_, records := openMemory(t)
	a, b := addr.Application("a"), addr.Application("b")
	var before []*state.Turn
	take := func(turn state.Turn, answer error) error {
		return records.TakeTurn(t.Context(), turn, func(found *state.Turn) error {
			before = append(before, found)
			return answer
		})
	}
	refused := errors.New("refused")
	if err := take(state.Turn{Branch: "release/1", Commit: "one", Applications: []addr.Address{a}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := take(state.Turn{Branch: "release/1", Commit: "two"}, refused); !errors.Is(err, refused) {
		t.Error(err)
	}
	if err := take(state.Turn{Branch: "main", Commit: "three"}, nil); err != nil {
		t.Fatal(err)
	}
	if len(before) != 3 || before[0] != nil || before[1].Commit != "one" || before[2] != nil {
		t.Errorf("%+v", before)
	}
	got, err := records.Turn(t.Context(), "release/1")
	if err != nil || got.Commit != "one" || got.At.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, c := range []struct {
		of   []addr.Address
		want bool
	}{{[]addr.Address{a}, true}, {[]addr.Address{b}, false}, {[]addr.Address{b, a}, true}, {nil, true}} {
		if got.Concerns(c.of) != c.want {
			t.Errorf("%v: %v", c.of, !c.want)
		}
	}
	if whole := (&state.Turn{}); !whole.Concerns([]addr.Address{b}) {
		t.Error("one of all does not concern one")
	}
	if got, err := records.Turn(t.Context(), "release"); got != nil || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}
