package evidence_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// Old records of what is over go. What is open, young, may be applied still, or is being
// resumed stays.
func TestPrune(t *testing.T) {
	t.Parallel()
	s := tell(t)
	const old, young = 40 * 24 * time.Hour, 20 * 24 * time.Hour
	put := func(pull int64, head string, age, expires time.Duration, use *state.Use) {
		t.Helper()
		made := &state.Recorded{
			Pull: pull, Head: head, Plan: "plan", InputDigest: "sha256:x", RecordedAt: s.now.Add(-age),
			Applications: []state.RecordedApplication{{Address: address("web"), Digest: "sha256:web", Use: use}},
		}
		if expires != 0 {
			made.ExpiresAt = made.RecordedAt.Add(expires)
		}
		if err := s.bench.Records.PutRecorded(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		if err := s.bench.Records.KeepRecordedPlan(t.Context(), made, []byte("a plan")); err != nil {
			t.Fatal(err)
		}
	}
	pull := func(number int64, p providers.PullRequest) {
		p.Number, p.Head = number, strings.Repeat(fmt.Sprint(number), 40)
		s.forge.SetPull(p)
	}
	merged := providers.PullRequest{Merged: true, MergedAs: strings.Repeat("f", 40)}
	for number, p := range map[int64]providers.PullRequest{1: merged, 2: {}, 3: merged, 4: merged, 5: {}, 6: merged, 7: merged, 8: merged} {
		pull(number, p)
	}
	s.forge.Close(5)
	day := 24 * time.Hour
	done := &state.Use{Plan: "done", At: s.now, DoneAt: s.now}
	put(1, "merged-expired", old, day, nil)
	put(2, "open-expired", old, day, nil)
	put(3, "young", young, day, nil)
	put(4, "never expires, merged", old, 0, nil)
	put(5, "never expires, closed", old, 0, nil)
	put(6, "never expires, used", old, 0, done)
	put(7, "begun, can be resumed", old, day, &state.Use{Plan: "resumable", At: s.now})
	put(8, "begun, cannot be resumed", old, day, &state.Use{Plan: "gone", At: s.now})
	put(9, "the forge has none of it", old, 0, nil)
	put(0, strings.Repeat("a", 40), old, day, nil)
	put(0, strings.Repeat("b", 40), old, 0, nil)
	if err := s.bench.Records.KeepPlan(t.Context(), state.Unfinished{ID: "resumable", Applications: []addr.Address{address("web")}, File: []byte("file")}); err != nil {
		t.Fatal(err)
	}
	g := s.gatherer()
	g.Forge = s.forge
	if err := g.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"#2", "#3", "#4", "#7", "the merge queue's bbbbbbbb"}
	if got := s.recorded(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	// The plan beside it is gone, too.
	gone := &state.Recorded{Pull: 1, Plan: "plan"}
	if file, err := s.bench.Records.RecordedPlan(t.Context(), gone); err != nil || file != nil {
		t.Errorf("%q %v", file, err)
	}
	if file, err := s.bench.Records.RecordedPlan(t.Context(), &state.Recorded{Pull: 2, Plan: "plan"}); err != nil || file == nil {
		t.Errorf("%q %v", file, err)
	}
}

func (s *story) recorded() []string {
	s.Helper()
	all, err := s.bench.Records.Recorded(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	var out []string
	for _, one := range all {
		name, _, _ := strings.Cut(one.String(), " at ")
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// A forge that does not answer costs nothing but the pruning, and so does what is not old
// cost no request.
func TestPruneAsksLittle(t *testing.T) {
	t.Parallel()
	s := tell(t)
	one := s.open(file("web", application("web", "2")))
	s.mustRecord(one)
	g := s.gatherer()
	g.Forge = s.forge
	before := len(s.forge.Calls())
	if err := g.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if calls := s.forge.Calls()[before:]; len(calls) > 0 {
		t.Errorf("%q", calls)
	}
	s.now = s.now.Add(40 * 24 * time.Hour)
	g = s.gatherer()
	g.Forge = s.forge
	s.forge.Fail = func(string) error { return fmt.Errorf("down: %w", providers.ErrUnreachable) }
	if err := g.Prune(t.Context()); err == nil || len(s.recorded()) != 1 {
		t.Errorf("%v, %q", err, s.recorded())
	}
}
