package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// askPut plans an object that is there and is to be replaced whole (sync option Replace):
// it asks the server by a dry-run of the PUT itself. What others own is in nobody's way,
// and goes where the sources do not have it; the fields say so.
func (c *comparison) askPut(ctx context.Context, d *draft, change *plan.Change, q question) *plan.Change {
	if d.app.Lifecycle.NoUpdate && q.prior != nil {
		change.Action, change.Reason = plan.Unchanged, "differs, and lifecycle.update is false: it stays as it is"
		return change
	}
	whole, after, err := c.putDryRun(ctx, d, change, &q)
	var invalid *providers.InvalidError
	switch {
	case errors.As(err, &invalid):
		return c.refused(d, change, q, invalid)
	case err != nil:
		return block(change, summaryOf(err, "Server refuses the object"), c.refusal(err, q.desired, q.have))
	}
	change.Fields = c.engine.putFields(diff.Changes{Before: q.have, After: after, Desired: whole, Prior: q.prior, Type: q.typ()})
	switch {
	case q.prior == nil:
		change.Action, change.Reason = plan.Adopt, c.adoptReason(d, change.ID, q.have)
	case len(change.Fields) == 0:
		change.Action, change.Warnings, change.Predicted, change.Validation, change.Reason = plan.Unchanged, nil, false, "", ""
		return change
	default:
		change.Action = plan.Update
	}
	change.Method = plan.MethodPut
	c.body(change, whole)
	return change
}

// putDryRun asks what replacing an object comes to, and returns what is sent. Where the
// object moved on since it was listed, it is read again.
func (c *comparison) putDryRun(ctx context.Context, d *draft, change *plan.Change, q *question) (whole, after object.Object, err error) {
	for attempt := 1; ; attempt++ {
		if whole, err = c.engine.differ.Whole(ctx, d.ignore, q.desired, q.have, q.typ()); err != nil {
			return nil, nil, err
		}
		if c.session.past() != nil {
			change.Predicted, change.Validation = true, plan.SchemaOnly
			return whole, whole, nil
		}
		answer, err := c.session.cluster.Apply(ctx, putRequest(change, q.want.resource, whole, q.have, c.engine.options.Manager, true))
		var conflict *providers.ConflictError
		if errors.As(err, &conflict) && attempt < attempts {
			have, err := c.session.cluster.Get(ctx, q.want.resource, change.ID.Namespace, change.ID.Name)
			if err != nil {
				return nil, nil, err
			}
			if have.UID() != change.UID {
				return nil, nil, fmt.Errorf("%s was deleted and made anew while it was being planned. Plan again", change.ID)
			}
			q.have, change.Seen = have, have.ResourceVersion()
			continue
		}
		if errors.Is(err, providers.ErrForbidden) {
			change.Predicted, change.Validation, change.Reason = true, plan.SchemaOnly, unasked(err)
			return whole, whole, nil
		}
		if err != nil {
			return nil, nil, err
		}
		for _, warning := range answer.Warnings {
			change.Warnings = append(change.Warnings, c.engine.differ.Text(warning, whole, q.have))
		}
		change.Validation = plan.ServerDryRun
		c.heard(q.want, answer.Object)
		return whole, answer.Object, nil
	}
}

// putRequest replaces an object as it was read.
func putRequest(c *plan.Change, to providers.Resource, whole, have object.Object, manager string, dryRun bool) providers.ApplyRequest {
	return providers.ApplyRequest{
		Resource: to, Object: whole, Manager: manager, DryRun: dryRun, Replace: true, Unvalidated: c.Unvalidated,
		UID: have.UID(), ResourceVersion: have.ResourceVersion(),
	}
}

// putFields lists what replacing an object changes: values. Whose a field is makes no
// difference, and what goes is what the sources do not have.
func (e *Engine) putFields(in diff.Changes) []plan.FieldChange {
	fields := slices.DeleteFunc(e.differ.Fields(in), func(f plan.FieldChange) bool { return f.Owned })
	for i := range fields {
		fields[i].Server = fields[i].Server && fields[i].Kind != plan.Removed
	}
	return fields
}

// putNow asks what replacing an object would come to now, in the words of the plan.
func (p *progress) putNow(ctx context.Context, c *plan.Change, have object.Object) ([]plan.FieldChange, error) {
	e := p.applying.engine
	answer, err := p.session.cluster.Apply(ctx, putRequest(c, resource(c), c.Target(), have, e.options.Manager, true))
	if err != nil {
		return nil, err
	}
	return e.putFields(diff.Changes{
		Before: have, After: answer.Object, Desired: c.Target(), Prior: p.ownedNow(c.ID), Type: p.session.schema(ctx, c.GVK()),
	}), nil
}

// ownPut makes ours by apply what replacing an object has made ours by update, so that
// it is ours in the way that all else is: drift of it is seen, and it can be applied
// later. It changes no value; where it cannot be done, the object is as it was planned.
func (p *progress) ownPut(ctx context.Context, c *plan.Change, made object.Object) object.Object {
	moved := *c
	moved.Moves = []plan.ManagerMove{{Manager: p.applying.engine.options.Manager, Operation: "Update"}}
	owned, err := p.moveManagers(ctx, &moved, made)
	if err != nil {
		p.warn(c, []string{fmt.Sprintf("it is replaced, and what of it is ours could not be noted: %s", err)})
		return made
	}
	return owned
}
