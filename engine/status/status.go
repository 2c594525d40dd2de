// Package status tells how applications are: whether what they own is as it was last
// applied, how healthy it is and why not, when it was applied, and what is being done.
//
// It judges what others read: records of the state, and live objects. It sends nothing to
// a cluster, renders nothing and prints nothing, so that a status costs a list per kind
// and namespace. What the configuration says since the last apply is no part of it: a
// plan tells that. The engine imports it, and whoever shows a status.
package status

import (
	"encoding/json"
	"time"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Format is the version of the JSON: within it members are only added.
const Format = 1

// Sync tells whether an application is as it was last applied.
type Sync string

// What Sync tells.
const (
	Synced    Sync = "Synced"
	OutOfSync Sync = "OutOfSync" // objects are missing or were changed, or its last apply did not end well
	Unknown   Sync = "Unknown"   // its cluster cannot be read
)

// Status is how the applications of a configuration are.
type Status struct {
	Format       int           `json:"format"`
	At           time.Time     `json:"at"`
	Running      *Running      `json:"running,omitempty"` // the apply that holds the state now
	Applications []Application `json:"applications"`      // sorted by address
	Summary      Summary       `json:"summary"`
}

// Summary counts applications.
type Summary struct {
	Applications int                 `json:"applications"`
	Sync         map[Sync]int        `json:"sync"`
	Health       map[health.Code]int `json:"health"`
}

// Running is an apply that goes on.
type Running struct {
	By      string    `json:"by"` // "alice@laptop"
	Command string    `json:"command,omitempty"`
	Host    string    `json:"host,omitempty"`
	PID     int       `json:"pid,omitempty"`
	Since   time.Time `json:"since"`
}

// Application is how one application is.
type Application struct {
	Address   addr.Address `json:"address"`
	Project   string       `json:"project,omitempty"`
	Cluster   string       `json:"cluster"`
	Namespace string       `json:"namespace,omitempty"`
	Sync      Sync         `json:"sync"`
	// Why says why it is not Synced.
	Why    string      `json:"why,omitempty"`
	Health health.Code `json:"health"`
	// Message says why it is not Healthy, of the object that is worst, and Cause what a
	// person would look for.
	Message string  `json:"message,omitempty"`
	Cause   string  `json:"cause,omitempty"`
	Objects Objects `json:"objects"`
	// Last is its newest apply; nil where it never was applied.
	Last *Apply `json:"lastApply,omitempty"`
	// Doing is what the apply that runs has begun of it, or one that was cut off has left;
	// nil where there is nothing.
	Doing *Doing `json:"doing,omitempty"`
	// Held says why it is not applied; nil where it is.
	Held *plan.Hold `json:"held,omitempty"`
	// Leaves: the configuration has it no more.
	Leaves bool `json:"leaves,omitempty"`
	// Tree is what it owns, sorted by identity, with what that owns in its turn.
	Tree []Node `json:"tree"`
}

// Objects counts what an application owns, but for what runs of hooks have left.
type Objects struct {
	Total     int `json:"total"`
	Missing   int `json:"missing"`
	Changed   int `json:"changed"` // by others, since it was applied
	Unhealthy int `json:"unhealthy"`
}

// Apply is an apply that is over.
type Apply struct {
	At        time.Time `json:"at"` // when it ended
	By        string    `json:"by,omitempty"`
	Outcome   string    `json:"outcome"` // as engine.Outcome has it
	Message   string    `json:"message,omitempty"`
	Revisions []string  `json:"revisions,omitempty"` // what its sources came to, in their order
	Digest    string    `json:"digest,omitempty"`    // change digest
	Serial    int64     `json:"serial"`
}

// Doing is what was begun and is not known to be done.
type Doing struct {
	// Running tells that an apply is at it; else it was cut off, and the next one goes on.
	Running bool      `json:"running"`
	Since   time.Time `json:"since"`
	Left    int       `json:"left"` // changes
	// Next are the first of them.
	Next []Intent `json:"next"`
}

// Intent is a change that was begun.
type Intent struct {
	Object object.ID   `json:"object"`
	Action plan.Action `json:"action"`
}

// Node is an object, and the objects that it owns.
type Node struct {
	Object  object.ID   `json:"object"`
	Health  health.Code `json:"health"`
	Known   bool        `json:"known"` // whether anything says how it is
	Message string      `json:"message,omitempty"`
	Cause   string      `json:"cause,omitempty"`
	Created time.Time   `json:"createdAt,omitzero"`
	// Since is when what it says of itself last changed; zero where it does not tell.
	Since   time.Time `json:"since,omitzero"`
	Missing bool      `json:"missing,omitempty"`
	Hook    bool      `json:"hook,omitempty"`
	// Changed says what others have done to it since it was applied: "2 fields", by whom.
	Changed string `json:"changed,omitempty"`
	Owned   []Node `json:"owned,omitempty"`
	More    int    `json:"more,omitempty"` // how many of Owned are left out

	live object.Object
}

// MarshalJSON writes empty lists as [].
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	out := plain(s)
	if out.Applications == nil {
		out.Applications = []Application{}
	}
	return json.Marshal(out)
}

// Healthy reports whether a health is nobody's concern.
func Healthy(code health.Code) bool { return code == health.Healthy || code == health.Suspended }
