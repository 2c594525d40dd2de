package engine

import (
	"context"

	"github.com/gantrycd/gantry/engine/crdschema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// definition returns this plan's definition of a kind; nil where it has none, or one
// that does not serve the version.
func (s *session) definition(gvk object.GVK) *crdschema.Definition {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.defined[gvk.GroupKind()] {
		if d.resource.GVK == gvk {
			return d.definition
		}
	}
	return nil
}

// validate checks an object that the server cannot be asked about: the fields that
// are sent by the structure of the kind, as server-side apply does, and the whole
// object as it will be by this plan's definition of the kind, where it has one. It
// notes in the change how thoroughly that was, and returns the change blocked where
// the object would be refused. have is what the object replaces, nil for nothing.
func (c *comparison) validate(ctx context.Context, change *plan.Change, send, after, have object.Object) *plan.Change {
	typ := c.session.schema(ctx, change.GVK())
	if err := typ.Validate(send); err != nil {
		return c.mismatch(change, send, err)
	}
	change.Validation = plan.NotValidated
	if !typ.IsDeduced() {
		change.Validation = plan.SchemaOnly
	}
	return c.byDefinition(ctx, change, send, after, have)
}

// byDefinition checks an object as it will be by this plan's definition of its kind,
// and returns the change blocked where the object would be refused. What the server
// says of it by the definition that it has says nothing about the new one.
func (c *comparison) byDefinition(ctx context.Context, change *plan.Change, send, after, have object.Object) *plan.Change {
	definition := c.session.definition(change.GVK())
	if definition == nil {
		return nil
	}
	level, err := definition.Check(ctx, after, have)
	if err != nil {
		return c.mismatch(change, send, err)
	}
	if level == plan.SchemaAndRules && change.Validation != plan.ServerDryRun {
		change.Validation = level
	}
	return nil
}

func (c *comparison) mismatch(change *plan.Change, send object.Object, err error) *plan.Change {
	change.Validation = ""
	return block(change, "Object does not match its schema", c.engine.differ.Text(err.Error(), send))
}

// defaulted is an object with the defaults of this plan's definition of its kind.
func (c *comparison) defaulted(o object.Object) object.Object {
	if definition := c.session.definition(o.GVK()); definition != nil {
		return definition.Default(o)
	}
	return o
}
