package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// flushEvery is how often a long apply writes down what is done so far. What a
// killed apply did since is found again by its journal.
const flushEvery = 2 * time.Second

// recordTimeout bounds the writing of a record after the context has ended.
const recordTimeout = 30 * time.Second

// progress is one application while it is applied. Its record is written before
// the first request leaves (with the intents), now and then, and at the end.
type progress struct {
	applying *applying
	app      *plan.Application
	session  *session

	once     sync.Once
	beginErr error
	stage    atomic.Pointer[stage] // the phase and wave that it is in

	mu         sync.Mutex
	record     *state.Record
	version    string
	former     *state.Claim // of a run that was stopped at work on it; nil for none
	left       string       // version of the record under the address that it had; empty for none
	flushed    time.Time
	startedAt  time.Time
	endedAt    time.Time
	elapsed    Seconds
	completed  bool
	first      bool   // there was no record when the apply began
	claimed    bool   // the record says that this apply is at work on it
	refused    bool   // who applies has no right to it
	unsaved    bool   // what was done could not be written into the state
	earlier    bool   // an earlier apply of the plan has done it all; set before anything runs
	skipped    string // why nothing was done; empty if something was
	outside    bool   // of its sync window, or it follows one that is
	overridden bool   // that its windows are not heeded is in the audit log
	windows    *heeded
	superseded bool // another plan is about it by now, which is no failure of this one
	errs       []error
	resumed    bool                 // an earlier apply of the plan has begun it, and did not finish
	replacing  map[object.ID]string // what an earlier apply began to replace, and its uid before
	live       []object.Object      // by index in app.Changes: what was there when the apply began
	parents    parents              // those of the cluster, when the apply began
	was        *state.Parent        // the parent that the record named when the apply began
	departed   bool                 // the application has left, and its record with it
	results    map[int]*written     // by index in app.Changes
	rounds     rounds               // how often what is left was tried
	trials     trials               // what is asked about before it is sent
	done       plan.Counts
	outcome    string
}

// written is one change that was made, as the server answered.
type written struct {
	object object.Object // nil: deleted
	failed bool          // it says that it will not be healthy, or was not in time
	well   bool          // it was found healthy, or as a hook to have succeeded
}

// skip leaves the application out; the first reason counts.
func (p *progress) skip(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.skipped == "" && p.startedAt.IsZero() {
		p.skipped = why
	}
}

func (p *progress) isSkipped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.skipped != ""
}

// adopt takes over the application's record, or makes its first one.
func (p *progress) adopt(record *state.Record, version string) {
	if record == nil {
		record, p.first = &state.Record{}, true
	}
	record.Address = p.app.Address
	if p.app.MovedFrom.IsZero() {
		record.MovedFrom = addr.Address{} // the record there is gone
	}
	p.record, p.version, p.was = record, version, record.Parent
	p.replacing = map[object.ID]string{}
	for _, intent := range record.Journal {
		if intent.Action == plan.Replace {
			p.replacing[intent.ID] = intent.UID
		}
	}
	if p.resumed = p.resumes(record); !p.resumed {
		return
	}
	for i := range p.app.Changes { // what was replaced is in the journal no more
		if c := &p.app.Changes[i]; c.Action == plan.Replace {
			p.replacing[c.ID] = c.UID
		}
	}
}

// begin is called before every step; the first call announces the application and makes
// its intents durable.
func (p *progress) begin(ctx context.Context) error {
	p.once.Do(func() {
		if ctx.Err() != nil && p.app.HasChanges() {
			p.skip("cancelled before it was begun")
		}
		p.heedHold(ctx)
		p.heedWindow(ctx)
		if p.isSkipped() {
			p.beginErr = errSkipped
			return
		}
		if !p.app.HasChanges() {
			return
		}
		p.foundRequests(p.record)
		p.tell(Event{Kind: EventStarted, Subject: p.app.Cluster, Total: p.app.Counts().Changes()})
		p.mu.Lock()
		defer p.mu.Unlock()
		p.startedAt = p.applying.engine.options.Now()
		p.applying.engine.probe(PointBeforeIntent)
		p.intend()
		err := p.settleHold(ctx)
		if err == nil {
			err = p.keepHooks()
		}
		if err == nil {
			err = p.takenMeanwhile(ctx, p.put(ctx))
		}
		switch {
		case errors.Is(err, state.ErrLocked), errors.Is(err, errStale):
			p.startedAt, p.skipped, p.beginErr = time.Time{}, err.Error(), errSkipped
		case err == nil:
			p.applying.engine.probe(PointAfterIntent)
		default:
			p.beginErr = fmt.Errorf("intents cannot be recorded, so nothing was changed: %w", err)
			p.errs = append(p.errs, p.beginErr)
		}
	})
	return p.beginErr
}

