package engine

import (
	"context"
	"slices"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// bodiless lists the objects that an application owns and whose bodies its history does not
// have, because the apply that wrote them did not come to its end, or what was kept is lost; nil
// where there is none.
// What a later apply finds unchanged of them is to be in the history too, so that it can be
// put back.
func (e *Engine) bodiless(ctx context.Context, record *state.Record) map[object.ID]bool {
	if record == nil || unfinished(record) == "" && !isIncomplete(record) {
		return nil
	}
	out := map[object.ID]bool{}
	for i := range record.Objects {
		out[record.Objects[i].ID] = !record.Objects[i].Hook
	}
	applied, err := e.lastApplied(ctx, record)
	if err != nil || applied == nil {
		return out
	}
	for i := range applied.Changes {
		c := &applied.Changes[i]
		if owned := record.Find(c.ID); owned != nil && c.Body != nil && owned.Desired == c.Desired {
			out[c.ID] = false
		}
	}
	return out
}

// remember gives an object that is unchanged the body that would be sent of it, where the
// history does not have it: it is not of the apply that came to its end last, or what is
// desired is another object by now that comes to the same.
func (c *comparison) remember(ctx context.Context, d *draft, want *desired, change *plan.Change) {
	if change == nil || change.Action != plan.Unchanged || change.Desired == "" || c.live == nil || d.app.Lifecycle.NoUpdate || d.applied != nil {
		return
	}
	prior := d.record.Find(change.ID)
	if prior == nil || !d.bodiless[change.ID] && prior.Desired == change.Desired {
		return
	}
	have, err := c.live.find(want.resource, change.ID.Namespace, change.ID.Name)
	if err != nil {
		return
	}
	send, err := c.release(ctx, d, want, have, nil)
	if err != nil {
		return
	}
	if want.options.Replace {
		send, change.Method = diff.Normalize(want.object), plan.MethodPut
	}
	change.Desired = c.engine.differ.Digest(send)
	c.body(change, send)
}

// settleBodies has the record know what is desired of objects that were found unchanged, where that
// is another than was written. That their values were so when it was written is not known.
func (p *progress) settleBodies() {
	for i := range p.app.Changes {
		c := &p.app.Changes[i]
		if owned := p.record.Find(c.ID); owned != nil && c.Action == plan.Unchanged && c.Body != nil && owned.Desired != c.Desired {
			owned.Desired, owned.Values = c.Desired, ""
		}
	}
}

// recovers notes that an application that heals itself is as desired again, all of it, though
// its last apply did not succeed: once that is recorded there is something to heal to.
func (d *draft) recovers(out *plan.Application) {
	if d.record == nil || d.app == nil || d.applied != nil || out.Partial || out.IsBlocked() || !out.Settings.HealsItself() || out.HasChanges() || unfinished(d.record) == "" || d.record.LastApply() == nil {
		return
	}
	out.Resets = true
	out.Warnings = append(slices.Clone(out.Warnings),
		"Its last apply did not succeed, and all of it is as desired by now. Once this is applied, its drift is put back again.")
}
