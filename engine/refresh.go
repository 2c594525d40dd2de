package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Refresh makes a plan of a saved one and one that was made anew, to be applied in the
// saved one's place: the new one, for those applications whose change digest is the
// same in both. Whatever was approved of the saved plan holds for it. The other
// applications are blocked in it, and that says what is another; those in which there
// is nothing left to do are not. The diagnostics are about what is not in the new plan at
// all. Neither plan is changed.
func Refresh(saved, fresh *plan.Plan) (*plan.Plan, hcl.Diagnostics) {
	out := *fresh
	out.ID, out.ExpiresAt = saved.ID, saved.ExpiresAt
	out.Applications = slices.Clone(fresh.Applications)
	var diags hcl.Diagnostics
	differs := func(detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Change is another by now", Detail: detail})
	}
	seen := map[string]bool{}
	for i := range out.Applications {
		now := &out.Applications[i]
		seen[now.Address.String()] = true
		was := find(saved, now)
		if !now.HasChanges() || now.IsBlocked() || was != nil && was.Digest == now.Digest {
			continue
		}
		why := "it was not in the plan"
		if was != nil {
			why = several(otherChanges(was, now), mostReasons)
		}
		now.Blocked = []plan.Problem{{Address: now.Address, Summary: "Change is another by now", Detail: "what would be done is not what was planned: " + why + ". Plan again"}}
	}
	for i := range saved.Applications {
		if was := &saved.Applications[i]; was.HasChanges() && !seen[was.Address.String()] {
			differs(fmt.Sprintf("%s is left out: it was in the plan, and cannot be planned, or is not to be, by now.", was.Address))
		}
	}
	if out.Unpublishes != saved.Unpublishes || !sameJSON(out.Published, saved.Published) {
		out.Published, out.Unpublishes = nil, false
		differs("The configuration's outputs are left as they are, for they are not those that were planned.")
	}
	return &out, diags
}

// Differences says in which objects and fields two plans of an application differ, in a
// sentence without a full stop.
func Differences(was, now *plan.Application) string {
	return several(otherChanges(was, now), mostReasons)
}

func find(p *plan.Plan, like *plan.Application) *plan.Application {
	for i := range p.Applications {
		if p.Applications[i].Address == like.Address {
			return &p.Applications[i]
		}
	}
	return nil
}

func sameJSON(a, b any) bool {
	left, err := json.Marshal(a)
	right, otherErr := json.Marshal(b)
	return err == nil && otherErr == nil && bytes.Equal(left, right)
}

// otherChanges says in which objects two plans of an application differ.
func otherChanges(was, now *plan.Application) []string {
	var out []string
	changes := func(a *plan.Application) map[object.ID]*plan.Change {
		found := map[object.ID]*plan.Change{}
		for i := range a.Changes {
			if c := &a.Changes[i]; c.Action != plan.Unchanged {
				found[c.ID] = c
			}
		}
		return found
	}
	alone := func(c *plan.Change) string { return changeDigest(&plan.Application{Changes: []plan.Change{*c}}, "") }
	before, after := changes(was), changes(now)
	for id, c := range after {
		switch old := before[id]; {
		case old == nil:
			out = append(out, fmt.Sprintf("%s of %s is new", c.Action, id))
		case old.Action != c.Action:
			out = append(out, fmt.Sprintf("%s of %s was %s", c.Action, id, old.Action))
		case alone(old) != alone(c):
			out = append(out, otherChange(old, c))
		}
	}
	for id, c := range before {
		if after[id] == nil {
			out = append(out, fmt.Sprintf("%s of %s is no longer necessary", c.Action, id))
		}
	}
	if len(out) == 0 {
		out = append(out, "its cluster, its settings or its address are others")
	}
	slices.Sort(out)
	return out
}

// otherChange says how two changes of one object differ.
func otherChange(was, now *plan.Change) string {
	switch moved := differs(was.Fields, now.Fields); {
	case was.UID != now.UID:
		return fmt.Sprintf("%s of %s is of another object with its name", now.Action, now.ID)
	case len(moved) > 0:
		paths := make([]string, len(moved))
		for i, m := range moved {
			paths[i] = m.path
		}
		return fmt.Sprintf("%s of %s is another in %s", now.Action, now.ID, several(paths, mostFields))
	}
	return fmt.Sprintf("%s of %s is another", now.Action, now.ID)
}
