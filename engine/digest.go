package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

// changeDigest is what an approval of an application holds for: for every object
// that changes its identity, the action, the body that is sent, the uid, the values
// that the changed fields had, and what its deletion takes along. Times, managers,
// serials, risks, warnings and revisions are no part of it, so that the same change
// planned again has the same digest.
func changeDigest(app *plan.Application, clusterUID string) string {
	type field struct {
		Path   string         `json:"path"`
		Kind   plan.FieldKind `json:"kind"`
		Before any            `json:"before"`
	}
	type change struct {
		ID      object.ID     `json:"id"`
		Version string        `json:"version"`
		Action  plan.Action   `json:"action"`
		UID     string        `json:"uid"`
		Body    object.Object `json:"body"`
		Desired string        `json:"desired"`
		Force   bool          `json:"force"`
		Fields  []field       `json:"fields"`
		Phase   plan.Phase    `json:"phase"`
		Wave    int           `json:"wave"`
		Keep    bool          `json:"keep"`
		Hook    *plan.Hook    `json:"hook"`
		Takes   []taken       `json:"takes,omitempty"`
		// Moves say whose fields become ours, and so go once they are dropped.
		Moves       []plan.ManagerMove `json:"moves,omitempty"`
		Method      plan.Method        `json:"method,omitempty"`
		Propagation string             `json:"propagation,omitempty"`
		Confirm     bool               `json:"confirm,omitempty"`
		Unvalidated bool               `json:"unvalidated,omitempty"`
		Subresource string             `json:"subresource,omitempty"`
	}
	var changes []change
	for i := range app.Changes {
		c := &app.Changes[i]
		if c.Action == plan.Unchanged {
			continue
		}
		out := change{
			ID: c.ID, Version: c.Version, Action: c.Action, UID: c.UID, Body: c.Body, Desired: c.Desired, Force: c.Force, Phase: c.Phase, Wave: c.Wave, Keep: c.Keep, Hook: c.Hook, Takes: lasting(c.Takes), Moves: c.Moves,
			Method: c.Method, Propagation: c.Propagation, Confirm: c.Confirm, Unvalidated: c.Unvalidated, Subresource: c.Subresource,
		}
		for _, f := range c.Fields {
			if !f.Server {
				out.Fields = append(out.Fields, field{Path: f.Path, Kind: f.Kind, Before: f.Before})
			}
		}
		changes = append(changes, out)
	}
	rules := app.Settings
	rules.Ignored = nil // what is ignored shows in what is sent
	rules.Windows = nil // when it is done is not what is done
	return digestOf(struct {
		Address string        `json:"address"`
		Cluster string        `json:"cluster"`
		Leaves  bool          `json:"leaves"`
		Moved   addr.Address  `json:"movedFrom,omitzero"`
		Changes []change      `json:"changes"`
		Rules   plan.Settings `json:"settings"`
		Partial bool          `json:"partial,omitempty"`
		// A rollback holds the application, too.
		RollsBackTo int64 `json:"rollsBackTo,omitempty"`
	}{app.Address.String(), clusterUID, app.Leaves, app.MovedFrom, changes, rules, app.Partial, backTo(app)})
}

// backTo is the revision that an application goes back to; 0 where it does not.
func backTo(app *plan.Application) int64 {
	if app.Rollback == nil {
		return 0
	}
	return app.Rollback.To
}

// taken is one object that goes with a deletion, as the change digest has it.
type taken struct {
	ID   object.ID     `json:"id"`
	Why  plan.TakenWhy `json:"why"`
	Data bool          `json:"data"`
}

// lasting lists what goes with a deletion, sorted, but for what comes and goes by
// itself: the next Pod of a Deployment makes no other change of its deletion. Whose
// an object is says another application's record, and so does not count.
func lasting(takes []plan.Taken) []taken {
	var out []taken
	for _, t := range takes {
		for _, id := range t.IDs {
			if !t.Transient {
				out = append(out, taken{object.ID{Group: t.Group, Kind: t.Kind, Namespace: id.Namespace, Name: id.Name}, t.Why, t.Data})
			}
		}
	}
	slices.SortFunc(out, func(a, b taken) int { return a.ID.Compare(b.ID) })
	return out
}

// inputDigest is over everything that a plan was made from but the clusters.
func inputDigest(config *lang.Config, p *plan.Plan) string {
	return digestOf(struct {
		Config string       `json:"config"`
		Pins   []source.Pin `json:"pins"`
		Tool   string       `json:"tool"`
	}{config.Digest, pins(p, config.Pins), p.ToolVersion})
}

// digestOf is "sha256:…" over a value's JSON, whose map keys are sorted.
func digestOf(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic("a digest of what is no JSON: " + err.Error() + ". This is a bug in gantry")
	}
	sum := sha256.Sum256(encoded)
	return "sha256:" + hex.EncodeToString(sum[:])
}
