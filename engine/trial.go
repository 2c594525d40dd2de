package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/engine/schedule"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// trials are what an application asks its server about before it sends it: what the plan
// could only predict. It is asked wave by wave, and of a wave nothing is sent while
// something of it is refused.
type trials struct {
	waves map[stage]*trial
	// namespaces and definitions are the changes of the application that make what others
	// of it need, by name and by the kind that they define.
	namespaces  map[string]int
	definitions map[object.GroupKind]int
}

// trial is one wave of it.
type trial struct {
	turn    chan struct{} // of the step that asks; holds one
	left    []int         // changes that were not asked about yet
	until   time.Time     // how long kinds and namespaces are waited for; zero: for none yet
	refused error         // why nothing more of the wave is sent
	round   int           // of the application, in which that was found
}

// triable reports whether the plan could only predict a change that can be asked about
// before it is sent. What takes over the fields of other managers cannot: that is two
// requests, of which the second needs the first. What a hook makes is no part of what the
// application is, and was not asked about when it was planned either.
func triable(c *plan.Change) bool {
	switch c.Action {
	case plan.Create, plan.Update, plan.Adopt:
		return c.Predicted && c.Method == "" && len(c.Moves) == 0
	case plan.Replace:
		return true
	default:
		return false
	}
}

// noteTrials finds what each application has to ask about.
func (a *applying) noteTrials() {
	for i := range a.plan.Steps {
		step := &a.plan.Steps[i]
		p := a.apps[step.Application]
		if step.Kind != plan.StepWrite || step.On == plan.OnFailure || !triable(&p.app.Changes[step.Change]) {
			continue
		}
		if p.trials.waves == nil {
			p.noteMakers()
		}
		at := stage{step.Phase, step.Wave}
		if p.trials.waves[at] == nil {
			p.trials.waves[at] = &trial{turn: make(chan struct{}, 1)}
		}
		p.trials.waves[at].left = append(p.trials.waves[at].left, step.Change)
	}
}

func (p *progress) noteMakers() {
	p.trials = trials{waves: map[stage]*trial{}, namespaces: map[string]int{}, definitions: map[object.GroupKind]int{}}
	for i := range p.app.Changes {
		switch c := &p.app.Changes[i]; {
		case c.ID.GroupKind() == namespaceKind && c.Action == plan.Create:
			p.trials.namespaces[c.ID.Name] = i
		case c.ID.GroupKind() == crdKind && c.Action.Changes() && !c.Action.Deletes() && c.Body != nil:
			p.trials.definitions[definedKind(c)] = i
		}
	}
}

// definedKind is the kind that a change's CustomResourceDefinition defines.
func definedKind(c *plan.Change) object.GroupKind {
	return object.GroupKind{Group: text(c.Body, "spec", "group"), Kind: text(c.Body, "spec", "names", "kind")}
}

// tryOut asks the server about what is only predicted of the wave that a step writes
// something of, before anything of it is sent: as far as it can be asked by now. What
// needs a namespace or a definition of the same wave is asked about once that is there.
// It returns why nothing of the wave may be sent.
func (p *progress) tryOut(ctx context.Context, step *plan.Step) error {
	t := p.trials.waves[stage{step.Phase, step.Wave}]
	if t == nil || step.On == plan.OnFailure {
		return nil
	}
	if err := t.begin(ctx); err != nil {
		return err
	}
	defer t.end()
	if round := p.rounds.now(); t.round != round {
		t.refused, t.round = nil, round
	}
	if t.refused != nil {
		return t.refused
	}
	var now, later []int
	for _, i := range t.left {
		if p.askable(i) {
			now = append(now, i)
		} else {
			later = append(later, i)
		}
	}
	if len(now) == 0 {
		return nil
	}
	answers := make([]hearing, len(now))
	parallel(ctx, p.applying.engine.options.Parallelism, len(now), func(k int) {
		answers[k] = p.hear(ctx, t, now[k], now[k] == step.Change)
	})
	if err := context.Cause(ctx); err != nil {
		return err
	}
	t.left = later
	t.refused = p.judge(t, step, now, answers)
	return t.refused
}

// begin waits for the step that asks about the wave; others go on meanwhile.
func (t *trial) begin(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	default:
	}
	schedule.Leave(ctx)
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *trial) end() { <-t.turn }

// judge notes what is left to ask about, and returns why nothing of the wave may be sent.
// What the server warns of is told where nothing is sent: it says so again otherwise.
func (p *progress) judge(t *trial, step *plan.Step, asked []int, answers []hearing) error {
	var refusals []error
	for k, i := range asked {
		if answers[k].err != nil {
			refusals = append(refusals, p.objectError(&p.app.Changes[i], answers[k].err))
		}
	}
	for k, i := range asked {
		c, answer := &p.app.Changes[i], answers[k]
		if len(refusals) > 0 || answer.unasked {
			p.warn(c, answer.warnings)
		}
		// What its own write waits for is not asked about again; where the wave is tried
		// again, all of it is.
		if answer.later && i != step.Change || len(refusals) > 0 {
			t.left = append(t.left, i)
		}
	}
	if len(refusals) == 0 {
		return nil
	}
	some := ""
	if p.hasSent(step) {
		some = " more"
	}
	objects := "an object"
	if len(refusals) > 1 {
		objects = fmt.Sprintf("%d objects", len(refusals))
	}
	all := together(refusals)
	return scrubbed{all, fmt.Sprintf("asked by a dry run just before %s wave %d was to be sent, the server does not take %s, and nothing%s of that wave was sent: %s",
		step.Phase, step.Wave, objects, some, all)}
}

