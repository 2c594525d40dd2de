package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/schedule"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

const (
	// requestTimeout is Options.RequestTimeout where nothing else is said. It ends well
	// before a lease does.
	requestTimeout = 20 * time.Second
	// servingTimeout is how long the API server may take to serve a kind or a
	// namespace after the object that brings it is there.
	servingTimeout = 30 * time.Second
	// lagTimeout is how long a server may go by the old definition of a kind.
	lagTimeout = 5 * time.Second
	// attempts is how often a write is repeated when the object moved on between
	// reading and writing it.
	attempts = 6
)

// write carries out one change that leaves an object behind.
func (p *progress) write(ctx context.Context, i int) error {
	c := &p.app.Changes[i]
	if p.doneBefore(ctx, i) {
		return nil
	}
	p.tell(Event{Kind: EventWriting, Object: &c.ID, Action: c.Action})
	started := p.applying.engine.options.Now()
	if c.Target() == nil || len(c.Sealed) > 0 && c.Secret == nil {
		return p.objectError(c, errSealed)
	}
	var (
		result object.Object
		found  bool // a run of an earlier apply
		err    error
	)
	if c.Plural == "" {
		err = p.onceKnown(ctx, c)
	}
	switch c.Action {
	case plan.Create:
		if err == nil {
			result, err = p.send(ctx, c, p.seen(i))
		}
	case plan.Update, plan.Adopt:
		have := p.seen(i)
		if have == nil {
			have, err = p.onceServed(ctx, c)
		}
		if err == nil {
			result, err = p.send(ctx, c, have)
		}
		if err == nil && c.Method == plan.MethodPut {
			result = p.ownPut(ctx, c, result)
		}
	case plan.Replace:
		result, err = p.replace(ctx, c, p.seen(i))
	case plan.Run:
		if err == nil {
			result, found, err = p.runHook(ctx, i)
		}
	default:
		err = fmt.Errorf("the plan writes an object with action %q. This is a bug in gantry", c.Action)
	}
	if err != nil {
		return p.objectError(c, err)
	}
	p.succeeded(i, result)
	id := p.idOf(i)
	event := Event{Kind: EventWritten, Object: &id, Action: c.Action, Elapsed: p.applying.engine.since(started)}
	if found {
		event.Message = "started before, by an apply of this plan"
	}
	p.tell(event)
	return nil
}

// send applies an object. It insists on the object that was planned for: where it
// moved on since it was read, it is read again, and written only if the planned
// change is still the same.
func (p *progress) send(ctx context.Context, c *plan.Change, have object.Object) (object.Object, error) {
	if c.Method == plan.MethodPatch {
		return p.patch(ctx, c, have)
	}
	request := p.applyRequest(c)
	deadline := p.applying.engine.options.Now().Add(servingTimeout)
	var unanswered outage
	for attempt := 1; ; attempt++ {
		ready, err := p.moveManagers(ctx, c, have)
		var answer providers.ApplyResult
		if err == nil {
			request.New, request.UID, request.ResourceVersion = ready == nil && c.Action == plan.Create, ready.UID(), ready.ResourceVersion()
			answer, err = p.request(ctx, func(ctx context.Context) (providers.ApplyResult, error) {
				return p.session.cluster.Apply(ctx, request)
			})
		}
		var conflict *providers.ConflictError
		switch {
		case err == nil:
			p.warn(c, answer.Warnings)
			return answer.Object, nil
		case errors.As(err, &conflict) && len(conflict.Fields) == 0 && attempt < attempts:
			if have, err = p.reread(ctx, c, &unanswered, nil); err != nil {
				return nil, err
			}
			if request.New && p.isDoneBy(ctx, c, have) {
				return have, nil // the answer to an attempt was lost, and the next one met what it had made
			}
		case p.definitionLags(c, err) && p.applying.engine.options.Now().Before(deadline.Add(lagTimeout-servingTimeout)):
			if err := pause(ctx, 250*time.Millisecond); err != nil {
				return nil, err
			}
		case notServedYet(c, err) && p.applying.engine.options.Now().Before(deadline):
			if err := pause(ctx, 250*time.Millisecond); err != nil {
				return nil, err
			}
		case errors.Is(err, providers.ErrUnreachable):
			if have, err = p.reread(ctx, c, &unanswered, err); err != nil {
				return nil, err
			}
			if p.isDoneBy(ctx, c, have) {
				return have, nil // the answer was lost, not the request
			}
		default:
			return nil, err
		}
	}
}

