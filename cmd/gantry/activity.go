package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/story"
	"github.com/gantrycd/gantry/plan"
)

// activity is what a command that plans is at, for one line. The zero value is nothing.
type activity struct {
	began   time.Time
	phase   string
	opening map[string]bool // sources being read
	apps    int             // rendered
	objects int             // of these
}

func (a *activity) start(now time.Time) { *a = activity{began: now} }

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
	default: // nothing that the line tells
	}
}

// describe returns the line, or "" where there is nothing to tell.
func (a *activity) describe(now time.Time) string {
	if a.phase == "" {
		return ""
	}
	return fmt.Sprintf("%s  %s", a.phase, roughly(now.Sub(a.began)))
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
	message := withCause(e.Message, e.Cause)
	if e.Object != nil { // an error may name its object by itself
		message = strings.TrimPrefix(message, e.Object.String()+": ")
	}
	if message != "" {
		message = ": " + message
	}
	switch e.Kind {
	case engine.EventStarted:
		return subject + ": applying" + message
	case engine.EventWritten:
		if e.Action == plan.Run && e.Message != "" { // one of an earlier apply
			return subject + ": hook" + message
		}
		return fmt.Sprintf("%s: %s%s%s", subject, past(e.Action), took, message)
	case engine.EventDeleted:
		return fmt.Sprintf("%s: %s%s", subject, past(e.Action), took)
	case engine.EventWaiting:
		return subject + ": waiting" + message
	case engine.EventHealthy:
		return subject + ": healthy" + took
	case engine.EventRetrying:
		return subject + retryText(e) + message
	case engine.EventPhase:
		if at := (story.Stage{Phase: e.Phase, Wave: e.Wave}); at != (story.Stage{Phase: plan.PhaseSync}) {
			return subject + ": " + stageText(at) + message
		}
		return ""
	case engine.EventFailed:
		return subject + ": failed" + message
	case engine.EventCancelled:
		return subject + ": interrupted" + message
	case engine.EventRollout:
		return e.Subject + message
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
	case engine.EventWarning, engine.EventCancelled, engine.EventSkipped, engine.EventRetrying:
		return yellow
	default:
		return plain
	}
}

// retryText says which try failed, and when the next one begins.
func retryText(e engine.Event) string {
	text := fmt.Sprintf(": try %d", e.Attempt)
	if e.Total > 0 {
		text += fmt.Sprintf(" of %d", e.Total)
	}
	text += " failed"
	if e.Elapsed > 0 {
		text += ", the next begins in " + duration(time.Duration(e.Elapsed))
	}
	return text
}
