package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// staleError is why a change is no longer what was planned; nil for no reason.
func staleError(why string) error {
	if why == "" {
		return nil
	}
	return fmt.Errorf("%w: %s. Plan again", errStale, why)
}

// errStale is that a change is no longer what was planned.
var errStale = errors.New("the plan no longer holds")

// verifyCluster checks, before anything is written to a cluster, what the plan relied on:
// that what it creates is not there, and that what it changes or deletes is the same object
// with the same values in the fields it touches. An application for which that does not
// hold is left out.
func (a *applying) verifyCluster(ctx context.Context, session *session, apps []*progress) {
	a.verifyKinds(ctx, session, apps)
	ask := newWanted()
	type task struct {
		app    *progress
		change int
	}
	var tasks []task
	for _, p := range apps {
		p.live = make([]object.Object, len(p.app.Changes))
		for i := range p.app.Changes {
			if c := &p.app.Changes[i]; c.Action.Changes() && c.Action != plan.Run && (c.Plural != "" || !c.Predicted) {
				ask.add(resource(c), c.ID.Namespace, c.ID.Name)
				tasks = append(tasks, task{p, i})
			}
		}
	}
	now := ask.read(ctx, session.cluster, a.engine.options.Parallelism, nil)
	var mu sync.Mutex
	reasons := map[*progress][]string{}
	parallel(ctx, a.engine.options.Parallelism, len(tasks), func(i int) {
		p, c := tasks[i].app, &tasks[i].app.app.Changes[tasks[i].change]
		have, err := now.find(resource(c), c.ID.Namespace, c.ID.Name)
		if errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnknownKind) {
			have, err = nil, nil
		}
		var why string
		if err == nil {
			why, err = p.stale(ctx, c, have)
		}
		if err != nil {
			why = fmt.Sprintf("%s: %s", c.ID, err)
		}
		mu.Lock()
		defer mu.Unlock()
		p.live[tasks[i].change] = have
		if why != "" {
			reasons[p] = append(reasons[p], why)
		}
	})
	for p, why := range reasons {
		slices.Sort(why)
		p.skip(staleError(several(why, mostReasons)).Error())
	}
	a.verifyTakes(ctx, session, apps)
}

// seen returns the live object that the i-th change was checked against.
func (p *progress) seen(i int) object.Object {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i < len(p.live) {
		return p.live[i]
	}
	return nil
}

// liveOf returns what seen does, of a change or what was made of it.
func (p *progress) liveOf(c *plan.Change) object.Object {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.live {
		if p.live[i] != nil && p.app.Changes[i].ID == c.ID {
			return p.live[i]
		}
	}
	return nil
}

// stale says why a change is no longer what was planned, given the object as it is
// now. A change that was made already, by an apply that was interrupted, still is.
func (p *progress) stale(ctx context.Context, c *plan.Change, have object.Object) (string, error) {
	switch c.Action {
	case plan.Create:
		if have == nil {
			return "", nil
		}
		if !p.isOurs(have) {
			return fmt.Sprintf("%s was to be created, and exists by now%s", c.ID, lately(have)), nil
		}
		// Made by this plan in an apply that was interrupted, or by another apply since.
		moved, err := p.movedFields(ctx, c, have)
		if err == nil && moved != "" {
			return fmt.Sprintf("%s was to be created; another apply has made it by now: %s", c.ID, moved), nil
		}
		return "", err
	case plan.Prune, plan.Orphan:
		if have == nil {
			return "", nil
		}
		return p.staleOwner(ctx, c, have)
	case plan.Update, plan.Adopt, plan.Replace:
		return p.staleFields(ctx, c, have)
	case plan.Run:
		if have != nil && !p.isOurs(have) {
			return notTheHooks(c), nil
		}
	case plan.Forget, plan.Remember, plan.Unchanged, plan.Blocked:
	}
	return "", nil
}

// notTheHooks says that an object is in the way of a hook.
func notTheHooks(c *plan.Change) string {
	return fmt.Sprintf("%s exists, and is not what an earlier run of the hook left", c.ID)
}

