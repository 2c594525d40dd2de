package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// scopeOf is what an apply of a plan is about.
func scopeOf(p *plan.Plan) state.Scope {
	scope := state.Scope{Plan: p.ID}
	for i := range p.Applications {
		if app := &p.Applications[i]; app.HasChanges() && !app.IsBlocked() {
			scope.Applications = append(scope.Applications, app.Address)
		}
	}
	return scope
}

// enter takes the lease of a run, which leave gives up.
func (e *Engine) enter(ctx context.Context, by state.Holder, scope state.Scope) (*state.Lease, hcl.Diagnostics) {
	lease, err := e.options.Records.Enter(ctx, by, scope, e.options.Lease)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: holdSummary(err), Detail: err.Error()}}
	}
	e.probe(PointAfterLock)
	return lease, nil
}

func (e *Engine) leave(ctx context.Context, lease *state.Lease) hcl.Diagnostics {
	e.probe(PointBeforeUnlock)
	err := lease.Release(context.WithoutCancel(ctx))
	e.probe(PointAfterUnlock)
	if err == nil {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning, Summary: "State is still held", Detail: err.Error() + ". It becomes free by itself when the lease expires.",
	}}
}

// briefly writes something that is of no application, as a run of its own.
func (e *Engine) briefly(ctx context.Context, by state.Holder, write func(*state.Records) hcl.Diagnostics) hcl.Diagnostics {
	lease, diags := e.enter(ctx, by, state.Scope{})
	if diags.HasErrors() {
		return diags
	}
	diags = write(e.options.Records.Under(lease))
	return append(diags, e.leave(ctx, lease)...)
}

// settled makes sure that nobody else is at work on an application: a run that has its
// record claimed has ended, or is dead and put out. The record is read again then, for it
// may have written it until the end.
func (p *progress) settled(ctx context.Context) (*state.Record, string, error) {
	for {
		record, version, err := p.claim(ctx)
		if err != nil || record == nil || record.Claim == nil || record.Claim.Lease == p.applying.lease.ID() {
			return record, version, err
		}
		if p.former != nil && p.former.Lease == record.Claim.Lease {
			return record, version, nil
		}
		if err := p.applying.engine.options.Records.Settle(ctx, record.Claim, p.app.Address.String(), p.applying.engine.options.Lease); err != nil {
			return nil, "", err
		}
		p.former = record.Claim
	}
}

// claims enters into the record that this apply is at work on the application. The caller
// holds mu.
func (p *progress) claims(now time.Time) {
	p.record.Claim = &state.Claim{
		Lease: p.applying.lease.ID(), Holder: p.applying.by, Plan: p.applying.plan.ID, Since: now.UTC(),
	}
}

// takenMeanwhile says why an application could not be claimed: another apply was faster.
func (p *progress) takenMeanwhile(ctx context.Context, err error) error {
	if !errors.Is(err, state.ErrConflict) {
		return err
	}
	records := p.applying.engine.options.Records
	record, _, readErr := records.Get(ctx, p.app.Address)
	if readErr != nil || record == nil {
		return err
	}
	impatient := p.applying.engine.options.Lease
	impatient.Wait = 0
	var locked *state.LockedError
	if errors.As(records.Settle(ctx, record.Claim, p.app.Address.String(), impatient), &locked) {
		return locked
	}
	if why := p.staleRecord(record); why != "" {
		return staleError(why)
	}
	return err
}

// former is a run that was stopped while it was at work on an application, and what is
// known of its requests.
type formerRequests struct{ made, not, unread int }

