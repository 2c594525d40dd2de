package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/state"
)

// wanted is onlyGood, of which somebody of security is to approve what violates it.
var wanted = strings.Replace(onlyGood, "kinds ", "enforcement = \"approve\"\n  approvals {\n    groups = [\"security\"]\n  }\n  kinds ", 1)

const wantsSecurity = "policy.good needs 1 approval by members of security"

// others are an application that no policy is about, and one that depends on "web".
func others(namespace, dependsOn string) string {
	return `
application "` + namespace + `" {
  ` + dependsOn + `
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "other" }, data = { a = "good" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "` + namespace + `"
  }
}
`
}

// approvedBench has an application whose change violates a policy, one beside it, and one that
// follows it.
func approvedBench(t *testing.T, policies string) (*enginetest.Bench, *memory.Cluster) {
	t.Helper()
	b, cluster := judged(t, policies, "x", "bad")
	b.Write(t, map[string]string{"others.gantry.hcl": others("beside", "") + others("behind", "depends_on = [application.web]")})
	return b, cluster
}

// decided is what was found to be approved of a plan: everything, and of "web" what policies
// want.
func decided(p *plan.Plan, record *state.Recorded, needs ...plan.PolicyNeed) *engine.Approved {
	out := &engine.Approved{Commit: "c", Branch: "main"}
	for i := range p.Applications {
		d := approval.Decision{Address: p.Applications[i].Address, Digest: p.Applications[i].Digest}
		if d.Address == addr.Application("web") {
			for _, need := range needs {
				d.Policies = append(d.Policies, approval.PolicyDecision{Policy: need.Policy, Need: need.String(), Record: record})
			}
		}
		out.Decisions = append(out.Decisions, d)
	}
	return out
}

// recordWeb has the state know that the change of "web" was recorded, with the policies that it names.
func recordWeb(t *testing.T, b *enginetest.Bench, p *plan.Plan, policies ...string) *state.Recorded {
	t.Helper()
	made := &state.Recorded{Pull: 7, Head: "head", Plan: "recorded"}
	for i := range p.Applications {
		if app := &p.Applications[i]; app.Address == addr.Application("web") {
			made.Applications = append(made.Applications, state.RecordedApplication{Address: app.Address, Digest: app.Digest, Policies: policies})
		}
	}
	if err := b.Records.PutRecorded(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	return made
}

// isThere reports which of the three applications are in the cluster.
func isThere(t *testing.T, cluster *memory.Cluster) string {
	t.Helper()
	var out []string
	for _, namespace := range []string{"web", "beside", "behind"} {
		found, err := cluster.List(t.Context(), configMaps, namespace, providers.ListOptions{})
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			t.Fatal(err)
		}
		if len(found) > 0 {
			out = append(out, namespace)
		}
	}
	return strings.Join(out, " ")
}