// isAnothers reports whether the live object of a change carries the mark of another
// application. A mark of the address that this one had is from before it moved; and so is
// one that no record stands behind, if the plan saw it so.
func (p *progress) isAnothers(ctx context.Context, c *plan.Change, have object.Object) (bool, error) {
	lineage, owner, marked := track.Owner(have)
	switch {
	case !marked, p.isOurs(have):
		return false, nil
	case lineage != p.applying.plan.Lineage:
		return true, nil
	case owner == p.app.MovedFrom:
		return false, nil
	case c.Seen == "" || c.Seen != have.ResourceVersion():
		return true, nil
	}
	record, _, err := p.applying.records.Get(ctx, owner)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(record.Owns(), func(o state.Owned) bool { return o.ID == c.ID }), nil
}

// staleOwner says why an object is no longer the application's to delete or to let go.
func (p *progress) staleOwner(ctx context.Context, c *plan.Change, have object.Object) (string, error) {
	if c.UID != "" && have.UID() != c.UID {
		return anotherObject(c, have), nil
	}
	_, owner, marked := track.Owner(have)
	another, err := p.isAnothers(ctx, c, have)
	switch {
	case err != nil:
		return "", err
	case another:
		return fmt.Sprintf("%s belongs to %s by now%s", c.ID, owner, lately(have)), nil
	case !marked && c.Action == plan.Prune:
		return fmt.Sprintf("%s was to be deleted, and no longer carries gantry's mark%s", c.ID, lately(have)), nil
	}
	if !p.ownsNow(c.ID) {
		return fmt.Sprintf("%s is no longer the application's, as its record says", c.ID), nil
	}
	if says := order.Annotations(have); c.Action == plan.Prune && (p.app.Leaves && says.NoDelete || !p.app.Leaves && says.NoPrune) {
		return fmt.Sprintf("%s was to be deleted, and its annotations say by now that it is kept%s", c.ID, lately(have)), nil
	} else if why := p.staleConfirmation(c, says.ConfirmPrune, says.ConfirmDelete); why != "" {
		return why + lately(have), nil
	}
	return "", nil
}

// anotherObject says that an object was deleted and made anew since it was planned.
func anotherObject(c *plan.Change, have object.Object) string {
	return fmt.Sprintf("%s is another object by now: its uid is %s, and was %s when planned%s", c.ID, have.UID(), c.UID, lately(have))
}

// ownsNow reports whether the record has an object, or an intent to make it.
func (p *progress) ownsNow(id object.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.record.Find(id) != nil || slices.ContainsFunc(p.record.Journal, func(i state.Intent) bool { return i.ID == id })
}

// staleReplaced says why an object that an earlier apply began to replace cannot be made
// anew: what has its name now is not what was planned. Where there is nothing, it has
// been deleted, and is still to be made.
func (p *progress) staleReplaced(ctx context.Context, c *plan.Change, have object.Object) (string, error) {
	switch {
	case have == nil:
		return "", nil
	case !p.isOurs(have):
		return anotherObject(c, have), nil
	}
	made := *c
	made.Action = plan.Create
	now, err := p.fieldsNow(ctx, &made, have)
	if err == nil && len(brought(now)) > 0 {
		return anotherObject(c, have), nil
	}
	return "", err
}

func (p *progress) staleFields(ctx context.Context, c *plan.Change, have object.Object) (string, error) {
	switch {
	case c.Action == plan.Replace && p.replacing[c.ID] == c.UID && (have == nil || have.UID() != c.UID):
		return p.staleReplaced(ctx, c, have)
	case have == nil && c.Predicted:
		return "", nil // its version may not be served yet; write looks again
	case have == nil:
		return fmt.Sprintf("%s was to be changed, and is gone", c.ID), nil
	case have.UID() != c.UID:
		return anotherObject(c, have), nil
	case have.ResourceVersion() == c.Seen:
		return "", nil
	}
	if _, owner, ok := track.Owner(have); ok && owner != p.app.MovedFrom && !p.isOurs(have) && c.Action != plan.Adopt {
		return fmt.Sprintf("%s belongs to %s by now%s", c.ID, owner, lately(have)), nil
	}
	if c.Predicted { // nobody can say yet what it will come to
		return "", nil
	}
	return p.movedFields(ctx, c, have)
}
