package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// eventsFormat is of the shapes of events, described in docs/events.md and
// docs/events.schema.json: within it members and kinds are only added. eventsVersion is
// the same with a second part, which grows with what is added.
const (
	eventsFormat  = 1
	eventsVersion = "1.2"
)

// eventStream writes what happens in a run as it happens, one JSON object a line, in the
// order in which it is told, without waiting for who reads it. nil is a stream that
// nobody reads. It is safe for concurrent use.
type eventStream struct {
	mu   sync.Mutex // held from the time of an event until it is in its place
	out  *outlet
	file *os.File // to close
	now  func() time.Time
	err  error // of an event that cannot be written as JSON
}

// The events of the stream's own; those of an apply are engine.Event.
type (
	beginEvent struct {
		Event         string    `json:"event"`
		At            time.Time `json:"at"`
		Format        int       `json:"format"`
		FormatVersion string    `json:"formatVersion"`
		ToolVersion   string    `json:"toolVersion"`
		Command       string    `json:"command"`
	}
	planEvent struct {
		Event       string      `json:"event"`
		At          time.Time   `json:"at"`
		ID          string      `json:"id"`
		InputDigest string      `json:"inputDigest"`
		HasChanges  bool        `json:"hasChanges"`
		Blocked     bool        `json:"blocked"`
		Approval    bool        `json:"needsApproval,omitempty"`
		Counts      plan.Counts `json:"counts"`
		Problems    int         `json:"problems"`
	}
	resultEvent struct {
		Event string    `json:"event"`
		At    time.Time `json:"at"`
		engine.Result
	}
	diagnosticEvent struct {
		diagnostic
		At time.Time `json:"at"`
	}
	statsEvent struct {
		stats
		At time.Time `json:"at"`
	}
	applyEvent struct {
		Event        string    `json:"event"`
		At           time.Time `json:"at"`
		PlanID       string    `json:"planId"`
		Applications int       `json:"applications"`
		Changes      int       `json:"changes"`
	}
	lostEvent struct {
		Event string    `json:"event"`
		At    time.Time `json:"at"`
		Total int       `json:"total"`
	}
	endEvent struct {
		Event    string    `json:"event"`
		At       time.Time `json:"at"`
		ExitCode int       `json:"exitCode"`
	}
)

// openEvents starts the stream that --events asks for. Where that is the output, what
// people read goes to stderr.
func (c *cli) openEvents(file, command string) error {
	if file == "" || c.events != nil {
		return nil
	}
	stream := &eventStream{now: time.Now}
	if file == toStdout {
		if c.json {
			return &usageError{command: command, err: fmt.Errorf("--json and --events both write to the output: give --events a file")}
		}
		signal.Ignore(syscall.SIGPIPE) // a reader that goes away ends the stream, and not the run
		stream.out, c.out = newOutlet(c.out), c.err
	} else {
		opened, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return failure("Events cannot be written", fmt.Errorf("--events: %w", err))
		}
		stream.out, stream.file = newOutlet(opened), opened
	}
	c.events = stream
	stream.tell(func(at time.Time) any {
		return beginEvent{"begin", at, eventsFormat, eventsVersion, version, command}
	})
	return nil
}

// tell puts an event into its place, with the time at which it is told.
func (s *eventStream) tell(event func(at time.Time) any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lost := s.out.takeLost(); lost > 0 {
		s.put(lostEvent{"lost", s.now(), lost})
	}
	s.put(event(s.now()))
}

// put puts a line into its place. The caller holds mu.
func (s *eventStream) put(event any) {
	line, err := json.Marshal(event)
	if err == nil {
		_, err = words.EscapeJSON(s.out).Write(append(line, '\n'))
	}
	if s.err == nil {
		s.err = err
	}
}

// engine tells an event of the engine.
func (s *eventStream) engine(e engine.Event) {
	if s != nil {
		s.tell(func(time.Time) any { return e })
	}
}

// plan tells that a plan was made, and what is in it.
func (s *eventStream) plan(p *plan.Plan) {
	if s == nil {
		return
	}
	counts := plan.Counts{}
	for _, action := range plan.Actions() {
		counts[action] = p.Counts()[action]
	}
	s.tell(func(at time.Time) any {
		return planEvent{"plan", at, p.ID, p.InputDigest, p.HasChanges(), p.IsBlocked(), p.NeedsApproval(), counts, len(p.Problems)}
	})
}

// apply tells that the apply of a plan begins.
func (s *eventStream) apply(p *plan.Plan) {
	if s == nil {
		return
	}
	changed := 0
	for i := range p.Applications {
		if p.Applications[i].HasChanges() {
			changed++
		}
	}
	s.tell(func(at time.Time) any { return applyEvent{"apply", at, p.ID, changed, p.Counts().Changes()} })
}

// result tells what an apply did.
func (s *eventStream) result(result *engine.Result) {
	if s == nil {
		return
	}
	told := *result
	if told.Applications == nil {
		told.Applications = []engine.Outcome{}
	}
	s.tell(func(at time.Time) any { return resultEvent{"result", at, told} })
}

// diagnostics tells errors and warnings.
func (s *eventStream) diagnostics(diags hcl.Diagnostics) {
	if s == nil {
		return
	}
	for _, d := range diags {
		shown := toDiagnostic(d)
		shown.Event = "diagnostic"
		s.tell(func(at time.Time) any { return diagnosticEvent{shown, at} })
	}
}

// stats tells what the run took.
func (s *eventStream) stats(took stats) {
	if s != nil {
		s.tell(func(at time.Time) any { return statsEvent{took, at} })
	}
}

// end tells the exit code and closes the stream. The error is that of the stream: what
// was to be read of the run is not all there.
func (s *eventStream) end(code int) error {
	if s == nil {
		return nil
	}
	s.tell(func(at time.Time) any { return endEvent{"end", at, code} })
	failed := s.out.flush(outletPatience)
	if s.file != nil {
		if err := s.file.Close(); failed == nil {
			failed = err
		}
	}
	if failed == nil {
		failed = s.err
	}
	return failed
}
