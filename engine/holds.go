package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// A hold keeps an application from being applied, whoever asks: it is planned and shown,
// and left out. That it is held is no part of the change digest: the digest is of what would
// be done, and an approval holds for that, also once the hold is released.

// isHeld is the summary of what is refused because of a hold.
const isHeld = "Application is held"

// readHolds reads which applications are held.
func (p *planning) readHolds(ctx context.Context) hcl.Diagnostics {
	var err error
	if p.holds, err = p.engine.options.Records.Holds(ctx); err != nil {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
	}
	return nil
}

// holdOf is the hold of an application, also the one of the address that it had; nil where
// there is none.
func holdOf(holds map[addr.Address]*state.Hold, address, from addr.Address) *state.Hold {
	if hold := holds[address]; hold != nil || from.IsZero() {
		return hold
	}
	return holds[from]
}

// heedHolds finds out which drafts are held, and ends the holds of rollbacks whose sources
// have moved on. One that is held does not leave.
func (p *planning) heedHolds() {
	for _, d := range p.drafts {
		hold := holdOf(p.holds, d.address, d.from)
		switch {
		case hold == nil || d.failed():
		case d.applied != nil && d.rollback == nil: // drift is put back also of what was rolled back
		case d.leaves():
			d.blocked = append(d.blocked, plan.Problem{
				Address: d.address, Summary: isHeld, Detail: fmt.Sprintf("%s. What is held is not taken away: release it first (%s).", hold, releasing(hold)),
			})
		case hold.RolledBack == nil:
			d.held = &hold.Hold
		case d.rollback != nil: // from where it was rolled back to
		case hold.RolledBack.HasMovedPast(state.Revision{Sources: d.pins, Rendered: d.rendered}, p.config.Digest):
			d.lifts = &hold.Hold
		default:
			d.held = &hold.Hold
		}
	}
}

func releasing(hold *state.Hold) string { return fmt.Sprintf("gantry release '%s'", hold.Address) }

// tellHolds says of what depends on an application that is held that it waits for it, and
// of one whose hold ends that it does.
func (p *planning) tellHolds(built map[addr.Address]*draft) {
	for _, d := range p.drafts {
		if d.lifts != nil {
			d.warn(fmt.Sprintf("It was held (%s), and is no longer: what its sources say now is something else than what it was rolled back from.", d.lifts.Reason))
		}
		if d.failed() || d.leaves() {
			continue
		}
		for _, on := range d.app.DependsOn {
			if other := built[on.Address]; other != nil && other.held != nil && changes(other) {
				d.warn(fmt.Sprintf("It depends on %s, which is held and changes: it is left out, too, as long as it is not released.", on.Address))
			}
		}
	}
}

// changes reports whether something of an application would be done.
func changes(d *draft) bool {
	return slices.ContainsFunc(d.changes, func(c plan.Change) bool { return c.Action != plan.Unchanged })
}

// holdTime is how long what is known of holds is taken for true while a plan is applied.
const holdTime = 5 * time.Second

// holdings is what an apply knows of holds. It is safe for concurrent use.
type holdings struct {
	mu    sync.Mutex
	at    time.Time
	holds map[addr.Address]*state.Hold
	err   error
}

// now returns the holds that there are, read some seconds ago at most.
func (h *holdings) now(ctx context.Context, e *Engine) (map[addr.Address]*state.Hold, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := e.options.Now(); h.at.IsZero() || now.Sub(h.at) > holdTime || h.err != nil {
		h.holds, h.err = e.options.Records.Holds(ctx)
		h.at = now
	}
	return h.holds, h.err
}

// heedHold leaves the application out where it is held: as planned, or by someone since.
// An action is not the application's apply, and goes on; and what is rolled back is healed
// to what it was rolled back to.
func (p *progress) heedHold(ctx context.Context) {
	act := p.applying.plan.Act
	if act != nil && act.Name != plan.SelfHeal || !p.app.HasChanges() || p.isSkipped() {
		return
	}
	if p.app.Held != nil {
		p.skip(fmt.Sprintf("it is held: %s", p.app.Held))
		return
	}
	holds, err := p.applying.holds.now(ctx, p.applying.engine)
	hold := holdOf(holds, p.app.Address, p.app.MovedFrom)
	switch {
	case err != nil:
		p.skip(fmt.Sprintf("whether it is held cannot be told: %s", err))
	case hold == nil:
	case hold.Rollback && (act != nil || p.app.Rollback != nil):
	case hold.Rollback && p.app.Lifts != nil && p.app.Lifts.Since.Equal(hold.Since):
	default:
		p.skip(fmt.Sprintf("it is held: %s. Release it with %s, and plan again", hold, releasing(hold)))
	}
}

// errHeld is that someone holds the application.
var errHeld = errors.New("it is held")

// settleHold writes down, before anything is sent, that an application which is rolled back
// is held from now on, and ends the hold of one whose sources have moved on.
func (p *progress) settleHold(ctx context.Context) error {
	records := p.applying.records
	if lifts := p.app.Lifts; lifts != nil {
		_, err := records.DeleteHold(ctx, lifts.Address, lifts.Since)
		return err
	}
	back := p.app.Rollback
	if back == nil {
		return nil
	}
	_, err := records.PutHold(ctx, p.app.Address, func(before *state.Hold) (*state.Hold, error) {
		if before != nil && !before.Rollback {
			return nil, fmt.Errorf("%w: %s", errHeld, before)
		}
		return &state.Hold{
			Hold: plan.Hold{
				Reason: fmt.Sprintf("rolled back from revision %d to %d", back.From, back.To), By: p.applying.by.Who, Rollback: true,
				Since: p.applying.engine.options.Now(),
			},
			RolledBack: p.rolledBack(before),
		}, nil
	})
	return err
}

// rolledBack is what the application leaves behind: what it was rolled back from before
// without having moved on since, too.
func (p *progress) rolledBack(before *state.Hold) *state.RolledBack {
	back := p.app.Rollback
	out := &state.RolledBack{Config: back.Config, To: state.Revision{ID: back.To, Sources: p.app.Sources, Rendered: p.app.Rendered}}
	if before != nil && before.RolledBack != nil {
		for _, left := range append(before.RolledBack.Left, before.RolledBack.To) {
			if left.ID != back.To && left.ID != back.From {
				out.Left = append(out.Left, left)
			}
		}
	}
	for i := range p.record.History {
		if e := &p.record.History[i]; e.ID == back.From {
			out.Left = append(out.Left, state.Revision{ID: e.ID, Sources: e.Sources, Rendered: e.Rendered})
		}
	}
	return out
}
