package engine

import (
	"context"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// lastFailure is how the last apply of an application did not succeed; nil where it did.
func lastFailure(record *state.Record) *plan.Failure {
	if len(record.History) == 0 {
		return nil
	}
	last := &record.History[len(record.History)-1]
	if last.Outcome == OutcomeSucceeded {
		return nil
	}
	return &plan.Failure{At: last.FinishedAt, Outcome: last.Outcome, Message: last.Message}
}

// resumable notes which of the applies that failed can be gone on with. Where that cannot
// be read, none can.
func (p *planning) resumable(ctx context.Context, of *plan.Plan) {
	failed := map[addr.Address]*plan.Failure{}
	for i := range of.Applications {
		if a := &of.Applications[i]; a.Failed != nil && !a.HasChanges() {
			failed[a.Address] = a.Failed
		}
	}
	if len(failed) == 0 {
		return
	}
	kept, err := p.engine.options.Records.KeptPlans(ctx)
	if err != nil || len(kept) == 0 {
		return
	}
	for _, address := range kept[0].Applications { // the one that is gone on with
		if failure := failed[address]; failure != nil {
			failure.Resumable = true
		}
	}
}
