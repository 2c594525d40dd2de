package evidence_test

import (
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// A digest is used once: what was approved and applied is not applied again when somebody has
// undone it.
func TestReplay(t *testing.T) {
	t.Parallel()
	s := tell(t)
	one := s.open(file("new", application("new", "1")))
	s.mustRecord(one)
	s.approve(one, "alice", "bob")
	s.merge(one, "squash")
	s.expect(map[string]string{"new": "applied"})
	recorded, err := s.bench.Records.Recorded(t.Context())
	if err != nil || len(recorded) != 1 || recorded[0].Applications[0].Use == nil || recorded[0].Applications[0].Use.DoneAt.IsZero() {
		t.Fatalf("%+v %v", recorded, err)
	}
	refused, err := s.bench.Records.UseRecorded(t.Context(), recorded[0].Key(), map[addr.Address]string{address("new"): recorded[0].Applications[0].Digest}, nil, state.Use{Plan: "again"})
	if err != nil || refused[address("new")] == "" {
		t.Errorf("%v %v", refused, err)
	}
	if err := s.record(one); err == nil {
		t.Error("a record of what is merged is made")
	}
}

// What was approved once, applied, and undone is planned with the very digest that was
// approved. A whole apply of it is refused all the same: with the decision at hand, and with one
// from before the first apply that somebody has kept. Nothing of it reaches the cluster.
func TestReplayThroughAWholeApply(t *testing.T) {
	t.Parallel()
	s := tell(t)
	one := s.open(file("web", application("web", "2")))
	s.mustRecord(one)
	s.approve(one, "alice", "bob")
	s.merge(one, "squash")
	s.git("checkout", "--quiet", "main")
	_, kept, before := s.judge()
	s.expect(map[string]string{"web": "applied"})

	// Somebody puts it back by hand, and main still wants it.
	s.bench.Write(t, file("web", application("web", "1")))
	_, diags := s.bench.Engine().Apply(t.Context(), s.bench.MustPlan(t, engine.PlanOptions{}), engine.ApplyOptions{By: state.Holder{Who: "test"}, OverrideApproval: "undone"})
	enginetest.Check(t, diags)
	s.git("checkout", "--quiet", "--", ".")
	again := s.bench.MustPlan(t, engine.PlanOptions{})
	if len(again.Applications) == 0 || !again.HasChanges() {
		t.Fatal("nothing is to be done again")
	}
	digest := ""
	for i := range again.Applications {
		if again.Applications[i].Address == address("web") {
			digest = again.Applications[i].Digest
		}
	}
	if digest != kept.Decisions[0].Digest {
		t.Fatalf("the digest is %s, and %s was approved: this shows nothing", digest, kept.Decisions[0].Digest)
	}
	s.expect(map[string]string{"web": "used"})
	result, _ := s.bench.Engine().Apply(t.Context(), again, *before)
	if result.HasChanged() {
		t.Errorf("a decision of before is applied again: %+v", result)
	}
	for _, outcome := range result.Applications {
		if outcome.Outcome == engine.OutcomeSucceeded || !outcome.Unapproved {
			t.Errorf("%+v", outcome)
		}
	}
	if p := s.bench.MustPlan(t, engine.PlanOptions{}); !p.HasChanges() {
		t.Error("the cluster has it")
	}
}
