package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// looking is a progress on a terminal, both of which a test moves.
type looking struct {
	*progress
	t     *testing.T
	vt    *vt
	pass  func(time.Duration)
	frame int
	shots strings.Builder
}

func look(t *testing.T, columns, lines int) *looking {
	v := newVT(t, columns, lines)
	p, pass := clocked(v)
	p.terminal, p.size = true, v.size
	return &looking{progress: p, t: t, vt: v, pass: pass}
}

// drawn draws the rows and takes a picture.
func (l *looking) drawn(title string) {
	l.t.Helper()
	l.settled()
	l.draw(l.frame)
	l.frame++
	l.picture(title)
}

func (l *looking) picture(title string) {
	l.t.Helper()
	l.settled()
	fmt.Fprintf(&l.shots, "=== %s\n%s", title, l.vt.text())
}

func (l *looking) settled() {
	l.t.Helper()
	if err := l.out.flush(time.Minute); err != nil {
		l.t.Fatal(err)
	}
}

// told tells an event at the progress' time.
func (l *looking) told(kind engine.EventKind, app string, object *object.ID, change func(*engine.Event)) {
	e := engine.Event{Kind: kind, At: l.now(), Application: addr.Application(app), Object: object}
	if change != nil {
		change(&e)
	}
	l.event(e)
}

// golden compares the pictures with a file.
func (l *looking) golden() {
	l.t.Helper()
	file := filepath.Join("testdata", "live", l.t.Name()+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(l.shots.String()), 0o644); err != nil {
			l.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		l.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), l.shots.String()); diff != "" {
		l.t.Errorf("%s (-update writes it):\n%s", file, diff)
	}
}

func config(name string) *object.ID {
	return &object.ID{Kind: "ConfigMap", Namespace: "web", Name: name}
}

func says(message string) func(*engine.Event) {
	return func(e *engine.Event) { e.Message = message }
}

func inWave(wave int) func(*engine.Event) {
	return func(e *engine.Event) { e.Phase, e.Wave = plan.PhaseSync, wave }
}

// TestLivePlanning: while a plan is made there is one row, and none for what is done at once.
func TestLivePlanning(t *testing.T) {
	l := look(t, 60, 24)
	l.event(engine.Event{Kind: engine.EventOpening, Subject: "https://git.example.com/web"})
	l.drawn("what is done at once needs no row")
	l.pass(2 * time.Second)
	l.drawn("a source is read")
	l.event(engine.Event{Kind: engine.EventOpened, Subject: "https://git.example.com/web"})
	l.event(engine.Event{Kind: engine.EventRendered, Application: web, Total: 3})
	l.drawn("rendered")
	l.event(engine.Event{Kind: engine.EventCompared, Done: 1, Total: 1})
	l.drawn("compared")
	l.pause()
	l.picture("paused")
	l.draw(0)
	l.picture("a paused row is not drawn")
	l.golden()
}

// TestLiveApply follows an apply from its begin to its end.
func TestLiveApply(t *testing.T) {
	l := look(t, 100, 24)
	l.applying(planOf(2, "eu-cache", "eu-db", "eu-web", "us-web"))
	l.pass(time.Second)
	l.told(engine.EventStarted, "eu-cache", nil, nil)
	l.told(engine.EventStarted, "eu-db", nil, nil)
	l.told(engine.EventPhase, "eu-db", nil, inWave(0))
	l.told(engine.EventHeld, "eu-web", nil, says("waits for application.eu-db"))
	l.told(engine.EventHeld, "us-web", nil, says("waits for the step before of rollout.web"))
	l.told(engine.EventWritten, "eu-db", config("0"), inWave(0))
	l.told(engine.EventWritten, "eu-cache", config("0"), nil)
	l.drawn("two are at work")
	l.told(engine.EventPhase, "eu-db", nil, inWave(2))
	l.told(engine.EventWritten, "eu-db", &deployment, inWave(2))
	l.told(engine.EventWaiting, "eu-db", &deployment, says("0 of 1 ready"))
	l.told(engine.EventWritten, "eu-cache", config("1"), nil)
	l.told(engine.EventWarning, "eu-cache", config("1"), says("v1 ConfigMap is deprecated"))
	l.pass(12 * time.Second)
	l.told(engine.EventFinished, "eu-cache", nil, func(e *engine.Event) { e.Elapsed = engine.Seconds(12 * time.Second) })
	l.told(engine.EventWaiting, "eu-db", &deployment, func(e *engine.Event) {
		e.Message, e.Cause = "0 of 1 ready", `Pod web/db-0: image "db:2" cannot be pulled`
	})
	l.drawn("one is done, one waits")
	l.pass(10 * time.Second)
	l.told(engine.EventRetrying, "eu-db", nil, func(e *engine.Event) {
		e.Attempt, e.Total, e.Elapsed, e.Message = 1, 5, engine.Seconds(5*time.Second), "not healthy after 20s"
	})
	l.drawn("it is tried again, and what is done has gone")
	l.told(engine.EventFailed, "eu-db", &deployment, says("Deployment.apps web/web: is not healthy"))
	l.told(engine.EventFailed, "eu-db", nil, says("Deployment.apps web/web: is not healthy"))
	l.told(engine.EventSkipped, "eu-web", nil, says("it follows application.eu-db, which did not succeed"))
	l.told(engine.EventStarted, "us-web", nil, nil)
	l.drawn("failures stay")
	l.note("Interrupted: finishing what is in flight.")
	l.drawn("a note is above the rows")
	l.pause()
	l.picture("the end leaves what stays")
	l.golden()
}

