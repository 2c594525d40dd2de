package evidence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// risky is a policy that wants what is risky approved by members of a group.
func risky(group string) map[string]string {
	return file("policy", `
policy "risky" {
  enforcement = "approve"
  violated    = object.data.value == "risky"
  message     = "it is risky"
  approvals {
    groups = ["`+group+`"]
  }
}
`)
}

// governed is a story in which a policy is in force that wants the approval of security.
func governed(t *testing.T) *story {
	t.Helper()
	s := tell(t)
	s.forge.SetGroup("example:security", "sam", "dave")
	s.policy(risky("example:security"))
	return s
}

// policy has rules with a policy be in force.
func (s *story) policy(files map[string]string) {
	s.Helper()
	one := s.open(files)
	s.mustRecord(one)
	s.approve(one, "alice", "bob")
	s.merge(one, "squash")
	s.expect(map[string]string{})
}

func TestPoliciesWantApproval(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tell func(s *story)
		want map[string]string
	}{
		"approved by security, too": {func(s *story) {
			one := s.open(file("web", application("web", "risky")), file("db", application("db", "2")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob", "sam")
			s.merge(one, "squash")
		}, map[string]string{"web": "applied", "db": "applied"}},
		"approved by others alone": {func(s *story) {
			one := s.open(file("web", application("web", "risky")), file("db", application("db", "2")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
			s.expect(map[string]string{"web": "not approved", "db": "applied"})
			s.approve(one, "dave") // of security, and the author
			s.expect(map[string]string{"web": "not approved"})
			s.approve(one, "sam")
		}, map[string]string{"web": "applied"}},
		"approved by security alone": {func(s *story) {
			one := s.open(file("web", application("web", "risky")))
			s.mustRecord(one)
			s.approve(one, "sam")
			s.merge(one, "squash")
		}, map[string]string{"web": "not approved"}},
		"nothing that the policy is about": {func(s *story) {
			one := s.open(file("web", application("web", "2")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
		}, map[string]string{"web": "applied"}},
		"a policy that is newer than what was approved": {func(s *story) {
			one := s.open(file("web", application("web", "3")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob", "sam")
			newer := strings.Replace(risky("example:security")["policy.gantry.hcl"], `"risky"
`, `"3"
`, 1)
			two := s.open(file("newer", strings.Replace(newer, `policy "risky"`, `policy "newer"`, 1)))
			s.mustRecord(two)
			s.approve(two, "alice", "bob", "sam")
			s.merge(one, "squash")
			s.merge(two, "squash")
		}, map[string]string{"web": "policy not named"}},
		"approved when it was not yet about it": {func(s *story) {
			one := s.open(file("web", application("web", "3")))
			s.mustRecord(one)
			s.approve(one, "alice", "bob", "sam")
			// The policy comes to be about it, and the merge with that is planned, of the same head.
			s.git("checkout", "--quiet", "main")
			s.policy(file("policy", strings.Replace(risky("example:security")["policy.gantry.hcl"], `== "risky"`, `== "3"`, 1)))
			s.git("checkout", "--quiet", "--detach", "main")
			s.git("merge", "--quiet", "--no-ff", "--no-edit", s.head(one))
			s.now = s.now.Add(time.Minute)
			g := s.gatherer()
			r, err := g.Prepare(s.Context(), one, "", "main")
			if err != nil {
				s.Fatal(err)
			}
			if _, err := g.Record(s.Context(), r, s.bench.MustPlan(s.T, engine.PlanOptions{}), state.Holder{Who: "ci", Identity: s.by}, s.now.Add(time.Hour), nil); err != nil {
				s.Fatal(err)
			}
			s.merge(one, "squash")
		}, map[string]string{"web": "not approved"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := governed(t)
			c.tell(s)
			s.expect(c.want)
		})
	}
}

// Whose approval is needed is what the rules in force say, whatever the change makes of the
// policy.
func TestPolicyWeakenedWithTheChange(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"others may approve": risky("example:sre"),
		"it only warns":      file("policy", strings.Replace(risky("example:security")["policy.gantry.hcl"], `"approve"`, `"warn"`, 1)),
		"it is gone":         file("policy", "# none\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := governed(t)
			if strings.Contains(files["policy.gantry.hcl"], "warn") {
				files["policy.gantry.hcl"] = strings.ReplaceAll(files["policy.gantry.hcl"], "  approvals {\n    groups = [\"example:security\"]\n  }\n", "")
			}
			files["web.gantry.hcl"] = application("web", "risky")
			one := s.open(files)
			s.mustRecord(one)
			s.approve(one, "alice", "bob")
			s.merge(one, "squash")
			s.git("checkout", "--quiet", "main")
			standing, _, options := s.judge()
			options.Guards = engine.GuardsOf(standing.Config)
			p := s.bench.MustPlan(t, engine.PlanOptions{})
			result, diags := s.bench.Engine().Apply(t.Context(), p, *options)
			if result == nil || len(result.Applications) != 1 || !result.Applications[0].Unapproved || !strings.Contains(diags.Error(), "policy.risky needs 1 approval by members of example:security") {
				t.Errorf("%+v %v", result, diags)
			}
		})
	}
}

// Without a protection nothing says where approvals come from, and nobody's counts.
func TestPolicyWithoutProtection(t *testing.T) {
	t.Parallel()
	s := governed(t)
	one := s.open(map[string]string{"main.gantry.hcl": "cluster \"main\" {\n  server = \"https://main.example.com\"\n}\n"})
	s.mustRecord(one)
	s.approve(one, "alice", "bob")
	s.merge(one, "squash")
	s.expect(map[string]string{})
	two := s.open(file("web", application("web", "risky")), file("db", application("db", "2")))
	s.mustRecord(two)
	s.approve(two, "alice", "bob", "sam")
	s.merge(two, "squash")
	s.expect(map[string]string{"web": "no protection", "db": "applied"})
}

// What is recorded names the policies, and only those that want an approval.
func TestRecordNamesPolicies(t *testing.T) {
	t.Parallel()
	s := governed(t)
	one := s.open(file("web", application("web", "risky")), file("db", application("db", "2")))
	s.mustRecord(one)
	recorded, err := s.bench.Records.Recorded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var found *state.Recorded
	for _, record := range recorded {
		if record.Pull == one {
			found = record
		}
	}
	if found == nil || len(found.Applications) != 2 {
		t.Fatalf("%+v", found)
	}
	if web, db := found.Find(address("web")), found.Find(address("db")); len(web.Policies) != 1 || web.Policies[0] != "policy.risky" || len(db.Policies) != 0 {
		t.Errorf("%+v %+v", web, db)
	}
	// A plan from which somebody takes that out is held to it all the same.
	s.approve(one, "alice", "bob")
	s.merge(one, "squash")
	s.git("checkout", "--quiet", "main")
	g := s.gatherer()
	standing, err := g.Stand(t.Context(), ".", ".gantry")
	if err != nil {
		t.Fatal(err)
	}
	p := s.bench.MustPlan(t, engine.PlanOptions{})
	for i := range p.Applications {
		p.Applications[i].Policies = nil
	}
	p.Policies = nil
	verdict, err := g.Judge(t.Context(), standing, p)
	if err != nil {
		t.Fatal(err)
	}
	need := plan.PolicyNeed{Policy: "policy.risky", Approvals: &plan.PolicyApprovals{Count: 1, Groups: []string{"example:security"}}}
	for i := range verdict.Decisions {
		if d := &verdict.Decisions[i]; d.Address == address("web") && (d.Reason != approval.OK || !strings.Contains(d.Lacks(&need), "has 0 of 1 approvals")) {
			t.Errorf("%+v", d)
		}
	}
	options := engine.ApplyOptions{By: state.Holder{Who: "test"}, Approved: verdict.Approved, Guards: engine.GuardsOf(standing.Config)}
	result, diags := s.bench.Engine().Apply(t.Context(), p, options)
	if result == nil || !strings.Contains(diags.Error(), need.String()) {
		t.Errorf("%+v %v", result, diags)
	}
	for _, outcome := range result.Applications {
		if outcome.Unapproved != (outcome.Address == address("web")) {
			t.Errorf("%+v", outcome)
		}
	}
}
