package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

const (
	// defaultPatience is how long a cluster that stops answering is waited for.
	defaultPatience = 2 * time.Minute
	// failedAttempts is how often a write is tried over which the server fails.
	failedAttempts = 4
	// longestPause is between two attempts at one write, unless the server asks for more.
	longestPause = 5 * time.Second
)

// errNoAnswer is why the time of one write ended: nobody knows whether it was done.
var errNoAnswer = fmt.Errorf("%w: no answer in time", providers.ErrUnreachable)

// outage is what one change has met of a cluster that does not answer. The zero value is
// none yet.
type outage struct {
	since    time.Time
	attempts int
	failed   int // of them, those that the server failed over
}

// outlast waits until a request that had no answer may be followed by another one, and
// returns the error to give up with: any that waiting does not mend, and this one after
// some time. Whoever goes on reads first: the request may have been carried out.
func (p *progress) outlast(ctx context.Context, o *outage, err error) error {
	if !errors.Is(err, providers.ErrUnreachable) {
		return err
	}
	now := p.applying.engine.options.Now()
	if o.attempts == 0 {
		o.since = now
	}
	o.attempts++
	var transient *providers.TransientError
	if errors.As(err, &transient) && transient.Failed {
		if o.failed++; o.failed >= failedAttempts {
			return err
		}
	}
	wait := min(250*time.Millisecond<<min(o.attempts, 10), longestPause)
	wait = max(wait+rand.N(wait/4), providers.RetryAfter(err))
	patience := p.applying.engine.options.Patience
	if lost := p.session.lostSince(); !lost.IsZero() && lost.Before(o.since) {
		o.since = lost
	}
	if now.Add(wait).Sub(o.since) > patience {
		return fmt.Errorf("%w. It was tried for %s; whether it was done is found out by the next apply", err, plan.Spell(now.Sub(o.since)))
	}
	return pause(ctx, wait)
}

// reread reads an object again, as again does, however long its cluster does not answer;
// err is the failure after which that is needed, nil for none of the network.
func (p *progress) reread(ctx context.Context, c *plan.Change, o *outage, err error) (object.Object, error) {
	for {
		if err != nil {
			if err := p.outlast(ctx, o, err); err != nil {
				return nil, err
			}
		}
		var have object.Object
		if have, err = p.again(ctx, c); !errors.Is(err, providers.ErrUnreachable) {
			return have, err
		}
	}
}

// isDoneBy reports whether an object is what a change makes of it already: the request
// that made it so had no answer, or an earlier apply of the plan sent it. Where more is
// done than to apply it, the server is asked what the change would come to now.
func (p *progress) isDoneBy(ctx context.Context, c *plan.Change, have object.Object) bool {
	switch {
	case have == nil || c.Target() == nil || have.Metadata()["deletionTimestamp"] != nil:
		return false
	case c.Method == plan.MethodPatch:
		return have.UID() == c.UID && len(p.patchesNow(c, have)) == 0
	case !p.isOurs(have):
		return false
	case c.Method == "" && len(c.Moves) == 0:
		same, _ := p.applying.engine.differ.Same(diff.Input{
			Desired: c.Target(), Live: have, Prior: p.ownedNow(c.ID), Type: func() *diff.Type { return p.session.schema(ctx, c.GVK()) },
		})
		return same
	}
	moves, err := p.applying.engine.differ.MovePatch(have, c.Moves, c.GVK().APIVersion(), p.applying.engine.options.Now())
	if err != nil || moves != nil {
		return false
	}
	now, err := p.fieldsNow(ctx, c, have)
	return err == nil && len(brought(now)) == 0
}

// contact is since when a cluster has not answered. It is safe for concurrent use.
type contact struct {
	mu   sync.Mutex
	lost time.Time // zero: it answers
}

// heard notes how a request ended.
func (c *contact) heard(err error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !errors.Is(err, providers.ErrUnreachable):
		c.lost = time.Time{}
	case c.lost.IsZero():
		c.lost = now
	}
}

// lostSince is when the cluster was first found not to answer; zero while it does.
func (c *contact) lostSince() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// lostTouch refuses a request to a cluster that has not answered for too long: those that wait
// for their turn need not all find that out.
func (p *progress) lostTouch() error {
	lost := p.session.lostSince()
	if lost.IsZero() {
		return nil
	}
	if past := p.applying.engine.options.Now().Sub(lost); past > p.applying.engine.options.Patience {
		return fmt.Errorf("cluster %q: %w: it has not answered for %s", p.session.name, providers.ErrUnreachable, plan.Spell(past))
	}
	return nil
}
