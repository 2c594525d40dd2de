package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan/object"
)

// progress shows an engine's events while a command works: a line per thing
// done to a cluster, and on a terminal one more line, always the last, that says
// what is going on. With --json each thing done is a line of JSON. It is safe for
// concurrent use.
type progress struct {
	mu       sync.Mutex
	out      io.Writer
	encoder  *json.Encoder // --json
	events   *eventStream  // --events
	terminal bool
	colour   bool
	width    func() int
	now      func() time.Time
	activity activity
	drawn    bool // the last line on the terminal is ours
	told     map[object.ID]time.Time
	stop     chan struct{}
	stopped  sync.WaitGroup
}

const (
	redrawEvery = 120 * time.Millisecond
	// retellAfter is how long the same object's waiting is not told again.
	retellAfter = 10 * time.Second
	// quietFor is how long a command works before the line appears.
	quietFor = 300 * time.Millisecond
)

// newProgress starts showing progress on the command's stderr; close ends it.
func newProgress(c *cli) *progress {
	p := &progress{
		out: c.err, events: c.events, colour: c.colour(c.err), terminal: !c.json && isTerminal(c.err) && c.getenv("TERM") != "dumb",
		width: func() int { return width(c.err) }, now: time.Now,
		told: map[object.ID]time.Time{}, stop: make(chan struct{}),
	}
	p.activity.start(p.now())
	if c.json {
		p.encoder = json.NewEncoder(c.err)
	}
	if p.terminal {
		p.stopped.Go(p.redraw)
	}
	return p
}

// event is what engine.Options.Events is given.
func (p *progress) event(e engine.Event) {
	p.events.engine(e)
	p.mu.Lock()
	defer p.mu.Unlock()
	text := line(e)
	if p.encoder != nil {
		if text != "" {
			// The stream is gone when this fails; there is nowhere to say so.
			_ = p.encoder.Encode(e)
		}
		return
	}
	p.activity.add(e)
	if text == "" || e.Kind == engine.EventWaiting && !p.tellAgain(e) {
		return
	}
	p.erase()
	fmt.Fprintln(p.out, paint(p.colour, lineColour(e), printable(text)))
}

// note prints a line of the command's own.
func (p *progress) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.encoder != nil {
		return
	}
	p.erase()
	fmt.Fprintln(p.out, printable(text))
}

// applying shows from now on how far an apply of so many changes is.
func (p *progress) applying(changes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.activity.applying(p.now(), changes)
}

// pause removes the line while something else is written or read.
func (p *progress) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.activity = activity{}
}

// close removes the line for good.
func (p *progress) close() {
	if p.terminal {
		close(p.stop)
		p.stopped.Wait()
	}
	p.pause()
}

// tellAgain keeps an object that waits from being told at every look at it. On
// a terminal the last line tells it.
func (p *progress) tellAgain(e engine.Event) bool {
	if p.terminal || e.Object == nil {
		return false
	}
	last, before := p.told[*e.Object]
	if !before {
		last = p.activity.began // what is healthy soon is not worth a line
	}
	if p.now().Sub(last) < retellAfter {
		return false
	}
	p.told[*e.Object] = p.now()
	return true
}

// redraw keeps the last line current.
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

func (p *progress) draw(frame int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.activity.describe(p.now())
	if text == "" || p.now().Sub(p.activity.began) < quietFor {
		return
	}
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	text = string(frames[frame%len(frames)]) + " " + text
	if columns := p.width(); columns > 0 {
		if letters := []rune(text); len(letters) >= columns {
			text = string(letters[:columns-2]) + "…"
		}
	}
	fmt.Fprint(p.out, "\r\x1b[K", paint(p.colour, dim, text))
	p.drawn = true
}

func (p *progress) erase() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}
