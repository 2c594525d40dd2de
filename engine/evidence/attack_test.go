package evidence_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

const noEvil = `
policy "no_evil" {
  violated = strcontains(try(object.data.value, ""), "evil")
  message  = "evil"
}
`

// TestPoliciesAreEditedWithAHarmfulChange: a pull request that takes a policy away and does
// what the policy denies is judged by the policies that were in force before it, however its
// application is approved, until the edit of the rules is approved, too.
func TestPoliciesAreEditedWithAHarmfulChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		approvers []string
		applied   bool
	}{
		"rules that nobody has approved":  {nil, false},
		"rules that one has approved":     {[]string{"alice"}, false},
		"rules that are approved in full": {[]string{"alice", "bob"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			first := s.open(file("policy", noEvil))
			s.mustRecord(first)
			s.approve(first, "alice", "bob")
			s.merge(first, "squash")
			s.expect(map[string]string{})

			edit := s.open(file("policy", "# nothing is denied\n"))
			s.mustRecord(edit)
			s.approve(edit, c.approvers...)
			s.merge(edit, "squash")
			s.expect(map[string]string{})
			harm := s.open(file("web", application("web", "evil")))
			s.mustRecord(harm)
			s.approve(harm, "alice", "bob")
			s.merge(harm, "squash")

			s.git("checkout", "--quiet", "main")
			standing, _, options := s.judge()
			options.Guards = engine.GuardsOf(standing.Config)
			options.Guards.Protection = standing.Rules.Protection
			p := s.bench.MustPlan(t, engine.PlanOptions{})
			result, diags := s.bench.Engine().Apply(t.Context(), p, *options)
			applied := false
			if result != nil {
				for _, outcome := range result.Applications {
					applied = applied || outcome.Address == address("web") && outcome.Outcome == engine.OutcomeSucceeded
				}
			}
			if applied != c.applied {
				t.Errorf("applied is %v: %+v %v", applied, result, diags)
			}
			if !c.applied && !strings.Contains(diags.Error(), "evil") {
				t.Errorf("it is not the policy that denies: %v", diags)
			}
		})
	}
}

// TestAHarmlessCommentForAHarmfulChange: what is approved is the change, as the planner
// recorded it for the head, whatever anybody has said of it in a comment: a harmless comment
// brings no harmful change in.
func TestAHarmlessCommentForAHarmfulChange(t *testing.T) {
	t.Parallel()
	const marker = "<!-- gantry:plan v1 key=. -->"
	s := tell(t)
	one := s.open(file("web", application("web", "2")))
	s.mustRecord(one)
	if _, err := s.forge.Comment(t.Context(), one, marker, "### Plan: 1 to update"); err != nil {
		t.Fatal(err)
	}
	s.approve(one, "alice", "bob")
	// Its own job says the same of another commit, as somebody else, with the marker.
	s.git("checkout", "--quiet", "--detach", "main")
	s.bench.Write(t, file("web", application("web", "evil")))
	s.forge.Push(one, s.commit("evil"))
	account := s.forge.Account
	s.forge.Account = "ci-of-the-pull-request"
	if _, err := s.forge.Comment(t.Context(), one, marker, "### Plan: nothing to do"); err != nil {
		t.Fatal(err)
	}
	s.forge.Account = account
	s.forge.Review(one, providers.Review{Login: "alice", Verdict: providers.Approved})
	s.forge.Review(one, providers.Review{Login: "bob", Verdict: providers.Approved})
	s.merge(one, "squash")
	s.expect(map[string]string{"web": "another change"})
}

// TestAPlanOfAnotherState: who copies a state and has it say that something is approved
// applies nothing with it to what another state owns.
func TestAPlanOfAnotherState(t *testing.T) {
	t.Parallel()
	s := tell(t)
	other := tell(t)
	other.bench.Write(t, file("web", application("web", "evil")))
	p := other.bench.MustPlan(t, engine.PlanOptions{})
	result, diags := s.bench.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}, OverrideApproval: "mine"})
	if result != nil || !diags.HasErrors() || !strings.Contains(diags.Error(), "another state") {
		t.Errorf("%+v %v", result, diags)
	}
}
