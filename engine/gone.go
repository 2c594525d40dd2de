package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/engine/cause"
	"github.com/gantrycd/gantry/engine/schedule"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// untilGone waits until an object is not there any more; that another one has its name is
// errAnother. Most are gone at once: only those that are not are watched, and only their
// metadata.
func (p *progress) untilGone(ctx context.Context, c *plan.Change, uid string) error {
	limit := p.limitOf(c.ID.GroupKind())
	ctx, cancel := context.WithTimeoutCause(ctx, limit.time, errLate)
	defer cancel()
	v := p.newVigil(c, c.ID, func(ctx context.Context, _ object.Object) (cause.Cause, bool) { return p.holds(ctx, c, uid) })
	have, err := p.there(ctx, c, uid)
	if err == nil && have == nil {
		return nil
	}
	if err == nil {
		v.going(have)
		err = p.watchGone(ctx, v, c, uid)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errAnother) {
		err = p.pollGone(ctx, c, uid) // it cannot be watched: a role without that verb, a kind that goes, too
	}
	if err != nil && errors.Is(context.Cause(ctx), errLate) {
		v.lastLook(ctx)
		if v.message == "" {
			v.message = "it cannot be read: " + err.Error()
		}
		return fmt.Errorf("is still there %s: %s", limit, v.why(p.applying.engine.options.Now()))
	}
	return err
}

// there reads an object that is being deleted, nil where it is gone.
func (p *progress) there(ctx context.Context, c *plan.Change, uid string) (object.Object, error) {
	have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
	gone, err := p.gone(ctx, c, err)
	switch {
	case gone:
		return nil, nil
	case err != nil:
		return nil, err
	case uid != "" && have.UID() != uid:
		return nil, errAnother
	}
	return have, nil
}

// watchGone watches an object until it is gone.
func (p *progress) watchGone(ctx context.Context, v *vigil, c *plan.Change, uid string) error {
	schedule.Leave(ctx)
	w := p.applying.watchers.of(p.session, resource(c), c.ID.Namespace, true)
	defer w.release()
	return v.keep(ctx, w, c.ID.Name, func(o object.Object, gone bool) (bool, error) {
		switch {
		case o == nil: // the watch has not seen it: it is gone, or the watch is late
			have, err := p.there(ctx, c, uid)
			return err == nil && have == nil, err
		case gone && (uid == "" || o.UID() == uid):
			return true, nil
		case uid != "" && o.UID() != uid && !gone:
			return false, errAnother
		}
		v.going(o)
		return false, nil
	})
}

// going notes an object that is being deleted. Its finalizers can be seen without a look;
// those by which the cluster itself deletes go by themselves, as a rule.
func (v *vigil) going(o object.Object) {
	now := v.p.applying.engine.options.Now()
	soon := isCollected(o) && now.Sub(v.since) < lookAfter
	if held, ok := cause.NewWorld(now).Of(o, now); ok && v.cause.Text == "" && !soon {
		v.vigilance.found(now, held)
	}
	v.saw(o, "is being deleted")
}

// isCollected reports whether nothing but the garbage collector's finalizers keeps an
// object that is being deleted.
func isCollected(o object.Object) bool {
	list, _ := o.Metadata()["finalizers"].([]any)
	return len(list) > 0 && !slices.ContainsFunc(list, func(f any) bool { return f != "foregroundDeletion" && f != "orphan" })
}

// holds finds what keeps an object that is being deleted.
func (p *progress) holds(ctx context.Context, c *plan.Change, uid string) (cause.Cause, bool) {
	have, err := p.there(ctx, c, uid)
	if err != nil || have == nil {
		return cause.Cause{}, false
	}
	return p.applying.watchers.causes(p.session).Find(ctx, have, time.Time{})
}

// pollGone asks again and again until an object is gone.
func (p *progress) pollGone(ctx context.Context, c *plan.Change, uid string) error {
	for wait := 100 * time.Millisecond; ; wait = min(wait*2, 2*time.Second) {
		have, err := p.there(ctx, c, uid)
		switch {
		case err == nil && have == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !errors.Is(err, providers.ErrUnreachable): // which may pass; the time is bounded
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
