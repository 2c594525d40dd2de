package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/notify"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// flushTime is how long an apply delivers messages after its end, beyond what is in
// flight.
const flushTime = 5 * time.Second

// enqueueTime bounds the writing of messages into the state.
const enqueueTime = 10 * time.Second

// messages are what a plan says of who hears of it: nil where nobody does.
func (p *planning) messages() (*plan.Notify, error) {
	planned := make(map[addr.Address]bool, len(p.drafts))
	for _, d := range p.drafts {
		planned[d.address] = true
	}
	p.engine.mu.Lock()
	config := p.engine.config
	p.engine.mu.Unlock()
	return notify.Of(cmp.Or(config, p.config), func(a addr.Address) bool { return planned[a] })
}

// Outbox is where messages wait; nil where the engine has nothing to deliver them by.
func (e *Engine) Outbox() *notify.Outbox {
	if e.options.Notifiers == nil || e.options.Records == nil {
		return nil
	}
	return notify.NewOutbox(notify.Options{
		Store: e.options.Records.Store(), Lineage: e.options.Records.Lineage(), Notifiers: e.options.Notifiers, Secrets: e.options.Secrets,
		Identity: e.options.Identity, Recipient: e.options.Recipient,
	})
}

// courier tells of an apply. A nil courier does nothing. It is never in the way: what goes
// wrong is a warning, and takes a bounded time.
type courier struct {
	engine  *Engine
	plan    *plan.Plan
	rules   *notify.Rules
	outbox  *notify.Outbox
	by      state.Holder
	started time.Time
	diags   hcl.Diagnostics

	background sync.WaitGroup
	written    chan struct{}      // closed once it is written that the apply has begun
	stop       context.CancelFunc // ends the delivery in the background
}

// newCourier returns what tells of the apply of a plan; nil where nobody hears of it.
func (e *Engine) newCourier(p *plan.Plan, by state.Holder) *courier {
	if p.Notify == nil || p.Act != nil && p.Act.Name != plan.SelfHeal {
		return nil
	}
	c := &courier{engine: e, plan: p, outbox: e.Outbox(), by: by, started: e.options.Now(), written: make(chan struct{}), stop: func() {}}
	if c.outbox == nil {
		return nil
	}
	var err error
	if c.rules, err = notify.NewRules(p.Notify, e.options.Notifiers.Escape); err != nil {
		c.warn("Messages cannot be made", err.Error())
		c.rules = nil
	}
	return c
}

func (c *courier) warn(summary, detail string) {
	c.diags = append(c.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail + ". What was applied is not touched by that."})
}

// begun tells in the background that the apply has begun, and delivers what waits while it
// goes on.
func (c *courier) begun(ctx context.Context) {
	if c == nil || c.rules == nil {
		return
	}
	var cases []notify.Case
	for i := range c.plan.Applications {
		if app := &c.plan.Applications[i]; app.HasChanges() && !app.IsBlocked() {
			at := c.caseOf(app)
			at.Sync, at.Operation = notify.OutOfSync, c.operation(notify.PhaseRunning, "")
			cases = append(cases, at)
		}
	}
	delivery, stop := context.WithCancel(ctx)
	c.stop = stop
	c.background.Go(func() {
		c.tell(context.WithoutCancel(ctx), cases) // an apply that ends at once is told of, too
		close(c.written)
		if _, err := c.outbox.Flush(delivery, notify.FlushOptions{Notifiers: c.plan.Notify.Notifiers}); err != nil && delivery.Err() == nil {
			c.engine.options.Log.Debug("messages wait", "error", err)
		}
	})
}

// ended writes what there is to tell of the apply's end.
func (c *courier) ended(ctx context.Context, a *applying) {
	if c == nil || c.rules == nil {
		return
	}
	c.stop()
	<-c.written
	var cases []notify.Case
	var gone []addr.Address
	for _, p := range a.apps {
		outcome, ok := p.outcomeOf()
		if !ok || p.superseded {
			continue
		}
		cases = append(cases, c.endOf(p, outcome))
		if p.app.Leaves && outcome.Outcome == OutcomeSucceeded {
			gone = append(gone, p.app.Address)
		}
	}
	c.tell(context.WithoutCancel(ctx), cases)
	if len(gone) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enqueueTime)
	defer cancel()
	if err := c.outbox.Forget(ctx, gone); err != nil {
		c.warn("Messages are not recorded", fmt.Sprintf("What is remembered of applications that are gone cannot be removed: %s", err))
	}
}

