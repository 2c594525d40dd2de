package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine/rollout"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// watchAgainAfter is how long after a watch broke the next one begins.
const watchAgainAfter = 2 * time.Second

// watch has the health of an application that is done looked at, until unwatch: one that
// is not healthy any more holds its rollout, and one that is degraded stops it.
func (g *gates) watch(ctx context.Context, app int) {
	p := g.apps[app]
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watches[app] != nil || p.session == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	g.watches[app] = cancel
	w := &healthWatch{gates: g, app: app, ill: map[int]string{}}
	for _, i := range p.standing() {
		c := &p.app.Changes[i]
		if result := p.resultOf(i); p.awaits(c, nil) && (result == nil || !healthIgnored(c, result)) {
			g.group.Go(func() { w.follow(ctx, p, i, result) })
		}
	}
}

// unwatch ends the watch of an application's health.
func (g *gates) unwatch(app int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cancel := g.watches[app]; cancel != nil {
		cancel()
		delete(g.watches, app)
	}
}

// healthWatch is the health of an application that is done.
type healthWatch struct {
	gates *gates
	app   int

	mu  sync.Mutex
	ill map[int]string // by change: which objects are not healthy, and why
}

// tell notes how the object of a change is; an empty message is healthy, and final that it
// will not be so again.
func (w *healthWatch) tell(change int, message string, final bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := len(w.ill)
	if message == "" {
		delete(w.ill, change)
	} else {
		w.ill[change] = message
	}
	switch {
	case final:
		w.gates.set(w.app, rollout.Member{State: rollout.Failed, Why: "did not stay healthy: " + message})
	case len(w.ill) > 0:
		w.gates.set(w.app, rollout.Member{State: rollout.Unsettled, Why: "did not stay healthy: " + w.ill[slices.Min(slices.Collect(maps.Keys(w.ill)))]})
	case before > 0:
		w.gates.set(w.app, rollout.Member{State: rollout.Healthy, Since: w.gates.engine.options.Now()})
	}
}

// follow looks at one object until the context ends, or it has failed for good.
func (w *healthWatch) follow(ctx context.Context, p *progress, i int, result object.Object) {
	for ctx.Err() == nil {
		if final := w.followOnce(ctx, p, i, result); final {
			return
		}
		if pause(ctx, watchAgainAfter) != nil {
			return
		}
	}
}

func (w *healthWatch) followOnce(ctx context.Context, p *progress, i int, result object.Object) (final bool) {
	c := &p.app.Changes[i]
	watcher := p.applying.watchers.of(p.session, resource(c), c.ID.Namespace, false)
	defer watcher.release()
	ill := illness{limit: p.limitOf(c.ID.GroupKind()).time}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		now := watcher.now(c.ID.Name)
		switch {
		case now.err != nil && ctx.Err() == nil:
			w.tell(i, fmt.Sprintf("%s: its health cannot be watched: %s", c.ID, now.err), false)
			return false
		case !now.known, now.object != nil && !now.gone && result != nil && olderThan(now.object, result):
		default:
			message, failed := ill.judge(p, c, now, p.applying.engine.options.Now())
			if message != "" {
				message = fmt.Sprintf("%s: %s", c.ID, p.redacted(c, message))
			}
			if ctx.Err() == nil {
				w.tell(i, message, failed)
			}
			if failed {
				return true
			}
		}
		var tick <-chan time.Time
		if !ill.since.IsZero() {
			tick = again.C
		}
		select {
		case <-now.changed:
		case <-tick:
		case <-ctx.Done():
			return true
		}
	}
}

// illness is since when an object is not healthy, and since when it is degraded.
type illness struct {
	limit           time.Duration // how long it may take to become healthy again
	since, degraded time.Time
}

// judge says why an object is not healthy, empty where it is, and whether it has been so
// for too long or says itself that it will not be healthy.
func (ill *illness) judge(p *progress, c *plan.Change, seen sight, now time.Time) (message string, failed bool) {
	message, degraded := "is gone", false
	if !seen.gone {
		ready := p.readiness(c, seen.object)
		if ready.Done {
			ill.since, ill.degraded = time.Time{}, time.Time{}
			return "", false
		}
		message, failed, degraded = ready.Message, ready.Failed, ready.Degraded
	}
	if message == "" {
		message = "is not healthy"
	}
	if ill.since.IsZero() {
		ill.since = now
	}
	switch {
	case !degraded:
		ill.degraded = time.Time{}
	case ill.degraded.IsZero():
		ill.degraded = now
	}
	tooLong := now.Sub(ill.since) >= ill.limit || degraded && now.Sub(ill.degraded) >= degradedFor
	return message, failed || tooLong
}
