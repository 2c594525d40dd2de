package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/state"
)

// approvingOptions are the flags that say whose approval is asked for.
type approvingOptions struct {
	require  bool
	override bool // the reason is --reason
}

// register adds the flags to a command; --reason is that of sync windows, too.
func (o *approvingOptions) register(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&o.require, "require-approved", false, "apply what reviewers have approved by the protection of the branch, and leave out the rest: exit code 3")
	o.registerOverride(command)
}

// registerOverride adds the flag of commands that nobody can have approved.
func (o *approvingOptions) registerOverride(command *cobra.Command) {
	command.Flags().BoolVar(&o.override, "override-approval", false, "apply without approval; needs the right to override, and a --reason, which is in the audit log")
}

func (o *approvingOptions) check(command string) error {
	if o.require && o.override {
		return &usageError{command: command, err: errors.New("--override-approval asks nobody, and --require-approved does: leave one of them away")}
	}
	return nil
}

// watchEvery is how often an apply that waits looks whether a newer commit has its turn.
const watchEvery = 3 * time.Second

// approving is an apply that asks for approval.
type approving struct {
	*gathering
	standing *evidence.Standing
	verdict  *evidence.Verdict
	// about are the applications that it decides about; nil is all.
	about []addr.Address
}

// approve finds out which commit is applied and what of a plan is approved, and tells what is
// not.
func (w *work) approve(ctx context.Context, in *inputs, p *plan.Plan) error {
	g, err := w.cli.gather(in)
	if err != nil {
		return err
	}
	g.Records = w.state.records
	a := &approving{gathering: g, about: w.targets}
	w.approving = a
	if a.standing, err = g.Stand(ctx, g.repository.Below(), stateFolder); err != nil {
		return approvingFailure("Not the protected branch", err)
	}
	if a.verdict, err = g.Judge(ctx, a.standing, p); err != nil {
		return approvingFailure("Approvals cannot be read", err)
	}
	by, err := w.by(ctx)
	if err != nil {
		return err
	}
	if err := g.Accept(ctx, a.standing, a.verdict.Next, by); err != nil {
		return failure("Rules cannot be put in force", err)
	}
	if err := g.TakeTurn(ctx, a.standing, a.about, by.Who); err != nil {
		return w.gaveUp(ctx, err)
	}
	for i := range a.verdict.Decisions {
		w.explain(ctx, a, p, &a.verdict.Decisions[i])
	}
	w.cli.printDiagnostics(w.files, a.remarks(p.NeedsApproval()))
	return a.comment(ctx, nil)
}

func approvingFailure(summary string, err error) error {
	var told *failedError
	if errors.As(err, &told) {
		return err
	}
	return failure(summary, err)
}

// gaveUp tells that a newer commit has its turn, here and on the commit that gives up.
func (w *work) gaveUp(ctx context.Context, err error) error {
	var superseded *evidence.SupersededError
	if !errors.As(err, &superseded) {
		return failure("State cannot be written", err)
	}
	w.cli.printDiagnostics(w.files, errorDiagnostic("Superseded", sentence(superseded)))
	w.tellNotShown(w.approving.showSuperseded(context.WithoutCancel(ctx), superseded))
	return exitCode(exitUnapproved)
}

// remarks are what to know of the rules; policies tells that some ask for approvals.
func (a *approving) remarks(policies bool) hcl.Diagnostics {
	var out hcl.Diagnostics
	if why := a.verdict.Kept; why != "" {
		out = append(out, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Rules are not in force", Detail: fmt.Sprintf(
			"%.8s has other rules than those in force, of %.8s, and that change is not approved: %s. The rules before it stay.", a.standing.Commit, a.standing.Rules.Commit, why)})
	}
	if a.standing.First && !a.standing.Rules.Protection.IsZero() {
		out = append(out, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "First rules", Detail: fmt.Sprintf(
			"No rules were in force yet, so those of %.8s are from now on. What changes them has to be approved.", a.standing.Commit)})
	}
	if p := a.standing.Rules.Protection; !p.IsZero() && (p.Approvals != nil || policies) && p.Planners == nil && p.Signers == nil {
		out = append(out, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Anybody may record", Detail: "The protection names neither planners nor signers, so that a plan counts which anybody has recorded who can write the state. Set planners."})
	}
	return out
}

