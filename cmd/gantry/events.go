package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan"
)

// eventsVersion is of the shapes of events, described in docs/reports.md. Its second
// part grows with what is added, its first with anything else.
const eventsVersion = "1.0"

// eventStream writes what happens in a run as it happens, one JSON object a line. nil
// is a stream that nobody reads. It is safe for concurrent use.
type eventStream struct {
	mu     sync.Mutex
	out    io.Writer
	file   *os.File // to close
	now    func() time.Time
	failed error
}

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
		stream.out, c.out = c.out, c.err
	} else {
		opened, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return failure("Events cannot be written", fmt.Errorf("--events: %w", err))
		}
		stream.out, stream.file = opened, opened
	}
	c.events = stream
	stream.write(struct {
		Event         string    `json:"event"`
		At            time.Time `json:"at"`
		FormatVersion string    `json:"formatVersion"`
		ToolVersion   string    `json:"toolVersion"`
		Command       string    `json:"command"`
	}{"begin", stream.now(), eventsVersion, version, command})
	return nil
}

// write writes a line, at once.
func (s *eventStream) write(event any) {
	line, err := json.Marshal(event)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.failed == nil {
		_, err = s.out.Write(append(line, '\n'))
	}
	if s.failed == nil {
		s.failed = err
	}
}

// engine tells an event of the engine.
func (s *eventStream) engine(e engine.Event) {
	if s != nil {
		s.write(e)
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
	s.write(struct {
		Event       string      `json:"event"`
		At          time.Time   `json:"at"`
		ID          string      `json:"id"`
		InputDigest string      `json:"inputDigest"`
		HasChanges  bool        `json:"hasChanges"`
		Blocked     bool        `json:"blocked"`
		Counts      plan.Counts `json:"counts"`
		Problems    int         `json:"problems"`
	}{"plan", s.now(), p.ID, p.InputDigest, p.HasChanges(), p.IsBlocked(), counts, len(p.Problems)})
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
	s.write(struct {
		Event string    `json:"event"`
		At    time.Time `json:"at"`
		engine.Result
	}{"result", s.now(), told})
}

// diagnostics tells errors and warnings.
func (s *eventStream) diagnostics(diags hcl.Diagnostics) {
	if s == nil {
		return
	}
	for _, d := range diags {
		shown := toDiagnostic(d)
		shown.Event = "diagnostic"
		s.write(struct {
			diagnostic
			At time.Time `json:"at"`
		}{shown, s.now()})
	}
}

// stats tells what the run took.
func (s *eventStream) stats(took stats) {
	if s == nil {
		return
	}
	s.write(struct {
		stats
		At time.Time `json:"at"`
	}{took, s.now()})
}

// end tells the exit code and closes the stream. The error is that of the stream: what
// was to be read of the run is not all there.
func (s *eventStream) end(code int) error {
	if s == nil {
		return nil
	}
	s.write(struct {
		Event    string    `json:"event"`
		At       time.Time `json:"at"`
		ExitCode int       `json:"exitCode"`
	}{"end", s.now(), code})
	if s.file != nil {
		if err := s.file.Close(); s.failed == nil {
			s.failed = err
		}
	}
	return s.failed
}
