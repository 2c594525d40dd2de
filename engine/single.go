package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// identify gives a plan its id and the end of its time.
func (p *planning) identify(out *plan.Plan) {
	out.ID, out.Roles = uuid.NewString(), p.engine.rolesInUse()
	if p.options.Expires > 0 {
		out.ExpiresAt = out.CreatedAt.Add(p.options.Expires)
	}
}

// moment is a time in a message.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// expired says that a plan's time is over; empty where it is not.
func (e *Engine) expired(p *plan.Plan) string {
	if p.ExpiresAt.IsZero() || e.options.Now().Before(p.ExpiresAt) {
		return ""
	}
	return fmt.Sprintf("It expired at %s; it was made at %s. Plan again.", moment(p.ExpiresAt), moment(p.CreatedAt))
}

// used refuses a plan that was applied. One whose apply did not finish, or left
// something out, may be applied again: it is resumed.
func (e *Engine) used(ctx context.Context, p *plan.Plan) (resumed bool, diags hcl.Diagnostics) {
	if p.ID == "" {
		return false, nil
	}
	before, err := e.options.Records.AppliedPlan(ctx, p.ID, p.CreatedAt)
	switch {
	case errors.Is(err, state.ErrForgotten):
		return false, refusal(fmt.Sprintf("It was made at %s, so long ago that it cannot be told whether it was applied, and a plan is applied once. Plan again.", moment(p.CreatedAt)))
	case err != nil:
		return false, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
	case before == nil || before.DoneAt.IsZero():
		return before != nil, nil
	}
	by := ""
	if before.By != "" {
		by = " by " + before.By
	}
	return false, refusal(fmt.Sprintf("It was applied at %s%s, and a plan is applied once. Plan again.", moment(before.DoneAt), by))
}

// begun records that a plan is being applied, and fails where that cannot be.
func (a *applying) begun(ctx context.Context) hcl.Diagnostics {
	if a.plan.ID == "" {
		return nil
	}
	begun := state.AppliedPlan{ID: a.plan.ID, CreatedAt: a.plan.CreatedAt, By: a.by.Who, Act: a.plan.Act != nil}
	if err := a.records.BeginPlan(ctx, begun); err != nil {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be written", Detail: fmt.Sprintf("That the plan is being applied cannot be recorded, so nothing was changed: %s", err)}}
	}
	return nil
}

// ended records that all of a plan is applied.
func (a *applying) ended(ctx context.Context) hcl.Diagnostics {
	if a.plan.ID == "" {
		return nil
	}
	if err := a.records.EndPlan(ctx, a.plan.ID); err != nil {
		return hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Apply is not recorded", Detail: fmt.Sprintf("The plan is applied, and that it is cannot be recorded: %s. Do not apply it again.", err)}}
	}
	// One that is kept for nothing is known to be applied.
	if err := a.records.DropPlan(ctx, a.plan.ID); err != nil {
		a.engine.options.Log.Debug("the plan stays in the state", "error", err)
	}
	return nil
}

func refusal(detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Plan cannot be applied", Detail: detail}}
}

// staleRecord says why an application's record is not the one that the plan was made
// from: another apply has written it since. What an earlier apply of the same plan
// wrote counts as nothing, where the ledger knows that it did not finish.
func (p *progress) staleRecord(record *state.Record) string {
	switch {
	case record == nil && (p.app.Serial == 0 || p.app.Leaves):
		return "" // of one that leaves, the objects tell
	case record == nil:
		return fmt.Sprintf("its record is gone from the state, and had serial %d", p.app.Serial)
	case record.Serial == p.app.Serial, p.resumes(record), onlyActed(record, p.app.Serial):
		return ""
	}
	why := fmt.Sprintf("it was applied since: its record has serial %d, and had %d", record.Serial, p.app.Serial)
	if len(record.History) > 0 {
		if last := record.History[len(record.History)-1]; last.FinishedAt.After(p.applying.plan.CreatedAt) {
			why += fmt.Sprintf(" (%s by %s at %s)", last.Outcome, orUnknown(last.By), moment(last.FinishedAt))
		}
	}
	return why
}

// onlyActed reports whether nothing but acts was done to an application since its record
// had a serial, and all of them are over: what they changed of objects that a plan
// changes, these tell.
func onlyActed(record *state.Record, serial int64) bool {
	newest := len(record.History) - 1
	if newest < 0 || len(record.Journal) > 0 || record.History[newest].Serial != record.Serial {
		return false
	}
	return !slices.ContainsFunc(record.History, func(e state.Entry) bool { return e.Serial > serial && e.Act == nil })
}

// resumes reports whether an application's record was written last by an earlier apply
// of this plan, which did not finish. What acts have done since counts as nothing: what
// they changed of objects that the plan changes, these tell.
func (p *progress) resumes(record *state.Record) bool {
	if !p.applying.resumed || record == nil {
		return false
	}
	if p.applying.plan.Act != nil {
		return record.Acted == p.applying.plan.ID
	}
	return record.Plan == p.applying.plan.ID
}

// isDone reports whether an earlier apply of this plan, which did not finish, has done
// all of the application: nothing of it is done twice.
func (p *progress) isDone(record *state.Record) bool {
	if record == nil { // it has left, and its record with it
		return p.applying.resumed && p.app.Leaves && p.app.Serial > 0
	}
	if !p.resumes(record) {
		return false
	}
	// An entry that the plan was made from is of another apply.
	last := record.LastApply()
	if p.applying.plan.Act != nil {
		last = record.LastAct()
	}
	return last != nil && last.Serial > p.app.Serial && last.Outcome == OutcomeSucceeded && last.Digest == p.app.Digest
}

func orUnknown(who string) string {
	if who == "" {
		return "unknown"
	}
	return who
}
