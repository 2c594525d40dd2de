package engine

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// logBegun writes into the audit log that the plan is applied. Without that it is not.
func (a *applying) logBegun(ctx context.Context) hcl.Diagnostics {
	event := a.logged(state.EventApplyBegun)
	for i := range a.plan.Applications {
		if app := &a.plan.Applications[i]; app.HasChanges() && !app.IsBlocked() {
			event.Applications = append(event.Applications, state.EventApplication{Address: app.Address, Digest: app.Digest, Serial: app.Serial})
		}
	}
	if err := a.records.Audit(ctx, event); err != nil {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be written", Detail: fmt.Sprintf("That the plan is applied cannot be written into the audit log, so nothing was changed: %s.", err)}}
	}
	return nil
}

// logEnded writes into the audit log how the apply ended, also where the lock was lost.
func (a *applying) logEnded(ctx context.Context, result *Result) hcl.Diagnostics {
	event := a.logged(state.EventApplyEnded)
	event.Outcome = OutcomeSucceeded
	for _, outcome := range result.Applications {
		app := state.EventApplication{Address: outcome.Address, Outcome: outcome.Outcome}
		for _, p := range a.apps {
			if p.app.Address == outcome.Address {
				app.Digest, app.Serial = p.app.Digest, p.serial()
			}
		}
		event.Applications = append(event.Applications, app)
		switch outcome.Outcome {
		case OutcomeSucceeded:
		case OutcomeCancelled:
			event.Outcome = OutcomeCancelled
		default:
			if event.Outcome == OutcomeSucceeded {
				event.Outcome = OutcomeFailed
			}
		}
	}
	if result.Lost {
		event.Message = "the lock was lost"
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if err := a.engine.options.Records.Audit(ctx, event); err != nil {
		return hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Not recorded in the audit log", Detail: fmt.Sprintf("How the apply ended is not in the audit log: %s.", err)}}
	}
	return nil
}

func (a *applying) logged(kind state.EventKind) state.Event {
	event := state.Event{Kind: kind, By: a.by, Plan: a.plan.ID, Verified: a.verified}
	if a.plan.Act != nil {
		event.Act = a.plan.Act.String()
	}
	return event
}

// LogSaved writes into the audit log that a plan was saved to a file.
func (e *Engine) LogSaved(ctx context.Context, p *plan.Plan, by state.Holder) error {
	event := state.Event{Kind: state.EventPlanSaved, By: by, Plan: p.ID}
	for i := range p.Applications {
		if app := &p.Applications[i]; app.HasChanges() {
			event.Applications = append(event.Applications, state.EventApplication{Address: app.Address, Digest: app.Digest, Serial: app.Serial})
		}
	}
	return e.options.Records.Audit(ctx, event)
}

// serial is of the application's record, as it was written last.
func (p *progress) serial() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.record == nil {
		return 0
	}
	return p.record.Serial
}
