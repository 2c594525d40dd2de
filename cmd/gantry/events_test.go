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
	page, err := os.ReadFile("../../docs/reports.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../../engine/event.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{"begin", "plan", "result", "diagnostic", "stats", "end"}
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
			t.Errorf("docs/reports.md does not list the event %q", kind)
		}
	}
	if !strings.Contains(string(page), "version `"+eventsVersion+"`") {
		t.Errorf("docs/reports.md does not name version %s", eventsVersion)
	}
}

// TestEventsAreLines: however many write at once, each event is a line, written at once.
func TestEventsAreLines(t *testing.T) {
	out := &lines{}
	stream := &eventStream{out: out, now: time.Now}
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
	stream := &eventStream{out: broken{}, now: time.Now}
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

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
