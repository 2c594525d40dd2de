package diff

import "github.com/gantrycd/gantry/plan"

// Inside looks into a change of a list that no schema told the items of: where all
// items of both lists have a name of their own, as in almost all lists of
// Kubernetes' own kinds, it returns the changes within, told apart by it. Every other
// change is returned as it is. It is for showing what changes.
func Inside(field plan.FieldChange) []plan.FieldChange {
	before, was := field.Before.([]any)
	after, is := field.After.([]any)
	if !was || !is || field.Kind != plan.Changed || field.Sensitive || field.Owned {
		return []plan.FieldChange{field}
	}
	w := walker{}
	if !w.compareItems(byName().root(), nil, before, after) || len(w.found) == 0 {
		return []plan.FieldChange{field}
	}
	out := make([]plan.FieldChange, 0, len(w.found))
	for _, c := range w.found {
		inner := field
		inner.Path, inner.Before, inner.After, inner.Kind = field.Path+c.at.String(), c.before, c.after, c.kind
		out = append(out, inner)
	}
	return out
}
