package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// sweepTimeout is how long deleting the hooks of an application may take.
const sweepTimeout = 2 * time.Minute

// errKept is that a hook has failed and is not run again, for what it left stays.
var errKept = errors.New("its run has failed, and is kept, so that it is not run again: neither BeforeHookCreation nor HookFailed is among its delete policies. Delete it, and apply again")

// runHook creates a hook's object, in place of the one of an earlier run. What an apply
// of this plan that was interrupted has made of it is returned, unless it has failed: a
// run that succeeded or is under way is not begun twice. A run that succeeded and has
// left nothing returns nil; found tells of both. One of this plan that has failed is run
// anew where its policies let what is left of it go, or where its name is generated; to
// apply it once more, as Argo CD does with any other, makes nothing of a run that has ended.
func (p *progress) runHook(ctx context.Context, i int) (result object.Object, found bool, err error) {
	c, key := p.hookRun(i)
	have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
	switch {
	case errors.Is(err, providers.ErrNotFound), notServedYet(c, err):
		if p.hasRun(key) {
			return nil, true, nil
		}
		result, err = p.send(ctx, c, nil)
		return result, false, err
	case err != nil:
		return nil, false, err
	case !p.isOurs(have):
		return nil, false, staleError(notTheHooks(c))
	}
	mine, leaving := have.Annotation(annotationRun) == key, isTerminating(have)
	switch ready := p.readiness(c, have); {
	case mine && !ready.Failed && (!leaving || p.hasRun(key)):
		return have, true, nil
	case !mine && p.hasRun(key): // what has the name is of another phase
		return nil, true, nil
	case mine && !leaving && !p.goesAgain(i):
		return nil, false, errKept
	case mine, leaving, c.Hook.Deletes(order.BeforeHookCreation):
		if err := p.delete(ctx, c, have); err != nil {
			return nil, false, fmt.Errorf("deleting the one of an earlier run: %w", err)
		}
		have = nil
	}
	result, err = p.send(ctx, c, have)
	return result, false, err
}

// goesAgain reports whether a failed run of a hook goes when it is run once more.
func (p *progress) goesAgain(i int) bool {
	c := &p.app.Changes[i]
	return c.ID.Name == "" || c.Hook.Deletes(order.BeforeHookCreation) || c.Hook.Deletes(order.HookFailed)
}

// hasFailed reports whether something of the application was begun and has failed: what
// hooks of SyncFail are for.
func (p *progress) hasFailed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.beginErr == nil && !p.startedAt.IsZero() && len(p.errs) > 0
}

// made returns those of an application's changes that were made.
func (p *progress) made(changes []int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(changes), func(i int) bool { return p.results[i] == nil })
}

// isOurs reports whether a live object carries the application's mark.
func (p *progress) isOurs(have object.Object) bool {
	lineage, owner, ok := track.Owner(have)
	return ok && lineage == p.applying.plan.Lineage && owner == p.app.Address
}

// sweepHooks deletes the hooks whose policy says so, now that the application is
// done, and takes them, and those of earlier runs that are there no more, out of the
// record, which is written next.
func (p *progress) sweepHooks(ctx context.Context, succeeded bool) {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	swept := p.vanishedHooks(ctx)
	for i := range p.app.Changes {
		c := &p.app.Changes[i]
		made := p.hookToSweep(i, succeeded)
		if made == nil {
			continue
		}
		gone := *c
		gone.ID = made.ID()
		if err := p.deleteHook(ctx, &gone, made.UID()); err != nil {
			p.tell(Event{Kind: EventWarning, Object: &gone.ID, Message: fmt.Sprintf("the hook is left behind: %s", err)})
			continue
		}
		swept = append(swept, gone.ID)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range swept {
		p.record.Disown(id)
		p.record.Done(id)
	}
}

// hookToSweep returns the object that the i-th change made, where it is a hook that
// goes now; nil otherwise. HookSucceeded is for when the whole application succeeded,
// as in Argo CD. HookFailed is for the hook that failed: one that succeeded before
// something else failed stays, unless it has both policies and goes in any case. What
// hooks of an application that has left made goes in any case.
func (p *progress) hookToSweep(i int, succeeded bool) object.Object {
	hook := p.app.Changes[i].Hook
	p.mu.Lock()
	defer p.mu.Unlock()
	made := p.results[i]
	if hook == nil || made == nil || made.object == nil {
		return nil
	}
	onSuccess, onFailure := hook.Deletes(order.HookSucceeded), hook.Deletes(order.HookFailed)
	if succeeded && (onSuccess || p.app.Leaves) || !succeeded && onFailure && (made.failed || onSuccess) {
		return made.object
	}
	return nil
}

// sweepInside deletes what hooks of an application that leaves have left in a namespace
// which is about to be deleted.
func (p *progress) sweepInside(ctx context.Context, c *plan.Change) error {
	if !p.app.Leaves || c.ID.GroupKind() != namespaceKind {
		return nil
	}
	for i := range p.app.Changes {
		made := p.hookToSweep(i, true)
		if made == nil || made.Namespace() != c.ID.Name {
			continue
		}
		gone := p.app.Changes[i]
		gone.ID = made.ID()
		if err := p.deleteHook(ctx, &gone, made.UID()); err != nil {
			return fmt.Errorf("deleting %s, which a hook has left in it: %w", gone.ID, err)
		}
	}
	return nil
}

// deleteHook deletes what a hook made, if it is still there.
func (p *progress) deleteHook(ctx context.Context, c *plan.Change, uid string) error {
	have, err := p.deletable(ctx, c, uid)
	if have == nil || errors.Is(err, errAnother) {
		return ignoreAnother(err)
	}
	return ignoreAnother(p.delete(ctx, c, have))
}

// vanishedHooks returns the hooks in the record that this apply did not run, or that an
// apply which was interrupted was about to, and
// that are no longer in the cluster: those with generated names, and those that the
// application has no more, are in no plan until it leaves.
func (p *progress) vanishedHooks(ctx context.Context) []object.ID {
	p.mu.Lock()
	ran := map[object.ID]bool{}
	for i, made := range p.results {
		if p.app.Changes[i].Hook != nil && made.object != nil {
			ran[made.object.ID()] = true
		}
	}
	left := slices.DeleteFunc(p.record.Owns(), func(o state.Owned) bool { return !o.Hook || ran[o.ID] })
	p.mu.Unlock()

	ask := newWanted()
	for _, o := range left {
		ask.add(servedAs(&o), o.ID.Namespace, o.ID.Name)
	}
	now := ask.read(ctx, p.session.cluster, p.applying.engine.options.Parallelism, nil)
	var out []object.ID
	for _, o := range left {
		have, err := now.find(servedAs(&o), o.ID.Namespace, o.ID.Name)
		if err == nil && (have == nil || have.UID() != o.UID && !p.isOurs(have)) {
			out = append(out, o.ID) // one that cannot be read is looked for by the next apply
		}
	}
	return out
}

// servedAs is how an object of the record was served when it was written.
func servedAs(o *state.Owned) providers.Resource {
	return providers.Resource{
		GVK:    object.GVK{Group: o.ID.Group, Version: o.Version, Kind: o.ID.Kind},
		Plural: o.Plural, Namespaced: o.Namespaced,
	}
}
