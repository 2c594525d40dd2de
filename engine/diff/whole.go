package diff

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/gantrycd/gantry/plan/object"
)

// Whole returns desired as it is sent in the place of live by PUT. What the matching
// rules ignore is as live has it, and so are finalizers and owner references that desired
// does not name: to lose these is never what replacing an object means. desired is not
// changed. kind may be nil.
func (d *Differ) Whole(ctx context.Context, rules []*Ignore, desired, live object.Object, kind *Type) (object.Object, error) {
	out := desired.DeepCopy()
	for _, name := range []string{"finalizers", "ownerReferences"} {
		if value, ok := live.Get("metadata", name); ok && desired.Metadata()[name] == nil {
			if err := out.Set(object.DeepCopyValue(value), "metadata", name); err != nil {
				return nil, err
			}
		}
	}
	n, id := kind.root(), desired.ID()
	_, others := d.owners(live)
	var there []path // what of live stays
	for _, rule := range rules {
		if !rule.Matches(id) {
			continue
		}
		of, err := rule.paths(ctx, n, live)
		if err != nil {
			return nil, err
		}
		there = append(there, of...)
		for _, o := range others {
			if slices.Contains(rule.managers, o.manager) {
				there = append(there, leaves(o.set)...)
			}
		}
		if of, err = rule.paths(ctx, n, desired); err != nil {
			return nil, err
		}
		r := releasing{root: n, kept: map[string]any(live), live: live, out: out}
		for _, at := range slices.Backward(of) { // the last item of a list first, so that positions hold
			r.field(at)
		}
	}
	return kind.withValues(out, live, there)
}

// Has reports whether live has all that desired says, whoever owns it and whatever else
// there is. kind may be nil.
func Has(live, desired object.Object, kind *Type) bool {
	_, ok := covers(kind.root(), map[string]any(withoutStatus(desired)), map[string]any(withoutStatus(live)), false)
	return ok
}

// withValues returns an object with the values that live has at places and it has not.
func (t *Type) withValues(o, live object.Object, places []path) (object.Object, error) {
	if len(places) == 0 {
		return o, nil
	}
	all, err := t.fieldSet(live)
	if err != nil {
		return nil, fmt.Errorf("the fields of the live object cannot be told: %w", err)
	}
	missing := fieldpath.NewSet()
	all.Leaves().Iterate(func(p fieldpath.Path) {
		at := fromFieldpath(p)
		if _, has := lookup(t.root(), map[string]any(o), at); !has && slices.ContainsFunc(places, at.within) {
			missing.Insert(p.Copy())
		}
	})
	return t.with(o, live, missing)
}
