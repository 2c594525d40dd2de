package evidence_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// A newer plan of the same pull request takes the place of the older one: there is one record,
// and what was approved of the older does not count for the newer, be it of another head, of
// the same one, or of one that has come back.
func TestNewerPlanReplacesTheApproval(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		newer func(s *story, one int64)
		again bool // approved again
		want  string
	}{
		"of a newer head": {func(s *story, one int64) {
			s.git("checkout", "--quiet", "--detach", "main")
			s.bench.Write(s.T, file("web", application("web", "3")))
			s.forge.Push(one, s.commit("newer"))
			s.mustRecord(one)
		}, false, "not approved"},
		"of a newer head, approved": {func(s *story, one int64) {
			s.git("checkout", "--quiet", "--detach", "main")
			s.bench.Write(s.T, file("web", application("web", "3")))
			s.forge.Push(one, s.commit("newer"))
			s.mustRecord(one)
		}, true, "applied"},
		"of the same head, that does something else by now":           {somethingElse, false, "not approved"},
		"of the same head, that does something else by now, approved": {somethingElse, true, "applied"},
		"of the same head, that does the same":                        {func(s *story, one int64) { s.mustRecord(one) }, false, "applied"},
		"of the same head, something else, and that again": {func(s *story, one int64) {
			somethingElse(s, one)
			s.mustRecord(one)
		}, false, "not approved"},
		"of a head that has come back": {func(s *story, one int64) {
			head := s.head(one)
			s.forge.Push(one, s.git("rev-parse", "HEAD~"))
			s.mustRecord(one)
			s.now = s.now.Add(time.Minute)
			s.forge.Push(one, head)
			s.mustRecord(one)
		}, false, "not approved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			one := s.open(map[string]string{"README.md": "hello"}, file("web", application("web", "2")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob")
			s.now = s.now.Add(time.Minute)
			c.newer(s, one)
			if recorded, err := s.bench.Records.Recorded(t.Context()); err != nil || len(recorded) != 1 {
				t.Fatalf("%d records: %v", len(recorded), err)
			}
			if c.again {
				s.now = s.now.Add(time.Minute)
				s.approve(one, "alice", "bob")
			}
			s.merge(one, "squash")
			s.expect(map[string]string{"web": c.want})
		})
	}
}

// somethingElse has the same head do something else than when it was planned: somebody has
// changed the cluster meanwhile.
func somethingElse(s *story, one int64) {
	s.Helper()
	s.git("checkout", "--quiet", "main")
	p := s.bench.MustPlan(s.T, engine.PlanOptions{})
	if p.HasChanges() {
		s.Fatal("main is not applied")
	}
	s.bench.Write(s.T, file("web", strings.Replace(application("web", "1"), `data = {`, `data = { extra = "x",`, 1)))
	changed := s.bench.MustPlan(s.T, engine.PlanOptions{})
	_, diags := s.bench.Engine().Apply(s.Context(), changed, engine.ApplyOptions{By: state.Holder{Who: "test"}, OverrideApproval: "by hand"})
	enginetest.Check(s.T, diags)
	s.git("checkout", "--quiet", "--", ".")
	s.mustRecord(one)
}

