package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// EventKind is what an Event tells.
type EventKind string

// The kinds of event, in the order in which a plan and an apply send them.
const (
	EventOpening   EventKind = "opening"   // a source is being read: Subject is its URL
	EventOpened    EventKind = "opened"    // Message is the revision it came to
	EventRendered  EventKind = "rendered"  // an application's objects are known: Total of them
	EventReading   EventKind = "reading"   // live objects of a cluster (Subject) are being read
	EventCompared  EventKind = "compared"  // an application is planned; Done of Total applications are
	EventHeld      EventKind = "held"      // an application (or, with Phase, what is next of it) may not start yet: Message says what it waits for, and is one line
	EventRollout   EventKind = "rollout"   // a rollout (Subject) is at another step, bakes, is paused or has ended: Message says where it is
	EventStarted   EventKind = "started"   // an application is being applied on a cluster (Subject): Total changes
	EventPhase     EventKind = "phase"     // an application begins a phase or a wave of it: Phase and Wave; Message is about it, if anything
	EventWriting   EventKind = "writing"   // Object is about to be written
	EventWritten   EventKind = "written"   // Object is written; Action tells how
	EventDeleting  EventKind = "deleting"  // Object is about to be deleted
	EventDeleted   EventKind = "deleted"   // Object is gone; one that is let go (Action orphan) is written
	EventWaiting   EventKind = "waiting"   // Object is not yet healthy: Message says why, Since when it is waited for, Cause what a person would look for
	EventHealthy   EventKind = "healthy"   // Object is healthy
	EventRetrying  EventKind = "retrying"  // Attempt failed, of Total that there may be (0: no limit is known): Message says why, Elapsed how long until the next begins
	EventFailed    EventKind = "failed"    // Object (or, without one, the application) failed: Message says why, Cause what a person would look for
	EventCancelled EventKind = "cancelled" // an application was stopped before it was finished, for the apply was interrupted: Message says how far it was
	EventSkipped   EventKind = "skipped"   // an application is left out: Message says why
	EventFinished  EventKind = "finished"  // an application is applied
	EventWarning   EventKind = "warning"   // the server's warning about Object
)

// EventKinds lists the kinds in the order above.
func EventKinds() []EventKind {
	return []EventKind{
		EventOpening, EventOpened, EventRendered, EventReading, EventCompared, EventHeld, EventRollout, EventStarted, EventPhase,
		EventWriting, EventWritten, EventDeleting, EventDeleted, EventWaiting, EventHealthy, EventRetrying,
		EventFailed, EventCancelled, EventSkipped, EventFinished, EventWarning,
	}
}

// Event is one piece of progress. Members that do not apply are zero; within a version
// of the stream (cmd/gantry) members and kinds are only added.
type Event struct {
	Kind        EventKind    `json:"event"`
	At          time.Time    `json:"at"`
	Application addr.Address `json:"application,omitzero"`
	Object      *object.ID   `json:"object,omitempty"`
	Action      plan.Action  `json:"action,omitempty"`
	// Phase is the part of the sync that the event belongs to, empty where it belongs to
	// none, and Wave the wave of it: 0 where Phase is empty.
	Phase   plan.Phase `json:"phase,omitempty"`
	Wave    int        `json:"wave,omitempty"`
	Subject string     `json:"subject,omitempty"`
	Message string     `json:"message,omitempty"`
	// Since is when what is waited for began to be waited for.
	Since time.Time `json:"since,omitzero"`
	// Cause is what a person would look for, in one line, where it is found: the image
	// that cannot be pulled, the node that has no room. It is no part of Message.
	Cause string `json:"cause,omitempty"`
	// Attempt counts tries of the same from 1; 0 where there is only one.
	Attempt int     `json:"attempt,omitempty"`
	Done    int     `json:"done,omitempty"`
	Total   int     `json:"total,omitempty"`
	Elapsed Seconds `json:"elapsedSeconds,omitzero"`
}

// Seconds is a duration that is a number of seconds in JSON: 1.25.
type Seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return fmt.Errorf("a number of seconds: %w", err)
	}
	*s = Seconds(seconds * float64(time.Second))
	return nil
}

// since is how long ago something was.
func (e *Engine) since(started time.Time) Seconds { return Seconds(e.options.Now().Sub(started)) }

// emit tells an event. Events are told one after the other, in the order of At.
func (e *Engine) emit(event Event) {
	e.telling.Lock()
	defer e.telling.Unlock()
	event.At = e.options.Now()
	e.options.Events(event)
}

// stage is a phase of an application and a wave of it.
type stage struct {
	phase plan.Phase
	wave  int
}

// enter tells that a step begins a phase or a wave of its application, where it is the
// first of it.
func (p *progress) enter(step *plan.Step) {
	if step.Phase == "" || !p.app.HasChanges() {
		return
	}
	now := stage{step.Phase, step.Wave}
	if was := p.stage.Swap(&now); was == nil || *was != now {
		p.tell(Event{Kind: EventPhase})
	}
}

// staged gives an event the phase and the wave that the application is in.
func (p *progress) staged(event Event) Event {
	if at := p.stage.Load(); at != nil && event.Phase == "" {
		event.Phase, event.Wave = at.phase, at.wave
	}
	return event
}
