package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/gantrycd/gantry/plan"
)

// errSkipped marks a step that was not started, for what it needs failed.
var errSkipped = errors.New("skipped")

// run carries out the plan's steps. A step starts when all that it needs have
// succeeded; what needs a failed step is skipped, and everything else goes on. Each
// application is closed, and its record written, as soon as its last step is over.
func (a *applying) run(ctx context.Context) {
	s := &schedule{
		applying: a,
		missing:  make([]int, len(a.plan.Steps)),
		then:     make([][]int, len(a.plan.Steps)),
		errs:     make([]error, len(a.plan.Steps)),
		open:     make([]int, len(a.apps)),
	}
	for i, step := range a.plan.Steps {
		s.missing[i] = len(step.Needs)
		for _, need := range step.Needs {
			s.then[need] = append(s.then[need], i)
		}
		s.open[step.Application]++
	}
	s.start(ctx)
}

// schedule is the steps of a plan while they are carried out.
type schedule struct {
	applying *applying
	mu       sync.Mutex
	missing  []int   // by step: how many of its needs are not over
	then     [][]int // by step: who needs it
	errs     []error // by step: how it ended
	open     []int   // by application: how many of its steps are not over
	group    group
}

func (s *schedule) start(ctx context.Context) {
	for i := range s.applying.plan.Steps {
		if len(s.applying.plan.Steps[i].Needs) == 0 {
			s.launch(ctx, i)
		}
	}
	s.group.Wait()
}

func (s *schedule) launch(ctx context.Context, i int) {
	s.group.Go(func() {
		step := &s.applying.plan.Steps[i]
		var err error
		s.applying.apps[step.Application].untilPrepared()
		if !s.applying.apps[step.Application].earlier { // else the step is done
			if err = s.verdict(ctx, i); err == nil {
				err = s.applying.step(ctx, step)
			}
		}
		s.over(ctx, i, err)
	})
}

// verdict returns errSkipped where something that the step needs did not succeed. A
// step for failures (OnFailure) needs what is before it to be over, however it ended: it
// is taken if something of its application has failed, and the apply was not cancelled.
func (s *schedule) verdict(ctx context.Context, i int) error {
	if step := &s.applying.plan.Steps[i]; step.On == plan.OnFailure {
		if ctx.Err() != nil || !s.applying.apps[step.Application].hasFailed() {
			return errSkipped
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, need := range s.applying.plan.Steps[i].Needs {
		if s.errs[need] == nil {
			continue
		}
		from := s.applying.plan.Steps[need].Application
		if to := s.applying.plan.Steps[i].Application; to != from {
			s.applying.apps[to].skip("it follows " + s.applying.plan.Applications[from].Address.String() + ", which did not succeed")
		}
		return errSkipped
	}
	return nil
}

// over notes how a step ended, starts what waited for it, and closes its
// application if it was the last.
func (s *schedule) over(ctx context.Context, i int, err error) {
	application := s.applying.plan.Steps[i].Application
	s.mu.Lock()
	s.errs[i] = err
	s.open[application]--
	last := s.open[application] == 0
	var ready []int
	for _, next := range s.then[i] {
		if s.missing[next]--; s.missing[next] == 0 {
			ready = append(ready, next)
		}
	}
	s.mu.Unlock()
	if last {
		s.applying.apps[application].finish(ctx)
	}
	for _, next := range ready {
		s.launch(ctx, next)
	}
}

// step does what one step says.
func (a *applying) step(ctx context.Context, step *plan.Step) error {
	p := a.apps[step.Application]
	if err := p.begin(ctx); err != nil {
		return err
	}
	p.enter(step)
	var err error
	switch step.Kind {
	case plan.StepWrite:
		err = p.write(ctx, step.Change)
	case plan.StepDelete:
		err = p.remove(ctx, step.Change)
	case plan.StepWait:
		changes := step.Changes
		if step.On == plan.OnFailure {
			changes = p.made(changes)
		}
		if err = p.wait(ctx, changes); err == nil {
			err = p.ranHooks(changes)
		}
	case plan.StepRecord:
		err = p.complete()
	default:
		err = errors.New("the plan has a step of an unknown kind " + string(step.Kind))
	}
	if err != nil {
		p.failed(err)
	}
	return err
}
