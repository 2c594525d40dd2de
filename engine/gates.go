package engine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine/rollout"
	"github.com/gantrycd/gantry/engine/schedule"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// orderEvery is how often it is looked what is asked of a rollout.
const orderEvery = 2 * time.Second

// gates holds back the applications of rollouts until it is their turn. What decides is
// package rollout; this tells it how the applications are, and does what it says.
type gates struct {
	*applying
	schedule *schedule.Schedule
	in       map[int]bool // applications of rollouts
	news     chan struct{}

	mu      sync.Mutex
	members map[int]rollout.Member
	held    map[int]string     // why, as it was told last
	watches map[int]func()     // by application: ends the watch of its health
	orders  []rollout.Order    // by rollout
	said    []rollout.Decision // by rollout: as it was recorded last
	group   group
}

func (a *applying) newGates() *gates {
	g := &gates{
		applying: a, in: map[int]bool{}, news: make(chan struct{}, 1), members: map[int]rollout.Member{}, held: map[int]string{},
		watches: map[int]func(){}, orders: make([]rollout.Order, len(a.plan.Rollouts)), said: make([]rollout.Decision, len(a.plan.Rollouts)),
	}
	stepped := make([]bool, len(a.apps))
	for i := range a.plan.Steps {
		stepped[a.plan.Steps[i].Application] = true
	}
	for _, r := range a.plan.Rollouts {
		for _, step := range r.Steps {
			for _, app := range step.Applications {
				g.in[app] = true
				switch {
				case a.apps[app].app.IsBlocked():
					g.members[app] = rollout.Member{State: rollout.Failed, Why: "is blocked: " + a.apps[app].app.Blocked[0].Detail}
				case !stepped[app]: // nothing changes, and nobody waits for it
					g.members[app] = rollout.Member{State: rollout.Healthy}
				}
			}
		}
	}
	return g
}

// set notes how an application is.
func (g *gates) set(app int, m rollout.Member) {
	if !g.in[app] {
		return
	}
	g.mu.Lock()
	was := g.members[app].State
	if was == rollout.Out || was == rollout.Failed || m.State == rollout.Ready && was != rollout.Waiting {
		g.mu.Unlock()
		return // it stays so
	}
	g.members[app] = m
	g.mu.Unlock()
	select {
	case g.news <- struct{}{}:
	default:
	}
}

// over is called when an application's last step is over.
func (g *gates) over(ctx context.Context, app int) {
	p := g.apps[app]
	if g.in[app] && p.earlier {
		// An earlier apply made it so; the next step is to start only if it is well now.
		if err := p.wait(ctx, p.standing()); err != nil {
			p.failed(err)
		}
	}
	p.finish(ctx)
	if !g.in[app] {
		return
	}
	if why := p.trouble(); why != "" {
		g.set(app, rollout.Member{State: rollout.Failed, Why: why})
	} else {
		g.set(app, rollout.Member{State: rollout.Healthy, Since: g.since(ctx, p)})
	}
}

// trouble says why an application is not at its change and healthy, empty where it is.
func (p *progress) trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.skipped != "":
		return "was left out: " + p.skipped
	case len(p.errs) > 0:
		return "failed: " + p.errs[0].Error()
	case p.app.HasChanges() && p.outcome != OutcomeSucceeded:
		return "was not applied"
	}
	return ""
}

// standing returns the changes whose objects are there after an apply.
func (p *progress) standing() []int {
	var out []int
	for i := range p.app.Changes {
		if c := &p.app.Changes[i]; c.Hook == nil && (c.Action == plan.Unchanged || c.Target() != nil) {
			out = append(out, i)
		}
	}
	return out
}

// since is when an application came to be as the plan has it: now, or when an earlier
// apply ended.
func (g *gates) since(ctx context.Context, p *progress) time.Time {
	if !p.endedAt.IsZero() {
		return p.endedAt
	}
	record, _, err := g.engine.options.Records.Get(ctx, p.app.Address)
	if last := record.LastApply(); err == nil && last != nil && last.Outcome == OutcomeSucceeded {
		return last.FinishedAt
	}
	return g.engine.options.Now()
}