// What a policy wants approved is left out unless there is that approval, whatever plan
// arrives; others are applied.
func TestPoliciesWantApproval(t *testing.T) {
	t.Parallel()
	need := plan.PolicyNeed{Policy: "policy.good", Approvals: &plan.PolicyApprovals{Count: 1, Groups: []string{"security"}}}
	stripped := func(p *plan.Plan) {
		for i := range p.Applications {
			p.Applications[i].Policies = nil
		}
	}
	protected := "gantry {\n protection {\n branches = [\"main\"]\n planners = [\"p\"]\n }\n}\n"
	for name, test := range map[string]struct {
		planned string // policies when the plan is made
		tamper  func(*plan.Plan)
		guards  string                                                                // the policies where apply runs; empty for no guards
		with    func(*testing.T, *enginetest.Bench, *plan.Plan, *engine.ApplyOptions) // what is approved
		want    string                                                                // what is applied
		says    []string                                                              // of the refusal
		after   func(*testing.T, *enginetest.Bench)
	}{
		"nobody has approved":                  {planned: wanted, want: "beside", says: []string{"Not approved", wantsSecurity, "no protection says where approvals come from"}},
		"the results taken out of the plan":    {planned: wanted, tamper: stripped, want: "beside", says: []string{wantsSecurity}},
		"the policies taken out of the plan":   {planned: wanted, tamper: func(p *plan.Plan) { stripped(p); p.Policies = nil }, guards: wanted, want: "beside", says: []string{wantsSecurity}},
		"the plan asks for less":               {planned: wanted, tamper: func(p *plan.Plan) { stripped(p); p.Policies[0].Enforcement = plan.PolicyWarn }, guards: wanted, want: "beside", says: []string{wantsSecurity}},
		"a policy that is newer than the plan": {planned: "", guards: wanted, want: "beside", says: []string{wantsSecurity}},
		"a policy that is gone since":          {planned: wanted, guards: "# none\n", want: "beside", says: []string{wantsSecurity}},
		"under a protection":                   {planned: wanted, guards: protected + wanted, want: "", says: []string{"application.web", "apply with --require-approved"}},
		"approved": {
			planned: wanted, guards: wanted, want: "web beside behind",
			with: func(t *testing.T, b *enginetest.Bench, p *plan.Plan, o *engine.ApplyOptions) {
				o.Approved = decided(p, recordWeb(t, b, p, "policy.good"), need)
			},
			after: func(t *testing.T, b *enginetest.Bench) {
				used := webRecord(t, b).Use
				if used == nil || used.DoneAt.IsZero() || !slices.Equal(used.Policies, []string{need.String()}) {
					t.Errorf("the approval is used as %+v", used)
				}
			},
		},
		"approved as for others, and not by security": {
			planned: wanted, guards: wanted, want: "beside", says: []string{wantsSecurity, "nobody has looked"},
			with: func(_ *testing.T, _ *enginetest.Bench, p *plan.Plan, o *engine.ApplyOptions) {
				o.Approved = decided(p, nil)
			},
		},
		"security has not": {
			planned: wanted, want: "beside", says: []string{wantsSecurity + ": #7 has 0 of 1"},
			with: func(_ *testing.T, _ *enginetest.Bench, p *plan.Plan, o *engine.ApplyOptions) {
				o.Approved = decided(p, nil, need)
				for i := range o.Approved.Decisions {
					for j := range o.Approved.Decisions[i].Policies {
						d := &o.Approved.Decisions[i].Policies[j]
						d.Reason, d.Detail = approval.NotApproved, need.String()+": #7 has 0 of 1"
					}
				}
			},
		},
		"approved for a policy that asks for less": {
			planned: wanted, want: "beside", says: []string{wantsSecurity},
			with: func(t *testing.T, b *enginetest.Bench, p *plan.Plan, o *engine.ApplyOptions) {
				o.Approved = decided(p, recordWeb(t, b, p, "policy.good"), plan.PolicyNeed{Policy: "policy.good"})
			},
		},
		"of the policy before, and of the one after": {
			planned: wanted, guards: strings.Replace(wanted, "security", "board", 1), want: "beside", says: []string{"policy.good needs 1 approval by members of board"},
			with: func(t *testing.T, b *enginetest.Bench, p *plan.Plan, o *engine.ApplyOptions) {
				o.Approved = decided(p, recordWeb(t, b, p, "policy.good"), need)
			},
		},
		"another digest": {
			planned: wanted, want: "beside", says: []string{"nobody has looked for an approval of what would be done"},
			with: func(t *testing.T, b *enginetest.Bench, p *plan.Plan, o *engine.ApplyOptions) {
				o.Approved = decided(p, recordWeb(t, b, p, "policy.good"), need)
				for i := range o.Approved.Decisions {
					if d := &o.Approved.Decisions[i]; d.Address == addr.Application("web") {
						d.Digest = "sha256:other"
					}
				}
			},
		},
		"approved, of a plan that does not know of it": {
			planned: wanted, tamper: stripped, want: "beside", says: []string{"plan again"},
			with: func(t *testing.T, b *enginetest.Bench, p *plan.Plan, o *engine.ApplyOptions) {
				o.Approved = decided(p, recordWeb(t, b, p, "policy.good"), need)
			},
		},
		"overridden": {
			planned: wanted, want: "web beside behind",
			with: func(_ *testing.T, _ *enginetest.Bench, _ *plan.Plan, o *engine.ApplyOptions) {
				o.OverrideApproval = "the house burns"
			},
			after: wasOverridden,
		},
		"overridden, of a plan that does not know of it": {
			planned: wanted, tamper: stripped, want: "web beside behind",
			with: func(_ *testing.T, _ *enginetest.Bench, _ *plan.Plan, o *engine.ApplyOptions) {
				o.OverrideApproval = "the house burns"
			},
			after: wasOverridden,
		},
		"overridden by who may not": {
			planned: wanted + mayApply, want: "beside", says: []string{"who applies may not override that"},
			with: overrides,
		},
		"overridden by who may not, of a plan that does not know of it": {
			planned: wanted + mayApply, tamper: stripped, want: "beside", says: []string{"who applies may not override that"},
			with: overrides,
		},
		"in an imagined world": {
			planned: wanted, want: "web beside behind",
			with: func(_ *testing.T, _ *enginetest.Bench, _ *plan.Plan, o *engine.ApplyOptions) { o.Imagined = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, cluster := approvedBench(t, test.planned)
			p := b.MustPlan(t, engine.PlanOptions{})
			if test.tamper != nil {
				test.tamper(p)
			}
			options := engine.ApplyOptions{By: state.Holder{Who: "test"}}
			if test.guards != "" {
				b.Write(t, map[string]string{"policies.gantry.hcl": test.guards})
				config, diags := b.Config(t, b.Engine())
				enginetest.Check(t, diags)
				options.Guards = engine.GuardsOf(config)
			}
			if test.with != nil {
				test.with(t, b, p, &options)
			}
			result, diags := b.Engine().Apply(t.Context(), p, options)
			if got := isThere(t, cluster); got != test.want {
				t.Errorf("%q is applied, want %q: %s", got, test.want, said(diags))
			}
			for _, text := range test.says {
				if !strings.Contains(said(diags), text) {
					t.Errorf("%q is not in %s", text, said(diags))
				}
			}
			if diags.HasErrors() != (test.says != nil) {
				t.Error(said(diags))
			}
			if result != nil {
				for _, outcome := range result.Applications {
					if left := test.says != nil && outcome.Address != addr.Application("beside"); outcome.Unapproved != left || left != (outcome.Outcome == engine.OutcomeSkipped) {
						t.Errorf("%+v", outcome)
					}
				}
			}
			if test.says != nil && !hasEvent(t, b, state.EventRefused, "") {
				t.Error("that it was refused is not in the audit log")
			}
			if test.after != nil {
				test.after(t, b)
			}
		})
	}
}

