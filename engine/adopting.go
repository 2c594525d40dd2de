package engine

import (
	"context"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// move is an adoption: an object, and the managers whose fields of it become ours.
type move struct {
	cluster  providers.Cluster
	resource providers.Resource
	have     object.Object
	desired  object.Object
	managers []plan.ManagerMove
	typ      *diff.Type
}

// outcome tells what an object comes to when the fields of other managers become ours
// and it is applied then, and which fields go with the managers. The two steps cannot be
// dry-run one after the other: what they leave is computed, and the server is asked what
// it makes of that.
func (e *Engine) outcome(ctx context.Context, m move) (object.Object, []plan.ManagerMove, error) {
	left, err := e.differ.Moved(m.have, m.desired, m.managers, m.typ)
	if err != nil {
		return nil, nil, err
	}
	patch, err := diff.ValuesPatch(m.have, left)
	if err != nil {
		return nil, nil, err
	}
	said, err := m.cluster.Patch(ctx, m.resource, m.have.Namespace(), m.have.Name(), patch, true)
	if err != nil {
		return nil, nil, err
	}
	after := diff.WithOwnershipOf(said, left)
	return after, e.differ.MovedFields(m.have, after, m.managers, m.typ), nil
}

// moveManagers makes the fields of other managers ours, before an apply takes those
// away that are not wanted. It returns the object as it is then. Killed right
// after it, an apply leaves an object whose values are as they were, and that the
// next apply finishes.
func (p *progress) moveManagers(ctx context.Context, c *plan.Change, have object.Object) (object.Object, error) {
	if have == nil || len(c.Moves) == 0 {
		return have, nil
	}
	patch, err := p.applying.engine.differ.MovePatch(have, c.Moves, c.GVK().APIVersion(), p.applying.engine.options.Now())
	if err != nil || patch == nil {
		return have, err
	}
	var moved object.Object
	err = p.sendOne(ctx, func(ctx context.Context) (err error) {
		moved, err = p.session.cluster.Patch(ctx, resource(c), c.ID.Namespace, c.ID.Name, patch, false)
		return err
	})
	return moved, err
}

// takeover tells how an object that is not ours yet is adopted in the version of
// change: whether an import block takes it, and which managers' fields become ours. What
// stays with a manager is a warning of the change.
func (c *comparison) takeover(d *draft, change *plan.Change, have object.Object) (imported bool, moves []plan.ManagerMove) {
	var named []string
	for i := range d.imports {
		if d.imports[i].Selects(have.Namespace(), have.Labels(), d.app.Destination.Namespace) {
			imported = true
			named = append(named, d.imports[i].Managers...)
		}
	}
	moves, warnings := c.engine.differ.Moves(have, named, d.ignore, change.GVK().APIVersion())
	change.Warnings = append(change.Warnings, warnings...)
	return imported, moves
}
