package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// remove carries out a change after which an object is no longer the
// application's: it is deleted, or let go.
func (p *progress) remove(ctx context.Context, i int) error {
	c := &p.app.Changes[i]
	started := p.applying.engine.options.Now()
	begins, ends := EventDeleting, EventDeleted
	if c.Action == plan.Orphan { // it stays, without our marks
		begins, ends = EventWriting, EventWritten
	}
	p.tell(Event{Kind: begins, Object: &c.ID, Action: c.Action})
	if err := p.removeOnce(ctx, c, p.seen(i)); err != nil {
		return p.objectError(c, err)
	}
	p.succeeded(i, nil)
	p.tell(Event{Kind: ends, Object: &c.ID, Action: c.Action, Elapsed: p.applying.engine.since(started)})
	return nil
}

func (p *progress) removeOnce(ctx context.Context, c *plan.Change, have object.Object) error {
	if c.Action == plan.Orphan {
		return p.letGo(ctx, c)
	}
	if err := p.sweepInside(ctx, c); err != nil {
		return err
	}
	if err := p.alone(ctx, c); err != nil {
		return err
	}
	return ignoreAnother(p.delete(ctx, c, have))
}

// errAnother is that an object is gone, and another one has its name.
var errAnother = errors.New("another object has its name by now")

// ignoreAnother is for who only wants an object gone.
func ignoreAnother(err error) error {
	if errors.Is(err, errAnother) {
		return nil
	}
	return err
}

// delete deletes an object, as it was read, and waits until it is gone. An object
// that is not there is what was wanted. Where it moved on since it was read, or the
// server could not be reached, it is read again, and deleted only if the planned
// deletion still holds. It is never another object that is deleted; that there is
// one with the same name is errAnother.
func (p *progress) delete(ctx context.Context, c *plan.Change, have object.Object) error {
	uid := c.UID
	if have != nil {
		uid = have.UID()
	}
	var unanswered outage
	for attempt := 1; ; attempt++ {
		err := p.deleteOnce(ctx, c, uid, have)
		var conflict *providers.ConflictError
		switch {
		case errors.Is(err, errGone):
			return nil
		case err == nil:
			p.applying.engine.probe(PointMidPrune)
			return p.untilGone(ctx, c, uid)
		case errors.As(err, &conflict) && attempt < attempts:
		default:
			if err := p.outlast(ctx, &unanswered, err); err != nil {
				return err
			}
		}
		have = nil
	}
}

// errGone is that there is nothing left to delete.
var errGone = errors.New("is gone")

// deleteOnce sends one deletion of an object in the version that was read; with
// nothing read it reads it.
func (p *progress) deleteOnce(ctx context.Context, c *plan.Change, uid string, have object.Object) error {
	if have == nil {
		var err error
		if have, err = p.deletable(ctx, c, uid); err != nil {
			return err
		}
	}
	if have == nil {
		return errGone
	}
	request := providers.DeleteRequest{
		Resource: resource(c), Namespace: c.ID.Namespace, Name: c.ID.Name,
		UID: have.UID(), ResourceVersion: have.ResourceVersion(), Propagation: cmp.Or(c.Propagation, p.app.Settings.Propagation),
	}
	err := p.sendOne(ctx, func(ctx context.Context) error { return p.session.cluster.Delete(ctx, request) })
	gone, err := p.gone(ctx, c, err)
	if gone {
		return errGone
	}
	return err
}

// deletable reads an object that is to be deleted, nil where it is gone, and makes
// sure that what was planned for it still holds. Where uid is not empty, the object
// that is meant has it.
func (p *progress) deletable(ctx context.Context, c *plan.Change, uid string) (object.Object, error) {
	have, err := p.there(ctx, c, uid)
	if have == nil || err != nil {
		return nil, err
	}
	if why, err := p.stale(ctx, c, have); err != nil || why != "" {
		return nil, errors.Join(staleError(why), err)
	}
	return have, nil
}

// gone reports whether an answer says that there is no such object. That its version is
// not served says so only if its kind is not: in another version it is still there.
func (p *progress) gone(ctx context.Context, c *plan.Change, err error) (bool, error) {
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return true, nil
	case !errors.Is(err, providers.ErrUnknownKind):
		return false, err
	}
	p.session.cluster.Refresh()
	all, err := p.session.cluster.Resources(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range all {
		if r.GVK.GroupKind() == c.ID.GroupKind() {
			return false, staleError(fmt.Sprintf("%s is served in version %s by now, and no longer in %s", c.ID, r.GVK.Version, c.Version))
		}
	}
	return true, nil
}

// letGo takes our marks off an object and leaves it as it is.
func (p *progress) letGo(ctx context.Context, c *plan.Change) error {
	var unanswered outage
	for {
		err := p.letGoOnce(ctx, c)
		if err == nil {
			return nil
		}
		if err := p.outlast(ctx, &unanswered, err); err != nil {
			return err
		}
	}
}

func (p *progress) letGoOnce(ctx context.Context, c *plan.Change) error {
	have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if another, err := p.isAnothers(ctx, c, have); err != nil || another || c.UID != "" && have.UID() != c.UID {
		return err
	}
	patch, err := track.Unstamp(have)
	if err != nil || patch == nil {
		return err
	}
	return p.sendOne(ctx, func(ctx context.Context) error {
		_, err := p.session.cluster.Patch(ctx, resource(c), c.ID.Namespace, c.ID.Name, patch, false)
		return err
	})
}
