package main

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/memory"
)

func endedAs(name, outcome, message string) engine.Outcome {
	return engine.Outcome{Address: addr.Application(name), Outcome: outcome, Message: message}
}

// A failed or partial apply shows on the commit, with the command that resumes it in the one
// line that every forge shows.
func TestFailedApplyShowsOnTheCommit(t *testing.T) {
	t.Parallel()
	problem := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Not approved", Detail: "application.web: @everybody `x`"}}
	for name, c := range map[string]struct {
		result *engine.Result
		diags  hcl.Diagnostics
		state  providers.CheckState
		title  string
		says   []string
	}{
		"applied": {
			&engine.Result{Applications: []engine.Outcome{endedAs("web", engine.OutcomeSucceeded, "")}}, nil,
			providers.CheckSuccess, "1 application applied", nil,
		},
		"in part": {
			&engine.Result{Applications: []engine.Outcome{endedAs("db", engine.OutcomeFailed, "no <b>quota</b>"), endedAs("web", engine.OutcomeSucceeded, "")}}, problem,
			providers.CheckFailure, "1 application applied, 1 not; to go on: gantry apply --resume",
			[]string{"- `application.db`: `failed: no <b>quota</b>`", "`gantry apply --resume`"},
		},
		"interrupted": {
			&engine.Result{Applications: []engine.Outcome{endedAs("db", engine.OutcomeCancelled, "")}}, problem,
			providers.CheckFailure, "0 applications applied, 1 not; to go on: gantry apply --resume", nil,
		},
		"left out": {
			&engine.Result{Applications: []engine.Outcome{endedAs("db", engine.OutcomeSkipped, "not approved"), endedAs("web", engine.OutcomeSucceeded, "")}}, problem,
			providers.CheckFailure, "1 application applied, 1 not; to go on: gantry apply --require-approved",
			[]string{"planned anew"},
		},
		"nothing": {nil, problem, providers.CheckFailure, "Nothing applied; to go on: gantry apply --require-approved", []string{"- `Not approved`: `application.web: @everybody 'x'`"}},
	} {
		got := appliedAs(c.result, c.diags)
		if got.Name != "gantry/apply" || got.State != c.state || got.Title != c.title || len(got.Title) > 140 {
			t.Errorf("%s: %+v", name, got)
		}
		for _, text := range c.says {
			if !strings.Contains(got.Summary, text) {
				t.Errorf("%s: %q is not in %s", name, text, got.Summary)
			}
		}
	}
}

// What becomes of a pull request is told in one comment on it: what was left out, and after the
// apply what was done, in place of that.
func TestOutcomeOnThePullRequest(t *testing.T) {
	t.Parallel()
	records, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	forge := forgetest.New()
	one, two := forge.SetPull(providers.PullRequest{Head: headCommit}), forge.SetPull(providers.PullRequest{Head: nextCommit})
	decision := func(pull int64, name string, reason approval.Reason, detail string) approval.Decision {
		return approval.Decision{Address: addr.Application(name), Reason: reason, Detail: detail, Record: &state.Recorded{Lineage: records.Lineage(), Pull: pull}}
	}
	a := &approving{
		gathering: &gathering{Gatherer: &evidence.Gatherer{Forge: forge, Records: records}},
		standing:  &evidence.Standing{Branch: "main", Commit: headCommit},
		verdict: &evidence.Verdict{Approved: &engine.Approved{Decisions: []approval.Decision{
			decision(one, "db", approval.NotApproved, "#1 has 0 of 1 approvals <!-- gantry:apply -->"),
			decision(two, "web", approval.OK, ""),
			{Address: addr.Application("unrecorded"), Reason: approval.NotRecorded},
		}}},
	}
	comments := func(number int64) string {
		var all []string
		for _, written := range forge.Comments(number) {
			all = append(all, written.Body)
		}
		return strings.Join(all, "\n----\n")
	}
	if err := a.comment(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := comments(one); !strings.Contains(got, "### Not applied: what would be done is not approved") || !strings.Contains(got, "- `application.db`: left out: `#1 has 0") {
		t.Error(got)
	}
	if got := comments(two); got != "" {
		t.Errorf("before the apply: %s", got)
	}
	a.verdict.Decisions[0].Reason = approval.OK
	for _, step := range []struct {
		of   engine.Outcome
		want string
	}{
		{endedAs("db", engine.OutcomeFailed, "no quota"), "### Not applied\n\nAt `11111111` of the protected branch:\n\n- `application.db`: `failed: no quota`\n\nWhat was begun goes on with `gantry apply --resume`."},
		{endedAs("db", engine.OutcomeSucceeded, ""), "### Applied\n\nAt `11111111` of the protected branch:\n\n- `application.db`: applied\n"},
	} {
		result := &engine.Result{Applications: []engine.Outcome{step.of, endedAs("web", engine.OutcomeSucceeded, "")}}
		if err := a.comment(t.Context(), result); err != nil {
			t.Fatal(err)
		}
		if got := comments(one); !strings.Contains(got, step.want) || strings.Contains(got, "----") {
			t.Errorf("%s", got)
		}
	}
	if got := comments(two); !strings.Contains(got, "### Applied\n") || len(forge.Comments(two)) != 1 || forge.Comments(two)[0].Edits != 1 {
		t.Errorf("%s", got)
	}
	// However much there is, the comment is one that the forge takes.
	forge.Longest = 2000
	for range 200 {
		a.verdict.Decisions = append(a.verdict.Decisions, decision(one, "db", approval.NotApproved, strings.Repeat("x", 50)))
	}
	if err := a.comment(t.Context(), nil); err != nil || !strings.Contains(comments(one), "more") {
		t.Errorf("%v: %s", err, comments(one))
	}
}

// A commit whose turn a newer one has shows that, and is no failure.
func TestSupersededShowsOnTheCommit(t *testing.T) {
	t.Parallel()
	forge := forgetest.New()
	a := &approving{gathering: &gathering{Gatherer: &evidence.Gatherer{Forge: forge}}, standing: &evidence.Standing{Branch: "main", Commit: headCommit}}
	if err := a.showSuperseded(t.Context(), &evidence.SupersededError{Turn: &state.Turn{Branch: "main", Commit: nextCommit}, Ours: headCommit}); err != nil {
		t.Fatal(err)
	}
	if got := forge.Checks(headCommit)["gantry/apply"]; got.State != providers.CheckNeutral || got.Title != "Superseded by 22222222, which is newer" {
		t.Errorf("%+v", got)
	}
}