// deliver delivers what waits, for a bounded time, and returns what there is to say.
func (c *courier) deliver(ctx context.Context) hcl.Diagnostics {
	if c == nil {
		return nil
	}
	c.stop()
	if c.rules != nil {
		until := c.engine.options.NotifyFor
		if until == 0 {
			until = flushTime
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), until)
		defer cancel()
		summary, err := c.outbox.Flush(ctx, notify.FlushOptions{Notifiers: c.plan.Notify.Notifiers})
		if err != nil {
			c.warn("Messages wait", fmt.Sprintf("Messages cannot be delivered now: %s", err))
		} else if summary.Waiting+summary.Failed+summary.Unsure > 0 {
			c.warn("Messages wait", undelivered(summary))
		}
	}
	c.background.Wait()
	return c.diags
}

// Deliver delivers the messages that former applies left, as an apply does: for a plan in which
// there is nothing to apply.
func (e *Engine) Deliver(ctx context.Context, p *plan.Plan, by state.Holder) hcl.Diagnostics {
	return e.newCourier(p, by).deliver(ctx)
}

// undelivered says what a flush left.
func undelivered(s notify.Summary) string {
	text := fmt.Sprintf("%d messages wait, and are tried again by the next command or gantry notify flush; %d were refused, and of %d it is not known whether they arrived", s.Waiting, s.Failed, s.Unsure)
	const most = 3
	problems := s.Problems
	if len(problems) > most {
		problems = append(slices.Clone(problems[:most]), fmt.Sprintf("and %d more problems", len(s.Problems)-most))
	}
	if len(problems) > 0 {
		text += ": " + strings.Join(problems, "; ")
	}
	return text
}

// tell asks the triggers about cases, and writes the messages.
func (c *courier) tell(ctx context.Context, cases []notify.Case) {
	ctx, cancel := context.WithTimeout(ctx, enqueueTime)
	defer cancel()
	_, problems, err := Tell(ctx, c.outbox, c.rules, c.plan.Notify, cases)
	if err != nil {
		c.warn("Messages are not recorded", fmt.Sprintf("What there is to tell cannot be written into the state: %s", err))
	}
	for _, problem := range problems {
		c.warn("Message cannot be made", problem)
	}
}

// Tell asks triggers about cases, and writes the messages that they fire into an outbox. It
// returns how many there are, and what could not be evaluated. Health and sync that a case
// does not have are as they were.
func Tell(ctx context.Context, outbox *notify.Outbox, rules *notify.Rules, from *plan.Notify, cases []notify.Case) (int, []string, error) {
	cases = slices.DeleteFunc(cases, func(c notify.Case) bool { return !rules.Concerns(&c) })
	if len(cases) == 0 {
		return 0, nil, nil
	}
	var addresses []addr.Address
	for i := range cases {
		addresses = append(addresses, cases[i].Address)
	}
	before, err := outbox.Remembered(ctx, addresses)
	if err != nil {
		return 0, nil, err
	}
	var messages []notify.Message
	var problems []string
	after := make(map[addr.Address]notify.Memory, len(cases))
	for i := range cases {
		c := &cases[i]
		if last := before[c.Address].Last; last != nil && c.Health.Status == "" {
			c.Health = last.Health
		}
		made, memory, failed := rules.Decide(c, before[c.Address])
		memory.Last = c
		messages, problems, after[c.Address] = append(messages, made...), append(problems, failed...), memory
	}
	return len(messages), problems, outbox.Enqueue(ctx, from.Notifiers, messages, after)
}

// caseOf is what the plan says of an application.
func (c *courier) caseOf(app *plan.Application) notify.Case {
	out := notify.Case{
		Address: app.Address, Name: app.Name, Namespace: app.Namespace, Project: app.Project, Labels: app.Labels, Cluster: app.Cluster,
		Leaving: app.Leaves, Digest: app.Digest, At: c.engine.options.Now().UTC(),
	}
	for action, n := range app.Counts() {
		if action.Changes() {
			out.Changes += n
		}
		if action.Deletes() {
			out.Deletions += n
		}
	}
	for i, pin := range app.Sources {
		if i == 0 {
			out.Repository, out.Tracks = pin.URL, pin.Revision
		}
		out.Revisions = append(out.Revisions, cmp.Or(pin.Resolved, pin.Digest))
	}
	notify.Describe(&out, c.plan.Notify)
	return out
}