// intend writes what is about to be done into the record.
func (p *progress) intend() {
	now := p.applying.engine.options.Now().UTC()
	r := p.record
	r.Name, r.Project, r.Namespace = p.app.Name, p.app.Project, p.app.Namespace
	r.DependsOn, r.Settings = p.app.DependsOn, p.app.Settings
	if p.applying.plan.Act != nil {
		r.Acted = p.applying.plan.ID
	} else {
		r.Plan = p.applying.plan.ID
	}
	identify(r)
	p.claims(now)
	r.Cluster = state.Cluster{Name: p.session.name, UID: p.session.info.UID, Connection: p.session.connection}
	var intents []state.Intent
	for i := range p.app.Changes {
		c := &p.app.Changes[i]
		if c.Action.Changes() {
			intents = append(intents, state.Intent{
				ID: p.idOf(i), Version: c.Version, Plural: c.Plural, Namespaced: c.Namespaced, Action: c.Action, UID: c.UID,
				Wave: c.Wave, Keep: c.Keep, Hook: c.Hook != nil, At: now,
			})
		}
	}
	r.Begin(intents...)
}

// put writes the record. The caller holds mu.
func (p *progress) put(ctx context.Context) error {
	p.applying.engine.probe(PointBeforeRecordWrite)
	version, err := p.applying.records.Put(ctx, p.record, p.version)
	if err != nil {
		return p.unwritten(err)
	}
	p.claimed = true
	p.version, p.flushed = version, p.applying.engine.options.Now()
	p.applying.engine.probe(PointAfterRecordWrite)
	return p.unwritten(p.leave(ctx))
}

// succeeded notes that a change was made, in the record too.
func (p *progress) succeeded(i int, result object.Object) {
	c := &p.app.Changes[i]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.results[i] = &written{object: result}
	p.done[c.Action]++
	if result == nil {
		p.record.Disown(c.ID)
	} else {
		p.own(c, result)
	}
	p.record.Done(p.idOf(i))
	p.applying.engine.probe(PointNoted)
}

// own enters an object as it now is into the record. A patch changes nothing of what was
// applied.
func (p *progress) own(c *plan.Change, result object.Object) {
	if c.Method == plan.MethodPatch {
		return
	}
	differ := p.applying.engine.differ
	owned := state.Owned{
		ID: result.ID(), Version: c.Version, Plural: c.Plural, Namespaced: c.Namespaced, UID: result.UID(), Wave: c.Wave,
		Desired: c.Desired, AppliedAt: p.applying.engine.options.Now().UTC(), Adopted: c.Action == plan.Adopt, Keep: c.Keep, Hook: c.Hook != nil,
	}
	owned.Fields = differ.Owned(result, c.Version)
	owned.Values = differ.Values(result, owned.Fields)
	if before := p.record.Find(owned.ID); before != nil {
		owned.Adopted = owned.Adopted || before.Adopted
	}
	p.record.Own(owned)
}

// flush writes down what is done, if that was not done lately.
func (p *progress) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.record == nil || p.applying.engine.options.Now().Sub(p.flushed) < flushEvery {
		return nil
	}
	ctx, cancel := p.applying.sending()
	defer cancel()
	return p.put(ctx)
}

// failed notes an error of a step.
func (p *progress) failed(err error) {
	if errors.Is(err, errSkipped) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, err)
}

// complete marks that every step has succeeded.
func (p *progress) complete() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.completed = true
	return nil
}

// finish closes the application once none of its steps is left: hooks are tidied
// up, and the record is written, however it ended.
func (p *progress) finish(ctx context.Context) {
	if p.earlier {
		p.tell(Event{Kind: EventFinished, Message: doneEarlier})
		return
	}
	if p.startedAt.IsZero() || !p.app.HasChanges() {
		if p.app.HasChanges() {
			p.applying.engine.emit(Event{Kind: EventSkipped, Application: p.app.Address, Message: p.skipped})
		}
		return
	}
	cancelled := ctx.Err() != nil
	// The record comes last: killed before it, the next apply of the plan tidies up.
	p.applying.engine.probe(PointBeforeSweep)
	if p.completed || !cancelled {
		p.sweepHooks(p.applying.requests, p.completed)
	}
	if p.app.Leaves && p.completed {
		p.removeParents()
	} else {
		p.replaceParents()
	}
	p.conclude(ctx, cancelled)
	p.keepParent()
	p.mu.Lock()
	defer p.mu.Unlock()
	kind := EventFailed
	switch p.outcome {
	case OutcomeSucceeded:
		kind = EventFinished
	case OutcomeCancelled:
		kind = EventCancelled
	}
	p.applying.engine.emit(Event{Kind: kind, Application: p.app.Address, Message: p.message(), Elapsed: p.elapsed})
}

