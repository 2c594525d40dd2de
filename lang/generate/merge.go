package generate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/value"
)

// Merge overlays the items of the first generator with those of the others that have
// the same values of keys, in order. The key of an item is those values, joined by
// "/". An item of a later generator that fits none of the first is passed over, as in
// Argo CD. Its errors are Problems with the arguments generators and keys.
func Merge(generators [][]Item, keys []string) ([]Item, error) {
	if len(keys) == 0 {
		return nil, problem("keys", "Missing merge keys", "Merging needs at least one attribute to tell which items belong together.")
	}
	var base []Item
	var places map[string]int
	var errs []error
	for place, items := range generators {
		found := make(map[string]int, len(items))
		for i, item := range items {
			id, key, err := mergeKey(item, keys, place)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if first, ok := found[id]; ok {
				errs = append(errs, problem("generators", "Duplicate merge key",
					"The items %s and %s of element %d have the same %s, %q, so that it cannot be told which of them is meant. Add to keys what tells them apart.",
					items[first].Origin, item.Origin, place, strings.Join(keys, " and "), key))
				continue
			}
			found[id] = i
			if place == 0 {
				base = append(base, Item{Key: key, Value: item.Value, Origin: item.Origin})
				found[id] = len(base) - 1
			} else if at, ok := places[id]; ok {
				base[at].Value = Overlay(base[at].Value, item.Value)
			}
		}
		if place == 0 {
			places = found
			items = base
		}
	}
	return base, errors.Join(errs...)
}

// mergeKey returns the values of an item's keys: as what tells items apart, and as
// they are shown.
func mergeKey(item Item, keys []string, place int) (id, shown string, err error) {
	parts := make([]string, len(keys))
	for i, name := range keys {
		v, ok := lookUp(item.Value, name)
		if !ok {
			return "", "", problem("keys", "Missing merge key",
				"The item %s of element %d has no %q, or it is null, so that it cannot be told what belongs to it.", item.Origin, place, name)
		}
		text, err := convert.Convert(v, cty.String)
		if err != nil {
			return "", "", problem("keys", "Invalid merge key",
				"In the item %s of element %d, %q must be a string, a number or a bool, but is %s.", item.Origin, place, name, value.Kind(v))
		}
		text, _ = text.Unmark()
		parts[i] = text.AsString()
	}
	return fmt.Sprintf("%q", parts), strings.Join(parts, "/"), nil
}

// lookUp returns an attribute, by its name or as a path such as labels.region.
func lookUp(v cty.Value, name string) (cty.Value, bool) {
	if !isObject(v) {
		return cty.NilVal, false
	}
	if attribute, ok := v.AsValueMap()[name]; ok {
		return attribute, !attribute.IsNull()
	}
	head, rest, isPath := strings.Cut(name, ".")
	inner, ok := v.AsValueMap()[head]
	if !isPath || !ok {
		return cty.NilVal, false
	}
	return lookUp(inner, rest)
}

// Overlay returns a value with another laid over it: objects are merged, and the
// objects in them; anything else is replaced. What is null in the overlay is as what
// is not there.
func Overlay(base, over cty.Value) cty.Value {
	if over.IsNull() {
		return base
	}
	if !mergeable(base) || !mergeable(over) {
		return over
	}
	attributes := base.AsValueMap()
	if attributes == nil {
		attributes = map[string]cty.Value{}
	}
	for name, v := range over.AsValueMap() {
		if have, ok := attributes[name]; ok {
			v = Overlay(have, v)
		}
		attributes[name] = v
	}
	return cty.ObjectVal(attributes)
}

// mergeable reports whether a value is an object of attributes, and not a block.
func mergeable(v cty.Value) bool {
	_, isBlock := value.ReferenceOf(v)
	return isObject(v) && !isBlock
}