func (c *courier) operation(phase, message string) notify.Operation {
	return notify.Operation{
		Phase: phase, Message: message, Automated: c.plan.Act != nil && c.plan.Act.Name == plan.SelfHeal, By: c.by.Who, StartedAt: c.started.UTC(),
	}
}

// endOf is how an application is after the apply.
func (c *courier) endOf(p *progress, outcome Outcome) notify.Case {
	out := c.caseOf(p.app)
	out.Operation = c.operation(notify.PhaseError, outcome.Message)
	out.Operation.FinishedAt, out.Sync = out.At, notify.OutOfSync
	switch outcome.Outcome {
	case OutcomeSucceeded:
		out.Operation.Phase, out.Health.Status = notify.PhaseSucceeded, "healthy"
		if !p.app.Partial {
			out.Sync = notify.Synced
		}
		if p.app.Leaves {
			out.Health.Status = "missing"
		}
	case OutcomeFailed:
		out.Operation.Phase = notify.PhaseFailed
		if p.hasFailedObjects() {
			out.Health = notify.Health{Status: "degraded", Message: outcome.Message}
		}
	}
	return out
}

// hasFailedObjects reports whether something that was written is not healthy.
func (p *progress) hasFailedObjects() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.results {
		if w.failed {
			return true
		}
	}
	return false
}

// NotifyNow looks at how applications are, as Status does, and tells whoever has subscribed
// to what has changed since they were looked at last. It returns how many messages were
// written, and delivers none.
func (e *Engine) NotifyNow(ctx context.Context, config *lang.Config) (int, hcl.Diagnostics) {
	found, diags := e.Status(ctx, config, StatusOptions{})
	if diags.HasErrors() {
		return 0, diags
	}
	from, err := notify.Of(config, func(addr.Address) bool { return true })
	outbox := e.Outbox()
	if err != nil || from == nil || outbox == nil {
		return 0, append(diags, notifyFailed("Messages cannot be made", err)...)
	}
	rules, err := notify.NewRules(from, e.options.Notifiers.Escape)
	if err != nil {
		return 0, append(diags, notifyFailed("Messages cannot be made", err)...)
	}
	declared := map[addr.Address]*lang.Application{}
	for _, app := range config.Applications {
		declared[app.Address] = app
	}
	var addresses []addr.Address
	for i := range found.Applications {
		addresses = append(addresses, found.Applications[i].Address)
	}
	before, err := outbox.Remembered(ctx, addresses)
	if err != nil {
		return 0, append(diags, notifyFailed("State cannot be read", err)...)
	}
	var cases []notify.Case
	for i := range found.Applications {
		app := &found.Applications[i]
		if app.Last == nil || app.Doing != nil && app.Doing.Running || declared[app.Address] == nil {
			continue // nothing is known of it yet, or an apply tells of it
		}
		cases = append(cases, standingOf(app, declared[app.Address], before[app.Address].Last, from, found.At))
	}
	count, problems, err := Tell(ctx, outbox, rules, from, cases)
	for _, problem := range problems {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Message cannot be made", Detail: problem + "."})
	}
	return count, append(diags, notifyFailed("Messages are not recorded", err)...)
}

func notifyFailed(summary string, err error) hcl.Diagnostics {
	if err == nil {
		return nil
	}
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: err.Error() + "."}}
}

// standingOf is an application as a status has it, with the operation that was told of last.
func standingOf(app *status.Application, declared *lang.Application, last *notify.Case, from *plan.Notify, at time.Time) notify.Case {
	out := notify.Case{
		Address: app.Address, Name: declared.Name, Namespace: app.Namespace, Project: app.Project, Labels: declared.Labels, Cluster: app.Cluster,
		Revisions: app.Last.Revisions, Digest: app.Last.Digest, At: at,
		Sync:   map[status.Sync]string{status.Synced: notify.Synced, status.OutOfSync: notify.OutOfSync}[app.Sync],
		Health: notify.Health{Status: strings.ToLower(string(app.Health)), Message: cmp.Or(app.Message, app.Cause)},
	}
	if out.Sync == "" {
		out.Sync = notify.Unknown
	}
	notify.Describe(&out, from)
	if last != nil {
		out.Operation, out.Repository, out.Tracks = last.Operation, last.Repository, last.Tracks
		return out
	}
	out.Operation = notify.Operation{Phase: notify.PhaseFailed, Message: app.Last.Message, By: app.Last.By, FinishedAt: app.Last.At}
	if app.Last.Outcome == OutcomeSucceeded {
		out.Operation.Phase = notify.PhaseSucceeded
	}
	return out
}
