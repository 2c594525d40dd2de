package plan

import (
	"encoding/json"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

// Rollout is in which order, and how carefully, applications move. A step starts when
// every application of the one before is at this plan's change, healthy, and has been
// for as long as the step bakes.
type Rollout struct {
	Address addr.Address  `json:"address"`
	Steps   []RolloutStep `json:"steps"`
}

// RolloutStep is applications that move together.
type RolloutStep struct {
	// Applications are indices in Plan.Applications, those without changes included, sorted.
	Applications []int `json:"applications"`
	// MaxUpdate is how many of them move at once; 0 is all.
	MaxUpdate int `json:"maxUpdate,omitempty"`
	// Bake is how long they must have been healthy before the next step starts.
	Bake time.Duration `json:"bake,omitempty"`
}

// HealthRule is how objects of a kind show that they are healthy. Expressions are late
// expressions as JSON (lang/late); nil where there is none.
type HealthRule struct {
	Group       string          `json:"group,omitempty"`  // "" is the core group; a glob
	Kind        string          `json:"kind"`             // a glob
	Status      json.RawMessage `json:"status,omitempty"` // comes to the status itself, instead of the next four
	Healthy     json.RawMessage `json:"healthy,omitempty"`
	Degraded    json.RawMessage `json:"degraded,omitempty"`
	Progressing json.RawMessage `json:"progressing,omitempty"`
	Suspended   json.RawMessage `json:"suspended,omitempty"`
	Message     json.RawMessage `json:"message,omitempty"`
}
