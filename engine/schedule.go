package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/engine/rollout"
	"github.com/gantrycd/gantry/engine/schedule"
	"github.com/gantrycd/gantry/plan"
)

// errSkipped marks a step that was not started, for what it needs failed.
var errSkipped = errors.New("skipped")

// run carries out the plan's steps. A step starts when all that it needs have
// succeeded; what needs a failed step is skipped, and everything else goes on. Each
// application is closed, and its record written, as soon as its last step is over.
func (a *applying) run(ctx context.Context) {
	a.noteTrials()
	lanes := a.sessions.list()
	laneOf := make(map[*session]int, len(lanes))
	for i, session := range lanes {
		laneOf[session] = i
	}
	var running, gating group
	var s *schedule.Schedule
	gates := a.newGates()
	s = schedule.New(schedule.Options{
		Steps: a.plan.Steps, Applications: len(a.apps), Rank: a.rank(),
		// A step is not all the time in a request: with a little more room than requests
		// in flight there is always one to send.
		Lanes: len(lanes), Room: a.engine.options.Parallelism + a.engine.options.Parallelism/4 + 1,
		Lane: func(i int) int {
			step := &a.plan.Steps[i]
			if session := a.apps[step.Application].session; session != nil && (step.Kind == plan.StepWrite || step.Kind == plan.StepDelete) {
				return laneOf[session]
			}
			return -1
		},
		Do:    func(ctx context.Context, i int) error { return a.do(ctx, s, i) },
		Over:  func(app int) { gates.over(ctx, app) },
		Gated: func(app int) bool { return gates.in[app] },
		Ready: func(app int) { gates.set(app, rollout.Member{State: rollout.Ready}) },
		Held:  func(app int, why schedule.Reason) { a.held(app, a.waitsFor(why, lanes)) },
		Go:    running.Go,
	})
	gates.schedule = s
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	deciding, stop := context.WithCancel(ctx)
	if len(a.plan.Rollouts) > 0 {
		gating.Go(func() {
			defer cancel() // where it panics, nobody would release what it holds
			gates.run(deciding)
		})
	}
	s.Run(ctx)
	stop()
	gating.Wait()
	running.Wait()
	gates.ended(context.WithoutCancel(ctx))
}

// rank returns the place of each application among those that want to send requests:
// the longer what follows it is likely to take, the sooner it goes.
func (a *applying) rank() []int {
	after, order := a.plan.After(), make([]int, len(a.apps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(after[j], after[i]) })
	rank := make([]int, len(order))
	for place, i := range order {
		rank[i] = place
	}
	return rank
}

// held tells why an application has not started.
func (a *applying) held(app int, why string) {
	if p := a.apps[app]; p.app.HasChanges() {
		p.tell(Event{Kind: EventHeld, Message: why})
	}
}

// waitsFor is a reason in words.
func (a *applying) waitsFor(why schedule.Reason, lanes []*session) string {
	if why.Lane >= 0 {
		return fmt.Sprintf("waits for its turn on cluster %q, which has as many requests as it may", lanes[why.Lane].name)
	}
	other := a.apps[why.Application].app
	if !other.HasChanges() {
		return fmt.Sprintf("waits for %s to be healthy", other.Address)
	}
	return fmt.Sprintf("waits for %s to be applied and healthy", other.Address)
}

// do carries out a step, unless it is done, or what it needs failed.
func (a *applying) do(ctx context.Context, s *schedule.Schedule, i int) error {
	step := &a.plan.Steps[i]
	p := a.apps[step.Application]
	p.untilPrepared()
	if p.earlier {
		return nil
	}
	if err := a.verdict(ctx, s, i); err != nil {
		return err
	}
	return a.step(ctx, step)
}

// verdict returns errSkipped where something that the step needs did not succeed. A
// step for failures (OnFailure) needs what is before it to be over, however it ended: it
// is taken if something of its application has failed, and the apply was not cancelled.
func (a *applying) verdict(ctx context.Context, s *schedule.Schedule, i int) error {
	step := &a.plan.Steps[i]
	p := a.apps[step.Application]
	if step.On == plan.OnFailure {
		if ctx.Err() != nil || !p.hasFailed() {
			return errSkipped
		}
		return nil
	}
	need, failed := s.Failed(i)
	if !failed {
		return nil
	}
	if from := a.plan.Steps[need].Application; from != step.Application {
		p.follows(a.apps[from])
	}
	return errSkipped
}

// step does what one step says.
func (a *applying) step(ctx context.Context, step *plan.Step) error {
	p := a.apps[step.Application]
	if err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.goesOn(ctx, step); err != nil {
		p.failed(err)
		return err
	}
	p.enter(step)
	err := p.retrying(ctx, step, func() error { return p.take(ctx, step) })
	if err != nil {
		p.failed(err)
	}
	return err
}

// take takes one step, once.
func (p *progress) take(ctx context.Context, step *plan.Step) error {
	switch step.Kind {
	case plan.StepWrite:
		if err := p.tryOut(ctx, step); err != nil {
			return err
		}
		return p.write(ctx, step.Change)
	case plan.StepDelete:
		p.applying.engine.probe(PointBeforePrune)
		return p.remove(ctx, step.Change)
	case plan.StepWait:
		changes := step.Changes
		if step.On == plan.OnFailure {
			changes = p.made(changes)
		}
		p.applying.engine.probe(PointDuringWait)
		if err := p.wait(ctx, changes); err != nil {
			p.noteHooks(changes) // it is written when the application ends, before hooks are deleted
			return err
		}
		p.applying.engine.probe(PointBetweenWaves)
		return p.ranHooks(changes)
	case plan.StepRecord:
		return p.complete()
	}
	return errors.New("the plan has a step of an unknown kind " + string(step.Kind))
}
