package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/engine/window"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// Waiting is what an apply waits for that waits for a sync window.
type Waiting struct {
	Until time.Time // when all that changes may be applied, in the zone of a window
	// Applications are those that may not be applied now, sorted.
	Applications []addr.Address
	// Opening is when the first of them may be applied.
	Opening plan.Opening
}

// ErrNoWindow is that there is no time at which all that a plan changes may be applied, as
// far as may be waited.
var ErrNoWindow = errors.New("no sync window to wait for")

// lookAgain is how long a wait for a window trusts its clock: a machine may have slept, or
// its clock may have been set.
const lookAgain = 20 * time.Second

// AwaitWindows waits until all that a plan changes may be applied at once, by its sync
// windows and those of guards. It holds nothing meanwhile: no lock, and no connection. tell
// is called where there is something to wait for, once, and again where it is another time.
// It returns ErrNoWindow (wrapped) where that does not come, or not within most (0 is any
// time), or after the plan has expired; and the context's cause where that ends.
func (e *Engine) AwaitWindows(ctx context.Context, p *plan.Plan, options ApplyOptions, most time.Duration, tell func(Waiting)) error {
	if options.OverrideWindow != "" {
		return nil
	}
	started := e.options.Now()
	var told time.Time
	for {
		now := e.options.Now()
		waiting, err := e.outside(p, options, now)
		switch {
		case err != nil:
			return err
		case waiting == nil:
			return nil
		case most > 0 && waiting.Until.Sub(started) > most:
			return fmt.Errorf("%w: %s %s, which is later than the %s that may be waited", ErrNoWindow, waiting.Applications[0], &waiting.Opening, plan.Spell(most))
		case !p.ExpiresAt.IsZero() && waiting.Until.After(p.ExpiresAt):
			return fmt.Errorf("%w: %s %s, and the plan expires before, at %s", ErrNoWindow, waiting.Applications[0], &waiting.Opening, moment(p.ExpiresAt))
		}
		if !waiting.Until.Equal(told) {
			told = waiting.Until
			tell(*waiting)
		}
		if err := pause(ctx, min(waiting.Until.Sub(now), lookAgain)); err != nil {
			return err
		}
	}
}

// outside says what of a plan may not be applied at a time, and until when that is so; nil
// where all may.
func (e *Engine) outside(p *plan.Plan, options ApplyOptions, at time.Time) (*Waiting, error) {
	sync := window.Sync{Manual: options.Manual}
	var all []*window.Windows
	var out *Waiting
	changing := 0
	for i := range p.Applications {
		app := &p.Applications[i]
		if app.IsBlocked() || app.Held != nil {
			continue
		}
		h, err := heed(p, app, options.Guards)
		if err != nil {
			return nil, fmt.Errorf("%w: the sync windows of %s cannot be judged: %w", ErrNoWindow, app.Address, err)
		}
		all = append(all, h.sets...)
		if app.HasChanges() {
			changing++
		}
		if set, _ := h.judge(at, sync); set != nil {
			if out == nil {
				out = &Waiting{Opening: set.Opening(at, sync)}
			}
			out.Applications = append(out.Applications, app.Address)
		}
	}
	if out == nil {
		return nil, nil
	}
	until, ok := window.Next(at, all, sync)
	if !ok {
		if changing == 1 {
			return nil, fmt.Errorf("%w: %s %s", ErrNoWindow, out.Applications[0], &out.Opening)
		}
		return nil, fmt.Errorf("%w: there is no time at which all that changes may be applied at once; %s %s. Apply it in parts, with --target", ErrNoWindow, out.Applications[0], &out.Opening)
	}
	out.Until = until.In(out.Opening.From.Location())
	return out, nil
}
