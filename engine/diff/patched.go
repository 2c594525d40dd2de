package diff

import (
	"cmp"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// Merge returns an object with a merge patch (RFC 7386) applied: members are set, null
// takes out, and what is no map is replaced as a whole. Neither is changed.
func Merge(o, patch object.Object) object.Object {
	return mergeValue(map[string]any(o), map[string]any(patch)).(map[string]any)
}

func mergeValue(value, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return object.DeepCopyValue(patch)
	}
	out, _ := object.DeepCopyValue(value).(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	for name, change := range changes {
		if change == nil {
			delete(out, name)
		} else {
			out[name] = mergeValue(out[name], change)
		}
	}
	return out
}

// Patched lists what a merge patch changes of a live object, sorted by path, the status
// too; what identifies the object is no change. ours are the paths among them of fields
// that we have applied, as state recorded them (prior, nil for nothing). Values that are
// redacted are fingerprints.
func (d *Differ) Patched(live, patch object.Object, prior *state.Owned) (fields []plan.FieldChange, ours []string) {
	before, secret := d.Redact(live)
	after, _ := d.Redact(Merge(live, patch))
	var applied *fieldpath.Set
	if prior != nil {
		applied, _ = parseFields(prior.Fields) // of what cannot be read nothing is ours
	}
	root := Deduced().root()
	for _, at := range patchedPlaces(nil, map[string]any(patch)) {
		was, had := lookup(root, map[string]any(before), at)
		is, has := lookup(root, map[string]any(after), at)
		f := plan.FieldChange{Path: at.String(), Before: was, After: is, Kind: plan.Changed}
		f.Sensitive = secret && redacted(was) && redacted(is) && (was != nil || is != nil)
		switch {
		case !had && !has, had && has && equal(root, was, is):
			continue
		case !had:
			f.Kind = plan.Added
		case !has:
			f.Kind = plan.Removed
		}
		fields = append(fields, f)
		if owns(applied, at) {
			ours = append(ours, f.Path)
		}
	}
	slices.SortFunc(fields, func(a, b plan.FieldChange) int { return cmp.Compare(a.Path, b.Path) })
	slices.Sort(ours)
	return fields, ours
}

// patchedPlaces lists where a merge patch sets or takes out something.
func patchedPlaces(at path, patch map[string]any) []path {
	var out []path
	for _, name := range sortedKeys(patch) {
		if len(at) == 0 && (name == "apiVersion" || name == "kind") ||
			len(at) == 1 && at[0].name == "metadata" && (name == "name" || name == "namespace") {
			continue
		}
		place := at.with(member(name))
		if inner, ok := patch[name].(map[string]any); ok && len(inner) > 0 {
			out = append(out, patchedPlaces(place, inner)...)
		} else {
			out = append(out, place)
		}
	}
	return out
}
