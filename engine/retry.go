package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// rounds counts how often what is left of an application was tried. Its steps share
// them: those that fail in one round are tried again together in the next.
type rounds struct {
	mu    sync.Mutex
	round int       // from 0
	until time.Time // when the round begins
}

// retrying takes a step, and takes it again where it fails and the application is to be
// tried again (sync.retry). What is done stays done: only what failed is tried again, and
// what the plan relies on of it is checked again first.
func (p *progress) retrying(ctx context.Context, step *plan.Step, take func() error) error {
	rules := p.app.Settings.Retry
	if rules == nil || step.On == plan.OnFailure {
		return take()
	}
	round := p.rounds.now()
	err := take()
	var hooks []int // of those that it waits for, the ones that have failed and are to run again
	for err != nil && !p.inVain(ctx, err) {
		next, ok := p.nextRound(ctx, round, err)
		if !ok || p.hasFailed() { // something else has, for good, meanwhile
			return err
		}
		round = next
		if over := p.stillOpen(ctx); over != nil {
			return fmt.Errorf("%w (it was to be tried again, after: %w)", over, err)
		}
		if stale := p.afresh(ctx, step); stale != nil {
			return fmt.Errorf("%w (it was to be tried again, after: %w)", stale, err)
		}
		if len(hooks) == 0 {
			hooks = p.failedHooks(step)
		}
		if hooks, err = p.rerun(ctx, hooks); err == nil {
			err = take()
		}
	}
	return err
}

func (r *rounds) now() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.round
}

// nextRound waits for the round in which a step is tried again that failed in one, and
// returns it; false where there is none, or the apply is cancelled meanwhile.
func (p *progress) nextRound(ctx context.Context, failedIn int, err error) (int, bool) {
	rules, now := p.app.Settings.Retry, p.applying.engine.options.Now()
	r := &p.rounds
	r.mu.Lock()
	if r.round == failedIn {
		if r.round >= rules.Limit {
			r.mu.Unlock()
			return 0, false
		}
		wait := rules.Wait(r.round)
		r.round++
		r.until = now.Add(wait)
		p.tell(Event{Kind: EventRetrying, Attempt: r.round, Total: rules.Limit + 1, Message: err.Error(), Elapsed: Seconds(wait)})
	}
	round, wait := r.round, r.until.Sub(now)
	r.mu.Unlock()
	return round, pause(ctx, wait) == nil
}

// inVain reports whether it makes no sense to try again: the apply is over, something else
// of the application has failed for good, or it was refused, and would be again.
func (p *progress) inVain(ctx context.Context, err error) bool {
	if ctx.Err() != nil || p.hasFailed() || errors.Is(err, errSkipped) {
		return true
	}
	var conflict *providers.ConflictError
	if errors.As(err, &conflict) && len(conflict.Fields) > 0 {
		return true
	}
	for _, refused := range []error{
		errStale, errSealed, errAnother, errKept, state.ErrLeaseLost, state.ErrConflict,
		providers.ErrInvalid, providers.ErrForbidden, providers.ErrUnauthorized, providers.ErrUnsupported,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

// errSealed is that a value is sealed in the plan, and cannot be opened here.
var errSealed = errors.New("its value is sealed in the plan, and the identity to open it is not here")

// afresh makes a step ready to be taken again: the object is read, and must still be as
// the plan relies on it.
func (p *progress) afresh(ctx context.Context, step *plan.Step) error {
	if step.Kind != plan.StepWrite && step.Kind != plan.StepDelete {
		return nil
	}
	have, err := p.anew(ctx, &p.app.Changes[step.Change])
	if err != nil {
		return p.objectError(&p.app.Changes[step.Change], err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if step.Change < len(p.live) {
		p.live[step.Change] = have
	}
	return nil
}

// anew reads an object that a change failed at, and makes sure that what was planned for
// it still holds. A replacement may have got as far as the deletion, or further.
func (p *progress) anew(ctx context.Context, c *plan.Change) (object.Object, error) {
	if c.Action == plan.Run || c.Plural == "" {
		return nil, nil // read when it is made
	}
	if c.Action != plan.Replace {
		have, err := p.reread(ctx, c, &outage{}, nil)
		if notServedYet(c, err) {
			return nil, nil
		}
		return have, err
	}
	have, err := p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case have.UID() == c.UID:
		return p.reread(ctx, c, &outage{}, nil)
	case !p.isOurs(have):
		return nil, staleError(anotherObject(c, have))
	}
	return have, nil
}

// failedHooks returns which of the changes that a step waits for are hooks that have run and
// failed.
func (p *progress) failedHooks(step *plan.Step) []int {
	if step.Kind != plan.StepWait {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(step.Changes), func(i int) bool {
		made := p.results[i]
		return p.app.Changes[i].Hook == nil || made == nil || !made.failed
	})
}

// rerun runs hooks again that have failed, and returns those that it did not come to, with
// the error for which.
func (p *progress) rerun(ctx context.Context, hooks []int) (left []int, err error) {
	for at, i := range hooks {
		if err := p.write(ctx, i); err != nil {
			return hooks[at:], err
		}
		p.mu.Lock()
		p.done[p.app.Changes[i].Action]-- // it is counted once
		p.mu.Unlock()
	}
	return nil, nil
}
