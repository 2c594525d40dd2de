package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// NotApproved is the summary of what is left out because it is not approved.
const NotApproved = "Not approved"

// Approved is what was found to be approved of a plan: engine/evidence finds it.
type Approved struct {
	// Commit and Branch are what is applied.
	Commit, Branch string
	// Decisions are about each application that changes, sorted by address.
	Decisions []approval.Decision
}

// of returns the decision about an application; nil where there is none.
func (a *Approved) of(address addr.Address) *approval.Decision {
	if a == nil {
		return nil
	}
	for i := range a.Decisions {
		if a.Decisions[i].Address == address {
			return &a.Decisions[i]
		}
	}
	return nil
}

// protected is a plan with what protection and policies do not let be applied left out, and
// the records that are used for the rest.
type protected struct {
	plan *plan.Plan
	// uses are the digests that are used, by the key of their record.
	uses map[string]map[addr.Address]string
	// covered are the approvals that policies ask for, and that there are, by application.
	covered map[addr.Address]map[string]bool
	// approved is what was found; nil where nobody has looked.
	approved *Approved
	// asked: there is a protection, that says where approvals come from.
	asked bool
	// override is why it is done without approval, and overridden of which applications that is
	// in the audit log.
	override   string
	overridden map[addr.Address]bool
	// imagined: nothing is changed but what is in memory.
	imagined bool

	mu sync.Mutex
	// unapproved are those that are left out.
	unapproved map[addr.Address]bool
}

// protect holds a plan to the protection of the rules in force, and of the configuration at
// hand: both; and to what the plan's policies want approved. An application that is not
// approved is blocked, and the others go on.
func (e *Engine) protect(ctx context.Context, p *plan.Plan, r *rights, options *ApplyOptions) (*protected, hcl.Diagnostics) {
	out := &protected{
		plan: p, uses: map[string]map[addr.Address]string{}, unapproved: map[addr.Address]bool{}, covered: map[addr.Address]map[string]bool{},
		approved: options.Approved, override: options.OverrideApproval, overridden: map[addr.Address]bool{}, imagined: options.Imagined,
	}
	rules, err := e.options.Records.Rules(ctx)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: fmt.Sprintf("Which rules are in force cannot be told, so nothing was changed: %s.", err)}}
	}
	var asking []*state.Protection
	if rules != nil && !rules.Protection.IsZero() {
		asking = append(asking, rules.Protection)
	}
	if guards := options.Guards; guards != nil && !guards.Protection.IsZero() {
		asking = append(asking, guards.Protection)
	}
	out.asked = len(asking) > 0
	if out.imagined || len(asking) == 0 && options.Approved == nil && !p.NeedsApproval() || p.Act != nil && !r.doubted {
		return out, nil // what an act does has rights of its own, and policies are asked about it later
	}
	var uses []*state.Recorded
	if options.Approved == nil {
		if uses, err = e.options.Records.Recorded(ctx); err != nil {
			return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: fmt.Sprintf("What was approved cannot be read, so nothing was changed: %s.", err)}}
		}
	}
	changed := *p
	changed.Applications = slices.Clone(p.Applications)
	var diags hcl.Diagnostics
	left := false
	for i := range changed.Applications {
		app := &changed.Applications[i]
		if !app.HasChanges() || app.IsBlocked() {
			continue
		}
		why := out.refusal(p, app, r, options, asking, uses)
		if why == "" {
			left = true
			continue
		}
		out.unapproved[app.Address] = true
		app.Blocked = append(slices.Clone(app.Blocked), plan.Problem{Address: app.Address, Summary: NotApproved, Detail: why})
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: NotApproved, Detail: fmt.Sprintf("%s: %s.", app.Address, why)})
	}
	out.plan = &changed
	if len(diags) > 0 {
		if err := e.logUnapproved(ctx, p, out, options); err != nil {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Not recorded in the audit log", Detail: fmt.Sprintf("That it was refused is not in the audit log: %s.", err)})
		}
		if !left {
			return nil, diags
		}
	}
	if len(out.overridden) > 0 {
		if err := e.logOverridden(ctx, p, out, options); err != nil {
			return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be written", Detail: fmt.Sprintf("That approval is overridden cannot be written into the audit log, so nothing was changed: %s.", err)}}
		}
	}
	return out, nil
}

