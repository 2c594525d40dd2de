package diff

import (
	"bytes"
	"encoding/json"

	"sigs.k8s.io/structured-merge-diff/v4/fieldpath"

	"github.com/gantrycd/gantry/plan/object"
)

// sameTyped decides without a record: we must own exactly the fields of desired,
// and live must have desired's values there.
func (d *Differ) sameTyped(in Input, kind *Type) (bool, string) {
	applied, ok := d.applied(in.Live)
	if !ok {
		return false, "not applied by us yet"
	}
	if applied.apiVersion != in.Desired.APIVersion() {
		return false, "applied as " + applied.apiVersion
	}
	desired, live := withoutStatus(in.Desired), withoutStatus(in.Live)
	want, err := kind.fieldSet(desired)
	if err != nil {
		return false, "does not fit the schema"
	}
	have, err := parseSet(applied.fields)
	if err != nil {
		return false, "managedFields cannot be read"
	}
	have = have.Difference(statusSet(have))
	if missing := want.Difference(have); !missing.Empty() {
		return false, firstPath(missing) + " is not ours"
	}
	if extra := have.Difference(want); !extra.Empty() {
		return false, firstPath(extra) + " is no longer desired"
	}
	if at, ok := covers(kind.root(), map[string]any(desired), map[string]any(live), false); !ok {
		return false, at.String() + " differs"
	}
	return true, ""
}

// withoutStatus leaves out what the server resets in an apply of the object itself.
func withoutStatus(o object.Object) object.Object {
	out := make(object.Object, len(o))
	for key, value := range o {
		if key != "status" {
			out[key] = value
		}
	}
	return out
}

// statusSet returns the fields of set below status.
func statusSet(set *fieldpath.Set) *fieldpath.Set {
	status := fieldpath.NewSet()
	set.Iterate(func(p fieldpath.Path) {
		if len(p) > 0 && p[0].FieldName != nil && *p[0].FieldName == "status" {
			status.Insert(p.Copy())
		}
	})
	return status
}

func parseSet(fields map[string]any) (*fieldpath.Set, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return parseFields(text)
}

func parseFields(fields json.RawMessage) (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	if len(fields) == 0 {
		return set, nil
	}
	return set, set.FromJSON(bytes.NewReader(fields))
}

// covers reports whether live has everything that desired says, and in exact
// values nothing else. Where not, it returns a place that tells why.
func covers(n node, desired, live any, exact bool) (path, bool) {
	switch want := desired.(type) {
	case map[string]any:
		have, ok := live.(map[string]any)
		if !ok {
			return nil, false
		}
		return coversMap(n, want, have, exact)
	case []any:
		have, ok := live.([]any)
		if !ok {
			return nil, false
		}
		return coversList(n, want, have)
	case nil:
		return nil, live == nil
	default:
		return nil, sameScalar(n, desired, live)
	}
}

func coversMap(n node, want, have map[string]any, exact bool) (path, bool) {
	exact = exact || n.atomicMap()
	if exact && len(want) != len(have) {
		return nil, false
	}
	for _, name := range sortedKeys(want) {
		value, ok := have[name]
		if !ok && want[name] != nil {
			return path{member(name)}, false
		}
		if at, ok := covers(n.field(name), want[name], value, exact); !ok {
			return append(path{member(name)}, at...), false
		}
	}
	return nil, true
}

func coversList(n node, want, have []any) (path, bool) {
	keys, associative := n.listKeys()
	if !associative {
		if len(want) != len(have) {
			return nil, false
		}
		for i := range want {
			if at, ok := covers(n.item(), want[i], have[i], true); !ok {
				return append(path{index(i)}, at...), false
			}
		}
		return nil, true
	}
	places, ok := itemPlaces(n, keys, have)
	if !ok {
		return nil, false
	}
	last := -1
	for _, item := range want {
		text, selector, ok := identify(n, keys, item)
		if !ok {
			return nil, false
		}
		place, ok := places[text]
		if !ok || place < last { // others' items may stand between, ours keep their order
			return path{selector}, false
		}
		last = place
		if at, ok := covers(n.item(), item, have[place], false); !ok {
			return append(path{selector}, at...), false
		}
	}
	return nil, true
}

// itemPlaces maps the identities of a list's items to their places; false where
// an item has none, or two have the same.
func itemPlaces(n node, keys []string, list []any) (map[string]int, bool) {
	places := make(map[string]int, len(list))
	for i, item := range list {
		text, _, ok := identify(n, keys, item)
		if !ok {
			return nil, false
		}
		if _, twice := places[text]; twice {
			return nil, false
		}
		places[text] = i
	}
	return places, true
}

// identify tells an item of an associative list from its siblings.
func identify(n node, keys []string, item any) (text string, selector element, ok bool) {
	if len(keys) == 0 {
		switch item.(type) {
		case nil, map[string]any, []any:
			return "", element{}, false
		}
		return keyText([]any{item}), setItem(item), true
	}
	values, ok := n.keyOf(item, keys)
	if !ok {
		return "", element{}, false
	}
	return keyText(values), keyed(keys, values), true
}
