package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan"
)

// TestEventsAreDocumented: the page lists every event that the engine sends, and every
// one of the stream's own.
func TestEventsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../../engine/event.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{"begin", "plan", "apply", "result", "diagnostic", "stats", "lost", "end"}
	for line := range strings.Lines(string(source)) {
		if _, after, ok := strings.Cut(line, " EventKind = \""); ok {
			kind, _, _ := strings.Cut(after, "\"")
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) < 15 {
		t.Fatalf("only %q are found", kinds)
	}
	for _, kind := range kinds {
		if !strings.Contains(string(page), "\n| `"+kind+"` | ") {
			t.Errorf("docs/events.md does not list the event %q", kind)
		}
	}
	if !strings.Contains(string(page), "version `"+eventsVersion+"`") {
		t.Errorf("docs/events.md does not name version %s", eventsVersion)
	}
}

// TestEventsAreLines: however many write at once, each event is a line, written at once.
func TestEventsAreLines(t *testing.T) {
	out := &lines{}
	stream := &eventStream{out: newOutlet(out), now: time.Now}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			stream.engine(engine.Event{Kind: engine.EventWarning, Message: "two\nlines"})
			stream.plan(&plan.Plan{})
			stream.result(&engine.Result{})
		})
	}
	all.Wait()
	if err := stream.end(0); err != nil {
		t.Fatal(err)
	}
	if len(out.written) != 151 {
		t.Errorf("%d writes for 151 events", len(out.written))
	}
	for _, line := range out.written {
		var event struct{ Event, At string }
		if err := json.Unmarshal(line, &event); err != nil || event.Event == "" || event.At == "" {
			t.Errorf("%q: %v", line, err)
		}
		if bytes.Count(line, []byte("\n")) != 1 || !bytes.HasSuffix(line, []byte("\n")) {
			t.Errorf("%q is no line", line)
		}
	}
}

type lines struct{ written [][]byte }

func (l *lines) Write(line []byte) (int, error) {
	l.written = append(l.written, bytes.Clone(line))
	return len(line), nil
}

func TestAStreamThatBreaksIsAnError(t *testing.T) {
	stream := &eventStream{out: newOutlet(broken{}), now: time.Now}
	stream.engine(engine.Event{Kind: engine.EventWarning})
	if err := stream.end(0); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("it ends with %v", err)
	}
	var none *eventStream
	none.engine(engine.Event{})
	none.plan(nil)
	none.result(nil)
	none.diagnostics(nil)
	if err := none.end(0); err != nil {
		t.Error(err)
	}
}

// TestASlowReaderHoldsNothingUp: events are taken while nothing is read, come in their
// order when it is, and one who reads nothing at all is given up.
func TestASlowReaderHoldsNothingUp(t *testing.T) {
	slow := &stuck{going: make(chan struct{})}
	stream := &eventStream{out: newOutlet(slow), now: time.Now}
	for i := range 1000 {
		stream.engine(engine.Event{Kind: engine.EventWarning, Done: i})
	}
	if err := stream.out.flush(time.Millisecond); !errors.Is(err, errUnread) {
		t.Errorf("a reader that does not read: %v", err)
	}
	close(slow.going)
	if err := stream.end(0); err != nil {
		t.Fatal(err)
	}
	if len(slow.written) != 1001 {
		t.Fatalf("%d of 1001 events are written", len(slow.written))
	}
	for i, line := range slow.written[:1000] {
		var event engine.Event
		if err := json.Unmarshal(line, &event); err != nil || event.Done != i {
			t.Fatalf("event %d is %s (%v)", i, line, err)
		}
	}
}

// TestTooMuchUnreadIsTold: what there is no room for is lost, and the stream says how much.
func TestTooMuchUnreadIsTold(t *testing.T) {
	slow := &stuck{going: make(chan struct{})}
	stream := &eventStream{out: newOutlet(slow), now: time.Now}
	big := strings.Repeat("x", outletHolds/4)
	for range 10 {
		stream.engine(engine.Event{Kind: engine.EventWarning, Message: big})
	}
	close(slow.going)
	if err := stream.out.flush(outletPatience); err != nil {
		t.Fatal(err)
	}
	if err := stream.end(0); err != nil {
		t.Fatal(err)
	}
	var lost lostEvent
	last := slow.written[len(slow.written)-2:]
	if err := json.Unmarshal(last[0], &lost); err != nil || lost.Event != "lost" || lost.Total+len(slow.written)-2 != 10 {
		t.Errorf("of 10 events %d were written, and it says %+v (%v)", len(slow.written)-2, lost, err)
	}
	if !bytes.Contains(last[1], []byte(`"end"`)) {
		t.Errorf("the last event is %s", last[1])
	}
}

// stuck takes nothing until it is let go.
type stuck struct {
	going   chan struct{}
	written [][]byte
}

func (s *stuck) Write(line []byte) (int, error) {
	<-s.going
	s.written = append(s.written, bytes.Clone(line))
	return len(line), nil
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
