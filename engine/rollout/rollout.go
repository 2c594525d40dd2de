// Package rollout decides which applications of a rollout may move: given how each is,
// what people have asked for, and the time. A step's applications move, no more than
// MaxUpdate at once; the next step begins when all of them are at this change and have
// been healthy for as long as the step bakes; one that fails stops the rollout.
//
// It does nothing itself: it starts no application, watches none, and has no clock. The
// engine imports it.
package rollout

import (
	"fmt"
	"time"

	"github.com/gantrycd/gantry/plan"
)

// State is how an application of a rollout is.
type State int

// How an application is.
const (
	Waiting   State = iota // for something that is not the rollout
	Ready                  // to start: nothing but the rollout keeps it
	Moving                 // it has started, and is not at this change and healthy yet
	Healthy                // at this change and healthy, since Since
	Unsettled              // at this change, and not healthy any more; it may become so again
	Out                    // left out, because the rollout had stopped
	Failed                 // it has failed, or is degraded: Why says it
)

// Member is an application of a rollout.
type Member struct {
	State State
	Since time.Time // Healthy: since when without a break
	Why   string    // Failed, Unsettled: one line, such as "is degraded: ..."
}

// Order is what someone has asked of a rollout.
type Order string

// What can be asked of a rollout.
const (
	Go    Order = ""
	Pause Order = "pause" // no application is to start; those that have go on
	Abort Order = "abort" // none is to start any more
)

// Decision is what is to be done now. Applications are indices in Plan.Applications, in
// the order of the rollout.
type Decision struct {
	Start []int
	// Skip are to be left out for good, and Held wait, each for the reason given.
	Skip, Held []Because
	// Watch are those whose health matters now, though they are done.
	Watch []int
	// Step is the step that the rollout is at, counted from 0; the number of steps once
	// all are done.
	Step int
	// State is the rollout in one line: "step 2 of 3: 1 of 4 healthy".
	State string
	// Stopped says that a step has failed or someone has aborted the rollout: what has
	// not started will not.
	Stopped bool
	// Paused says that someone has paused it.
	Paused bool
	// Again is when to decide again even if nothing happens; zero is never.
	Again time.Time
}

// Because is an application and a reason, in one line.
type Because struct {
	Application int
	Why         string
}

// Decide says what is to be done now. member tells how an application is, and name what
// it is called.
func Decide(r *plan.Rollout, member func(int) Member, name func(int) string, order Order, now time.Time) Decision {
	d := decider{rollout: r, member: member, name: name, order: order, now: now}
	for i := range r.Steps {
		if !d.step(i) {
			if d.out.Paused = order == Pause; d.out.Paused && !d.out.Stopped {
				d.out.State += ", paused"
			}
			return d.out
		}
	}
	d.out.Step, d.out.State = len(r.Steps), "done"
	return d.out
}

type decider struct {
	rollout *plan.Rollout
	member  func(int) Member
	name    func(int) string
	order   Order
	now     time.Time
	out     Decision
}

