package plan

import (
	"math"
	"time"

	"github.com/gantrycd/gantry/plan/target"
)

// Settings are an application's rules for apply and for when it leaves.
type Settings struct {
	OnDestroy      string        `json:"onDestroy,omitempty"` // "delete" (default), "orphan" or "confirm"
	PreventDestroy bool          `json:"preventDestroy,omitempty"`
	NoDestroy      bool          `json:"noDestroy,omitempty"`
	Propagation    string        `json:"propagation,omitempty"` // "Foreground", "Background", "Orphan"
	Conflicts      string        `json:"conflicts,omitempty"`   // "fail", "take_over", "leave"
	HealthTimeout  time.Duration `json:"healthTimeout,omitempty"`
	HistoryLimit   int           `json:"historyLimit,omitempty"`
	// MaxDestroyed is how many objects one plan may destroy of it; nil is any number.
	MaxDestroyed *int `json:"maxDestroyed,omitempty"`
	// Timeouts are of certain kinds, instead of HealthTimeout; the first that matches counts.
	Timeouts []KindTimeout `json:"timeouts,omitempty"`
	// PruneInWaves: what is pruned goes in its wave, not when all of the sync is healthy.
	PruneInWaves bool `json:"pruneInWaves,omitempty"`
	// Automated, SelfHeal: whether changes, and corrections of drift, need no one's approval.
	Automated bool `json:"automated,omitempty"`
	SelfHeal  bool `json:"selfHeal,omitempty"`
	// Retry is how often a sync that fails is tried again; nil is never.
	Retry *Retry `json:"retry,omitempty"`
	// Ignored are the fields that are left to others, which a correction of drift leaves too.
	Ignored []IgnoreRule `json:"ignored,omitempty"`
	// Windows are the sync windows that are for the application. They are no part of the
	// digest.
	Windows []Window `json:"windows,omitempty"`
	// As is as whom requests are made to the cluster; nil is who reaches it.
	As *target.Impersonation `json:"as,omitempty"`
}

// IgnoreRule names fields that are left to others, as an ignore_differences block does:
// Group and Kind are globs, an empty Group is the core group, and what else is empty is any.
type IgnoreRule struct {
	Group             string   `json:"group,omitempty"`
	Kind              string   `json:"kind,omitempty"`
	Namespace         string   `json:"namespace,omitempty"`
	Name              string   `json:"name,omitempty"`
	JSONPointers      []string `json:"jsonPointers,omitempty"`
	JQPathExpressions []string `json:"jqPathExpressions,omitempty"`
	FieldManagers     []string `json:"fieldManagers,omitempty"`
}

// HealsItself reports whether drift is put back without anybody's approval.
func (s *Settings) HealsItself() bool { return s.Automated && s.SelfHeal }

// KindTimeout is how long objects of a kind may take to become healthy.
type KindTimeout struct {
	Kind    string        `json:"kind"` // "group/Kind" or "Kind"; either may be a pattern
	Timeout time.Duration `json:"timeout"`
}

// Retry says how often a sync that fails is tried again: the n-th time, counted from 0,
// after the lesser of MaxDuration and Backoff times Factor to the power of n.
type Retry struct {
	Limit       int           `json:"limit"`
	Backoff     time.Duration `json:"backoff"`
	Factor      int           `json:"factor"`
	MaxDuration time.Duration `json:"maxDuration"`
}

// Wait is how long to wait before the n-th time, counted from 0. A MaxDuration of 0 or
// less is none.
func (r *Retry) Wait(n int) time.Duration {
	most := r.MaxDuration
	if most <= 0 {
		most = math.MaxInt64
	}
	wait := float64(r.Backoff) * math.Pow(float64(r.Factor), float64(n))
	if wait >= float64(most) {
		return most
	}
	return time.Duration(wait)
}
