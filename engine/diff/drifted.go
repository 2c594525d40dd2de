package diff

import (
	"cmp"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// Drifted lists what became of a live object since we last applied it, sorted by
// path: fields of ours that someone changed, removed, or took over with the value that
// they had. Before is what there is now and After what was applied, as a plan would show
// it that puts it back. Where applied, the object that was last sent, is nil, the values
// that were applied are not known: After is nil then, and Kind is Changed for a
// field that is there and Added for one that is not. Nothing is asked of the server.
// Values of Secrets are fingerprints.
func (d *Differ) Drifted(live, applied object.Object, prior *state.Owned, kind *Type) ([]plan.FieldChange, error) {
	if d.untouched(live, prior) {
		return nil, nil
	}
	if applied == nil {
		return d.lost(live, prior, kind)
	}
	after, err := d.Predict(live, applied, kind, true)
	if err != nil {
		return nil, err
	}
	before, _ := d.Redact(live)
	after, _ = d.Redact(after)
	shown, _ := d.Redact(applied)
	w, root := walker{}, kind.root()
	w.compareMaps(root, nil, compared(before), compared(after))
	m := d.marker(Changes{Before: live, After: after, Prior: prior}, root, shown)
	var out []plan.FieldChange
	for _, c := range w.found {
		f := m.mark(c)
		switch {
		case f.Drift != nil:
		case owns(m.applied, c.at): // it is still ours: whoever wrote it used our name
			entry, _ := d.applied(live)
			writer := entry.writer()
			f.Drift, f.Server = &writer, false
		default: // it never was as we sent it: a webhook saw to that
			continue
		}
		out = append(out, f)
	}
	for _, f := range m.ownership(w.found, before, after) {
		if f.Drift != nil {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b plan.FieldChange) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// untouched reports whether what we own and its values are as state recorded them.
func (d *Differ) untouched(live object.Object, prior *state.Owned) bool {
	entry, ok := d.applied(live)
	return ok && prior.Values != "" && sameJSON(appendFields(nil, entry.fields), prior.Fields) && prior.Values == d.valuesAt(live, entry.fields)
}

// lost lists the fields that we have applied and that are no longer ours.
func (d *Differ) lost(live object.Object, prior *state.Owned, kind *Type) ([]plan.FieldChange, error) {
	applied, err := parseFields(prior.Fields)
	if err != nil {
		return nil, err
	}
	root := kind.root()
	m := d.marker(Changes{Before: live, After: live, Prior: prior}, root, nil)
	shown, _ := d.Redact(live)
	var out []plan.FieldChange
	applied.Difference(m.was).Leaves().Iterate(func(p fieldpath.Path) {
		at := fromFieldpath(p)
		writer, ok := m.drift(at)
		if !ok {
			return
		}
		f := plan.FieldChange{Path: at.String(), Kind: plan.Changed, Sensitive: m.secret && sensitive(at), Drift: &writer}
		if f.Before, ok = lookup(root, map[string]any(shown), at); !ok {
			f.Kind = plan.Added
		}
		out = append(out, f)
	})
	slices.SortFunc(out, func(a, b plan.FieldChange) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}
