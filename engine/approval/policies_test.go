package approval_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

const public = "policy.public_services"

// policyScene is one in which security has approved what the policy is about, and two of the
// protection's group everything.
func policyScene() *scene {
	s := approvedScene()
	s.Policies = []plan.PolicyNeed{{Policy: public, Approvals: &plan.PolicyApprovals{Count: 1, Groups: []string{"example:security"}}}}
	s.record().Applications[0].Policies = []string{public}
	s.change().Members["example:security"] = map[string]bool{"sam": true, "dave": true, "alice": false, "bob": false}
	s.reviews(append(s.change().Reviews, said("sam", providers.Approved, head, 3))...)
	return s
}

// What a policy wants approved is approved by who may for the policy, of exactly what was
// recorded, where that names the policy; by no less than the protection asks of any approval.
func TestDecidePolicies(t *testing.T) {
	t.Parallel()
	const OK = approval.OK
	ask := func(s *scene) *plan.PolicyApprovals { return s.Policies[0].Approvals }
	for name, c := range map[string]struct {
		change func(s *scene)
		want   approval.Reason
		says   string
	}{
		"security has approved": {func(*scene) {}, OK, ""},

		"attack: only those of the protection have": {func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("bob", providers.Approved, head, 2))
		}, approval.NotApproved, public + " needs 1 approval by members of example:security: #7 has 0 of 1 approvals"},
		"attack: a plan that names no policy": {func(s *scene) { s.record().Applications[0].Policies = nil }, approval.NotNamed, "#7 at aaaaaaaa does not name it"},
		"attack: a plan that names another":   {func(s *scene) { s.record().Applications[0].Policies = []string{"policy.other"} }, approval.NotNamed, "does not name it"},
		"attack: of another digest":           {func(s *scene) { s.app.Digest = "sha256:two" }, approval.Another, "not what was recorded"},
		"attack: of another application":      {func(s *scene) { s.app.Address = db }, approval.NotRecorded, "gantry plan --record"},
		"attack: of another commit": {func(s *scene) {
			s.reviews(said("alice", providers.Approved, head, 1), said("bob", providers.Approved, head, 2), said("sam", providers.Approved, older, 3))
		}, approval.NotApproved, "that is of bbbbbbbb"},
		"attack: recorded by no planner":          {func(s *scene) { s.record().By.Subject = "mallory" }, approval.Planner, "none of the planners"},
		"attack: nobody vouches for who recorded": {func(s *scene) { s.record().By.Verified = false }, approval.Planner, "nobody vouches"},
		"attack: expired":                         {func(s *scene) { s.record().ExpiresAt = now }, approval.Expired, "expired"},
		"attack: not merged":                      {func(s *scene) { s.change().Pull.Merged = false }, approval.NotMerged, "not merged"},
		"attack: replay":                          {func(s *scene) { s.record().Applications[0].Use = &state.Use{Plan: "x", DoneAt: now} }, approval.Used, "applied once"},
		"attack: the author, of security": {func(s *scene) {
			ask(s).NotAuthor = true
			s.Protection.Approvals.NotAuthor = false
			s.reviews(said("dave", providers.Approved, head, 3))
		}, approval.NotApproved, "the author's own"},
		"attack: the author, whom the protection rules out": {func(s *scene) {
			s.reviews(said("dave", providers.Approved, head, 3))
		}, approval.NotApproved, "the author's own"},
		"the author, where nothing rules that out": {func(s *scene) {
			s.Protection.Approvals.NotAuthor = false
			s.reviews(said("dave", providers.Approved, head, 3))
		}, OK, ""},
		"attack: a member of security whom the protection rules out": {func(s *scene) {
			s.Protection.Approvals.Groups = []string{"example:sre", "!example:contractors"}
			s.change().Members["example:contractors"] = map[string]bool{"sam": true}
		}, approval.NotApproved, `members of "example:contractors" do not count`},
		"attack: one of two": {func(s *scene) { ask(s).Count = 2 }, approval.NotApproved, "1 of 2"},
		"attack: a policy that wants none": {func(s *scene) {
			ask(s).Count = 0 // a plan file can say that
			s.reviews()
		}, approval.NotApproved, "0 of 1"},
		"security asks for changes": {func(s *scene) {
			s.reviews(append(s.change().Reviews, said("sam", providers.ChangesRequested, head, 4))...)
		}, approval.Opposed, "sam"},
		"attack: a role denies them": {func(s *scene) {
			s.roles(plan.Role{Name: "security", Groups: []string{"example:security"}, Allow: []plan.Grant{{Actions: []string{"approve"}, Applications: []string{"*/*"}}}, Deny: []plan.Grant{{Actions: []string{"approve"}, Applications: []string{"shop/*"}}}})
		}, approval.NotApproved, "denies"},
		"attack: no role allows them": {func(s *scene) { s.roles(approver()) }, approval.NotApproved, "nothing allows"},
		"a role allows them": {func(s *scene) {
			s.roles(plan.Role{Name: "security", Groups: []string{"example:security"}, Allow: []plan.Grant{{Actions: []string{"approve"}, Applications: []string{"*/*"}}}})
		}, OK, ""},

		// Where the policy does not say who.
		"as the protection has it": {func(s *scene) { s.Policies[0].Approvals = nil }, OK, ""},
		"attack: too few of those": {func(s *scene) {
			s.Policies[0].Approvals = nil
			s.reviews(said("alice", providers.Approved, head, 1), said("sam", providers.Approved, head, 2))
		}, approval.NotApproved, public + " needs an approval: #7 has 1 of 2"},
		"how many, of the protection's": {func(s *scene) { ask(s).Groups, ask(s).Count = nil, 2 }, OK, ""},
		"attack: neither says who": {func(s *scene) {
			ask(s).Groups, s.Protection.Approvals = nil, nil
		}, approval.NotApproved, "neither groups of the approvals block nor roles"},
		"attack: no protection":                   {func(s *scene) { s.Protection = state.Protection{} }, approval.NoRules, "add a protection block"},
		"a protection that asks for no approvals": {func(s *scene) { s.Protection.Approvals = nil }, OK, ""},

		// Merge queues.
		"attack: one of a merge queue's is not approved": {func(s *scene) {
			s.combined()
			s.candidates[0].Applications[0].Policies = []string{public}
		}, approval.NotApproved, "#8 has 0 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := policyScene()
			c.change(s)
			decided := s.DecidePolicies(s.app, s.candidates)
			if len(decided) != 1 {
				t.Fatalf("%+v", decided)
			}
			got := decided[0]
			if got.Reason != c.want || !strings.Contains(got.Detail, c.says) || got.Allowed() != (got.Detail == "") {
				t.Errorf("%q: %s", got.Reason, got.Detail)
			}
			// What a policy wants decides about the application.
			decision := s.Decide(s.app, s.candidates)
			base := decision
			decision.Policies = decided
			decision.Ask(s.Policies)
			if decision.Allowed() != (base.Allowed() && c.want == OK) {
				t.Errorf("%+v", decision)
			}
			if base.Allowed() && decision.Detail != got.Detail {
				t.Errorf("it says %q", decision.Detail)
			}
		})
	}
}

