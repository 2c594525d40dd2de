package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// recheck is after how long it is looked again whether what is to be created is still
// not there. A server-side apply creates or changes, whichever it comes to: what someone
// else has made meanwhile, an operator of an earlier wave say, would be written over.
const recheck = 30 * time.Second

// glance is what was read again of one kind in one namespace, once for all that an
// application is still to create of it.
type glance struct {
	at    time.Time
	ask   *wanted
	once  sync.Once // of reading found
	found *live
}

// stillAbsent makes sure that nobody has made what is to be created, where that was seen
// a while ago. What this plan has made before it was interrupted is returned.
func (p *progress) stillAbsent(ctx context.Context, c *plan.Change) (object.Object, error) {
	if p.applying.engine.options.Now().Sub(p.checked) < recheck {
		return nil, nil
	}
	have, err := p.lookAgain(ctx, c)
	if err != nil && !errors.Is(err, providers.ErrUnknownKind) {
		have, err = p.reread(ctx, c, &outage{}, nil) // by itself, and for as long as it takes
	}
	if c.Predicted && errors.Is(err, providers.ErrUnknownKind) {
		return nil, nil // it is not served yet, so there is none
	}
	if err != nil || have == nil {
		return nil, err
	}
	return p.stillHolds(ctx, c, have)
}

// lookAgain returns an object that is to be created as it was half a minute ago at most,
// nil where it was not there.
func (p *progress) lookAgain(ctx context.Context, c *plan.Change) (object.Object, error) {
	g := p.glanceAt(c)
	g.once.Do(func() { g.found = g.ask.read(ctx, p.session.cluster, 1, nil) })
	if g.found == nil {
		return nil, errors.New("reading it has panicked")
	}
	return g.found.find(resource(c), c.ID.Namespace, c.ID.Name)
}

// glanceAt returns what was read lately of a change's kind and namespace, or is to be: of
// all that is not written so far.
func (p *progress) glanceAt(c *plan.Change) *glance {
	s := scope{gvk: c.GVK()}
	if c.Namespaced {
		s.namespace = c.ID.Namespace
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.applying.engine.options.Now()
	if g := p.glances[s]; g != nil && now.Sub(g.at) < recheck {
		return g
	}
	g := &glance{at: now, ask: newWanted()}
	for i := range p.app.Changes {
		other := &p.app.Changes[i]
		if other.Action == plan.Create && p.results[i] == nil && other.GVK() == s.gvk && (!other.Namespaced || other.ID.Namespace == s.namespace) {
			g.ask.add(resource(other), other.ID.Namespace, other.ID.Name)
		}
	}
	if p.glances == nil {
		p.glances = map[scope]*glance{}
	}
	p.glances[s] = g
	return g
}
