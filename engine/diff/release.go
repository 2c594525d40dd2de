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
	_, others := d.owners(live)
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
	return d.without(desired, live, ignored, kind), nil
}

// without returns desired without fields, but for those that only we own: these have
// their live value.
func (d *Differ) without(desired, live object.Object, fields []path, kind *Type) object.Object {
	ours, others := d.owners(live)
	for _, o := range others {
		ours = ours.Difference(o.set)
	}
	r := releasing{root: kind.root(), kept: extract(kind, live, ours), live: live, out: desired.DeepCopy()}
	for _, at := range slices.Backward(fields) { // the last item of a list first, so that positions hold
		r.field(at)
	}
	return r.out
}

// releasing takes fields out of an object, one by one.
type releasing struct {
	root node
	kept any // the part of live that only we own
	live object.Object
	out  object.Object
}

// field gives an ignored field the live value that only we own, or takes it out. A
// key of a list's item is not taken out of the item: without it there is none.
func (r *releasing) field(at path) {
	if len(at) > 1 {
		if item := at[len(at)-2]; item.kind == kindKeyed && slices.Contains(item.keys, at[len(at)-1].name) {
			return
		}
	}
	if _, ok := lookup(r.root, map[string]any(r.out), at); !ok {
		return
	}
	if current, ok := lookup(r.root, r.kept, at); ok {
		r.set(at, object.DeepCopyValue(current))
		return
	}
	r.remove(at)
}

func (r *releasing) set(at path, value any) {
	parent, last := at[:len(at)-1], at[len(at)-1]
	container, _ := lookup(r.root, map[string]any(r.out), parent)
	switch c := container.(type) {
	case map[string]any:
		c[last.name] = value
	case []any:
		if i := r.place(parent, c, last); i >= 0 {
			c[i] = value
		}
	}
}

// remove takes a field out, and with it a map that it leaves empty: to send that
// would be to own it. Where live has it empty too, it means something and stays.
func (r *releasing) remove(at path) {
	parent, last := at[:len(at)-1], at[len(at)-1]
	container, _ := lookup(r.root, map[string]any(r.out), parent)
	switch c := container.(type) {
	case map[string]any:
		delete(c, last.name)
	case []any:
		i := r.place(parent, c, last)
		if i < 0 {
			return
		}
		c = slices.Delete(slices.Clone(c), i, i+1)
		r.set(parent, c)
		container = c
	}
	now, _ := lookup(r.root, map[string]any(r.live), parent)
	if len(parent) > 0 && parent[len(parent)-1].kind == kindMember && isEmpty(container) && !isEmpty(now) {
		r.remove(parent)
	}
}

// place returns where an item is in the list at parent; -1 if it is not.
func (r *releasing) place(parent path, list []any, item element) int {
	if item.kind == kindIndex {
		if item.index < len(list) {
			return item.index
		}
		return -1
	}
	n := r.root
	for _, e := range parent {
		if e.kind == kindMember {
			n = n.field(e.name)
		} else {
			n = n.item()
		}
	}
	return slices.IndexFunc(list, func(v any) bool {
		_, found := findItem(n, []any{v}, item)
		return found
	})
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
	//nolint:staticcheck // validating would refuse a live object for a field that our copy of its schema lacks
	all := typed.AsTypedUnvalidated(value.NewValueInterface(map[string]any(live)), p.Schema, p.TypeRef)
	return all.ExtractItems(set.Leaves(), typed.WithAppendKeyFields()).AsValue().Unstructured()
}