// The record that comes furthest decides, each policy by itself.
func TestPoliciesByThemselves(t *testing.T) {
	t.Parallel()
	s := policyScene()
	s.Policies = append(s.Policies, plan.PolicyNeed{Policy: "policy.other"})
	decided := s.DecidePolicies(s.app, s.candidates)
	if decided[0].Reason != approval.OK || decided[1].Reason != approval.NotNamed || !slices.Equal(decided[0].Approvers, []string{"sam"}) || decided[0].Record != s.record() {
		t.Errorf("%+v", decided)
	}
	if got := s.Groups(); !slices.Equal(got, []string{"example:security", "example:sre"}) {
		t.Errorf("asked about %v", got)
	}
	decision := s.Decide(s.app, s.candidates)
	decision.Policies = decided
	unknown := plan.PolicyNeed{Policy: public, Approvals: &plan.PolicyApprovals{Count: 1, Groups: []string{"example:sre"}}}
	for _, need := range []plan.PolicyNeed{unknown, {Policy: "policy.unknown"}} {
		if why := decision.Lacks(&need); !strings.Contains(why, "nobody has looked") {
			t.Errorf("%s: %q", need.String(), why)
		}
		asked := decision
		if asked.Ask([]plan.PolicyNeed{s.Policies[0], need}); asked.Allowed() {
			t.Errorf("%s is allowed", need.String())
		}
	}
	decision.Ask(s.Policies[:1])
	if !decision.Allowed() || !slices.Equal(decision.Approvers, []string{"alice", "bob", "sam"}) {
		t.Errorf("%+v", decision)
	}
}
