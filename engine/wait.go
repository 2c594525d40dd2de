package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine/cause"
	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// unawaited are kinds that an apply does not wait for: a HorizontalPodAutoscaler is
// as healthy as the metrics that it reads, which is no matter of the change.
var unawaited = map[object.GroupKind]bool{
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}: true,
}

// ignoreHealth is the annotation of Argo CD by which an object says that its
// health does not count.
const ignoreHealth = "argocd.argoproj.io/ignore-healthcheck"

// wait waits until the objects of some changes are healthy, hooks finished, and
// definitions established. It fails as soon as one of them says that it will not be, and
// hooks that run have ended: what comes after a failure does not run beside them.
func (p *progress) wait(ctx context.Context, changes []int) error {
	if err := p.flush(); err != nil {
		return err
	}
	toTheEnd := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		group group
		mu    sync.Mutex
		fails []error
		left  []string // what was waited for when the context ended
	)
	for _, i := range changes {
		c := &p.app.Changes[i]
		result := p.resultOf(i)
		if !p.awaits(c, result) {
			p.succeeds(i)
			continue
		}
		group.Go(func() {
			waiting := ctx
			if c.Hook != nil {
				waiting = toTheEnd
			}
			v, err := p.untilHealthy(waiting, c, result)
			if err == nil {
				p.succeeds(i)
				return
			}
			if errors.Is(err, errUnhealthy) {
				p.unsuccessful(i)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, errUnhealthy):
				fails = append(fails, err)
				var failed unmet
				if errors.As(err, &failed) && failed.final {
					stop(errInVain)
				} else { // others whose time ends now are told, too
					time.AfterFunc(time.Second, func() { stop(errInVain) })
				}
			case ctx.Err() == nil:
				fails = append(fails, p.objectError(c, fmt.Errorf("its health cannot be watched: %w", err)))
			default:
				left = append(left, fmt.Sprintf("%s (%s)", v.id, v.message))
			}
		})
	}
	group.Wait()
	if len(fails) > 0 {
		return together(fails)
	}
	if len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	return fmt.Errorf("%w: %s", context.Cause(ctx), several(left, mostNamed))
}

// mostNamed is how many objects the error of an application names.
const mostNamed = 5

// together is one error of several, the first of them in its text.
func together(errs []error) error {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	slices.Sort(texts)
	return scrubbed{errors.Join(errs...), several(texts, mostNamed)}
}

var (
	// errUnhealthy marks an object that says that it will not become healthy, or is not in
	// time.
	errUnhealthy = errors.New("is not healthy")
	// errInVain is why nobody waits any more for an object: another one has failed.
	errInVain = errors.New("another object has failed")
	// errLate is that the time is over.
	errLate = errors.New("the time is over")
)

// resultOf returns what the server answered to the i-th change, nil if nothing was sent.
func (p *progress) resultOf(i int) object.Object {
	p.mu.Lock()
	defer p.mu.Unlock()
	if made := p.results[i]; made != nil {
		return made.object
	}
	return nil
}

// unsuccessful notes that a change did not come to what it was made for, for the
// delete policy of hooks.
func (p *progress) unsuccessful(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if made := p.results[i]; made != nil {
		made.failed = true
	}
}

// succeeds notes that a change came to what it was made for.
func (p *progress) succeeds(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if made := p.results[i]; made != nil {
		made.well = true
	}
}

// awaits reports whether a change's object has a health to wait for, and does
// not have it yet.
func (p *progress) awaits(c *plan.Change, result object.Object) bool {
	switch c.Action {
	case plan.Prune, plan.Orphan, plan.Forget, plan.Remember, plan.Blocked:
		return false
	case plan.Unchanged, plan.Adopt, plan.Create, plan.Update, plan.Replace, plan.Run:
	}
	if unawaited[c.ID.GroupKind()] || c.Plural == "" {
		return false
	}
	if result == nil {
		return c.Desired != "" && c.Action != plan.Run && p.applying.health.Known(c.ID.GroupKind())
	}
	return !healthIgnored(c, result) && !p.readiness(c, result).Done
}

// healthIgnored reports whether an object says that its health does not count. A
// hook is waited for in any case, as in Argo CD.
func healthIgnored(c *plan.Change, o object.Object) bool {
	return c.Hook == nil && o.Annotation(ignoreHealth) == "true"
}

func (p *progress) readiness(c *plan.Change, o object.Object) health.Readiness {
	if c.Hook != nil {
		return p.applying.health.HookReady(o)
	}
	return p.applying.health.Ready(o)
}

// untilHealthy waits for one object. The error of one that says that it will not be healthy,
// or is not in time, is errUnhealthy, and was told.
func (p *progress) untilHealthy(ctx context.Context, c *plan.Change, result object.Object) (*vigil, error) {
	id := c.ID
	if result != nil {
		id = result.ID()
	}
	limit := p.limitOf(id.GroupKind())
	inTime, cancel := context.WithTimeoutCause(ctx, limit.time, errLate)
	defer cancel()
	since := p.applying.engine.options.Now().Add(-eventsBefore)
	v := p.newVigil(c, id, func(ctx context.Context, o object.Object) (cause.Cause, bool) {
		if o == nil {
			return cause.Cause{}, false
		}
		return p.applying.watchers.causes(p.session).Find(ctx, o, since)
	})
	v.last, v.message = result, "waiting for its status"
	w := p.applying.watchers.of(p.session, resource(c), id.Namespace, false)
	defer w.release()
	err := v.keep(inTime, w, id.Name, func(o object.Object, gone bool) (bool, error) {
		switch {
		case o == nil, !gone && olderThan(o, result), gone && result != nil && o.UID() != result.UID():
			return false, nil
		case gone && c.Hook == nil:
			v.saw(o, "was deleted meanwhile")
			return false, nil
		}
		v.last = o
		ready := p.readiness(c, o)
		switch {
		case ready.Done, healthIgnored(c, o):
			p.tell(Event{Kind: EventHealthy, Object: &id})
			return true, nil
		case v.wavers(p.applying.engine.options.Now(), ready.Degraded), ready.Failed:
			v.saw(o, ready.Message)
			return false, errUnhealthy
		case gone: // nothing more will be heard of it
			v.saw(o, "was deleted before it had ended")
			return false, errUnhealthy
		}
		v.saw(o, ready.Message)
		return false, nil
	})
	switch {
	case errors.Is(err, errUnhealthy):
		v.lastLook(ctx)
		return v, v.failed("is not healthy", true)
	case errors.Is(err, errLate):
		v.lastLook(ctx)
		return v, v.failed("is not healthy "+limit.String(), false)
	}
	return v, err
}

// olderThan reports whether a watched object is from before our write.
func olderThan(o, result object.Object) bool {
	if result == nil || o.UID() != result.UID() {
		return result != nil && o.UID() != result.UID()
	}
	now, ok := o.Metadata()["generation"].(int64)
	was, wasOK := result.Metadata()["generation"].(int64)
	if ok && wasOK {
		return now < was
	}
	return len(o.ResourceVersion()) < len(result.ResourceVersion()) ||
		len(o.ResourceVersion()) == len(result.ResourceVersion()) && o.ResourceVersion() < result.ResourceVersion()
}
