package diff

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v4/typed"
	"sigs.k8s.io/structured-merge-diff/v4/value"

	"github.com/gantrycd/gantry/plan/object"
)

// Release returns desired without the fields that the matching rules ignore, so
// that they are left to others. A field that only we own keeps its live value
// instead, also one that desired does not have: to leave it out would make the server
// remove it. Without a live object
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
	var ignored, there []path // of desired, and of live
	for _, rule := range rules {
		of, err := rule.paths(ctx, n, desired)
		if err != nil {
			return nil, err
		}
		ignored = append(ignored, of...)
		if of, err = rule.paths(ctx, n, live); err != nil {
			return nil, err
		}
		there = append(there, of...)
		for _, o := range others {
			if slices.Contains(rule.managers, o.manager) {
				ignored = append(ignored, leaves(o.set)...)
			}
		}
	}
	return d.keeping(d.without(desired, live, ignored, kind), live, there, kind)
}

// paths lists what the block ignores in an object.
func (i *Ignore) paths(ctx context.Context, n node, o object.Object) ([]path, error) {
	places, err := i.places(ctx, o)
	if err != nil {
		return nil, err
	}
	var out []path
	for _, place := range places {
		if at, ok := structural(n, o, place); ok {
			out = append(out, at)
		}
	}
	return out, nil
}

// keeping returns desired with the live values of what is ignored, only we own, and
// desired does not have.
func (d *Differ) keeping(desired, live object.Object, ignored []path, kind *Type) (object.Object, error) {
	if len(ignored) == 0 {
		return desired, nil
	}
	kept := fieldpath.NewSet()
	d.solely(live).Leaves().Iterate(func(p fieldpath.Path) {
		at := fromFieldpath(p)
		if _, has := lookup(kind.root(), map[string]any(desired), at); !has && slices.ContainsFunc(ignored, at.within) {
			kept.Insert(p.Copy())
		}
	})
	return kind.with(desired, live, kept)
}

// with returns an object with the values that live has at fields.
func (t *Type) with(o, live object.Object, fields *fieldpath.Set) (object.Object, error) {
	if fields.Empty() {
		return o, nil
	}
	merged, err := t.unvalidated(map[string]any(o)).Merge(t.unvalidated(extract(t, live, fields)))
	if err != nil {
		return nil, fmt.Errorf("an ignored field that is not in the sources cannot be kept: %w", err)
	}
	out, _ := merged.AsValue().Unstructured().(map[string]any)
	return object.Object(out).DeepCopy(), nil
}

// solely returns the fields that only we own.
func (d *Differ) solely(live object.Object) *fieldpath.Set {
	ours, others := d.owners(live)
	for _, o := range others {
		ours = ours.Difference(o.set)
	}
	return ours
}

// within reports whether p is at a place or below it.
func (p path) within(place path) bool {
	return len(p) >= len(place) && slices.EqualFunc(p[:len(place)], place, func(a, b element) bool {
		return a.fieldpath().Equals(b.fieldpath())
	})
}

// without returns desired without fields, but for those that only we own: these have
// their live value.
func (d *Differ) without(desired, live object.Object, fields []path, kind *Type) object.Object {
	r := releasing{root: kind.root(), kept: extract(kind, live, d.solely(live)), live: live, out: desired.DeepCopy()}
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
	return kind.unvalidated(map[string]any(live)).ExtractItems(set.Leaves(), typed.WithAppendKeyFields()).AsValue().Unstructured()
}

// unvalidated is an object, or a part of one, as it is by a type.
func (t *Type) unvalidated(o any) *typed.TypedValue {
	p := t.orDeduced().parseable
	//nolint:staticcheck // validating would refuse a live object for a field that our copy of its schema lacks
	return typed.AsTypedUnvalidated(value.NewValueInterface(o), p.Schema, p.TypeRef)
}