// step decides about one step, and reports whether the next one may begin.
func (d *decider) step(i int) bool {
	step := &d.rollout.Steps[i]
	var (
		count   [Failed + 1]int
		settled time.Time // when the last of them became healthy
		trouble string
	)
	for _, app := range step.Applications {
		m := d.member(app)
		count[m.State]++
		switch m.State {
		case Unsettled:
			if trouble == "" {
				trouble = fmt.Sprintf(" (%s %s)", d.name(app), m.Why)
			}
		case Healthy:
			if m.Since.After(settled) {
				settled = m.Since
			}
		case Waiting, Ready, Moving, Out, Failed:
		}
	}
	d.out.Step = i
	all := len(step.Applications)
	d.out.State = fmt.Sprintf("step %d of %d: %d of %d healthy", i+1, len(d.rollout.Steps), count[Healthy], all)
	switch {
	case count[Failed] > 0:
		d.stop(i, fmt.Sprintf("%s stopped at step %d of %d: %s", d.rollout.Address, i+1, len(d.rollout.Steps), failure(step, d.member, d.name)))
		return false
	case d.order == Abort && d.left(i):
		d.stop(i, fmt.Sprintf("%s was aborted at step %d of %d", d.rollout.Address, i+1, len(d.rollout.Steps)))
		return false
	case count[Healthy] < all:
		d.move(i, count[Moving]+count[Unsettled])
		why := fmt.Sprintf("waits for step %d of %s: %d of %d healthy%s", i+1, d.rollout.Address, count[Healthy], all, trouble)
		d.holdFrom(i+1, why)
		d.watch(step)
		return false
	case !d.left(i + 1): // nothing comes after it that has not started
		return true
	}
	if end := settled.Add(step.Bake); end.After(d.now) {
		d.out.State = fmt.Sprintf("step %d of %d bakes until %s", i+1, len(d.rollout.Steps), moment(end))
		d.holdFrom(i+1, fmt.Sprintf("step %d of %s bakes for %s, until %s", i+1, d.rollout.Address, plan.Spell(step.Bake), moment(end)))
		d.watch(step)
		d.out.Again = end
		return false
	}
	return true
}

// moment is a time of the day, which whoever reads it elsewhere reads as the same.
func moment(t time.Time) string { return t.UTC().Format("15:04:05 MST") }

// failure says what failed of a step.
func failure(step *plan.RolloutStep, member func(int) Member, name func(int) string) string {
	first, more := "", 0
	for _, app := range step.Applications {
		m := member(app)
		switch {
		case m.State != Failed:
		case first == "":
			first = fmt.Sprintf("%s %s", name(app), m.Why)
		default:
			more++
		}
	}
	if more > 0 {
		return fmt.Sprintf("%s, and %d more", first, more)
	}
	return first
}

// move starts as many applications of a step as may move at once, and holds the others.
func (d *decider) move(i, moving int) {
	step := &d.rollout.Steps[i]
	for _, app := range step.Applications {
		m := d.member(app)
		if m.State != Ready {
			continue
		}
		switch {
		case d.order == Pause:
			d.hold(app, fmt.Sprintf("%s is paused", d.rollout.Address))
		case step.MaxUpdate > 0 && moving >= step.MaxUpdate:
			d.hold(app, fmt.Sprintf("waits for its turn in step %d of %s: %d at once", i+1, d.rollout.Address, step.MaxUpdate))
		default:
			d.out.Start = append(d.out.Start, app)
			moving++
		}
	}
}

// stop leaves out what has not started, from a step on.
func (d *decider) stop(i int, why string) {
	d.out.Stopped, d.out.State = true, why
	for _, step := range d.rollout.Steps[i:] {
		for _, app := range step.Applications {
			if state := d.member(app).State; state == Waiting || state == Ready {
				d.out.Skip = append(d.out.Skip, Because{app, why})
			}
		}
	}
}

// left reports whether anything has not started, from a step on.
func (d *decider) left(i int) bool {
	for _, step := range d.rollout.Steps[i:] {
		for _, app := range step.Applications {
			if state := d.member(app).State; state == Waiting || state == Ready {
				return true
			}
		}
	}
	return false
}

// holdFrom holds what has not started, from a step on.
func (d *decider) holdFrom(i int, why string) {
	if d.order == Pause {
		why = fmt.Sprintf("%s is paused; %s", d.rollout.Address, why)
	}
	for _, step := range d.rollout.Steps[i:] {
		for _, app := range step.Applications {
			if d.member(app).State == Ready {
				d.hold(app, why)
			}
		}
	}
}

func (d *decider) hold(app int, why string) {
	d.out.Held = append(d.out.Held, Because{app, why})
}

// watch has the health of those that are done looked at.
func (d *decider) watch(step *plan.RolloutStep) {
	for _, app := range step.Applications {
		if state := d.member(app).State; state == Healthy || state == Unsettled {
			d.out.Watch = append(d.out.Watch, app)
		}
	}
}