// refusal says why protection, or a policy, does not let an application be applied; empty
// where they do.
func (out *protected) refusal(p *plan.Plan, app *plan.Application, r *rights, options *ApplyOptions, asking []*state.Protection, recorded []*state.Recorded) string {
	needs := app.NeedsApproval()
	if options.OverrideApproval != "" {
		if len(asking)+len(needs) == 0 {
			return ""
		}
		if decision := r.may(access.Override, r.names(app)); !decision.Allowed {
			return "it is not approved, and who applies may not override that: " + refused(decision)
		}
		out.overridden[app.Address] = true
		return ""
	}
	if options.Approved != nil {
		decision := options.Approved.of(app.Address)
		switch {
		case decision == nil || decision.Digest != app.Digest:
			return "nobody has looked for an approval of what would be done"
		case !decision.Allowed():
			return decision.Detail
		}
		for i := range needs {
			if why := decision.Lacks(&needs[i]); why != "" {
				return why
			}
		}
		out.useDecided(decision, needs, app)
		return ""
	}
	begun := false
	for _, record := range recorded {
		if found := record.Find(app.Address); found != nil && found.Digest == app.Digest && found.Use != nil && found.Use.Plan == p.ID && found.Use.DoneAt.IsZero() {
			begun = true // it was approved when it was begun
			out.use(record.Key(), app)
			out.cover(app.Address, found.Use.Policies...)
		}
	}
	for _, protection := range asking {
		if why := unapproved(protection, options.Signers); why != "" && !begun {
			return why
		}
	}
	return out.lacking(p, app.Address, needs)
}

// useDecided uses the records that decide about an application, and about what policies ask
// for; so all that these records have approved is covered.
func (out *protected) useDecided(decision *approval.Decision, needs []plan.PolicyNeed, app *plan.Application) {
	if decision.Record != nil {
		out.use(decision.Record.Key(), app)
	}
	needed := map[string]bool{}
	for i := range needs {
		needed[needs[i].String()] = true
	}
	for i := range decision.Policies {
		if found := &decision.Policies[i]; needed[found.Need] && found.Record != nil {
			out.use(found.Record.Key(), app)
		}
	}
	for i := range decision.Policies {
		if found := &decision.Policies[i]; found.Allowed() && found.Record != nil && out.uses[found.Record.Key()][app.Address] != "" {
			out.cover(app.Address, found.Need)
		}
	}
}

func (out *protected) cover(address addr.Address, needs ...string) {
	if out.covered[address] == nil {
		out.covered[address] = map[string]bool{}
	}
	for _, need := range needs {
		out.covered[address][need] = true
	}
}

// lacking says which of the approvals that policies ask for there are not, and how they are
// given; empty where there are all.
func (out *protected) lacking(p *plan.Plan, address addr.Address, needs []plan.PolicyNeed) string {
	var texts []string
	for i := range needs {
		need := &needs[i]
		if out.imagined || out.covered[address][need.String()] {
			continue
		}
		if decision := out.approved.of(address); decision != nil {
			if why := decision.Lacks(need); why != "" {
				return why
			}
			return need.String() + ", and that was not known when the plan was made: plan again"
		}
		texts = append(texts, need.String())
	}
	if len(texts) == 0 {
		return ""
	}
	how := "have the change approved in a pull request whose plan is recorded, and apply the protected branch with --require-approved"
	switch {
	case p.Act != nil:
		how = "what is in no pull request cannot be approved there; change the configuration in one"
	case !out.asked:
		how = "no protection says where approvals come from: add a protection block with branches, planners and approvals, and apply with --require-approved"
	}
	return strings.Join(texts, ", ") + ": " + how + ". See \"gantry help apply\" for --override-approval"
}

// unapproved says what a protection asks for that an apply without approval does not have.
func unapproved(protection *state.Protection, signers []approval.Speaker) string {
	signed := len(protection.Signers) > 0 && slices.ContainsFunc(signers, func(s approval.Speaker) bool { return approval.Signs(protection.Signers, s) })
	switch {
	case protection.Approvals != nil || protection.Planners != nil:
		return "the protection asks that it is approved: apply with --require-approved, or see \"gantry help apply\" for --override-approval"
	case signed:
		return ""
	case protection.Signers != nil:
		return "the protection asks for a plan that one of its signers has signed: apply such a plan file with --verify-key or --bundle, or use --require-approved"
	}
	return "the protection says which branches are applied from: apply with --require-approved, which makes sure of that"
}

// leaves reports whether an application is left out for it is not approved, or follows one
// that is.
func (out *protected) leaves(app *plan.Application) bool {
	if out == nil {
		return false
	}
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.unapproved[app.Address] || slices.ContainsFunc(app.DependsOn, func(a addr.Address) bool { return out.unapproved[a] })
}