// onceServed reads an object in a version that this plan's definition of its kind
// brings, as soon as it is served.
func (p *progress) onceServed(ctx context.Context, c *plan.Change) (object.Object, error) {
	deadline := p.applying.engine.options.Now().Add(servingTimeout)
	var unanswered outage
	for {
		have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
		switch {
		case errors.Is(err, providers.ErrUnreachable):
			if err := p.outlast(ctx, &unanswered, err); err != nil {
				return nil, err
			}
			continue
		case err == nil && have.UID() != c.UID:
			return nil, staleError(fmt.Sprintf("%s is another object by now", c.ID))
		case err == nil:
			return have, nil
		case !notServedYet(c, err) || p.applying.engine.options.Now().After(deadline):
			return nil, err
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// again reads an object once more and makes sure that what was planned for it
// still holds.
func (p *progress) again(ctx context.Context, c *plan.Change) (object.Object, error) {
	have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
	if errors.Is(err, providers.ErrNotFound) {
		have, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p.stillHolds(ctx, c, have)
}

// stillHolds returns an object that was read anew, if what was planned for it still holds.
func (p *progress) stillHolds(ctx context.Context, c *plan.Change, have object.Object) (object.Object, error) {
	if why, err := p.stale(ctx, c, have); err != nil || why != "" {
		return nil, errors.Join(staleError(why), err)
	}
	return have, nil
}

// notServedYet reports whether a write failed only because the namespace or kind that
// this plan makes is not served yet.
func notServedYet(c *plan.Change, err error) bool {
	return c.Predicted && (errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnknownKind))
}

// definitionLags reports whether a server may have refused an object only because it
// does not go by the new definition of its kind yet.
func (p *progress) definitionLags(c *plan.Change, err error) bool {
	return c.Predicted && errors.Is(err, providers.ErrInvalid) && p.applying.defines[c.ID.GroupKind()]
}

// replaced reports whether an earlier apply has made an object anew already.
func (p *progress) replaced(c *plan.Change, have object.Object) bool {
	return c.Action == plan.Replace && have != nil && have.UID() != c.UID
}

// replace deletes an object and makes it anew. What an earlier apply has made anew is
// not deleted again. The server can be asked about the new one once the old one is gone;
// what an earlier apply has deleted was asked about before (see tryOut).
func (p *progress) replace(ctx context.Context, c *plan.Change, have object.Object) (object.Object, error) {
	created := *c
	created.Action, created.UID, created.Predicted = plan.Create, "", true
	if p.replaced(c, have) {
		return p.send(ctx, &created, have)
	}
	if err := p.delete(ctx, c, have); err != nil {
		return nil, fmt.Errorf("deleting it to make it anew: %w", err)
	}
	var result object.Object
	err := error(nil)
	if have != nil {
		err = p.ask(ctx, &created, nil, time.Time{}).err
	}
	if err == nil {
		result, err = p.send(ctx, &created, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("it is gone: it was deleted to be made anew, and that failed: %w", err)
	}
	return result, nil
}

// request sends one write. It is completed even if the apply is cancelled
// meanwhile, and not begun if it was already, or if the state is no longer held.
func (p *progress) request(ctx context.Context, send func(context.Context) (providers.ApplyResult, error)) (providers.ApplyResult, error) {
	var answer providers.ApplyResult
	err := p.sendOne(ctx, func(ctx context.Context) (err error) {
		answer, err = send(ctx)
		return err
	})
	return answer, err
}

// sendOne makes room for one write, makes sure that the state is still held, and sends it.
func (p *progress) sendOne(ctx context.Context, send func(context.Context) error) error {
	free, err := p.session.slot(ctx)
	if err != nil {
		return err
	}
	defer free()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := p.lostTouch(); err != nil {
		return err
	}
	if err := p.applying.lease.Hold(ctx); err != nil {
		return p.applying.lost(ctx, err)
	}
	p.applying.engine.probe(PointBeforeRequest)
	ctx, cancel := p.applying.sending()
	defer cancel()
	err = send(ctx)
	p.applying.engine.probe(PointAfterRequest)
	p.session.heard(err, p.applying.engine.options.Now())
	return err
}

func (p *progress) warn(c *plan.Change, warnings []string) {
	for _, warning := range warnings {
		p.tell(Event{Kind: EventWarning, Object: &c.ID, Message: p.applying.engine.differ.Text(warning, c.Target())})
	}
}

func (p *progress) tell(event Event) {
	event.Application = p.app.Address
	p.applying.engine.emit(p.staged(event))
}

// objectError names the object in an error and tells of it.
func (p *progress) objectError(c *plan.Change, err error) error {
	err = fmt.Errorf("%s: %w", c.ID, scrub(p.applying.engine.differ, err, c.Target(), p.liveOf(c)))
	if interruptedBy(p.applying.caller, err) {
		return err
	}
	p.tell(Event{Kind: EventFailed, Object: &c.ID, Action: c.Action, Message: err.Error()})
	return err
}

// long is from when on a step that waits makes room for others.
const long = 250 * time.Millisecond

// pause waits, or returns why the context ended.
func pause(ctx context.Context, d time.Duration) error {
	if d >= long {
		schedule.Leave(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fieldsNow asks what a change would do now, in the words of the plan.
func (p *progress) fieldsNow(ctx context.Context, c *plan.Change, have object.Object) ([]plan.FieldChange, error) {
	switch {
	case c.Method == plan.MethodPatch:
		return p.patchesNow(c, have), nil
	case c.Method == plan.MethodPut && c.Action != plan.Create: // made anew, it is applied
		return p.putNow(ctx, c, have)
	}
	changes := diff.Changes{Before: have, Desired: c.Target(), Prior: p.ownedNow(c.ID), Type: p.session.schema(ctx, c.GVK()), Moves: c.Moves}
	if c.Action == plan.Replace {
		changes.After = merged(have, c.Target())
		return p.applying.engine.differ.Fields(changes), nil
	}
	answer, err := p.session.cluster.Apply(ctx, providers.ApplyRequest{
		Resource: resource(c), Object: c.Target(), Manager: p.applying.engine.options.Manager, Force: c.Force, DryRun: true, UID: have.UID(),
		Unvalidated: c.Unvalidated,
	})
	if err != nil {
		return nil, err
	}
	changes.After = answer.Object
	if len(c.Moves) > 0 {
		m := move{cluster: p.session.cluster, resource: resource(c), have: have, desired: c.Target(), managers: c.Moves, typ: changes.Type}
		if changes.After, _, err = p.applying.engine.outcome(ctx, m); err != nil {
			return nil, err
		}
	}
	return p.applying.engine.differ.Fields(changes), nil
}

// ownedNow returns a copy of what the record has of an object, nil for nothing.
func (p *progress) ownedNow(id object.ID) *state.Owned {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.record.Find(id)
	if found == nil {
		return nil
	}
	owned := *found
	return &owned
}
