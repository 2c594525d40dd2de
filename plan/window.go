package plan

import "time"

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
