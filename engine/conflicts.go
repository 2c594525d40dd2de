package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// conflict handles fields that others own: drift is corrected, what a tool owns of an
// object that is adopted comes to us, and what never was ours is up to the
// application's policy.
func (c *comparison) conflict(ctx context.Context, d *draft, change *plan.Change, q question, refusal *providers.ConflictError) *plan.Change {
	_, foreign := c.engine.differ.Conflicts(diff.Refused{ConflictError: refusal, Live: q.have, Desired: q.desired, Prior: q.prior, Type: q.typ()})
	foreign = slices.DeleteFunc(foreign, func(conflict plan.Conflict) bool {
		return slices.ContainsFunc(q.moves, func(m plan.ManagerMove) bool { return m.Manager == conflict.Manager })
	})
	change.Conflicts = foreign
	policy := d.app.Sync.Conflicts
	if q.imported {
		policy = "take_over"
	}
	if len(foreign) == 0 || policy == "take_over" {
		q.force = true
		return c.ask(ctx, d, change, q)
	}
	if policy == "leave" {
		q.desired, q.force = c.engine.differ.Leave(q.desired, q.have, foreign, q.typ()), true
		change.Desired = c.engine.differ.Digest(q.desired)
		return c.ask(ctx, d, change, q)
	}
	return block(change, "Fields owned by others", conflictDetail(foreign))
}

func conflictDetail(conflicts []plan.Conflict) string {
	parts := make([]string, len(conflicts))
	for i, conflict := range conflicts {
		parts[i] = fmt.Sprintf("%s is owned by %s", conflict.Path, conflict.Manager)
		if !conflict.At.IsZero() {
			parts[i] += fmt.Sprintf(", last written at %s", conflict.At.UTC().Format("2006-01-02 15:04:05Z"))
		}
		if conflict.Before != nil || conflict.After != nil {
			parts[i] += fmt.Sprintf(", has %s and would get %s", brief(conflict.Before), brief(conflict.After))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ") + `. Set sync.conflicts = "take_over" to own them, or "leave" to leave them out.`
}

// brief is a value in a sentence.
func brief(value any) string {
	const most = 60
	encoded, err := json.Marshal(value)
	if err != nil {
		return "what cannot be shown"
	}
	if text := []rune(string(encoded)); len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(encoded)
}