// hasSent reports whether something of a step's wave is written.
func (p *progress) hasSent(of *plan.Step) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.applying.plan.Steps, func(step plan.Step) bool {
		return p.applying.apps[step.Application] == p && step.Kind == plan.StepWrite && step.Phase == of.Phase && step.Wave == of.Wave &&
			p.results[step.Change] != nil
	})
}

// askable reports whether the object of a change can be asked about, as far as this
// application is concerned: what it needs and the application makes is there.
func (p *progress) askable(i int) bool {
	c := &p.app.Changes[i]
	if c.Action == plan.Replace && p.seen(i) != nil {
		return false // a dry run would be of a change; it is asked about when it is deleted
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if maker, ok := p.trials.namespaces[c.ID.Namespace]; ok && p.results[maker] == nil {
		return false
	}
	if maker, ok := p.trials.definitions[c.ID.GroupKind()]; ok && (p.results[maker] == nil || !p.results[maker].well) {
		return false
	}
	return true
}

// hearing is what a server said to a dry run.
type hearing struct {
	later    bool // it does not have the namespace or the kind yet
	unasked  bool // it cannot be asked about this at all
	warnings []string
	err      error
}

// hear asks about the i-th change of a wave. patient is that of the step which is about to
// write it: what it needs should be there, and is waited for.
func (p *progress) hear(ctx context.Context, t *trial, i int, patient bool) hearing {
	c := p.app.Changes[i]
	have := p.seen(i)
	if p.resumed && p.isDoneBy(ctx, &c, have) {
		return hearing{}
	}
	if c.Target() == nil || len(c.Sealed) > 0 && c.Secret == nil {
		return hearing{err: errSealed}
	}
	if c.Plural == "" {
		served, err := p.session.cluster.Resource(ctx, c.GVK())
		if err != nil || served.Namespaced != c.Namespaced {
			return hearing{later: true} // the write waits, and tells
		}
		c.Plural = served.Plural
	}
	if c.Action == plan.Replace {
		c.Action, c.UID, c.Predicted = plan.Create, "", true
	}
	var deadline time.Time
	if patient {
		deadline = t.deadline(p.applying.engine.options.Now())
	}
	return p.ask(ctx, &c, have, deadline)
}

// deadline is until when kinds and namespaces of a wave are waited for, by all together.
func (t *trial) deadline(now time.Time) time.Time {
	if t.until.IsZero() {
		t.until = now.Add(servingTimeout)
	}
	return t.until
}

// ask asks the server what it would say to a change, by a dry run of what send would send.
func (p *progress) ask(ctx context.Context, c *plan.Change, have object.Object, deadline time.Time) hearing {
	request := p.applyRequest(c)
	request.DryRun = true
	switch {
	case have != nil:
		request.UID = have.UID()
	case c.Action == plan.Create:
		request.New = true
	default:
		request.UID = c.UID
	}
	lag := p.applying.engine.options.Now().Add(lagTimeout)
	var unanswered outage
	for {
		answer, err := p.request(ctx, func(ctx context.Context) (providers.ApplyResult, error) {
			return p.session.cluster.Apply(ctx, request)
		})
		var conflict *providers.ConflictError
		switch {
		case err == nil:
			return hearing{warnings: answer.Warnings}
		case errors.As(err, &conflict) && len(conflict.Fields) == 0:
			_, err := p.reread(ctx, c, &unanswered, nil)
			return hearing{err: err} // it moved on, and what was planned may still hold
		case errors.Is(err, providers.ErrNoDryRun):
			return hearing{unasked: true, warnings: []string{fmt.Sprintf("it is sent without having been asked about: %s", err)}}
		case notServedYet(c, err):
			if !p.applying.engine.options.Now().Before(deadline) {
				return hearing{later: true}
			}
			err = pause(ctx, 250*time.Millisecond)
		case p.definitionLags(c, err) && p.applying.engine.options.Now().Before(lag):
			err = pause(ctx, 250*time.Millisecond)
		default:
			err = p.outlast(ctx, &unanswered, err)
		}
		if err != nil {
			return hearing{err: err}
		}
	}
}

// applyRequest is what sends the object of a change.
func (p *progress) applyRequest(c *plan.Change) providers.ApplyRequest {
	return providers.ApplyRequest{
		Resource: resource(c), Object: c.Target(), Manager: p.applying.engine.options.Manager, Force: c.Force,
		Unvalidated: c.Unvalidated, Replace: c.Method == plan.MethodPut,
	}
}
