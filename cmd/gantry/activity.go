package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan/object"
)

// activity is what a command is at, for one line. The zero value is nothing.
type activity struct {
	began   time.Time
	phase   string
	opening map[string]bool // sources being read
	apps    int             // rendered
	objects int             // of these
	written int
	expect  int
	waiting map[object.ID]string
}

func (a *activity) start(now time.Time) { *a = activity{began: now} }

// applying starts the line of an apply of so many changes.
func (a *activity) applying(now time.Time, changes int) {
	*a = activity{began: now, phase: "applying", expect: changes}
}

// add takes in an event.
func (a *activity) add(e engine.Event) {
	switch e.Kind {
	case engine.EventOpening:
		if a.opening == nil {
			a.opening = map[string]bool{}
		}
		a.opening[e.Subject] = true
		a.phase = "reading " + e.Subject
	case engine.EventOpened:
		delete(a.opening, e.Subject)
		for subject := range a.opening {
			a.phase = "reading " + subject
		}
	case engine.EventRendered:
		a.apps++
		a.objects += e.Total
		if len(a.opening) == 0 {
			a.phase = fmt.Sprintf("rendered %s, %s", count(a.apps, "application"), count(a.objects, "object"))
		}
	case engine.EventReading:
		a.phase = "reading live objects of " + e.Subject
	case engine.EventCompared:
		a.phase = fmt.Sprintf("compared %d of %s", e.Done, count(e.Total, "application"))
	case engine.EventWritten, engine.EventDeleted:
		a.written++
		a.settled(e)
	case engine.EventWaiting:
		if e.Object != nil {
			if a.waiting == nil {
				a.waiting = map[object.ID]string{}
			}
			a.waiting[*e.Object] = e.Message
		}
	case engine.EventHealthy, engine.EventFailed:
		a.settled(e)
	default: // nothing that the line tells
	}
}

func (a *activity) settled(e engine.Event) {
	if e.Object != nil {
		delete(a.waiting, *e.Object)
	}
}

// describe returns the line, or "" where there is nothing to tell.
func (a *activity) describe(now time.Time) string {
	if a.phase == "" {
		return ""
	}
	text := a.phase
	if a.expect > 0 {
		text = fmt.Sprintf("%s: %d of %s done", a.phase, a.written, count(a.expect, "change"))
	}
	if n := len(a.waiting); n > 0 {
		text += fmt.Sprintf(", %d not yet healthy (%s)", n, a.firstWaiting())
	}
	return fmt.Sprintf("%s  %s", text, now.Sub(a.began).Round(time.Second))
}

// firstWaiting names one object that is waited for: always the same of several.
func (a *activity) firstWaiting() string {
	var first object.ID
	found := false
	for id := range a.waiting {
		if !found || id.Compare(first) < 0 {
			first, found = id, true
		}
	}
	return strings.TrimSuffix(first.String()+": "+a.waiting[first], ": ")
}

// line is the line that an event is worth, or "".
func line(e engine.Event) string {
	subject := e.Application.String()
	if e.Object != nil {
		subject += ": " + e.Object.String()
	}
	took := ""
	if e.Elapsed > 0 {
		took = fmt.Sprintf(" (%s)", duration(time.Duration(e.Elapsed)))
	}
	message := ""
	if e.Message != "" {
		message = ": " + e.Message
	}
	switch e.Kind {
	case engine.EventStarted:
		return subject + ": applying" + message
	case engine.EventWritten:
		return fmt.Sprintf("%s: %s%s%s", subject, past(e.Action), took, message)
	case engine.EventDeleted:
		return fmt.Sprintf("%s: %s%s", subject, past(e.Action), took)
	case engine.EventWaiting:
		return subject + ": waiting" + message
	case engine.EventHealthy:
		return subject + ": healthy" + took
	case engine.EventFailed:
		return subject + ": failed" + message
	case engine.EventSkipped:
		return subject + ": left out" + message
	case engine.EventFinished:
		return subject + ": done" + took + message
	case engine.EventWarning:
		return subject + ": warning" + message
	default: // what only the terminal's last line tells
		return ""
	}
}

// lineColour is the colour of an event's line.
func lineColour(e engine.Event) colour {
	switch e.Kind {
	case engine.EventHealthy, engine.EventFinished:
		return green
	case engine.EventFailed:
		return red
	case engine.EventWarning, engine.EventSkipped:
		return yellow
	default:
		return plain
	}
}