const mayApply = `
role "deployer" {
  groups = ["deployers"]
  allow {
    actions      = ["get", "plan", "apply", "approve"]
    applications = ["*/*"]
  }
}
`

func overrides(_ *testing.T, _ *enginetest.Bench, _ *plan.Plan, o *engine.ApplyOptions) {
	o.By.Identity = &identity.Identity{Name: "alice", Subject: "alice", Groups: []string{"deployers"}, Verified: true}
	o.OverrideApproval = "the house burns"
}

func wasOverridden(t *testing.T, b *enginetest.Bench) {
	t.Helper()
	if !hasEvent(t, b, state.EventUnapproved, "the house burns") {
		t.Error("that approval was overridden is not in the audit log")
	}
}

func hasEvent(t *testing.T, b *enginetest.Bench, kind state.EventKind, reason string) bool {
	t.Helper()
	for entry, err := range b.Records.AuditLog(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if entry.Kind == kind && entry.Reason == reason && slices.ContainsFunc(entry.Applications, func(a state.EventApplication) bool { return a.Address == addr.Application("web") }) {
			return true
		}
	}
	return false
}

// webRecord is what is recorded of "web".
func webRecord(t *testing.T, b *enginetest.Bench) *state.RecordedApplication {
	t.Helper()
	recorded, err := b.Records.Recorded(t.Context())
	if err != nil || len(recorded) != 1 {
		t.Fatal(recorded, err)
	}
	return recorded[0].Find(addr.Application("web"))
}

// An apply that did not come to its end goes on with the approvals with which it began, and
// with no others.
func TestResumePoliciesApproved(t *testing.T) {
	t.Parallel()
	need := plan.PolicyNeed{Policy: "policy.good", Approvals: &plan.PolicyApprovals{Count: 1, Groups: []string{"security"}}}
	for name, test := range map[string]struct {
		used   []string
		tamper bool
		want   string
	}{
		"with it":                               {used: []string{need.String()}, want: "web beside behind"},
		"without":                               {want: "beside"},
		"without, of a plan that hides it":      {tamper: true, want: "beside"},
		"with that of a policy that wants less": {used: []string{"policy.good needs an approval"}, want: "beside"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, cluster := approvedBench(t, wanted)
			p := b.MustPlan(t, engine.PlanOptions{})
			record := recordWeb(t, b, p, "policy.good")
			web := addr.Application("web")
			refused, err := b.Records.UseRecorded(t.Context(), record.Key(), map[addr.Address]string{web: record.Applications[0].Digest}, map[addr.Address][]string{web: test.used}, state.Use{Plan: p.ID})
			if err != nil || len(refused) > 0 {
				t.Fatal(refused, err)
			}
			if test.tamper {
				for i := range p.Applications {
					p.Applications[i].Policies = nil
				}
			}
			_, diags := b.Engine().Apply(t.Context(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}})
			if got := isThere(t, cluster); got != test.want {
				t.Errorf("%q is applied, want %q: %s", got, test.want, said(diags))
			}
		})
	}
}

// What nobody can approve in a pull request, an action, is refused and says so.
func TestActionThatPoliciesWantApproved(t *testing.T) {
	t.Parallel()
	b, _ := approvedBench(t, "")
	p := b.MustPlan(t, engine.PlanOptions{})
	p.Act = &plan.Act{Name: "restart", Object: &p.Applications[len(p.Applications)-1].Changes[0].ID}
	b.Write(t, map[string]string{"policies.gantry.hcl": wanted})
	config, diags := b.Config(t, b.Engine())
	enginetest.Check(t, diags)
	_, diags = b.Engine().Apply(context.Background(), p, engine.ApplyOptions{By: state.Holder{Who: "test"}, Guards: engine.GuardsOf(config)})
	if !strings.Contains(said(diags), wantsSecurity+": what is in no pull request cannot be approved there") {
		t.Error(said(diags))
	}
}
