package plan

import "time"

// Failure is an apply of an application that did not come to its end.
type Failure struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"` // "failed" or "cancelled"
	Message string    `json:"message,omitempty"`
	// Resumable tells that what is left of that apply's plan can be gone on with.
	Resumable bool `json:"resumable,omitempty"`
}