// TestLiveNarrow: rows are cut to the terminal's width and height, wide characters count
// as two, and a terminal that changes its size is left in order.
func TestLiveNarrow(t *testing.T) {
	l := look(t, 60, 6)
	names := []string{"web-0", "web-1", "web-2", "web-3", "web-4", "web-5", "web-6", "web-7"}
	l.applying(planOf(1, names...))
	l.pass(time.Second)
	for _, name := range names[:5] {
		l.told(engine.EventStarted, name, nil, nil)
	}
	l.told(engine.EventWaiting, "web-4", &deployment, says("世界世界世界世界世界世界世界世界世界世界世界世界"))
	l.told(engine.EventWarning, "web-1", config("0"), says("stays"))
	l.drawn("60 columns, 6 lines")
	l.vt.resize(40, 6)
	l.drawn("40 columns")
	l.vt.resize(90, 10)
	l.drawn("90 columns, 10 lines")
	l.vt.resize(90, 3)
	l.drawn("3 lines")
	l.vt.resize(90, 10)
	l.drawn("10 lines again")
	l.pause()
	l.picture("the end")
	l.golden()
}

// TestLiveThousands: of thousands of applications there are no more rows than the
// terminal has room for, each picture is one write, and a picture takes little time.
func TestLiveThousands(t *testing.T) {
	l := look(t, 80, 24)
	var names []string
	for i := range 5000 {
		names = append(names, fmt.Sprintf("web-%04d", i))
	}
	l.applying(planOf(2, names...))
	l.pass(time.Second)
	for _, name := range names[:100] {
		l.told(engine.EventStarted, name, nil, nil)
	}
	for _, name := range names[100:] {
		l.told(engine.EventHeld, name, nil, says("waits for application.web-0000"))
	}
	l.told(engine.EventWaiting, "web-0099", &deployment, func(e *engine.Event) { e.Message, e.Cause = "0 of 1 ready", "no node has room" })
	began := time.Now()
	l.drawn("100 at work, 4900 held")
	if took := time.Since(began); took > time.Second {
		t.Errorf("a picture took %s", took)
	}
	for _, name := range names[:90] {
		l.told(engine.EventFinished, name, nil, nil)
	}
	l.settled()
	before := l.vt.writes
	l.drawn("10 at work")
	if l.vt.writes != before+1 {
		t.Errorf("a picture is %d writes", l.vt.writes-before)
	}
	l.golden()
}

// TestLiveStoppedTerminal: a terminal that takes nothing (Ctrl-S) neither holds up the
// apply nor has pictures pile up.
func TestLiveStoppedTerminal(t *testing.T) {
	slow := &stuck{going: make(chan struct{})}
	p, pass := clocked(slow)
	p.terminal = true
	p.applying(planOf(1, "web"))
	pass(time.Second)
	for i := range 100 {
		p.draw(i)
		p.event(engine.Event{Kind: engine.EventStarted, Application: web})
	}
	close(slow.going)
	if err := p.out.flush(time.Minute); err != nil {
		t.Fatal(err)
	}
	if len(slow.written) != 1 {
		t.Errorf("%d pictures were sent to a terminal that took none", len(slow.written))
	}
}

// TestAliveWithoutATerminal: what is waited for is told now and then.
func TestAliveWithoutATerminal(t *testing.T) {
	l := look(t, 80, 24)
	l.terminal = false
	l.applying(planOf(2, "db", "web"))
	l.told(engine.EventStarted, "db", nil, nil)
	l.told(engine.EventHeld, "web", nil, says("waits for application.db"))
	l.told(engine.EventWritten, "db", &deployment, func(e *engine.Event) { e.Action = plan.Create })
	l.told(engine.EventWaiting, "db", &deployment, says("0 of 1 ready"))
	for range 7 {
		l.pass(10 * time.Second)
		l.draw(0)
	}
	l.picture("lines")
	l.golden()
}

func TestCells(t *testing.T) {
	for text, want := range map[string]int{"web": 3, "世界": 4, "e\u0301": 1, "→✓": 2, "": 0} {
		if got := cells(text); got != want {
			t.Errorf("%q takes %d columns, got %d", text, want, got)
		}
	}
	for _, columns := range []int{-1, 0, 1, 2, 3, 4, 5, 100} {
		for _, text := range []string{"", "web", "世界世界", "a世b界"} {
			if got := cells(cut(text, columns)); got > max(columns, 0) {
				t.Errorf("%q cut to %d columns takes %d", text, columns, got)
			}
		}
	}
	if got, wide := (row{{"a\x1b[2J", plain}, {"世界", red}}).fit(9, false); got != `a\x1b[2J…` || wide != 9 {
		t.Errorf("got %q of %d", got, wide)
	}
}