// conclude settles how the apply ended and writes the record.
func (p *progress) conclude(ctx context.Context, cancelled bool) {
	limit := recordTimeout
	if cancelled {
		limit = lastWords
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endedAt = p.applying.engine.options.Now()
	p.elapsed = Seconds(p.endedAt.Sub(p.startedAt))
	p.outcome = OutcomeFailed
	switch {
	case p.completed:
		p.outcome = OutcomeSucceeded
		p.forget()
	case cancelled:
		p.outcome = OutcomeCancelled
	}
	p.applying.engine.probe(PointBeforeHistory)
	switch err := p.close(ctx); {
	case err == nil:
	case errors.Is(err, state.ErrLeaseLost) && p.outcome == OutcomeCancelled: // which is told once
	default:
		p.unsaved = true
		p.errs = append(p.errs, fmt.Errorf("what was done cannot be recorded: %w. Run the same again: the journal tells what was begun", err))
		p.outcome = OutcomeFailed
	}
	p.applying.engine.probe(PointAfterHistory)
}

// forget takes out of the record what the plan says is no longer the
// application's, and enters what it found to be as desired.
func (p *progress) forget() {
	for i := range p.app.Changes {
		c := &p.app.Changes[i]
		switch {
		case c.Action == plan.Forget && !isForLeaving(c.Phase):
			p.record.Disown(c.ID)
			p.record.Done(c.ID)
			p.done[c.Action]++
		case c.Action == plan.Forget, c.Action == plan.Remember:
			p.done[c.Action]++
		}
	}
	p.settleHooks()
	p.settleBodies()
	// What the plan covers is settled; an intent of another apply stays.
	covered := make(map[object.ID]bool, len(p.app.Changes))
	for i := range p.app.Changes {
		covered[p.app.Changes[i].ID] = true
	}
	p.record.Journal = slices.DeleteFunc(p.record.Journal, func(i state.Intent) bool { return covered[i.ID] })
}

// close writes the record with its history, or removes it where the application
// has left. The caller holds mu.
func (p *progress) close(ctx context.Context) error {
	if p.app.Leaves && p.completed && len(p.record.Objects) == 0 {
		p.departed = true
		err := p.applying.records.Delete(ctx, p.app.Address, p.version)
		if err == nil {
			p.dropRevisions(ctx)
		}
		if errors.Is(err, state.ErrNotFound) {
			return nil
		}
		return p.unwritten(err)
	}
	entry := state.Entry{
		StartedAt: p.startedAt.UTC(), FinishedAt: p.applying.engine.options.Now().UTC(), Outcome: p.outcome, Message: p.message(),
		Digest: p.app.Digest, Sources: p.app.Sources, Counts: p.done, By: p.applying.by.Who, Serial: p.record.Serial + 1,
	}
	entry.Act, entry.Partial = p.applying.plan.Act, p.app.Partial
	if entry.Act != nil {
		entry.Objects, entry.Managers = p.acted()
	} else {
		entry.Rendered, entry.Rollback = p.app.Rendered, p.app.Rollback
	}
	p.record.Finish(entry, max(p.app.Settings.HistoryLimit, 1)) // what is now is no past state
	saved := p.keepRevision(ctx)
	if !p.keepsClaim() {
		p.record.Claim = nil
	}
	p.notesParent()
	if err := p.put(ctx); err != nil {
		return err
	}
	p.collectRevisions(ctx, saved)
	return nil
}

// message says in one line why the application did not succeed.
func (p *progress) message() string {
	if p.outcome == OutcomeSucceeded {
		return ""
	}
	parts := make([]string, 0, len(p.errs))
	for _, err := range p.errs {
		if text := err.Error(); !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	if p.outcome == OutcomeCancelled {
		parts = nil // each says that it was cancelled
	}
	if lost := p.applying.lostWhy(); lost != nil && p.outcome == OutcomeCancelled {
		return "stopped before it was finished, for the lock was lost; what was in flight is in the journal" + p.soFar()
	}
	if len(parts) == 0 && p.outcome == OutcomeCancelled {
		return "stopped before it was finished; what was done is recorded" + p.soFar()
	}
	const most = 5
	if len(parts) > most {
		parts = append(parts[:most], fmt.Sprintf("and %d more", len(parts)-most))
	}
	return strings.Join(parts, "; ") + p.soFar()
}

// soFar says how much of an application that did not succeed is done; empty for nothing.
func (p *progress) soFar() string {
	if done := p.done.Changes(); done > 0 {
		return fmt.Sprintf(" (%d of %d changes were made)", done, p.app.Counts().Changes())
	}
	return ""
}

// doneEarlier is the message of an application that is done without doing anything.
const doneEarlier = "an earlier apply of this plan has done it"

// outcomeOf tells how the application ended; false where there was nothing to do.
func (p *progress) outcomeOf() (Outcome, bool) {
	out := Outcome{Address: p.app.Address, Outcome: p.outcome, Message: p.message(), Done: p.done, Elapsed: p.elapsed, OutsideWindow: p.outside, Unapproved: p.applying.protected.leaves(p.app)}
	switch {
	case p.earlier:
		out.Message = doneEarlier
	case p.skipped != "":
		out.Outcome, out.Message = OutcomeSkipped, p.skipped
		return out, p.app.HasChanges() || p.app.IsBlocked()
	case p.outcome == "" && len(p.errs) > 0:
		out.Outcome = OutcomeFailed
		return out, true
	}
	return out, p.app.HasChanges()
}

// resource is how an object of the plan is served.
func resource(c *plan.Change) providers.Resource {
	return providers.Resource{GVK: c.GVK(), Plural: c.Plural, Namespaced: c.Namespaced}
}
