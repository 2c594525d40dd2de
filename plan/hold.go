package plan

import (
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

// Hold is why an application is not applied: someone has said so, or it was rolled back
// and its sources are still what it was rolled back from. It is no part of what would be
// done, and so of no change digest: a plan that was approved stays approved when the hold
// is released.
type Hold struct {
	// Address is the one under which the state has the hold: for an application that has
	// moved since, the one that it had.
	Address addr.Address `json:"address"`
	Reason  string       `json:"reason"`
	By      string       `json:"by,omitempty"` // user@host, or what CI says
	Since   time.Time    `json:"since"`
	Until   time.Time    `json:"until,omitzero"` // when it ends by itself; zero is never
	// Rollback tells that a rollback made it, and it ends once the sources have moved on.
	Rollback bool `json:"rollback,omitempty"`
}

// Expired reports whether a hold has ended by itself.
func (h *Hold) Expired(now time.Time) bool { return !h.Until.IsZero() && !now.Before(h.Until) }

// String tells the reason of a hold, who made it, since when and until when.
func (h *Hold) String() string {
	out := h.Reason
	if h.By != "" {
		out += ", by " + h.By
	}
	out += ", since " + h.Since.UTC().Format(time.RFC3339)
	switch {
	case !h.Until.IsZero():
		out += ", until " + h.Until.UTC().Format(time.RFC3339)
	case h.Rollback:
		out += ", until its sources move on"
	}
	return out
}

// Rollback is what a plan takes an application back from and to: IDs of entries in its
// history.
type Rollback struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Config is the digest of the configuration when the plan was made; empty where there
	// was none. What the sources are is told by it, too.
	Config string `json:"config,omitempty"`
}

// Between says that a plan is of what changed from one revision of an application to
// another, of its history: it cannot be applied.
type Between struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}
