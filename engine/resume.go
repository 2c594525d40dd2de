package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

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
	out := *p
	out.Applications = slices.Clone(p.Applications)
	for i := range out.Applications {
		app := &out.Applications[i]
		record, _, err := e.options.Records.Get(ctx, app.Address)
		if err != nil {
			return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
		}
		of := &progress{applying: &applying{engine: e, plan: p, resumed: resumed}, app: &p.Applications[i]}
		done := of.isDone(record)
		if !done && !of.resumes(record) {
			continue
		}
		app.Changes = slices.Clone(app.Changes)
		for j := range app.Changes {
			if c := &app.Changes[j]; done || of.isRecorded(record, j) {
				c.Action, c.Reason, c.Fields = plan.Unchanged, "an earlier apply of this plan has done it", nil
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

// resumable says why a plan that is to be resumed cannot be: it was not begun, or another
// plan was applied since.
func (e *Engine) resumable(ctx context.Context, p *plan.Plan, begun bool) hcl.Diagnostics {
	if !begun {
		return refusal("There is nothing to resume: it was never begun. Apply it without --resume.")
	}
	last, err := e.options.Records.LastPlan(ctx)
	if err != nil {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
	}
	if last.ID == p.ID {
		return nil
	}
	return refusal(fmt.Sprintf("Another plan was applied since, at %s by %s, so that what is left of this one may no longer be meant. Plan again; or apply this one without --resume, which leaves out the applications that the other has changed.",
		moment(last.BegunAt), orUnknown(last.By)))
}

// keep has the state keep the plan until it is applied, all of it, so that what is left of
// it can be done if the apply does not come to its end. Without it the apply goes on: what
// is left can be planned again.
func (a *applying) keep(ctx context.Context, file []byte) hcl.Diagnostics {
	records := a.engine.options.Records
	if a.plan.ID == "" || file == nil && a.engine.options.Recipient == nil {
		return nil
	}
	if id, _, err := records.KeptPlan(ctx); a.resumed && err == nil && id == a.plan.ID {
		return nil
	}
	err := error(nil)
	if file == nil {
		var text bytes.Buffer
		err = planfile.Write(&text, a.plan, planfile.WriteOptions{Recipient: a.engine.options.Recipient})
		file = text.Bytes()
	}
	if err == nil {
		err = records.KeepPlan(ctx, a.plan.ID, file)
	}
	if err == nil {
		return nil
	}
	return hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Plan is not kept", Detail: fmt.Sprintf("If this apply does not finish, it cannot be resumed without the plan's file, and has to be planned again: %s.", err)}}
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
