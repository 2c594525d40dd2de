package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/engine/options"
	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

var crdKind = object.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// define makes the kinds known that an application's CRDs bring, before any
// object of them is looked at.
func define(d *draft, rendered []rendering) {
	for _, r := range rendered {
		if r.Object.GVK().GroupKind() != crdKind {
			continue
		}
		if err := d.session.define(r.Object); err != nil {
			d.failObject(d.sourceRange(r.source), r.Object.ID(), "Invalid definition of a kind", fmt.Sprintf("%s in %s: %s", r.Object.Name(), r.Origin, err))
		}
	}
}

// desire turns what was rendered into the objects to be: scoped, in a namespace,
// permitted by the project, each once, with our marks on them.
func (e *Engine) desire(ctx context.Context, d *draft, rendered []rendering, lineage string) {
	app := d.app
	byID := map[object.ID]*desired{}
	for _, r := range rendered {
		want, ok := e.normalise(ctx, d, r, lineage)
		if !ok {
			continue
		}
		id := want.object.ID()
		if id.Name != "" {
			if first, twice := byID[id]; twice {
				d.failObject(d.sourceRange(r.source), id, "Duplicate object", fmt.Sprintf(
					"%s is rendered twice: from %s and from %s. An object has one source; leave it out of one of them.",
					id, place(app, first.source, first.origin), place(app, r.source, r.Origin)))
				continue
			}
			byID[id] = want
		}
		d.desired = append(d.desired, want.phases()...)
	}
	if namespace := e.namespace(d, lineage); namespace != nil {
		rendered := byID[namespace.object.ID()]
		switch {
		case rendered == nil && e.permitted(d, namespace):
			d.desired = append(d.desired, namespace)
		case rendered != nil && namespace.managed:
			d.warn(fmt.Sprintf("%s is rendered from %s: managed_namespace_metadata is not put on it. Say there what it is to have.", namespace.object.ID(), rendered.origin))
		}
	}
}

// phases returns an object once for every phase that it is handled in.
func (want *desired) phases() []*desired {
	out := make([]*desired, 0, len(want.placement.Phases))
	for _, phase := range want.placement.Phases {
		in := *want
		in.phase = phase
		out = append(out, &in)
	}
	return out
}

// normalise makes one object ready to be compared. It returns false for objects
// that are not to be applied, and for those that made the draft fail.
func (e *Engine) normalise(ctx context.Context, d *draft, r rendering, lineage string) (*desired, bool) {
	placement := order.Annotations(r.Object)
	if placement.Ignored {
		return nil, false
	}
	held, warnings := options.Of(d.app.Sync, placement.Options)
	for _, warning := range append(placement.Warnings, warnings...) {
		d.warnings = append(d.warnings, fmt.Sprintf("%s (%s): %s", r.Object.ID(), r.Origin, warning))
	}
	gvk := r.Object.GVK()
	resource, pending, err := d.session.resource(ctx, gvk)
	missing := held.SkipDryRun && errors.Is(err, providers.ErrUnknownKind)
	if missing {
		resource, pending, err = guessed(r.Object), true, nil
	}
	if err != nil {
		d.failObject(d.sourceRange(r.source), r.Object.ID(), summaryOf(err, "Kind cannot be looked up"), unknownKindDetail(r, err))
		return nil, false
	}
	if r.Object.Name() == "" && !placement.Hook {
		d.failObject(d.sourceRange(r.source), r.Object.ID(), "Object without a name", fmt.Sprintf(
			"%s in %s has generateName %q and no name: planned again it would be another object every time. Only hooks may have a generated name.",
			r.Object.Kind(), r.Origin, r.Object.GenerateName()))
		return nil, false
	}
	o := r.Object.DeepCopy()
	if metadata := o.Metadata(); metadata != nil && metadata["creationTimestamp"] == nil {
		o.Remove("metadata", "creationTimestamp")
	}
	o.Remove("status")
	if held.Unvalidated {
		var left []string
		if o, left = d.session.schema(ctx, gvk).Declared(o); len(left) > 0 {
			d.warn(fmt.Sprintf("%s (%s): left out are fields that its schema does not have: %s", r.Object.ID(), r.Origin, strings.Join(left, ", ")))
		}
	}
	switch {
	case !resource.Namespaced:
		o.Remove("metadata", "namespace")
	case o.Namespace() == "":
		if d.app.Destination.Namespace == "" {
			d.failObject(d.sourceRange(r.source), o.ID(), "No namespace", fmt.Sprintf(
				"%s in %s names no namespace, and the destination gives none. Set destination.namespace.", o.ID(), r.Origin))
			return nil, false
		}
		if err := o.Set(d.app.Destination.Namespace, "metadata", "namespace"); err != nil {
			d.failObject(d.sourceRange(r.source), o.ID(), "Invalid object", fmt.Sprintf("%s: %s", r.Origin, err))
			return nil, false
		}
	}
	want := &desired{
		object: track.Stamp(o, lineage, d.address), origin: r.Origin, source: r.source, inClear: r.inClear,
		placement: placement, options: held, resource: resource, pending: pending, missing: missing,
	}
	if pending && !missing {
		want.served = d.session.otherVersion(ctx, gvk.GroupKind())
	}
	return want, e.permitted(d, want)
}

