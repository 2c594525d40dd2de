package engine

import (
	"encoding/json"
	"fmt"
	"slices"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/state"
)

// acted tells what an act changed, and who had changed it before, both sorted.
func (p *progress) acted() (objects []object.ID, managers []string) {
	for i := range p.app.Changes {
		made := p.results[i]
		if made == nil {
			continue
		}
		c := &p.app.Changes[i]
		if made.object != nil && made.object.Kind() == c.ID.Kind {
			objects = append(objects, made.object.ID())
		} else {
			objects = append(objects, c.ID)
		}
		if p.applying.plan.Act.Name == plan.SelfHeal {
			managers = append(managers, driftedBy(c)...)
		}
	}
	slices.SortFunc(objects, object.ID.Compare)
	slices.Sort(managers)
	return slices.Compact(objects), slices.Compact(managers)
}

// driftedBy lists who changed what a change puts back, as far as that is known.
func driftedBy(c *plan.Change) []string {
	var out []string
	for i := range c.Fields {
		if drift := c.Fields[i].Drift; drift != nil && drift.Manager != "" {
			out = append(out, drift.Manager)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// kept is the applied plan as the history has it: Secrets sealed, or left out where there
// is nobody to seal them to. What this apply found unchanged has the body that it was
// applied with before, so that all of the application can be put back.
func (p *progress) kept() (json.RawMessage, error) {
	sealed, err := planfile.SealApplication(p.app, p.applying.engine.options.Recipient)
	if err != nil {
		return nil, err
	}
	for i := range sealed.Changes {
		if p.app.Changes[i].Secret != nil && sealed.Changes[i].Sealed == nil {
			sealed.Changes[i].Body = nil // fingerprints are nothing to put back
		}
	}
	before, err := lastApplied(p.record)
	if err != nil {
		return nil, err
	}
	carryBodies(sealed, before, p.record)
	return json.Marshal(sealed)
}

// carryBodies gives what is unchanged in an application the bodies of an earlier apply;
// not what stays though it is no longer desired, which has no digest of what is desired.
// What a plan that is limited to some objects leaves out is as it was. What is sealed
// belongs to an address, and cannot be carried to another one. A body is carried only as
// long as it is what the record says was written last: an apply that failed has no bodies
// in the history, and may have written others.
func carryBodies(to, from *plan.Application, record *state.Record) {
	if from == nil {
		return
	}
	known := make(map[object.ID]*plan.Change, len(from.Changes))
	for i := range from.Changes {
		c := &from.Changes[i]
		if owned := record.Find(c.ID); owned == nil || owned.Desired != c.Desired {
			continue
		}
		if c.Body != nil && c.Hook == nil && (len(c.Sealed) == 0 || to.Address == from.Address) {
			known[c.ID] = c
		}
	}
	for i := range to.Changes {
		c := &to.Changes[i]
		if was := known[c.ID]; was != nil && c.Action == plan.Unchanged && c.Body == nil && c.Desired != "" && c.Hook == nil {
			c.Body, c.Sealed, c.Redacted, c.Desired = was.Body, was.Sealed, was.Redacted, was.Desired
			c.Method, c.Force, c.Unvalidated, c.Version = was.Method, was.Force, was.Unvalidated, was.Version
		}
		delete(known, c.ID)
	}
	for i := range from.Changes {
		if c := &from.Changes[i]; to.Partial && known[c.ID] == c {
			to.Changes = append(to.Changes, *c)
		}
	}
}

// lastApplied is the application as the newest apply that succeeded left it; nil where the
// history has no such plan.
func lastApplied(record *state.Record) (*plan.Application, error) {
	for _, entry := range slices.Backward(record.History) {
		if entry.Plan == nil {
			continue
		}
		out := &plan.Application{}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(entry.Plan, out); err != nil {
			return nil, fmt.Errorf("the plan that was applied, of serial %d in the history, cannot be read: %w", entry.Serial, err)
		}
		return out, nil
	}
	return nil, nil
}
