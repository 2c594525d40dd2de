package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

var (
	web        = addr.Application("web")
	deployment = object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "web"}
)

// clocked is a progress whose time a test sets.
func clocked(out *strings.Builder) (*progress, func(time.Duration)) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &progress{
		out: out, width: func() int { return 60 }, now: func() time.Time { return now },
		told: map[object.ID]time.Time{}, stop: make(chan struct{}),
	}
	p.activity.start(now)
	return p, func(d time.Duration) { now = now.Add(d) }
}

func TestProgressLines(t *testing.T) {
	var out strings.Builder
	p, pass := clocked(&out)
	p.applying(2)
	for _, e := range []engine.Event{
		{Kind: engine.EventOpening, Subject: "https://git.example.com/web"}, // only the last line of a terminal tells
		{Kind: engine.EventStarted, Application: web},
		{Kind: engine.EventWritten, Application: web, Object: &deployment, Action: plan.Create, Elapsed: engine.Seconds(1500 * time.Millisecond)},
		{Kind: engine.EventWaiting, Application: web, Object: &deployment, Message: "0 of 1 ready"}, // too soon to tell
	} {
		p.event(e)
	}
	pass(11 * time.Second)
	for range 3 { // told once in ten seconds
		p.event(engine.Event{Kind: engine.EventWaiting, Application: web, Object: &deployment, Message: "0 of 1 ready"})
	}
	p.event(engine.Event{Kind: engine.EventHealthy, Application: web, Object: &deployment})
	p.event(engine.Event{Kind: engine.EventFinished, Application: web, Elapsed: engine.Seconds(90 * time.Second)})
	p.event(engine.Event{Kind: engine.EventSkipped, Application: web, Message: "it is blocked"})
	want := `application.web: applying
application.web: Deployment.apps web/web: created (1.5s)
application.web: Deployment.apps web/web: waiting: 0 of 1 ready
application.web: Deployment.apps web/web: healthy
application.web: done (1m30s)
application.web: left out: it is blocked
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var out strings.Builder
	p, pass := clocked(&out)
	p.terminal = true
	p.event(engine.Event{Kind: engine.EventOpening, Subject: "https://git.example.com/web"})
	p.draw(0)
	if out.String() != "" {
		t.Errorf("what is done at once needs no line, got %q", out.String())
	}
	pass(2 * time.Second)
	p.draw(0)
	p.event(engine.Event{Kind: engine.EventOpened, Subject: "https://git.example.com/web"})
	p.event(engine.Event{Kind: engine.EventRendered, Application: web, Total: 3})
	p.draw(1)
	p.event(engine.Event{Kind: engine.EventCompared, Done: 1, Total: 1})
	p.draw(2)
	p.applying(2)
	p.event(engine.Event{Kind: engine.EventWritten, Application: web, Object: &deployment, Action: plan.Create})
	p.event(engine.Event{Kind: engine.EventWaiting, Application: web, Object: &deployment, Message: "0 of 1 ready, and much more to say"})
	pass(time.Second)
	p.draw(3)
	p.pause()
	erase := "\r\x1b[K"
	want := erase + "⠋ reading https://git.example.com/web  2s" +
		erase + "⠙ rendered 1 application, 3 objects  2s" +
		erase + "⠹ compared 1 of 1 application  2s" +
		erase + "application.web: Deployment.apps web/web: created\n" +
		erase + "⠸ applying: 1 of 2 changes done, 1 not yet healthy (Deploy…" +
		erase
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	out.Reset()
	p.draw(4)
	if out.String() != "" {
		t.Errorf("a paused line is drawn: %q", out.String())
	}
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{
		"the plan is cut short":           "The plan is cut short.",
		"short.gantryplan: is cut short":  "short.gantryplan: is cut short.",
		"--target: expected a name":       "--target: expected a name.",
		"unknown command. Did you mean?":  "Unknown command. Did you mean?",
		"application.web: does not exist": "application.web: does not exist.",
	} {
		if got := sentence(errText(text)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

type errText string

func (e errText) Error() string { return string(e) }