// guessed tells how a kind is served that nobody knows: it has a namespace where its
// object names one, or else where kinds of its name have one.
func guessed(o object.Object) providers.Resource {
	out := GuessResource(o.GVK())
	out.Namespaced = out.Namespaced || o.Namespace() != ""
	return out
}

// namespace is the destination's namespace, where the application asks for it; nil where
// it does not. One that is there already is left alone, but for the metadata that the
// application gives it.
func (e *Engine) namespace(d *draft, lineage string) *desired {
	sync := &d.app.Sync
	if !sync.CreateNamespace || d.app.Destination.Namespace == "" {
		return nil
	}
	metadata := map[string]any{"name": d.app.Destination.Namespace}
	if labels := sync.NamespaceLabels; len(labels) > 0 {
		metadata["labels"] = anyMap(labels)
	}
	if annotations := sync.NamespaceAnnotations; len(annotations) > 0 {
		metadata["annotations"] = anyMap(annotations)
	}
	o := object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
	return &desired{
		object:     track.Stamp(o, lineage, d.address),
		origin:     "sync.create_namespace",
		placement:  order.Annotations(o),
		phase:      plan.PhaseSync,
		resource:   providers.Resource{GVK: o.GVK(), Plural: "namespaces"},
		whenAbsent: true,
		managed:    len(sync.NamespaceLabels)+len(sync.NamespaceAnnotations) > 0,
	}
}

// claim finds the objects that two applications want in one cluster, and fails
// both: an object has one owner.
func claim(drafts []*draft) {
	type slot struct {
		cluster string
		id      object.ID
	}
	owners := map[slot]*draft{}
	for _, d := range drafts {
		if d.failed() || d.leaves() {
			continue
		}
		for _, want := range d.desired {
			id := want.object.ID()
			if id.Name == "" || want.whenAbsent {
				continue
			}
			key := slot{d.session.identity(), id}
			first, taken := owners[key]
			if !taken {
				owners[key] = d
			}
			if !taken || first == d { // a hook of several phases is there more than once
				continue
			}
			detail := func(other *draft) string {
				return fmt.Sprintf("%s in cluster %s is also rendered by %s (%s). An object has one owner; leave it out of one of the two.",
					id, d.session.name, other.address, rangeText(other.app.Range))
			}
			d.failObject(d.sourceRange(want.source), id, "Object in two applications", detail(first))
			first.failObject(first.app.Range, id, "Object in two applications", detail(d))
			d.failures[len(d.failures)-1].concerned = Concerned{d.address, first.address}
			first.failures[len(first.failures)-1].told = true // by the other's, which names both
		}
	}
}

// identity tells clusters apart however they are named.
func (s *session) identity() string {
	if s.info.UID != "" {
		return s.info.UID
	}
	return s.name
}

func place(app *lang.Application, sourceIndex int, origin string) string {
	if sourceIndex >= len(app.Sources) || len(app.Sources) == 1 {
		return origin
	}
	s := app.Sources[sourceIndex]
	where := s.URL
	if s.Path != "" {
		where = strings.TrimSuffix(where, "/") + "//" + s.Path
	}
	if where == "" {
		return fmt.Sprintf("%s (source %d)", origin, sourceIndex+1)
	}
	return fmt.Sprintf("%s of %s (source %d)", origin, where, sourceIndex+1)
}

func unknownKindDetail(r rendering, err error) string {
	detail := fmt.Sprintf("%s in %s: %s.", r.Object.ID(), r.Origin, err)
	if errors.Is(err, providers.ErrUnknownKind) {
		detail += " Is its CustomResourceDefinition missing from the plan, or the apiVersion mistyped? Where something else brings the kind meanwhile, set sync.skip_dry_run_on_missing_resource = true."
	}
	return detail
}

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
