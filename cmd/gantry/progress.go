package main

import (
	"encoding/json"
	"fmt"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/story"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// progress shows an engine's events while a command works. On a terminal some rows,
// always the last, say what is going on, and what should stay is written above them;
// elsewhere there is a line per thing done to a cluster. With --json each thing done is a
// line of JSON. It never waits for who reads it. It is safe for concurrent use.
type progress struct {
	mu       sync.Mutex
	out      *outlet
	encoder  *json.Encoder // --json
	events   *eventStream  // --events
	terminal bool
	colour   bool
	size     func() (columns, lines int)
	now      func() time.Time
	screen   screen
	activity activity     // while planning
	story    *story.Story // of the apply; nil before one
	applies  bool         // the apply goes on
	waits    map[object.ID]told
	spoke    time.Time // when the last line was written
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// told is when and with which cause an object's waiting was told.
type told struct {
	at    time.Time
	cause string
}

const (
	redrawEvery = 120 * time.Millisecond
	// retellAfter is how long the same object's waiting is not told again.
	retellAfter = 10 * time.Second
	// quietFor is how long a command works before the rows appear.
	quietFor = 300 * time.Millisecond
	// aliveEvery is how often an apply says how far it is where there is no terminal and
	// nothing else to say.
	aliveEvery = 30 * time.Second
)

// newProgress starts showing progress on the command's stderr; close ends it.
func newProgress(c *cli) *progress {
	out := newOutlet(c.err)
	p := &progress{
		out: out, events: c.events, colour: c.colour(c.err), terminal: c.lively(),
		size: func() (int, int) { return size(c.err) }, now: time.Now,
		waits: map[object.ID]told{}, stop: make(chan struct{}),
	}
	p.screen = screen{out: out, colour: p.colour}
	p.activity.start(p.now())
	if c.json {
		p.encoder = jsonEncoder(out)
	}
	c.notices.to(p)
	p.stopped.Go(p.redraw)
	return p
}

// lively reports whether progress is drawn in place: on a terminal that can do that, and
// that somebody looks at while it happens.
func (c *cli) lively() bool {
	ci := c.getenv("CI")
	return !c.json && isTerminal(c.err) && c.getenv("TERM") != "dumb" && (ci == "" || ci == "false")
}

// event is what engine.Options.Events is given.
func (p *progress) event(e engine.Event) {
	p.events.engine(e)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.applies {
		p.story.Add(e)
	}
	if e.Kind == engine.EventFailed && e.Object == nil && p.encoder == nil && p.story != nil {
		e.Message, _ = inShort(p.story.Application(e.Application), e.Message)
	}
	text := line(e)
	if p.encoder != nil {
		if text != "" {
			// The stream is gone when this fails; there is nowhere to say so.
			_ = p.encoder.Encode(e)
		}
		return
	}
	p.activity.add(e)
	if text != "" && p.tells(e) {
		p.say(paint(p.colour, lineColour(e), printable(text)))
	}
}

// note prints a line of the command's own.
func (p *progress) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.encoder == nil {
		p.say(printable(text))
	}
}

// say writes a line that stays. The caller holds mu.
func (p *progress) say(text string) {
	columns, lines := p.size()
	p.screen.above(text+"\n", columns, lines)
	p.spoke = p.now()
}

// applying shows from now on how far the apply of a plan is. Nobody who stops reading
// ends it.
func (p *progress) applying(of *plan.Plan) {
	signal.Ignore(syscall.SIGPIPE)
	p.events.apply(of)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.activity = activity{began: p.now()}
	p.story, p.applies, p.spoke = story.New(of, p.now()), true, p.now()
}

// told is what was told of the apply that was shown last; nil before one.
func (p *progress) told() *story.Story {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.story
}

// pause removes the rows while something else is written or read.
func (p *progress) pause() {
	p.mu.Lock()
	p.erase()
	p.activity, p.applies = activity{}, false
	p.mu.Unlock()
	// What is said elsewhere comes after it; where it cannot be written, neither can that.
	_ = p.out.flush(outletPatience)
}

// close removes the rows for good.
func (p *progress) close() {
	close(p.stop)
	p.stopped.Wait()
	p.pause()
}

// tells reports whether an event is worth its line. On a terminal the rows tell how it
// goes, and only what must not be missed stays; an object that waits is told now and then.
func (p *progress) tells(e engine.Event) bool {
	switch e.Kind {
	case engine.EventFailed, engine.EventSkipped, engine.EventWarning, engine.EventRetrying:
		return true
	case engine.EventWaiting:
		return !p.terminal && p.tellAgain(e)
	case engine.EventHeld:
		return false // what is waited for is told when it takes long
	default:
		return !p.terminal || !p.applies
	}
}

func (p *progress) tellAgain(e engine.Event) bool {
	if e.Object == nil {
		return false
	}
	last, before := p.waits[*e.Object]
	if !before {
		last.at = p.activity.began // what is healthy soon is not worth a line
	}
	if p.now().Sub(last.at) < retellAfter && (e.Cause == "" || e.Cause == last.cause) {
		return false
	}
	p.waits[*e.Object] = told{p.now(), e.Cause}
	return true
}

// redraw keeps the rows current.
func (p *progress) redraw() {
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for frame := 0; ; frame++ {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.draw(frame)
		}
	}
}

// draw draws the rows anew, unless what was written before is still on its way.
func (p *progress) draw(frame int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal {
		p.alive()
		return
	}
	now := p.now()
	columns, lines := p.size()
	if now.Sub(p.activity.began) < quietFor || !p.out.idle() || columns < 1 || lines < 1 {
		return
	}
	if p.applies {
		p.screen.draw(liveView(p.story, now, frame, columns, lines), columns, lines)
		return
	}
	if text := p.activity.describe(now); text != "" {
		p.screen.draw([]row{{{string(frames[frame%len(frames)]) + " " + text, dim}}}, columns, lines)
	}
}

// alive says how far an apply is where nothing else was said for long.
func (p *progress) alive() {
	if !p.applies || p.encoder != nil || p.now().Sub(p.spoke) < aliveEvery {
		return
	}
	p.say(printable(progressLine(p.story, p.now())))
	for i, a := range append(p.story.Running(), p.story.Pending()...) {
		const most = 5
		wait := a.FirstWait()
		if i >= most || wait == nil {
			break
		}
		p.say(printable(fmt.Sprintf("  %s: %s", a.Address, waitText(wait, p.now()))))
	}
}

func (p *progress) erase() {
	columns, lines := p.size()
	p.screen.erase(columns, lines)
}
