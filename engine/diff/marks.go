package diff

import (
	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/state"
)

// marker tells why fields change: drift, the server, or ownership alone.
type marker struct {
	root    node
	secret  bool
	desired object.Object
	prior   *state.Owned
	// applied is the set that state recorded after our last apply; was and will
	// are what we own in Before and After, and moved is what comes to us from others.
	applied, was, will, moved *fieldpath.Set
	others                    []owner // of Before, newest first
}

// owner is another manager and its fields.
type owner struct {
	entry
	set *fieldpath.Set
}

func (d *Differ) marker(in Changes, root node, desired object.Object) *marker {
	m := &marker{root: root, desired: desired, prior: in.Prior}
	m.secret = isSecret(in.Before) || isSecret(in.After)
	if in.Prior != nil {
		if set, err := parseFields(in.Prior.Fields); err == nil {
			m.applied = set
		}
	}
	m.was, m.others = d.owners(in.Before)
	m.will, _ = d.owners(in.After)
	m.moved = fieldpath.NewSet()
	version := d.version(in.Before, in.Desired.APIVersion())
	for _, o := range m.others {
		if moves(o.entry, in.Moves, version) {
			m.moved = m.moved.Union(o.set)
		}
	}
	return m
}

// had reports whether a field was ours to change: we own it, or come to own it
// from another manager.
func (m *marker) had(at path) bool { return owns(m.was, at) || owns(m.moved, at) }

// mark turns a change of a value into what the plan shows.
func (m *marker) mark(c change) plan.FieldChange {
	out := plan.FieldChange{
		Path: c.at.String(), Before: c.before, After: c.after, Kind: c.kind,
		Sensitive: m.secret && sensitive(c.at) || redacted(c.before) && redacted(c.after) && (c.before != nil || c.after != nil),
	}
	if writer, ok := m.drift(c.at); ok {
		out.Drift = &writer
	}
	out.Server = out.Drift == nil && m.byServer(c)
	return out
}

// sensitive reports whether the values at a place in a Secret must not be shown.
func sensitive(at path) bool {
	if at[0].name == "data" || at[0].name == "stringData" {
		return true
	}
	return len(at) == 3 && at[1].name == "annotations" && at[2].name == lastApplied
}

// redacted reports whether a value is a fingerprint, a map of such, or nothing.
func redacted(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return seal.IsFingerprint(v)
	case map[string]any:
		for _, item := range v {
			if item == nil || !redacted(item) {
				return false
			}
		}
		return len(v) > 0
	}
	return false
}

// drift tells who changed a field since we applied it: it was in the set that we
// applied, and is no longer ours.
func (m *marker) drift(at path) (plan.Writer, bool) {
	if !owns(m.applied, at) || owns(m.was, at) {
		return plan.Writer{}, false
	}
	return m.writer(at), true
}

// unknownWriter is the manager of a change that the server cannot attribute.
const unknownWriter = "unknown"

// writer returns who wrote a field last. A field that was removed has no owner:
// then it is the only one who has written the object since we did, if there is one.
func (m *marker) writer(at path) plan.Writer {
	for _, o := range m.others {
		if owns(o.set, at) {
			return o.writer()
		}
	}
	var since []owner
	for _, o := range m.others {
		if o.subresource == "" && m.prior != nil && o.at.After(m.prior.AppliedAt) {
			since = append(since, o)
		}
	}
	if len(since) == 1 {
		return since[0].writer()
	}
	return plan.Writer{Manager: unknownWriter}
}

// byServer reports whether the server brings a change: a default, a webhook, or
// what follows from another field.
func (m *marker) byServer(c change) bool {
	value, there := lookup(m.root, map[string]any(m.desired), c.at)
	switch c.kind {
	case plan.Removed:
		return !there && !m.had(c.at) && !owns(m.applied, c.at)
	case plan.Added, plan.Changed:
		if !there {
			return c.kind == plan.Added || !m.had(c.at)
		}
	}
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return !sameScalar(c.node, value, c.after)
}

// ownership lists fields whose value stays and whose owner changes.
func (m *marker) ownership(changes []change, before, after object.Object) []plan.FieldChange {
	var out []plan.FieldChange
	list := func(set *fieldpath.Set, kind plan.FieldKind, o object.Object) {
		set.Leaves().Iterate(func(p fieldpath.Path) {
			at := fromFieldpath(p)
			if touched(changes, at) {
				return
			}
			value, ok := lookup(m.root, map[string]any(o), at)
			if !ok {
				return
			}
			c := plan.FieldChange{Path: at.String(), Kind: kind, Owned: true, Sensitive: m.secret && sensitive(at)}
			if kind == plan.Added {
				c.After = value
			} else {
				c.Before = value
			}
			if writer, ok := m.drift(at); ok {
				c.Drift = &writer
			}
			out = append(out, c)
		})
	}
	list(m.will.Difference(m.was), plan.Added, after)
	list(m.was.Difference(m.will), plan.Removed, before)
	return out
}

// touched reports whether a change is at, above or below a place.
func touched(changes []change, at path) bool {
	for _, c := range changes {
		if c.at.hasPrefix(at) || at.hasPrefix(c.at) {
			return true
		}
	}
	return false
}

// lookup finds the value at a place.
func lookup(n node, value any, at path) (any, bool) {
	for _, e := range at {
		switch e.kind {
		case kindMember:
			m, ok := value.(map[string]any)
			if !ok {
				return nil, false
			}
			if value, ok = m[e.name]; !ok {
				return nil, false
			}
			n = n.field(e.name)
		case kindIndex:
			list, ok := value.([]any)
			if !ok || e.index >= len(list) {
				return nil, false
			}
			value, n = list[e.index], n.item()
		case kindKeyed, kindSetItem:
			item, ok := findItem(n, value, e)
			if !ok {
				return nil, false
			}
			value, n = item, n.item()
		}
	}
	return value, true
}

func findItem(n node, value any, e element) (any, bool) {
	list, _ := value.([]any)
	want := path{e}.String()
	for _, item := range list {
		if e.kind == kindSetItem {
			if equalScalar(item, e.values[0]) {
				return item, true
			}
			continue
		}
		if values, ok := n.keyOf(item, e.keys); ok && (path{keyed(e.keys, values)}).String() == want {
			return item, true
		}
	}
	return nil, false
}