// foundRequests tells of the requests of a run that was stopped: the intents that it left
// in the journal, and what the cluster says became of them.
func (p *progress) foundRequests(record *state.Record) {
	if p.former == nil || len(record.Journal) == 0 {
		return
	}
	live := make(map[object.ID]int, len(p.app.Changes))
	for i := range p.app.Changes {
		if c := &p.app.Changes[i]; c.Action.Changes() && c.Action != plan.Run && i < len(p.live) {
			live[c.ID] = i
		}
	}
	var found formerRequests
	for i := range record.Journal {
		intent := &record.Journal[i]
		at, known := live[intent.ID]
		if !known {
			found.unread++
			continue
		}
		if p.wasMade(record, intent, p.live[at]) {
			found.made++
		} else {
			found.not++
		}
	}
	text := fmt.Sprintf("found %d requests in the journal of %s, which was stopped: the cluster shows %d of them as made, and %d as not made",
		len(record.Journal), whoIs(p.former), found.made, found.not)
	if found.unread > 0 {
		text += fmt.Sprintf("; %d are of hooks, or of objects that are as they should be", found.unread)
	}
	p.applying.note(&hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: "Taken over from an apply that was stopped", Detail: fmt.Sprintf("%s: %s.", p.app.Address, text),
	})
	p.tell(Event{Kind: EventWarning, Message: text})
}

// wasMade reports whether a live object shows that a request was made.
func (p *progress) wasMade(record *state.Record, intent *state.Intent, have object.Object) bool {
	switch {
	case intent.Action.Deletes() && intent.Action != plan.Replace:
		return have == nil || have.UID() != intent.UID
	case have == nil:
		return false
	}
	owned := record.Find(intent.ID)
	if owned == nil {
		return p.isOurs(have)
	}
	return have.UID() != owned.UID || p.applying.engine.differ.Values(have, owned.Fields) != owned.Values
}

// whoIs names the holder of a claim.
func whoIs(claim *state.Claim) string {
	h := claim.Holder
	who := orUnknown(h.Who)
	if h.Command != "" || h.PID != 0 {
		who += fmt.Sprintf(" (%s, process %d on %s)", h.Command, h.PID, h.Host)
	}
	return fmt.Sprintf("%s, at work since %s", who, moment(claim.Since))
}

// notes are diagnostics that come up while applications are applied.
type notes struct {
	mu   sync.Mutex
	list hcl.Diagnostics
}

// note keeps a diagnostic for the end of the apply.
func (a *applying) note(diag *hcl.Diagnostic) {
	a.notes.mu.Lock()
	defer a.notes.mu.Unlock()
	a.notes.list = append(a.notes.list, diag)
}

// tellLost says that the lock was lost, and to whom, as far as the records tell.
func (a *applying) tellLost(ctx context.Context, why error) *hcl.Diagnostic {
	text := why.Error() + "."
	known := false
	for _, p := range a.apps {
		if p.startedAt.IsZero() {
			continue
		}
		record, _, err := a.engine.options.Records.Get(ctx, p.app.Address)
		if err == nil && record != nil && record.Claim != nil && record.Claim.Lease != a.lease.ID() {
			text, known = text+fmt.Sprintf(" %s is held by %s.", p.app.Address, whoIs(record.Claim)), true
		}
	}
	if who := a.inTheWay(ctx); who != "" && !known {
		text += " " + who
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Lock was lost",
		Detail: "This apply was stopped, or could not reach the state, for longer than its lock lasts: " + text +
			" Nothing was sent or recorded since. What was in flight then is in the journal: who holds the applications now finds it and finishes it. Plan again.",
	}
}

// inTheWay names another run that is about the same applications.
func (a *applying) inTheWay(ctx context.Context) string {
	runs, err := a.engine.options.Records.Runs(ctx)
	if err != nil {
		return ""
	}
	mine := map[addr.Address]bool{}
	for _, address := range scopeOf(a.plan).Applications {
		mine[address] = true
	}
	for i := range runs {
		for _, address := range runs[i].Applications {
			if mine[address] && runs[i].ID != a.lease.ID() {
				return fmt.Sprintf("%s is held by %s.", address, whoIs(&state.Claim{Holder: runs[i].Holder, Since: runs[i].Since}))
			}
		}
	}
	return ""
}
