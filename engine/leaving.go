package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/state"
)

// What an application runs when it leaves, its PreDelete and PostDelete hooks, must be
// known when its sources are not: they are kept in its record from the moment that it is
// applied, with Secrets sealed, and are in the plan of its end as any hook is.

// remembered plans a hook for when the application leaves: to keep it, where the state
// does not have it as it is now.
func (d *draft) remembered(change *plan.Change) *plan.Change {
	change.Action, change.Reason = plan.Remember, "it runs when the application leaves"
	if hasHook(d.record, change) {
		if change.ID.Name == "" {
			change.ID.Name = change.Body.GenerateName()
		}
		change.Action, change.Body, change.Secret = plan.Unchanged, nil, nil
	}
	return change
}

// isHook reports whether what the record has is of a change's hook.
func isHook(h *state.Hook, c *plan.Change) bool {
	return h.Phase == c.Phase && (h.ID == c.ID && h.GenerateName == c.Body.GenerateName() || h.ID.Name == "" && named(h) == c.ID)
}

// named is how a plan calls a hook of the record that it has no body of.
func named(h *state.Hook) object.ID {
	id := h.ID
	if id.Name == "" {
		id.Name = h.GenerateName
	}
	return id
}

// forgetHooks plans to forget the hooks that the state keeps for when the application
// leaves, and that the application has no more.
func (d *draft) forgetHooks() {
	if d.leaves() || d.record == nil || d.partial {
		return
	}
	for i := range d.record.Hooks {
		h := &d.record.Hooks[i]
		if len(h.Plan) == 0 || slices.ContainsFunc(d.changes, func(c plan.Change) bool { return isHook(h, &c) }) {
			continue
		}
		d.changes = append(d.changes, plan.Change{
			ID: named(h), Phase: h.Phase, Action: plan.Forget, Reason: "the application no longer has this hook for when it leaves",
		})
	}
}

// lastHooks makes the hooks that the state keeps what an application which leaves wants:
// those that have not run yet. Where its objects stay, none is run.
func (e *Engine) lastHooks(ctx context.Context, d *draft, lineage string) {
	if d.settings().OnDestroy == "orphan" || d.partial {
		return
	}
	for i := range d.record.Hooks {
		h := &d.record.Hooks[i]
		if len(h.Plan) == 0 || h.Run != "" {
			continue
		}
		want, err := e.lastHook(ctx, d, h, lineage)
		if err != nil {
			id := named(h)
			d.blocked = append(d.blocked, plan.Problem{
				Address: d.address, Object: &id, Summary: "Hook cannot be run",
				Detail: fmt.Sprintf("It is to run when the application leaves (%s), and cannot: %s. To leave without it, take it out of the sources, apply, and destroy then.", h.Phase, err),
			})
			continue
		}
		d.desired = append(d.desired, want)
	}
}

// lastHook reads a hook out of the record.
func (e *Engine) lastHook(ctx context.Context, d *draft, h *state.Hook, lineage string) (*desired, error) {
	kept := &plan.Application{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(h.Plan, kept); err != nil || len(kept.Changes) != 1 {
		return nil, errors.New("what the state keeps of it cannot be read")
	}
	kept, err := planfile.UnsealApplication(kept, e.options.Identity)
	if err != nil {
		return nil, err
	}
	c := kept.Changes[0]
	if c.Body == nil {
		return nil, errors.New("values of it are secret, and there was nobody to seal them to when it was applied")
	}
	resource, pending, err := d.session.resource(ctx, c.GVK())
	if err != nil {
		return nil, err
	}
	c.Body = track.Stamp(c.Body, lineage, d.address) // it may have moved
	if c.Secret != nil {
		c.Secret = track.Stamp(c.Secret, lineage, d.address)
	}
	return &desired{
		object: c.Target(), origin: c.Origin, placement: order.Annotations(c.Target()), phase: h.Phase,
		resource: resource, pending: pending, kept: &c,
	}, nil
}

// keepHooks enters into the record what is to run when the application leaves. The caller
// holds mu.
func (p *progress) keepHooks() error {
	if p.app.Leaves {
		return nil
	}
	hooks := slices.Clone(p.record.Hooks)
	for i := range hooks {
		if isForLeaving(hooks[i].Phase) {
			hooks[i].Run = "" // of an end that did not come
		}
	}
	p.owe(hooks)
	for i := range p.app.Changes {
		c := &p.app.Changes[i]
		if !isForLeaving(c.Phase) || c.Action != plan.Remember && c.Action != plan.Forget {
			continue
		}
		hooks = slices.DeleteFunc(hooks, func(h state.Hook) bool { return isHook(&h, c) })
		if c.Action == plan.Forget {
			continue
		}
		kept := *c
		kept.Action, kept.Reason, kept.Source = plan.Run, "", 0
		text, err := p.sealedHook(kept)
		if err != nil {
			return fmt.Errorf("the hook %s (%s) cannot be kept: %w", c.ID, c.Phase, err)
		}
		hooks = append(hooks, state.Hook{Phase: c.Phase, ID: c.ID, GenerateName: c.Body.GenerateName(), Desired: c.Desired, Plan: text})
	}
	p.record.Hooks = hooks
	return nil
}

// owe notes of the hooks that a sync runs that they have not succeeded since: should it
// not come to them, they are for the next one.
func (p *progress) owe(hooks []state.Hook) {
	for i := range p.app.Changes {
		c := &p.app.Changes[i]
		if c.Action != plan.Run || c.Phase == plan.PhaseSyncFail {
			continue
		}
		for j := range hooks {
			if h := &hooks[j]; isHook(h, c) && h.Run != p.runKey(i) {
				h.Desired = ""
			}
		}
	}
}

// sealedHook is a hook's change as the record has it: without its body where that is
// secret and there is nobody to seal it to.
func (p *progress) sealedHook(kept plan.Change) (json.RawMessage, error) {
	recipient := p.applying.engine.options.Recipient
	switch {
	case len(kept.Sealed) > 0 && kept.Secret == nil:
		return nil, errors.New("its value is sealed in the plan, and the identity to open it is not here")
	case kept.Secret != nil && recipient == nil:
		kept.Body, kept.Secret = nil, nil
	}
	kept.Sealed = nil
	sealed, err := planfile.SealApplication(&plan.Application{Address: p.app.Address, Changes: []plan.Change{kept}}, recipient)
	if err != nil {
		return nil, err
	}
	return json.Marshal(sealed)
}

// notePruneLast notes of a pruned object whether it says that it goes last.
func (c *comparison) notePruneLast(d *draft, change *plan.Change) {
	if change.Action != plan.Prune || c.live == nil {
		return
	}
	have, err := c.live.find(resource(change), change.ID.Namespace, change.ID.Name)
	if err != nil || have == nil || !order.Annotations(have).PruneLast {
		return
	}
	if d.last == nil {
		d.last = map[object.ID]bool{}
	}
	d.last[change.ID] = true
}