// A merge supersedes an apply of the same applications that waits: here for the lock of the
// application. It gives up, and has changed nothing; the newer one goes on.
func TestMergeSupersedesAWaitingApply(t *testing.T) {
	t.Parallel()
	s := tell(t)
	one := s.open(file("web", application("web", "2")))
	s.mustRecord(one)
	s.approve(one, "alice", "bob")
	s.merge(one, "squash")
	s.git("checkout", "--quiet", "main")
	g := s.gatherer()
	g.Forge = s.forge
	standing, _, options := s.judge()
	if err := g.TakeTurn(t.Context(), standing, nil, "first"); err != nil {
		t.Fatal(err)
	}
	p := s.bench.MustPlan(t, engine.PlanOptions{})
	held, err := s.bench.Records.Enter(t.Context(), state.Holder{Who: "somebody"}, state.Scope{Plan: "other", Applications: []addr.Address{address("web")}}, state.LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watched, stop := g.Watch(t.Context(), standing, nil, time.Millisecond)
	defer stop()
	options.Begun = func(ctx context.Context) error { return g.Superseded(ctx, standing, nil) }
	setup, waits := s.bench.Options(), make(chan struct{}, 1)
	setup.Lease.Wait, setup.Lease.Waiting = time.Hour, func(*state.LockedError) { waits <- struct{}{} }
	ended := make(chan *engine.Result, 1)
	go func() {
		result, _ := engine.New(setup).Apply(watched, p, *options)
		ended <- result
	}()
	select {
	case <-waits:
	case <-time.After(time.Minute):
		t.Fatal("it does not wait for the lock")
	}

	newer := s.elsewhere()
	newer.bench.Write(t, file("web", application("web", "3")))
	newer.commit("newer")
	newer.push()
	h := newer.gatherer()
	next, err := h.Stand(t.Context(), ".", ".gantry")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.TakeTurn(t.Context(), next, nil, "second"); err != nil {
		t.Fatal(err)
	}
	select {
	case result := <-ended:
		if result.HasChanged() {
			t.Errorf("it has changed something: %+v", result)
		}
	case <-time.After(time.Minute):
		t.Fatal("who waits does not give up")
	}
	var superseded *evidence.SupersededError
	if err := g.Superseded(t.Context(), standing, nil); !errors.As(err, &superseded) || superseded.Turn.Commit != next.Commit {
		t.Error(err)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorded, err := s.bench.Records.Recorded(t.Context())
	if err != nil || len(recorded) != 1 || recorded[0].Applications[0].Use != nil && !recorded[0].Applications[0].Use.DoneAt.IsZero() {
		t.Errorf("what was approved counts as applied: %+v, %v", recorded, err)
	}
}

// elsewhere is another clone of the repository, which works on the same state and forge.
func (s *story) elsewhere() *story {
	s.Helper()
	out := &story{T: s.T, bench: &enginetest.Bench{Dir: filepath.Join(s.TempDir(), "elsewhere"), Records: s.bench.Records}, forge: s.forge, now: s.now}
	if err := os.MkdirAll(out.bench.Dir, 0o755); err != nil {
		s.Fatal(err)
	}
	out.git("clone", "--quiet", s.git("remote", "get-url", "origin"), ".")
	return out
}

// A newer commit takes the turn of an older one that waits.
func TestSuperseding(t *testing.T) {
	t.Parallel()
	s := tell(t)
	g := s.gatherer()
	old, err := g.Stand(t.Context(), ".", ".gantry")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.TakeTurn(t.Context(), old, nil, "first"); err != nil {
		t.Fatal(err)
	}
	watched, stop := g.Watch(t.Context(), old, nil, time.Millisecond)
	defer stop()
	// The older one works in a clone of its own, which does not have the newer commit.
	newer := s.elsewhere()
	newer.bench.Write(t, map[string]string{"README.md": "newer"})
	newer.commit("newer")
	newer.push()
	h := newer.gatherer()
	next, err := h.Stand(t.Context(), ".", ".gantry")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.TakeTurn(t.Context(), next, []addr.Address{address("web")}, "second"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-watched.Done():
	case <-time.After(time.Minute):
		t.Fatal("who waits does not give up")
	}
	if err := context.Cause(watched); err == nil || !strings.Contains(err.Error(), "which is newer than") {
		t.Error(err)
	}
	if err := g.TakeTurn(t.Context(), old, nil, "first"); err == nil {
		t.Error("an older commit takes the turn")
	}
	if err := g.TakeTurn(t.Context(), old, []addr.Address{address("db")}, "first"); err != nil {
		t.Errorf("what is about other applications: %v", err)
	}
	if err := h.Superseded(t.Context(), next, nil); err != nil {
		t.Error(err)
	}
}
