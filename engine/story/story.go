// Package story makes a picture of an apply from the events that it sends: how each
// application is getting on, while it runs (Story), and what came of it, at the end
// (Report), as JSON, Markdown and JUnit.
//
// It does no I/O beyond the writer that it is given, knows no terminal and asks no
// cluster: all it knows is the plan and the events. It is for whoever shows an apply.
package story

import (
	"cmp"
	"slices"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// State is how far an application is.
type State string

// The states of an application.
const (
	Pending State = "pending" // it has not begun
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
	Stopped State = "cancelled" // before it was finished
	Skipped State = "skipped"
)

// Stage is a phase of a sync and a wave of it. The zero value is before the first.
type Stage struct {
	Phase plan.Phase `json:"phase"`
	Wave  int        `json:"wave"`
}

// Wait is an object, or with no object an application, that is waited for.
type Wait struct {
	Object  *object.ID // nil: the application itself waits
	Message string     // what for
	Cause   string     // what a person would look for; empty where it is not found
	Since   time.Time
}

// Note is something that was said of an object, or without one of its application.
type Note struct {
	Object  *object.ID `json:"object,omitempty"`
	Message string     `json:"message"`
	Cause   string     `json:"cause,omitempty"`
}

// Span is how long an application was in a stage.
type Span struct {
	Stage
	Started time.Time      `json:"startedAt"`
	Elapsed engine.Seconds `json:"elapsedSeconds"`
}

// Application is one application of an apply, as far as the events told.
type Application struct {
	Address addr.Address
	Cluster string
	State   State
	Stage   Stage
	Total   int // changes planned
	Started time.Time
	Ended   time.Time
	Held    *Wait // why it, or what is next of it, may not start yet; nil where nothing holds it
	// Attempt counts tries from 1, of Attempts where that is known; RetryAt is when the
	// next one begins, where one failed.
	Attempt, Attempts int
	RetryAt           time.Time
	Message           string // how it ended, where it did not succeed
	Failures          []Note // in the order in which they were told
	Warnings          []Note

	order   int // in which it began
	spans   []Span
	waits   map[object.ID]Wait
	done    map[object.ID]bool
	objects map[object.ID]*timing
}

// timing is when what was done about an object began, and its last news.
type timing struct{ began, last time.Time }

// Story is an apply as far as it was told. It is not safe for concurrent use. The zero
// value is of no plan, and takes in nothing.
type Story struct {
	Began time.Time
	apps  map[addr.Address]*Application
	list  []*Application // sorted by address
	begun int
}

// New begins the story of a plan's apply.
func New(p *plan.Plan, now time.Time) *Story {
	s := &Story{Began: now, apps: map[addr.Address]*Application{}}
	for i := range p.Applications {
		a := &p.Applications[i]
		if !a.HasChanges() && !a.IsBlocked() {
			continue
		}
		made := &Application{
			Address: a.Address, Cluster: a.Cluster, State: Pending, Total: expected(a),
			waits: map[object.ID]Wait{}, done: map[object.ID]bool{}, objects: map[object.ID]*timing{},
		}
		s.apps[a.Address] = made
		s.list = append(s.list, made)
	}
	return s
}

// expected counts the changes that are made of an application of which nothing fails.
func expected(a *plan.Application) int {
	n := a.Counts().Changes()
	for i := range a.Changes {
		if c := &a.Changes[i]; c.Action == plan.Run && c.Phase == plan.PhaseSyncFail {
			n--
		}
	}
	return n
}

// Applications are those that the apply is about, sorted by address. They are the
// story's own: read only.
func (s *Story) Applications() []*Application { return s.list }

// Application returns one of them, nil where the apply is not about it.
func (s *Story) Application(address addr.Address) *Application { return s.apps[address] }

// Add takes in an event. Events come in the order in which the engine sent them.
func (s *Story) Add(e engine.Event) {
	a := s.apps[e.Application]
	if a == nil {
		return
	}
	a.enter(e)
	switch e.Kind {
	case engine.EventHeld:
		a.hold(e)
	case engine.EventStarted:
		s.begun++
		a.State, a.order, a.Started, a.Held = Running, s.begun, e.At, nil
	case engine.EventPhase, engine.EventWriting, engine.EventDeleting:
		a.Held, a.RetryAt = nil, time.Time{}
		a.touch(e)
	case engine.EventWritten, engine.EventDeleted:
		a.touch(e)
		a.settle(e, true)
	case engine.EventWaiting:
		a.wait(e)
	case engine.EventHealthy:
		a.touch(e)
		a.settle(e, false)
	case engine.EventRetrying:
		a.Attempt, a.Attempts, a.RetryAt, a.Message = e.Attempt, e.Total, e.At.Add(time.Duration(e.Elapsed)), e.Message
		a.Failures = nil // what counts is what the last try failed of
		clear(a.waits)
	case engine.EventFailed:
		a.fail(e)
	case engine.EventCancelled:
		a.end(e, Stopped)
	case engine.EventSkipped:
		a.end(e, Skipped)
	case engine.EventFinished:
		a.end(e, Done)
	case engine.EventWarning:
		a.Warnings = append(a.Warnings, note(e))
	case engine.EventOpening, engine.EventOpened, engine.EventRendered, engine.EventReading, engine.EventCompared, engine.EventRollout:
		// these are of planning, and of no application
	}
}

func note(e engine.Event) Note { return Note{Object: e.Object, Message: e.Message, Cause: e.Cause} }

// enter notes the stage that an event is of.
func (a *Application) enter(e engine.Event) {
	now := Stage{e.Phase, e.Wave}
	if e.Phase == "" || now == a.Stage || e.Kind == engine.EventHeld {
		return
	}
	a.leave(e.At)
	a.Stage = now
	a.spans = append(a.spans, Span{Stage: now, Started: e.At})
}

// leave closes the stage that the application is in.
func (a *Application) leave(at time.Time) {
	if n := len(a.spans); n > 0 && a.spans[n-1].Elapsed == 0 {
		a.spans[n-1].Elapsed = engine.Seconds(at.Sub(a.spans[n-1].Started))
	}
}

func (a *Application) hold(e engine.Event) {
	since := e.Since
	if since.IsZero() {
		since = e.At
		if a.Held != nil && a.Held.Message == e.Message {
			since = a.Held.Since
		}
	}
	a.Held = &Wait{Message: e.Message, Cause: e.Cause, Since: since}
}

func (a *Application) wait(e engine.Event) {
	if e.Object == nil {
		a.hold(e)
		return
	}
	a.touch(e)
	now := Wait{Object: e.Object, Message: e.Message, Cause: e.Cause, Since: e.Since}
	if before, ok := a.waits[*e.Object]; ok && now.Since.IsZero() {
		now.Since = before.Since
	}
	if now.Since.IsZero() {
		now.Since = e.At
	}
	a.waits[*e.Object] = now
}

// touch notes that there is news of an object.
func (a *Application) touch(e engine.Event) {
	if e.Object == nil {
		return
	}
	t := a.objects[*e.Object]
	if t == nil {
		t = &timing{began: e.At}
		if e.Elapsed > 0 {
			t.began = e.At.Add(-time.Duration(e.Elapsed))
		}
		a.objects[*e.Object] = t
	}
	t.last = e.At
}

// settle notes that an object is no longer waited for, and whether a change was made.
func (a *Application) settle(e engine.Event, changed bool) {
	if e.Object == nil {
		return
	}
	delete(a.waits, *e.Object)
	if changed {
		if e.Phase == plan.PhaseSyncFail && !a.done[*e.Object] {
			a.Total++
		}
		a.done[*e.Object] = true
	}
}

func (a *Application) fail(e engine.Event) {
	if e.Object == nil {
		a.end(e, Failed)
		return
	}
	a.touch(e)
	if was, ok := a.waits[*e.Object]; ok && e.Cause == "" {
		e.Cause = was.Cause
	}
	a.settle(e, false)
	a.Failures = append(a.Failures, note(e))
}

func (a *Application) end(e engine.Event, state State) {
	a.leave(e.At)
	a.State, a.Message, a.Ended, a.Held, a.RetryAt = state, e.Message, e.At, nil, time.Time{}
	clear(a.waits)
}

// Changed is how many changes were made.
func (a *Application) Changed() int { return len(a.done) }

// Waiting is how many objects are waited for.
func (a *Application) Waiting() int { return len(a.waits) }

// FirstWait is what is waited for: what holds the application, else of the objects one
// whose cause is known, the one that is waited for the longest; nil for nothing.
func (a *Application) FirstWait() *Wait {
	if a.Held != nil {
		return a.Held
	}
	var first *Wait
	for _, w := range a.waits {
		if first == nil || before(&w, first) {
			first = &w
		}
	}
	return first
}

func before(a, b *Wait) bool {
	if (a.Cause != "") != (b.Cause != "") {
		return a.Cause != ""
	}
	return cmp.Or(a.Since.Compare(b.Since), a.Object.Compare(*b.Object)) < 0
}

// Running lists the applications that are being applied, in the order in which they
// began; Pending those that have not begun, sorted by address, those first of which it
// is known what holds them.
func (s *Story) Running() []*Application {
	var out []*Application
	for _, a := range s.list {
		if a.State == Running {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *Application) int { return a.order - b.order })
	return out
}

// Pending is described with Running.
func (s *Story) Pending() []*Application {
	var out []*Application
	for _, a := range s.list {
		if a.State == Pending {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b *Application) int {
		if (a.Held != nil) == (b.Held != nil) {
			return 0
		}
		if a.Held != nil {
			return -1
		}
		return 1
	})
	return out
}

// Ended lists the applications that are over in a state, the last first.
func (s *Story) Ended(state State) []*Application {
	var out []*Application
	for _, a := range s.list {
		if a.State == state {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b *Application) int { return b.Ended.Compare(a.Ended) })
	return out
}

// Progress counts: changes made and planned, and applications by state.
func (s *Story) Progress() (changed, total int, states map[State]int) {
	states = map[State]int{}
	for _, a := range s.list {
		changed += a.Changed()
		total += a.Total
		states[a.State]++
	}
	return changed, total, states
}
