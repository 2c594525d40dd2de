package promote

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/state"
)

// Evidence is what speaks for a promotion: what was applied where it comes from, and how that
// is now.
type Evidence struct {
	Application addr.Address `json:"application"`
	Cluster     string       `json:"cluster,omitempty"`
	// Revision is the entry of the history, and Digest the change digest that was applied then.
	Revision  int64        `json:"revision"`
	Digest    string       `json:"digest"`
	AppliedAt time.Time    `json:"appliedAt"`
	By        string       `json:"by,omitempty"`
	Sources   []source.Pin `json:"sources,omitempty"`
	Health    health.Code  `json:"health"`
	// HealthySince is no earlier than the apply, and than the last time that one of its
	// objects has said something else of itself; zero where it is not healthy.
	HealthySince time.Time `json:"healthySince,omitzero"`
	SeenAt       time.Time `json:"seenAt"`
	Objects      int       `json:"objects"`
	// Objections are what speaks against it.
	Objections []string `json:"objections,omitempty"`
}

// Known is what is known of an application that is promoted from.
type Known struct {
	Record *state.Record // nil: it was never applied
	Status *status.Application
	// Planned is what a plan of now would do with it.
	Planned *plan.Application
	Now     time.Time
	// Soak is how long it must have been healthy.
	Soak time.Duration
}

// Judge says what speaks for an application, and what against it. It is an error where it was
// never applied, so that nothing can speak for it.
func (k *Known) Judge(address addr.Address) (*Evidence, error) {
	entry := lastWhole(k.Record)
	if entry == nil {
		return nil, fmt.Errorf("%s was never applied with success, so that nothing speaks for what it has", address)
	}
	out := &Evidence{
		Application: address, Cluster: k.Record.Cluster.Name, Revision: entry.ID, Digest: entry.Digest, AppliedAt: entry.FinishedAt.UTC(), By: entry.By,
		Sources: entry.Sources, SeenAt: k.Now.UTC(), Health: health.Unknown,
	}
	object := func(format string, words ...any) {
		out.Objections = append(out.Objections, fmt.Sprintf("%s %s", address, fmt.Sprintf(format, words...)))
	}
	if last := k.Record.LastApply(); last != nil && last.ID != entry.ID && last.Outcome != succeeded {
		object("did not succeed when it was applied last, at %s: %s", last.FinishedAt.UTC().Format(time.RFC3339), last.Outcome)
	}
	if entry.Rollback != nil {
		object("was rolled back, and is not as its configuration says")
	}
	k.observe(out, object)
	switch planned := k.Planned; {
	case planned == nil:
		object("could not be planned, so that it is not known whether what is applied is what the configuration says")
	case planned.IsBlocked():
		object("cannot be planned: %s", blocked(planned))
	case planned.HasChanges():
		object("is not as the configuration says: a plan of now has changes (%d), so that what would be promoted is not what runs there", planned.Counts().Changes())
	}
	return out, nil
}

// observe adds how it is now.
func (k *Known) observe(out *Evidence, object func(string, ...any)) {
	s := k.Status
	if s == nil {
		object("is in no status, so that it is not known how it is")
		return
	}
	out.Health, out.Objects = s.Health, s.Objects.Total
	if s.Held != nil {
		object("is held: %s", s.Held)
	}
	if s.Sync != status.Synced {
		object("is %s: %s", s.Sync, s.Why)
	}
	if s.Doing != nil {
		object("is being applied, or an apply of it was cut off")
	}
	if s.Health != health.Healthy {
		text := fmt.Sprintf("is %s", s.Health)
		for _, more := range []string{s.Message, s.Cause} {
			if more != "" {
				text += ": " + more
				break
			}
		}
		object("%s", text)
		return
	}
	out.HealthySince = out.AppliedAt
	later(&out.HealthySince, s.Tree)
	if healthy := k.Now.Sub(out.HealthySince); healthy < k.Soak {
		object("has been healthy for %s, and not for %s yet", healthy.Round(time.Second), k.Soak)
	}
}

// later moves a time to the last one at which something has changed.
func later(at *time.Time, nodes []status.Node) {
	for i := range nodes {
		if nodes[i].Since.After(*at) {
			*at = nodes[i].Since.UTC()
		}
		later(at, nodes[i].Owned)
	}
}

const succeeded = "succeeded" // as engine.OutcomeSucceeded

// lastWhole is the newest apply of all of an application that succeeded; nil where there is none.
func lastWhole(record *state.Record) *state.Entry {
	if record == nil {
		return nil
	}
	for i := len(record.History) - 1; i >= 0; i-- {
		if e := &record.History[i]; e.Act == nil && e.Outcome == succeeded && !e.Partial {
			return e
		}
	}
	return nil
}

func blocked(app *plan.Application) string {
	var out []string
	for _, problem := range app.Blocked {
		out = append(out, problem.Summary)
	}
	if len(out) == 0 {
		return "it is blocked"
	}
	return strings.Join(out, ", ")
}