// explain adds to a refusal what differs from what was recorded, where that is kept.
func (w *work) explain(ctx context.Context, a *approving, p *plan.Plan, decision *approval.Decision) {
	if decision.Reason != approval.Another || decision.Record == nil {
		return
	}
	kept, err := a.Records.RecordedPlan(ctx, decision.Record)
	if err != nil || kept == nil {
		return
	}
	was, err := planfile.Read(bytes.NewReader(kept), planfile.ReadOptions{})
	if err != nil {
		return
	}
	before, now := applicationOf(was.Plan, decision.Address), applicationOf(p, decision.Address)
	if before != nil && now != nil {
		decision.Detail += ": " + engine.Differences(before, now)
	}
}

func applicationOf(p *plan.Plan, address addr.Address) *plan.Application {
	for i := range p.Applications {
		if p.Applications[i].Address == address {
			return &p.Applications[i]
		}
	}
	return nil
}

// watched waits for nothing longer than no newer commit has its turn.
func (a *approving) watched(ctx context.Context, options *engine.ApplyOptions) (context.Context, func()) {
	watched, stop := a.Watch(ctx, a.standing, a.about, watchEvery)
	options.Approved = a.verdict.Approved
	options.Begun = func(ctx context.Context) error {
		stop()
		return a.Superseded(ctx, a.standing, a.about)
	}
	return watched, stop
}

// guard has the rules in force judge beside those of the plan.
func (a *approving) guard(guards *engine.Guards) *engine.Guards {
	if guards == nil || a.standing.Config == a.standing.At {
		return guards
	}
	before, out := engine.GuardsOf(a.standing.Config), *guards
	out.Policies, out.Roles, out.Protection = before.Policies, before.Roles, a.standing.Rules.Protection
	return &out
}

// unapprovedExit reports whether nothing failed, and something was not approved.
func (w *work) unapprovedExit(result *engine.Result, diags hcl.Diagnostics) bool {
	if result == nil {
		return w.approving != nil && w.approving.refusesAll() || !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
			return d.Severity == hcl.DiagError && d.Summary != engine.NotApproved
		})
	}
	found := false
	for _, outcome := range result.Applications {
		if outcome.Outcome != engine.OutcomeSucceeded && outcome.Outcome != engine.OutcomeSkipped {
			return false
		}
		found = found || outcome.Unapproved
	}
	return found
}

// refusesAll reports whether nothing of the plan is approved.
func (a *approving) refusesAll() bool {
	for i := range a.verdict.Decisions {
		if a.verdict.Decisions[i].Allowed() {
			return false
		}
	}
	return len(a.verdict.Decisions) > 0
}

// superseded tells that a newer commit had its turn while this apply waited; else it is the
// error that there was.
func (w *work) superseded(ctx context.Context, err error) error {
	var superseded *evidence.SupersededError
	if w.approving != nil && errors.As(context.Cause(ctx), &superseded) {
		return w.gaveUp(ctx, superseded)
	}
	return err
}

// speakers are who stands behind the plan file that is applied.
func (o *opened) speakers() []approval.Speaker {
	var out []approval.Speaker
	if o.Bundle != nil {
		out = append(out, approval.Speaker{Identity: o.Bundle.Identity, Issuer: o.Bundle.Issuer})
	}
	for _, v := range o.Verified {
		out = append(out, approval.Speaker{KeyID: v.KeyID})
	}
	return out
}

// asksForApproval reports whether the rules in force, or those of the configuration at hand,
// ask that changes are approved, or say where the approvals come from that policies want.
func (w *work) asksForApproval(ctx context.Context, made *plan.Plan) (bool, error) {
	policies := made.NeedsApproval()
	asks := func(p *state.Protection) bool {
		return !p.IsZero() && (policies || p.Approvals != nil || p.Planners != nil)
	}
	rules, err := w.state.records.Rules(ctx)
	if err != nil {
		return false, failure("State cannot be read", err)
	}
	if rules != nil && asks(rules.Protection) {
		return true, nil
	}
	guards, err := w.guards(ctx)
	return guards != nil && asks(guards.Protection), err
}
