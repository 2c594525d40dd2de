package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// remove carries out a change after which an object is no longer the
// application's: it is deleted, or let go.
func (p *progress) remove(ctx context.Context, i int) error {
	c := &p.app.Changes[i]
	started := p.applying.engine.options.Now()
	p.tell(Event{Kind: EventDeleting, Object: &c.ID, Action: c.Action})
	var err error
	if c.Action == plan.Orphan {
		err = p.letGo(ctx, c)
	} else if err = p.alone(ctx, c); err == nil {
		err = p.delete(ctx, c, c.UID)
	}
	if err != nil {
		return p.objectError(c, err)
	}
	p.succeeded(i, nil)
	p.tell(Event{Kind: EventDeleted, Object: &c.ID, Action: c.Action, Elapsed: p.applying.engine.options.Now().Sub(started)})
	return nil
}

// delete deletes an object and waits until it is gone. An object that is not
// there is what was wanted. With a uid only that object is deleted, never another
// that has its name by now.
func (p *progress) delete(ctx context.Context, c *plan.Change, uid string) error {
	request := providers.DeleteRequest{
		Resource: resource(c), Namespace: c.ID.Namespace, Name: c.ID.Name, UID: uid, Propagation: p.app.Settings.Propagation,
	}
	err := p.sendOne(ctx, func(ctx context.Context) error { return p.session.cluster.Delete(ctx, request) })
	if errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnknownKind) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.untilGone(ctx, c, uid)
}

// untilGone waits until an object is not there any more, or is another one.
func (p *progress) untilGone(ctx context.Context, c *plan.Change, uid string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout(), fmt.Errorf("still there after %s; a finalizer may hold it", p.timeout()))
	defer cancel()
	wait := 20 * time.Millisecond
	for {
		have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
		switch {
		case errors.Is(err, providers.ErrNotFound), errors.Is(err, providers.ErrUnknownKind):
			return nil
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case uid != "" && have.UID() != uid:
			return nil
		}
		if finalizers, _ := have.Get("metadata", "finalizers"); wait > time.Second && finalizers != nil {
			p.tell(Event{Kind: EventWaiting, Object: &c.ID, Message: fmt.Sprintf("is being deleted; finalizers: %v", finalizers)})
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(wait*2, 2*time.Second)
	}
}

// letGo takes our marks off an object and leaves it as it is.
func (p *progress) letGo(ctx context.Context, c *plan.Change) error {
	have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.UID != "" && have.UID() != c.UID || !p.isOurs(have) {
		return nil
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

func (p *progress) timeout() time.Duration {
	if p.app.Settings.HealthTimeout > 0 {
		return p.app.Settings.HealthTimeout
	}
	return p.applying.engine.options.HealthTimeout
}
