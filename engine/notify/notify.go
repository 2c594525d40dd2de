// Package notify decides who hears of what about applications, and sees to it that they
// do: it evaluates triggers over how an application is, makes the messages, and delivers
// them by way of an outbox in the state.
//
// Messages are durable before anything is sent, claimed by compare-and-swap before they
// are, and tried again with growing pauses by whichever command comes next. One whose
// answer was lost is not sent again, unless the service knows it again or it replaces
// itself. Nothing here is ever in the way of a sync: errors are told, and that is all.
//
// It knows no service (providers.Notifier) and no cluster. The engine imports it, and the
// command gantry notify.
package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// Case is how an application is at a moment: what triggers are asked about. What is not
// known is empty.
type Case struct {
	Address            addr.Address      `json:"address"`
	Name               string            `json:"name"`
	Namespace          string            `json:"namespace,omitempty"`
	Project            string            `json:"project,omitempty"`
	Labels             map[string]string `json:"labels,omitempty"`
	Info               map[string]string `json:"info,omitempty"`
	Cluster            string            `json:"cluster,omitempty"`
	Server             string            `json:"server,omitempty"`
	ClusterLabels      map[string]string `json:"clusterLabels,omitempty"`
	ClusterAnnotations map[string]string `json:"clusterAnnotations,omitempty"`
	Repository         string            `json:"repository,omitempty"`
	Tracks             string            `json:"tracks,omitempty"`
	Revisions          []string          `json:"revisions,omitempty"`
	Sync               string            `json:"sync,omitempty"` // "synced", "out_of_sync", "unknown"
	Health             Health            `json:"health,omitzero"`
	Operation          Operation         `json:"operation,omitzero"`
	Leaving            bool              `json:"leaving,omitempty"`
	Digest             string            `json:"digest,omitempty"`
	Changes            int               `json:"changes,omitempty"`
	Deletions          int               `json:"deletions,omitempty"`
	At                 time.Time         `json:"at"`
}

// Health is how an application is, in lower case: "healthy", "degraded".
type Health struct {
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
}

// Operation is the last sync of an application.
type Operation struct {
	Phase      string    `json:"phase,omitempty"` // one of the phases below; empty before the first
	Message    string    `json:"message,omitempty"`
	Automated  bool      `json:"automated,omitempty"`
	By         string    `json:"by,omitempty"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
}

// The phases of an operation.
const (
	PhaseRunning   = "running"
	PhaseSucceeded = "succeeded"
	PhaseFailed    = "failed"
	PhaseError     = "error"
)

// How an application is in sync.
const (
	Synced    = "synced"
	OutOfSync = "out_of_sync"
	Unknown   = "unknown"
)

// revision is what the first source came to; empty where that is not known.
func (c *Case) revision() string {
	if len(c.Revisions) == 0 {
		return ""
	}
	return c.Revisions[0]
}

// facts are what services show of an application.
func (c *Case) facts() providers.Facts {
	return providers.Facts{
		Address: c.Address.String(), Name: c.Name, Project: c.Project, Cluster: c.Cluster, Namespace: c.Namespace,
		Repository: c.Repository, Tracks: c.Tracks, Revision: c.revision(),
		Sync: c.Sync, Health: c.Health.Status, Phase: c.Operation.Phase, At: c.At,
	}
}

// level is how bad it is.
func (c *Case) level() providers.Level {
	switch {
	case c.Operation.Phase == PhaseFailed, c.Operation.Phase == PhaseError, c.Health.Status == "degraded":
		return providers.LevelError
	case c.Operation.Phase == PhaseRunning:
		return providers.LevelInfo
	case c.Sync == Unknown, c.Health.Status == "missing":
		return providers.LevelWarning
	case c.Operation.Phase == PhaseSucceeded:
		return providers.LevelSuccess
	}
	return providers.LevelInfo
}

// Describe adds to a case what a plan says of the application and its cluster.
func Describe(c *Case, n *plan.Notify) {
	if n == nil {
		return
	}
	i, ok := slices.BinarySearchFunc(n.Subjects, c.Address, func(s plan.NotifySubject, a addr.Address) int { return s.Address.Compare(a) })
	if ok {
		s := &n.Subjects[i]
		c.Info, c.Server, c.ClusterLabels, c.ClusterAnnotations = s.Info, s.Server, s.ClusterLabels, s.ClusterAnnotations
	}
}

// digest is a name made of parts: the same for the same, and no other's.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
