package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

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
// definitions established. It fails as soon as one of them says that it will not be.
func (p *progress) wait(ctx context.Context, changes []int) error {
	if err := p.flush(); err != nil {
		return err
	}
	errLate := fmt.Errorf("not healthy after %s", p.timeout())
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout(), errLate)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		group group
		mu    sync.Mutex
		late  []string
		fails []error
	)
	for _, i := range changes {
		c := &p.app.Changes[i]
		result := p.resultOf(i)
		if !p.awaits(c, result) {
			continue
		}
		group.Go(func() {
			message, err := p.untilHealthy(ctx, c, result)
			if err == nil {
				return
			}
			if errors.Is(err, errUnhealthy) || errors.Is(err, errLate) {
				p.unsuccessful(i)
			}
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, errUnhealthy) {
				fails = append(fails, p.objectError(c, fmt.Errorf("%w: %s", err, message)))
				stop(errUnhealthy)
				return
			}
			if ctx.Err() == nil { // not the time: the watch failed
				message = err.Error()
				fails = append(fails, p.objectError(c, fmt.Errorf("its health cannot be watched: %w", err)))
			}
			late = append(late, fmt.Sprintf("%s (%s)", c.ID, message))
		})
	}
	group.Wait()
	if len(fails) > 0 {
		return errors.Join(fails...)
	}
	if len(late) == 0 {
		return nil
	}
	slices.Sort(late)
	const most = 5
	if more := len(late) - most; more > 0 {
		late = append(late[:most], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%w: %s", context.Cause(ctx), strings.Join(late, ", "))
}

// errUnhealthy marks an object that says that it will not become healthy.
var errUnhealthy = errors.New("is not healthy")

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

// untilHealthy waits for one object and returns the last that it said of itself.
func (p *progress) untilHealthy(ctx context.Context, c *plan.Change, result object.Object) (message string, err error) {
	id := c.ID
	if result != nil {
		id = result.ID()
	}
	message = "waiting for its status"
	w := p.applying.watchers.of(p.session, resource(c), id.Namespace)
	defer w.release()
	err = w.await(ctx, id.Name, func(o object.Object, gone bool) (bool, error) {
		if gone && (c.Hook == nil || o.UID() != result.UID()) || !gone && olderThan(o, result) {
			return false, nil
		}
		ready := p.readiness(c, o)
		switch {
		case ready.Done, healthIgnored(c, o):
			p.tell(Event{Kind: EventHealthy, Object: &id})
			return true, nil
		case ready.Failed:
			message = ready.Message
			return false, errUnhealthy
		case gone: // nothing more will be heard of it
			message = "was deleted before it had ended"
			return false, errUnhealthy
		case ready.Message != message:
			message = ready.Message
			p.tell(Event{Kind: EventWaiting, Object: &id, Message: message})
		}
		return false, nil
	})
	return message, err
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
