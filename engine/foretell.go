package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// past is the session's cluster where it is one as it was, and nil where it can be
// asked.
func (s *session) past() providers.Past {
	past, _ := s.cluster.(providers.Past)
	return past
}

// foretell makes a change of an object whose cluster cannot be asked: what a
// server-side apply would come to by the schema, without defaults, webhooks and
// what else the server has to say. Everything that it changes is a prediction.
func (c *comparison) foretell(ctx context.Context, d *draft, change *plan.Change, q question, past providers.Past) *plan.Change {
	typ := q.typ()
	if err := typ.Validate(q.desired); err != nil {
		return block(change, "Object does not match its schema", c.refusal(err, q.desired, q.have))
	}
	in := diff.Input{Desired: q.desired, Live: q.have, Prior: q.prior, Type: q.typ}
	known, hidden := true, false
	if past.KeyCheck() != "" {
		// The values were taken out of what was read; so are they of what is compared.
		if in.Desired, hidden = c.engine.differ.Redact(q.desired); hidden {
			in.Prior = nil // the record's digests are of the values
			known = past.KeyCheck() == c.engine.options.Fingerprinter.KeyCheck()
		}
	}
	if q.have != nil && len(q.moves) == 0 {
		switch same, _ := c.engine.differ.Same(in); {
		case same && q.prior == nil:
			change.Action, change.Reason = plan.Adopt, c.adoptReason(d, change.ID, q.have)
			c.body(change, q.desired)
			return change
		case same:
			change.Action = plan.Unchanged
			return change
		case d.app.Lifecycle.NoUpdate && q.prior != nil:
			change.Action, change.Reason = plan.Unchanged, "differs, and lifecycle.update is false: it stays as it is"
			return change
		}
	}
	after, err := c.engine.differ.Predict(q.have, in.Desired, typ, q.force)
	if err == nil && len(q.moves) > 0 {
		after, err = c.engine.differ.Moved(q.have, in.Desired, q.moves, typ)
	}
	var conflict *providers.ConflictError
	switch {
	case errors.As(err, &conflict):
		return c.conflict(ctx, d, change, q, conflict)
	case err != nil:
		return block(change, "Change cannot be predicted", c.refusal(err, q.desired, q.have))
	}
	change.Predicted, change.Force = true, q.force
	change.Moves = c.engine.differ.MovedFields(q.have, after, q.moves, typ)
	change.Validation = plan.SchemaOnly
	if typ.IsDeduced() {
		change.Validation = plan.NotValidated
	}
	c.body(change, q.desired)
	if q.have == nil {
		change.Action = plan.Create
		if q.prior != nil {
			change.Reason = "someone has deleted it since it was last applied"
		}
		return change
	}
	change.Fields = c.engine.differ.Fields(diff.Changes{
		Before: q.have, After: after, Desired: in.Desired, Prior: q.prior, Type: typ, Redacted: past.KeyCheck() != "", Moves: q.moves,
	})
	switch {
	case q.prior == nil:
		change.Action, change.Reason = plan.Adopt, c.adoptReason(d, change.ID, q.have)
	case len(change.Fields) == 0:
		change.Action, change.Predicted, change.Validation = plan.Unchanged, false, ""
		change.Body, change.Secret = nil, nil
	default:
		change.Action = plan.Update
	}
	if !known && change.Action != plan.Unchanged {
		change.Reason = joined(change.Reason, "whether its secret values change is not known: the snapshot's fingerprints are made with the key of another installation")
	}
	return change
}

// joined puts two reasons together.
func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// unread makes a change of an object that a snapshot has nothing of: it is taken
// for new, and says so.
func (c *comparison) unread(ctx context.Context, change *plan.Change, want *desired, err error) *plan.Change {
	return c.predict(ctx, change, diff.Normalize(want.object), fmt.Sprintf("taken for new: %s", err))
}
