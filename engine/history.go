package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/state"
)

// Past is one entry of an application's history, as it is shown.
type Past struct {
	ID         int64        `json:"id"`
	StartedAt  time.Time    `json:"startedAt"`
	FinishedAt time.Time    `json:"finishedAt"`
	Outcome    string       `json:"outcome"` // OutcomeSucceeded, ...
	Message    string       `json:"message,omitempty"`
	By         string       `json:"by,omitempty"`
	Digest     string       `json:"digest"` // the change digest that was applied
	Sources    []source.Pin `json:"sources"`
	Counts     plan.Counts  `json:"counts"`
	// Act is what was done, where it was no apply of what the sources say; Partial, that it
	// was one of some objects alone.
	Act      string         `json:"act,omitempty"`
	Partial  bool           `json:"partial,omitempty"`
	Rollback *plan.Rollback `json:"rollback,omitempty"`
	// Kept: all that the application was is kept, so that it can be gone back to; Lost says
	// why what was kept cannot be read.
	Kept bool   `json:"kept"`
	Lost string `json:"lost,omitempty"`
}

// ReadHistory returns the history of an application, newest first; nil where it has no
// record.
func ReadHistory(ctx context.Context, records *state.Records, address addr.Address) ([]Past, error) {
	record, _, err := records.Get(ctx, address)
	if err != nil || record == nil {
		return nil, err
	}
	out := []Past{}
	for i := range slices.Backward(record.History) {
		e := &record.History[i]
		past := Past{
			ID: e.ID, StartedAt: e.StartedAt, FinishedAt: e.FinishedAt, Outcome: e.Outcome, Message: e.Message, By: e.By, Digest: e.Digest,
			Sources: e.Sources, Counts: e.Counts, Act: e.Act.String(), Partial: e.Partial, Rollback: e.Rollback, Kept: isRevision(e) && !e.Incomplete,
		}
		if err := revisionsIn(records).Check(ctx, e); err != nil {
			past.Kept, past.Lost = false, err.Error()
		}
		out = append(out, past)
	}
	return out, nil
}

// Compare makes a plan, to be shown and not to be applied, of what changed of an application
// from one entry of its history to another; to is 0 for what was applied last.
func (e *Engine) Compare(ctx context.Context, config *lang.Config, address addr.Address, from, to int64) (*plan.Plan, hcl.Diagnostics) {
	e.use(config)
	record, _, err := e.options.Records.Get(ctx, address)
	switch {
	case err != nil:
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()}}
	case record == nil:
		return nil, revisionError(address, "it was never applied.")
	}
	for i := range slices.Backward(record.History) {
		if to == 0 && isRevision(&record.History[i]) {
			to = record.History[i].ID
		}
	}
	var sides [2]*plan.Application
	var sources [2][]source.Pin
	for side, id := range []int64{from, to} {
		i := slices.IndexFunc(record.History, func(e state.Entry) bool { return e.ID == id && isRevision(&e) })
		if i < 0 {
			return nil, revisionError(address, fmt.Sprintf("the history does not have what it was at revision %d. %s", id, revisions(record)))
		}
		found, err := revisionsIn(e.options.Records).Load(ctx, &record.History[i], e.options.Identity)
		if err == nil {
			err = found.Lost
		}
		if err != nil {
			return nil, revisionError(address, fmt.Sprintf("revision %d cannot be read: %s.", id, err))
		}
		e.redactAsApplied(found.Application)
		sides[side], sources[side] = found.Application, record.History[i].Sources
	}
	app := plan.Application{
		Address: address, Name: record.Name, Project: record.Project, Cluster: record.Cluster.Name, Namespace: record.Namespace,
		Sources: sources[1], Prior: sources[0], Settings: record.Settings, Changes: e.between(sides[0], sides[1]),
	}
	app.Digest = changeDigest(&app, record.Cluster.UID)
	return &plan.Plan{
		ToolVersion: e.options.Version, CreatedAt: e.options.Now().UTC(), Offline: true, Lineage: record.Lineage,
		Between:  &plan.Between{From: from, To: to},
		Clusters: []plan.Cluster{{Name: record.Cluster.Name, UID: record.Cluster.UID}}, Applications: []plan.Application{app}, Steps: []plan.Step{},
	}, nil
}

func revisionError(address addr.Address, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "No such revision", Detail: fmt.Sprintf("%s: %s", address, detail)}}
}

// between lists what changes from one revision to another.
func (e *Engine) between(from, to *plan.Application) []plan.Change {
	type key struct {
		id    object.ID
		phase plan.Phase
	}
	before := map[key]*plan.Change{}
	for i := range from.Changes {
		before[key{from.Changes[i].ID, from.Changes[i].Phase}] = &from.Changes[i]
	}
	var out []plan.Change
	for i := range to.Changes {
		c := to.Changes[i]
		was := before[key{c.ID, c.Phase}]
		delete(before, key{c.ID, c.Phase})
		c.Action = plan.Create
		if was != nil && was.Body != nil && c.Body != nil {
			c.Action = plan.Update
			c.Fields = e.differ.Fields(diff.Changes{Before: was.Target(), After: c.Target(), Desired: c.Target()})
			if len(c.Fields) == 0 {
				c.Action = plan.Unchanged
			}
		}
		if c.Body == nil && (was == nil || was.Desired == c.Desired) || c.Action == plan.Unchanged {
			c.Action, c.Body, c.Secret, c.Sealed = plan.Unchanged, nil, nil, nil
		}
		out = append(out, c)
	}
	for _, was := range before {
		gone := *was
		gone.Action, gone.Body, gone.Secret, gone.Sealed = plan.Prune, nil, nil, nil
		out = append(out, gone)
	}
	slices.SortStableFunc(out, func(a, b plan.Change) int { return a.ID.Compare(b.ID) })
	return out
}
