package diff

import (
	"context"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/typed"
	"sigs.k8s.io/structured-merge-diff/v4/value"

	"github.com/gantrycd/gantry/plan/object"
)

// Release returns desired without the fields that the matching rules ignore, so
// that they are left to others. A field that only we own keeps its live value
// instead: to leave it out would make the server remove it. Without a live object
// nothing is left out: the configuration gives the first value. desired is not
// changed. kind may be nil. A jq expression that runs longer than a second is an
// error.
func (d *Differ) Release(ctx context.Context, rules []*Ignore, desired, live object.Object, kind *Type) (object.Object, error) {
	id := desired.ID()
	rules = slices.DeleteFunc(slices.Clone(rules), func(r *Ignore) bool { return !r.Matches(id) })
	if live == nil || len(rules) == 0 {
		return desired, nil
	}
	n := kind.root()
	ours, others := d.owners(live)
	var ignored []path
	for _, rule := range rules {
		places, err := rule.places(ctx, desired)
		if err != nil {
			return nil, err
		}
		for _, place := range places {
			if at, ok := structural(n, desired, place); ok {
				ignored = append(ignored, at)
			}
		}
		for _, o := range others {
			if slices.Contains(rule.managers, o.manager) {
				ignored = append(ignored, leaves(o.set)...)
			}
		}
	}
	for _, o := range others {
		ours = ours.Difference(o.set)
	}
	kept := extract(kind, live, ours)
	out := desired.DeepCopy()
	for _, at := range slices.Backward(ignored) { // the last item of a list first, so that positions hold
		if _, ok := lookup(n, map[string]any(out), at); !ok {
			continue
		}
		current, ok := lookup(n, kept, at)
		replace(n, map[string]any(out), at, object.DeepCopyValue(current), ok)
	}
	return out, nil
}

// structural turns a place given by positions into one given by list keys, which
// also names the item in another copy of the object. The identity of an object
// cannot be ignored.
func structural(n node, o object.Object, place []any) (path, bool) {
	var value any = map[string]any(o)
	var at path
	for _, s := range place {
		switch v := value.(type) {
		case map[string]any:
			name, ok := s.(string)
			if !ok {
				return nil, false
			}
			child, ok := v[name]
			if !ok {
				return nil, false
			}
			value, n, at = child, n.field(name), append(at, member(name))
		case []any:
			i, ok := s.(int)
			if !ok || i < 0 || i >= len(v) {
				return nil, false
			}
			selector := index(i)
			if keys, associative := n.listKeys(); associative {
				if _, e, ok := identify(n, keys, v[i]); ok {
					selector = e
				}
			}
			value, n, at = v[i], n.item(), append(at, selector)
		default:
			return nil, false
		}
	}
	switch at.String() {
	case "", "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace":
		return nil, false
	}
	return at, true
}

func leaves(set *fieldpath.Set) []path {
	var out []path
	set.Leaves().Iterate(func(p fieldpath.Path) { out = append(out, fromFieldpath(p)) })
	return out
}

// extract returns the part of live at the fields of a set.
func extract(kind *Type, live object.Object, set *fieldpath.Set) any {
	p := kind.orDeduced().parseable
	all := typed.AsTypedUnvalidated(value.NewValueInterface(map[string]any(live)), p.Schema, p.TypeRef)
	return all.ExtractItems(set.Leaves(), typed.WithAppendKeyFields()).AsValue().Unstructured()
}

// replace sets the value at a place of root, which is there, or takes it out
// where keep is false.
func replace(n node, root map[string]any, at path, with any, keep bool) {
	parent, last := at[:len(at)-1], at[len(at)-1]
	container, ok := lookup(n, root, parent)
	if !ok {
		return
	}
	switch c := container.(type) {
	case map[string]any:
		if keep {
			c[last.name] = with
		} else {
			delete(c, last.name)
		}
	case []any:
		inner := n
		for _, e := range parent {
			if e.kind == kindMember {
				inner = inner.field(e.name)
			} else {
				inner = inner.item()
			}
		}
		i := slices.IndexFunc(c, func(item any) bool {
			if last.kind == kindIndex {
				return false
			}
			_, found := findItem(inner, []any{item}, last)
			return found
		})
		if last.kind == kindIndex {
			i = last.index
		}
		if i < 0 || i >= len(c) {
			return
		}
		if keep {
			c[i] = with
			return
		}
		replace(n, root, parent, slices.Delete(slices.Clone(c), i, i+1), true)
	}
}
