package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/state"
)

// Remaining returns a plan as it is when what an earlier apply of it has done, as the state
// knows, is taken for unchanged: what resuming it would still do. It is for people to see;
// what is applied is the plan itself. What was done in the last seconds before an apply was
// killed may be in it, and is not done again.
func (e *Engine) Remaining(ctx context.Context, p *plan.Plan) (*plan.Plan, hcl.Diagnostics) {
	resumed, diags := e.used(ctx, p)
	if diags.HasErrors() {
		return nil, diags
	}
	left, diags := e.leftOf(ctx, p, resumed)
	if diags.HasErrors() {
		return nil, diags
	}
	out := *p
	out.Applications = slices.Clone(p.Applications)
	for i := range out.Applications {
		app := &out.Applications[i]
		record, _, err := e.options.Records.Get(ctx, app.Address)
		if err != nil {
			return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
		}
		of := &progress{applying: &applying{engine: e, plan: p, resumed: resumed}, app: &p.Applications[i]}
		why := left.superseded(app.Address)
		done := of.isDone(record)
		if !done && !of.resumes(record) && why == "" {
			continue
		}
		app.Changes = slices.Clone(app.Changes)
		for j := range app.Changes {
			switch c := &app.Changes[j]; {
			case why != "":
				c.Action, c.Reason, c.Fields = plan.Unchanged, "another plan that is about it was applied since", nil
			case done, of.isRecorded(record, j):
				c.Action, c.Reason, c.Fields = plan.Unchanged, doneEarlier, nil
			}
		}
	}
	return &out, nil
}

// isRecorded reports whether the record of an application that is resumed says that the
// i-th change is made. Hooks have succeeded, or will be run; those for when the application
// leaves are kept from its beginning.
func (p *progress) isRecorded(record *state.Record, i int) bool {
	c := &p.app.Changes[i]
	switch {
	case c.Action == plan.Run:
		return slices.ContainsFunc(record.Hooks, func(h state.Hook) bool { return h.Run == p.runKey(i) })
	case c.Action == plan.Remember, c.Action == plan.Forget && isForLeaving(c.Phase):
		return true
	}
	return c.Action.Changes() && !slices.ContainsFunc(record.Journal, func(in state.Intent) bool { return in.ID == p.idOf(i) })
}

// resumable says why a plan that is to be resumed cannot be: it was not begun, or other
// plans were applied since that are about all of it.
func (l leftOf) resumable(begun bool) hcl.Diagnostics {
	switch {
	case !begun:
		return refusal("There is nothing to resume: it was never begun. Apply it without --resume.")
	case l.since == nil:
		return nil
	}
	return refusal(fmt.Sprintf("Another plan was applied since, at %s by %s, so that what is left of this one may no longer be meant. Plan again; or apply this one without --resume, which leaves out the applications that the other has changed.",
		moment(l.since.BegunAt), orUnknown(l.since.By)))
}

// leftOf says of which applications of a plan that was begun what is left may still be
// meant: those that no plan that was applied since is about.
type leftOf struct {
	since *state.AppliedPlan    // the plan by which none may be; nil: some may
	only  map[addr.Address]bool // nil: all
}

// superseded says why an application of the plan is left out; empty where it is not.
func (l leftOf) superseded(address addr.Address) string {
	if l.only == nil || l.only[address] {
		return ""
	}
	return "another plan that is about it was applied since, so that what is left of this one may no longer be meant. Plan again"
}

// leftOf finds out what may still be meant of a plan. What is kept of it says so; of one
// that is not kept, only whether another apply was begun since is known. Of one that was
// not begun it is all.
func (e *Engine) leftOf(ctx context.Context, p *plan.Plan, begun bool) (leftOf, hcl.Diagnostics) {
	if !begun {
		return leftOf{}, nil
	}
	kept, err := e.options.Records.KeptPlan(ctx, p.ID)
	if err == nil && kept != nil {
		out := leftOf{only: make(map[addr.Address]bool, len(kept.Applications))}
		for _, address := range kept.Applications {
			out.only[address] = true
		}
		return out, nil
	}
	var last, own *state.AppliedPlan
	if err == nil {
		last, err = e.options.Records.LastApply(ctx)
	}
	if err == nil {
		own, err = e.options.Records.AppliedPlan(ctx, p.ID, p.CreatedAt)
	}
	if err != nil {
		return leftOf{}, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
	}
	if last == nil || last.ID == p.ID || own != nil && own.BegunAt.After(last.BegunAt) { // an act, after the last apply
		return leftOf{}, nil
	}
	return leftOf{since: last}, nil
}

// supersede has other plans that are kept no longer be about what this one is about.
func (a *applying) supersede(ctx context.Context) hcl.Diagnostics {
	if a.plan.ID == "" || a.resumed { // what was applied after a plan that is resumed stays
		return nil
	}
	if err := a.records.SupersedePlans(ctx, a.unfinished()); err != nil {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be written", Detail: fmt.Sprintf("That this plan takes the place of others that did not finish cannot be recorded, so nothing was changed: %s", err)}}
	}
	return nil
}

// unfinished is the plan as it is kept, without its file.
func (a *applying) unfinished() state.Unfinished {
	return state.Unfinished{ID: a.plan.ID, Act: a.plan.Act != nil, Applications: decided(a.plan)}
}

// keep has the state keep the plan until it is applied, all of it, so that what is left of
// it can be done if the apply does not come to its end. Without it the apply goes on: what
// is left can be planned again.
func (a *applying) keep(ctx context.Context, file []byte) hcl.Diagnostics {
	kept := a.unfinished()
	if a.plan.ID == "" || file == nil && a.engine.options.Recipient == nil || len(kept.Applications) == 0 {
		return nil
	}
	if a.left.since != nil || a.left.only != nil { // it is kept, or others were applied since
		return nil
	}
	err := error(nil)
	if file == nil {
		var text bytes.Buffer
		err = planfile.Write(&text, a.plan, planfile.WriteOptions{Recipient: a.engine.options.Recipient})
		file = text.Bytes()
	}
	if kept.File = file; err == nil {
		err = a.records.KeepPlan(ctx, kept)
	}
	if err == nil {
		return nil
	}
	return hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Plan is not kept", Detail: fmt.Sprintf("If this apply does not finish, it cannot be resumed without the plan's file, and has to be planned again: %s.", err)}}
}

// decided lists the applications that a plan has decided about. One that is limited to
// some objects has decided nothing about what it does not change.
func decided(p *plan.Plan) []addr.Address {
	var out []addr.Address
	for i := range p.Applications {
		if app := &p.Applications[i]; p.Selected == nil || app.HasChanges() {
			out = append(out, app.Address)
		}
	}
	return out
}

// doneBefore settles a change that an earlier apply of the plan has made, as the object
// itself shows, and reports whether it has: nothing is sent then.
func (p *progress) doneBefore(ctx context.Context, i int) bool {
	c, have := &p.app.Changes[i], p.seen(i)
	if !p.resumed || c.Action == plan.Run || !p.isDoneBy(ctx, c, have) {
		return false
	}
	if c.Method == plan.MethodPut {
		have = p.ownPut(ctx, c, have) // that may be left
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.results[i] = &written{object: have}
	p.own(c, have)
	p.record.Done(p.idOf(i))
	return true
}
