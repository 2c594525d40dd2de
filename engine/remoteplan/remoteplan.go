// Package remoteplan hands a pull request's revision to a planner that runs elsewhere, in the
// cluster, and brings its plan back: who asks holds no credential of a cluster or a forge.
// Both sides meet in a Store, which may be the state's or one of their own.
//
// A request says which commit and which pull request is meant, and nothing of how that is
// planned: it is written by whom nobody trusts. The planner goes by the forge (Verify) and by
// how it was set up itself. It answers under keys of its own, holds a lease on each request
// while it works on it, and says all the time that it is there.
//
// How a commit is fetched and planned is not here: the command line gives that to a Planner
// as a function. Nothing here reaches a cluster.
package remoteplan

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/state"
)

// formatVersion is the form of what both sides write.
const formatVersion = 1

// Where things are, below Prefix. Who asks writes requests alone, the planner the rest.
const (
	// Prefix is what all keys begin with, in whatever store.
	Prefix    = "remote"
	requests  = "requests"
	answers   = "answers"
	planners  = "planners"
	lockNames = "plan-" // of leases, which are below locks/
)

// Limits of what is read.
const (
	maxRequest = 16 << 10  // bytes
	maxAnswer  = 128 << 20 // bytes
	maxText    = 500       // bytes of a text that the other side wrote
	// maxAge is how old a request may be, keep how long what has ended is kept, and linger how
	// long that is where the request is gone.
	maxAge = time.Hour
	keep   = time.Hour
	linger = 10 * time.Minute
	// skew is how much the clocks of both sides may differ.
	skew = 5 * time.Minute
)

// Request is what is asked for. Nothing of it is trusted.
type Request struct {
	FormatVersion int    `json:"formatVersion"`
	ID            string `json:"id"`
	// Repository and Path say for whom it is: the URL that the repository was cloned from, with
	// no login, and the configuration's directory in it. Planners of others leave it alone; it
	// is never what is fetched.
	Repository string `json:"repository,omitempty"`
	Path       string `json:"path,omitempty"`
	Commit     string `json:"commit"`         // in full
	Pull       int64  `json:"pull,omitempty"` // 0: that whose head the commit is, or a branch
	By         string `json:"by,omitempty"`   // for people
	// At is when it was made, by the clock of who asks.
	At time.Time `json:"at"`
}

// String names what is meant, for people: "#12 at 3f2a9c1b".
func (r *Request) String() string {
	if r.Pull == 0 {
		return fmt.Sprintf("%.8s", r.Commit)
	}
	return fmt.Sprintf("#%d at %.8s", r.Pull, r.Commit)
}

var fullCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// check refuses what no gantry writes.
func (r *Request) check(key string) error {
	switch {
	case r.FormatVersion != formatVersion:
		return fmt.Errorf("it has the format %d, and this planner reads %d: have both sides use the same gantry", r.FormatVersion, formatVersion)
	case r.ID != key:
		return fmt.Errorf("its ID is not that of its key")
	case !fullCommit.MatchString(r.Commit):
		return fmt.Errorf("its commit is not one in full")
	case r.Pull < 0:
		return fmt.Errorf("its pull request has the number %d", r.Pull)
	case len(r.Repository) > 4*maxText || len(r.Path) > 4*maxText || len(r.By) > maxText:
		return fmt.Errorf("a text in it is too long")
	case r.At.IsZero():
		return fmt.Errorf("it does not say when it was made")
	}
	return nil
}

// NewID returns an ID for a request.
func NewID() (string, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return "", fmt.Errorf("making a request: %w", err)
	}
	return id.String(), nil
}

// State is how far a request has come.
type State string

// The states. All but Taken are the end.
const (
	Taken      State = "taken"      // a planner is at work on it
	Planned    State = "planned"    // there is a plan, or the errors of why there is none
	Refused    State = "refused"    // it asks for what is not planned
	Superseded State = "superseded" // a newer one, or a newer head, has taken its place
	Failed     State = "failed"     // the planner could not do it
)

// Answer is what a planner has to say of a request.
type Answer struct {
	FormatVersion int    `json:"formatVersion"`
	ID            string `json:"id"`
	State         State  `json:"state"`
	Planner       string `json:"planner,omitempty"` // who, for people
	Tries         int    `json:"tries,omitempty"`   // how often one has begun
	Stage         string `json:"stage,omitempty"`   // what it does: "fetching the commit"
	// Why is what there is to say where there is no plan.
	Why     string    `json:"why,omitempty"`
	TakenAt time.Time `json:"takenAt,omitzero"` // by the planner's clock, as EndedAt
	EndedAt time.Time `json:"endedAt,omitzero"`
	Outcome
}

// Outcome is what planning came to.
type Outcome struct {
	// Exit is the code that the plan ended with: 0, or 1 where something is wrong.
	Exit int `json:"exit,omitempty"`
	// Plan is the plan's file; empty where there is no plan.
	Plan []byte `json:"plan,omitempty"`
	// Diagnostics are what was wrong, and what to know, each as --json writes it.
	Diagnostics []json.RawMessage `json:"diagnostics,omitempty"`
	// Notes are what else was told: what was recorded, and where the comment is.
	Notes []string `json:"notes,omitempty"`
}

// Ended reports whether nothing more comes.
func (a *Answer) Ended() bool { return a.State != Taken }

func (a *Answer) check(key string) error {
	known := []State{Taken, Planned, Refused, Superseded, Failed}
	if a.FormatVersion != formatVersion || a.ID != key || !slices.Contains(known, a.State) {
		return fmt.Errorf("the answer to the request %s is not what a planner of this version writes", key)
	}
	return nil
}

// Presence says that a planner is there. It is written anew all the time.
type Presence struct {
	FormatVersion int    `json:"formatVersion"`
	Who           string `json:"who"`
	// Repositories are the URLs that the repository is known by.
	Repositories []string `json:"repositories"`
	Path         string   `json:"path,omitempty"`
	// Seen is by the planner's clock; Lasts is how long it may take until it is written anew.
	Seen  time.Time     `json:"seen"`
	Lasts time.Duration `json:"lasts"` // nanoseconds
}

// serves reports whether a planner that is there is one for a request. Who asks may not know
// where the repository came from.
func (p *Presence) serves(r *Request) bool {
	return p.Path == r.Path && (r.Repository == "" || slices.ContainsFunc(p.Repositories, func(one string) bool { return git.SameRepository(one, r.Repository) }))
}

// String names the planner and what it plans.
func (p *Presence) String() string {
	what := strings.Join(p.Repositories, ", ")
	if p.Path != "" {
		what += ", directory " + p.Path
	}
	return fmt.Sprintf("%s (%s)", p.Who, what)
}

// Clean shortens a text that the other side wrote and leaves out what a terminal would act on.
func Clean(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
			return -1
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// box is the part of a store that both sides meet in.
type box struct{ state.Store }

// Get implements state.Store.
func (b box) Get(ctx context.Context, key string) ([]byte, string, error) {
	return b.Store.Get(ctx, Prefix+"/"+key)
}

// Put implements state.Store.
func (b box) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	return b.Store.Put(ctx, Prefix+"/"+key, value, version)
}

// List implements state.Store.
func (b box) List(ctx context.Context, prefix string) ([]string, error) {
	below := Prefix
	if prefix != "" {
		below += "/" + prefix
	}
	keys, err := b.Store.List(ctx, below)
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], Prefix+"/")
	}
	return keys, err
}

// Delete implements state.Store.
func (b box) Delete(ctx context.Context, key, version string) error {
	return b.Store.Delete(ctx, Prefix+"/"+key, version)
}
