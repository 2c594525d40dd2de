package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// annotationRun tells of a hook's object which run of the hook made it.
const annotationRun = "gantry.dev/run"

// runKeyLength is how many digits a run's key has: 80 bits, and in a name no more than
// Kubernetes itself would add to generateName twice.
const runKeyLength = 20

// dropIdleHooks leaves out the hooks of a sync where there is none. There is one where
// an object changes, and where a hook is another than when it last succeeded.
func (p *planning) dropIdleHooks(ctx context.Context, d *draft) {
	if d.leaves() || slices.ContainsFunc(d.changes, func(c plan.Change) bool { return c.Hook == nil && c.Action.Changes() }) {
		return
	}
	if slices.ContainsFunc(d.changes, func(c plan.Change) bool { return changedHook(d.record, &c) }) && !p.mayVary(ctx, d) {
		return
	}
	d.changes = slices.DeleteFunc(d.changes, func(c plan.Change) bool { return c.Action == plan.Run })
}

// changedHook reports whether a change is of a hook of a sync that has not succeeded as
// it is now. Nothing is known of the hooks of a record from before they were noted.
func changedHook(record *state.Record, c *plan.Change) bool {
	if c.Action != plan.Run || c.Phase == plan.PhaseSyncFail {
		return false
	}
	return record == nil || record.Hooks != nil && !hasHook(record, c)
}

// hasHook reports whether a record has the hook of a change as it is now.
func hasHook(record *state.Record, c *plan.Change) bool {
	return record != nil && slices.ContainsFunc(record.Hooks, func(h state.Hook) bool { return isHook(&h, c) && h.Desired == c.Desired })
}

// runKey is the key of the run that the i-th change is: the same whenever the plan is
// applied, and another in every other plan.
func (p *progress) runKey(i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", p.applying.plan.ID, p.app.Address, i))
	return hex.EncodeToString(sum[:])[:runKeyLength]
}

// hookRun returns the change that runs the i-th one's hook, and the key of the run: its
// object tells of which run it is, and one with a generated name has the name that this
// run gives it.
func (p *progress) hookRun(i int) (*plan.Change, string) {
	key := p.runKey(i)
	run := p.app.Changes[i]
	target := run.Target().DeepCopy()
	_ = target.Set(key, "metadata", "annotations", annotationRun) // what is no map, the server refuses
	run.ID = p.idOf(i)
	if p.app.Changes[i].ID.Name == "" {
		_ = target.Set(run.ID.Name, "metadata", "name")
		target = track.Stamp(target, p.applying.plan.Lineage, p.app.Address)
	}
	run.Body, run.Secret, run.Sealed = target, nil, nil
	return &run, key
}

// maxGenerated is how much of generateName is kept, as the API server has it for names
// that must do for labels.
const maxGenerated = 63 - runKeyLength

// idOf returns the identity of what the i-th change is about: that of a hook with a
// generated name is the one that this run gives it.
func (p *progress) idOf(i int) object.ID {
	c := &p.app.Changes[i]
	id := c.ID
	if id.Name == "" {
		prefix := c.Body.GenerateName()
		id.Name = prefix[:min(len(prefix), maxGenerated)] + p.runKey(i)
	}
	return id
}

// hasRun reports whether the record says that a run has succeeded.
func (p *progress) hasRun(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.record.Hooks, func(h state.Hook) bool { return h.Run == key })
}

// ranHooks writes down the hooks among some changes, which have succeeded.
func (p *progress) ranHooks(changes []int) error {
	if !p.noteHooks(changes) {
		return nil
	}
	p.applying.engine.probe(PointHookRan)
	ctx, cancel := p.applying.sending()
	defer cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.put(ctx)
}

// noteHooks notes those hooks among some changes that have succeeded, so that they are not
// run again for what they are now, nor by this plan when it is resumed: whatever their
// policies leave of them.
func (p *progress) noteHooks(changes []int) (noted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range changes {
		c := &p.app.Changes[i]
		if made := p.results[i]; c.Action != plan.Run || made == nil || !made.well {
			continue
		}
		noted = true
		ran := state.Hook{Phase: c.Phase, ID: c.ID, GenerateName: c.Body.GenerateName(), Desired: c.Desired, Run: p.runKey(i)}
		at := slices.IndexFunc(p.record.Hooks, func(h state.Hook) bool { return isHook(&h, c) && (h.Desired == c.Desired || c.ID.Name != "") })
		if at < 0 {
			p.record.Hooks = append(slices.Clip(p.record.Hooks), ran)
			continue
		}
		ran.Plan = p.record.Hooks[at].Plan
		p.record.Hooks = slices.Clone(p.record.Hooks)
		p.record.Hooks[at] = ran
	}
	return noted
}

// settleHooks has the record forget the hooks of a sync that the application no longer
// has, once one has succeeded. An act is no sync: it has no hooks, and says nothing of
// them. The caller holds mu.
func (p *progress) settleHooks() {
	if p.applying.plan.Act != nil || p.app.Leaves || p.app.Partial || !slices.ContainsFunc(p.app.Changes, func(c plan.Change) bool { return c.Action.Changes() && c.Hook == nil || c.Action == plan.Run }) {
		return
	}
	kept := make([]state.Hook, 0, len(p.record.Hooks)) // not nil: they are known from now on
	for _, h := range p.record.Hooks {
		if isForLeaving(h.Phase) || slices.ContainsFunc(p.app.Changes, func(c plan.Change) bool { return isHook(&h, &c) && h.Desired == c.Desired }) {
			kept = append(kept, h)
		}
	}
	p.record.Hooks = kept
}

// isTerminating reports whether an object is being deleted.
func isTerminating(o object.Object) bool {
	_, deleted := o.Get("metadata", "deletionTimestamp")
	return deleted
}
