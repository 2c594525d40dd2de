package plan

import (
	"fmt"
	"time"
)

// Window is a time that comes again, in which an application may be synced, or may not.
// It travels with the plan and is judged when that is applied. It is no part of what is
// done, and so of no change digest.
type Window struct {
	Description string        `json:"description,omitempty"`
	Deny        bool          `json:"deny,omitempty"` // wins over every window that allows
	Schedule    string        `json:"schedule"`       // five fields, as cron has them
	Duration    time.Duration `json:"duration"`       // nanoseconds
	TimeZone    string        `json:"timeZone"`       // of the IANA database
	// ManualSync: what a person starts passes.
	ManualSync bool `json:"manualSync,omitempty"`
	// Overrun: what was running when it began, or ended, may go on.
	Overrun bool `json:"overrun,omitempty"`
	// At is where it is written: "project.gantry.hcl:12".
	At string `json:"at,omitempty"`
}

// String names the window for people: its description, or when it opens.
func (w *Window) String() string {
	kind := "allow"
	if w.Deny {
		kind = "deny"
	}
	text := kind + " " + w.Schedule + " " + w.TimeZone + " for " + Spell(w.Duration)
	if w.Description != "" {
		text = w.Description + " (" + text + ")"
	}
	return text
}

// Opening is when an application may be applied by its sync windows, as it was when the
// plan was made. Times are in the zone that TimeZone names.
type Opening struct {
	// From is when it may begin; zero is never, as far as can be seen. Where Now, it is when
	// the plan was made.
	From time.Time `json:"from,omitzero"`
	// To is when it may no longer begin; zero is that this does not come.
	To       time.Time `json:"to,omitzero"`
	TimeZone string    `json:"timeZone"` // of the IANA database
	// Now: it could be applied when the plan was made.
	Now bool `json:"now,omitempty"`
	// Manual: what a person starts may be applied at once, whatever the rest says.
	Manual bool `json:"manual,omitempty"`
	// Window is the one that decided; nil where none did.
	Window *Window `json:"window,omitempty"`
}

// String says when it may be applied: "may be applied from Mon 2026-11-23 09:00
// Europe/Berlin for 8h", "may be applied now, until …".
func (o *Opening) String() string {
	text := ""
	switch {
	case o.From.IsZero():
		text = "may not be applied at any time that can be foreseen"
	case o.Now && o.To.IsZero():
		text = "may be applied now"
	case o.Now:
		text = "may be applied now, until " + o.clock(o.To)
	case o.To.IsZero():
		text = "may be applied from " + o.clock(o.From) + " on"
	default:
		text = "may be applied from " + o.clock(o.From) + " for " + Spell(o.To.Sub(o.From))
	}
	if o.Manual && !o.Now {
		text += "; at once where a person starts it"
	}
	return text
}

// clock shows a time as the clocks of the zone do.
func (o *Opening) clock(at time.Time) string {
	return fmt.Sprintf("%s %s", at.Format("Mon 2006-01-02 15:04"), o.TimeZone)
}