// leaveOut notes that an application is left out for it is not approved.
func (out *protected) leaveOut(address addr.Address) {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.unapproved[address] = true
}

func (out *protected) use(key string, app *plan.Application) {
	if out.uses[key] == nil {
		out.uses[key] = map[addr.Address]string{}
	}
	out.uses[key][app.Address] = app.Digest
}

// logUnapproved writes into the audit log that applications were refused.
func (e *Engine) logUnapproved(ctx context.Context, p *plan.Plan, out *protected, options *ApplyOptions) error {
	event := state.Event{Kind: state.EventRefused, By: options.By, Plan: p.ID, Act: access.Approve, Message: "not approved"}
	for i := range p.Applications {
		if app := &p.Applications[i]; out.unapproved[app.Address] {
			event.Applications = append(event.Applications, state.EventApplication{Address: app.Address, Digest: app.Digest, Serial: app.Serial})
		}
	}
	return e.options.Records.Audit(ctx, event)
}

// logOverridden writes into the audit log that approval was overridden.
func (e *Engine) logOverridden(ctx context.Context, p *plan.Plan, out *protected, options *ApplyOptions) error {
	event := state.Event{Kind: state.EventUnapproved, By: options.By, Plan: p.ID, Reason: options.OverrideApproval, Message: "applied without approval"}
	for i := range p.Applications {
		if app := &p.Applications[i]; out.overridden[app.Address] {
			event.Applications = append(event.Applications, state.EventApplication{Address: app.Address, Digest: app.Digest, Serial: app.Serial})
		}
	}
	return e.options.Records.Audit(ctx, event)
}

// lacksApproval says why an application is left out that policies want approved, as they are
// judged by now; empty where it is approved, or that is overridden.
func (a *applying) lacksApproval(ctx context.Context, p *progress, found []plan.PolicyResult) string {
	out := a.protected
	why := out.lacking(a.plan, p.app.Address, plan.NeededApprovals(found))
	if why == "" || out.overridden[p.app.Address] {
		return ""
	}
	event := a.logged(state.EventRefused)
	event.Act, event.Message = access.Approve, why
	event.Applications = []state.EventApplication{{Address: p.app.Address, Digest: p.app.Digest, Serial: p.app.Serial}}
	if out.override != "" {
		decision := p.may(access.Override)
		if decision.Allowed {
			event.Kind, event.Act, event.Reason, event.Message = state.EventUnapproved, "", out.override, "applied without approval"
			if err := a.records.Audit(ctx, event); err != nil {
				return fmt.Sprintf("that approval is overridden cannot be written into the audit log: %s", err)
			}
			return ""
		}
		why = "it is not approved, and who applies may not override that: " + refused(decision)
		event.Message = why
	}
	if err := a.records.Audit(ctx, event); err != nil {
		why += "; that is not in the audit log: " + err.Error()
	}
	return why
}

// useApprovals notes that what was approved is used, before anything begins: a digest is used
// once. What somebody else has used meanwhile is left out.
func (a *applying) useApprovals(ctx context.Context) hcl.Diagnostics {
	policies := map[addr.Address][]string{}
	for address, needs := range a.protected.covered {
		policies[address] = slices.Sorted(maps.Keys(needs))
	}
	for key, digests := range a.protected.uses {
		refused, err := a.records.UseRecorded(ctx, key, digests, policies, state.Use{Plan: a.plan.ID, By: a.by.Who})
		if err != nil {
			return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be written", Detail: fmt.Sprintf("That what was approved is used cannot be recorded, so nothing was changed: %s.", err)}}
		}
		for _, p := range a.apps {
			if why, ok := refused[p.app.Address]; ok {
				a.protected.leaveOut(p.app.Address)
				p.skip(why)
			}
		}
	}
	return nil
}

// endUses notes what of that is applied, all of it.
func (a *applying) endUses(ctx context.Context) hcl.Diagnostics {
	done := map[addr.Address]bool{}
	for _, p := range a.apps {
		if outcome, ok := p.outcomeOf(); ok && outcome.Outcome == OutcomeSucceeded {
			done[p.app.Address] = true
		}
	}
	var diags hcl.Diagnostics
	for key, digests := range a.protected.uses {
		var ended []addr.Address
		for address := range digests {
			if done[address] {
				ended = append(ended, address)
			}
		}
		if len(ended) == 0 {
			continue
		}
		if err := a.engine.options.Records.EndUse(ctx, key, a.plan.ID, ended); err != nil {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Use of an approval is not recorded", Detail: fmt.Sprintf("It is applied, and what was approved could be applied once more until it expires: %s.", err)})
		}
	}
	return diags
}
