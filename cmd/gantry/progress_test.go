package main

import (
	"bytes"
	"io"
	"strconv"
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
func clocked(out io.Writer) (*progress, func(time.Duration)) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &progress{
		out: newOutlet(out), size: func() (int, int) { return 60, 24 }, now: func() time.Time { return now },
		waits: map[object.ID]told{}, stop: make(chan struct{}),
	}
	p.screen.out = p.out
	p.activity.start(now)
	return p, func(d time.Duration) { now = now.Add(d) }
}

// planOf is a plan that creates so many objects in each of some applications.
func planOf(objects int, apps ...string) *plan.Plan {
	out := &plan.Plan{}
	for _, name := range apps {
		cluster, _, _ := strings.Cut(name, "-")
		app := plan.Application{Address: addr.Application(name), Cluster: cluster}
		for i := range objects {
			app.Changes = append(app.Changes, plan.Change{ID: object.ID{Kind: "ConfigMap", Name: strconv.Itoa(i)}, Action: plan.Create})
		}
		out.Applications = append(out.Applications, app)
	}
	return out
}

func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	p, pass := clocked(&out)
	p.applying(planOf(2, "web"))
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
	if err := p.out.flush(time.Minute); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
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