// run decides and does, until the context ends.
func (g *gates) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer g.group.Wait()
	defer cancel()
	var asked time.Time
	for {
		now := g.engine.options.Now()
		if now.Sub(asked) >= orderEvery {
			g.ask(ctx)
			asked = now
		}
		wait := orderEvery
		for i := range g.plan.Rollouts {
			if again := g.decide(ctx, i, now); !again.IsZero() {
				wait = min(wait, max(again.Sub(now), time.Millisecond))
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-g.news:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// ask looks what is asked of the rollouts. Where that cannot be read, what was asked
// before still is.
func (g *gates) ask(ctx context.Context) {
	for i := range g.plan.Rollouts {
		found, err := g.engine.options.Records.Rollout(ctx, g.plan.Rollouts[i].Address)
		switch {
		case err != nil:
		case found == nil, found.Order == string(rollout.Abort) && found.Plan != g.plan.ID:
			g.orders[i] = rollout.Go
		default:
			g.orders[i] = rollout.Order(found.Order)
		}
	}
}

// decide has one rollout decided about and does what comes of it. It returns when that is
// to be done again at the latest.
func (g *gates) decide(ctx context.Context, i int, now time.Time) time.Time {
	r := &g.plan.Rollouts[i]
	g.mu.Lock()
	d := g.decision(i, now)
	for _, app := range d.Start {
		g.members[app] = rollout.Member{State: rollout.Moving}
	}
	for _, skip := range d.Skip {
		g.members[skip.Application] = rollout.Member{State: rollout.Out}
	}
	var news []rollout.Because
	for _, held := range d.Held {
		if g.held[held.Application] != held.Why {
			g.held[held.Application] = held.Why
			news = append(news, held)
		}
	}
	g.mu.Unlock()
	for _, held := range news {
		g.applying.held(held.Application, held.Why)
	}
	for _, skip := range d.Skip {
		g.apps[skip.Application].skip(skip.Why)
		g.schedule.Release(skip.Application)
	}
	for _, app := range d.Start {
		g.schedule.Release(app)
	}
	for _, step := range r.Steps {
		for _, app := range step.Applications {
			if slices.Contains(d.Watch, app) {
				g.watch(ctx, app)
			} else {
				g.unwatch(app)
			}
		}
	}
	said := g.said[i]
	g.said[i] = d
	if turns(&said, &d) {
		g.engine.emit(Event{Kind: EventRollout, Subject: r.Address.String(), Message: strings.TrimPrefix(d.State, r.Address.String()+" ")})
	}
	if said.State != d.State || said.Step != d.Step {
		g.record(ctx, r, d, false)
	}
	return d.Again
}

// turns reports whether a rollout has come to something that is worth an event: more than
// that one application more is healthy.
func turns(before, now *rollout.Decision) bool {
	return before.State == "" || before.Step != now.Step || before.Stopped != now.Stopped || before.Paused != now.Paused ||
		before.Again.IsZero() != now.Again.IsZero()
}

// decision is what is to be done about one rollout. The caller holds mu.
func (g *gates) decision(i int, now time.Time) rollout.Decision {
	return rollout.Decide(&g.plan.Rollouts[i], func(app int) rollout.Member { return g.members[app] },
		func(app int) string { return g.apps[app].app.Address.String() }, g.orders[i], now)
}

// ended records how far the rollouts came.
func (g *gates) ended(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.plan.Rollouts {
		g.record(ctx, &g.plan.Rollouts[i], g.decision(i, g.engine.options.Now()), true)
	}
}

// record writes down how far a rollout is, and whether the apply of it is over. That it
// cannot be written holds nothing up. Once the state is no longer held, the rollout, and
// what is asked of it, may be another apply's.
func (g *gates) record(ctx context.Context, r *plan.Rollout, d rollout.Decision, over bool) {
	if g.lease.Check() != nil {
		return
	}
	err := g.records.ChangeRollout(ctx, r.Address, func(known *state.Rollout) error {
		if known.Order == string(rollout.Abort) && known.Plan != g.plan.ID {
			known.Order, known.OrderedBy, known.OrderedAt = "", "", time.Time{}
		}
		known.Plan, known.Step, known.Steps, known.State = g.plan.ID, d.Step, len(r.Steps), d.State
		known.Ended = over
		return nil
	})
	if err != nil && ctx.Err() == nil {
		g.engine.options.Log.Warn("how far a rollout is cannot be recorded", "rollout", r.Address.String(), "error", err)
	}
}
