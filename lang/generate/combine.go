package generate

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// MaxItems bounds what generators may multiply to.
const MaxItems = 1_000_000

// Factor returns the items of another generator, or of anything of the same form: an
// object or map of objects. place is its place among the arguments. Its errors are
// Problems with an argument of that name.
func Factor(argument string, v cty.Value, place int) ([]Item, error) {
	v, _ = v.Unmark()
	if ref, ok := value.ReferenceOf(v); ok {
		return nil, problem(argument, "Unsuitable value", "Element %d must be a generator, but is %s.", place, ref.Address)
	}
	if v.IsNull() || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return nil, problem(argument, "Unsuitable value", "Element %d must be a generator, or a map of objects, but is %s.", place, value.Kind(v))
	}
	elements := v.AsValueMap()
	items := make([]Item, 0, len(elements))
	for _, key := range sortedKeys(elements) {
		if !isObject(elements[key]) {
			return nil, problem(argument, "Unsuitable value", "Only objects can be combined, but the item %q of element %d is %s. Give it a name: { name = ... }.", key, place, value.Kind(elements[key]))
		}
		items = append(items, Item{Key: key, Value: elements[key], Origin: fmt.Sprintf("%q", key)})
	}
	return items, nil
}

// Matrix combines every item of each factor with every item of the others: the keys
// joined by "/", the attributes of all. Its errors are Problems with the argument
// generators.
func Matrix(factors [][]Item) ([]Item, error) {
	total := 1
	for _, factor := range factors {
		if len(factor) == 0 {
			return nil, nil
		}
	}
	for _, factor := range factors {
		if total *= len(factor); total > MaxItems {
			return nil, problem("generators", "Too many items", "The items would be more than %d.", MaxItems)
		}
	}
	var combined []Item
	for i, factor := range factors {
		if i == 0 {
			combined = factor
			continue
		}
		product := make([]Item, 0, len(combined)*len(factor))
		for _, a := range combined {
			for _, b := range factor {
				item, err := join(a, b)
				if err != nil {
					return nil, err
				}
				product = append(product, item)
			}
		}
		combined = product
	}
	return combined, nil
}

// FlatMap combines each item of a generator with those that nested has under its
// key: an object of generators' items, as a generator with for_each over the first
// is. Its errors are Problems with the argument generators.
func FlatMap(outer []Item, nested cty.Value) ([]Item, error) {
	nested, _ = nested.Unmark()
	if _, ok := value.ReferenceOf(nested); ok || nested.IsNull() || !nested.Type().IsObjectType() && !nested.Type().IsMapType() {
		return nil, problem("generators", "Unsuitable value", "What is flattened must be a generator with for_each, or a map of maps of objects, but is %s.", value.Kind(nested))
	}
	of := nested.AsValueMap()
	known := make(map[string]bool, len(outer))
	var out []Item
	for place, a := range outer {
		known[a.Key] = true
		inner, ok := of[a.Key]
		if !ok {
			return nil, unmatched("The item %q has nothing under its key", a.Key)
		}
		items, err := Factor("generators", inner, place)
		if err != nil {
			return nil, err
		}
		for _, b := range items {
			item, err := join(a, b)
			if err != nil {
				return nil, err
			}
			if out = append(out, item); len(out) > MaxItems {
				return nil, problem("generators", "Too many items", "The items would be more than %d.", MaxItems)
			}
		}
	}
	for _, key := range sortedKeys(of) {
		if !known[key] {
			return nil, unmatched("There is no item %q to go with what is under that key", key)
		}
	}
	return out, nil
}

func unmatched(format, key string) *Problem {
	return problem("generators", "Generators do not fit", format+": the second generator must have the first one as its for_each.", key)
}

// Flat joins the keys of what nested has under each of its keys, and leaves the items
// as they are. Its errors are Problems with the argument generators.
func Flat(nested cty.Value) ([]Item, error) {
	outer, err := Factor("generators", nested, 0)
	if err != nil {
		return nil, err
	}
	for i := range outer {
		outer[i].Value = cty.EmptyObjectVal
	}
	return FlatMap(outer, nested)
}

// join makes one item of two.
func join(a, b Item) (Item, error) {
	key := a.Key + "/" + b.Key
	merged, conflict := attributesOf(a.Value, b.Value, key)
	if conflict != "" {
		return Item{}, problem("generators", "Conflicting generator items",
			"The items %s and %s both have the attribute %q, with different values. Leave one of them out, with a generator \"list\" over what is needed of it.", a.Origin, b.Origin, conflict)
	}
	return Item{Key: key, Value: merged, Origin: a.Origin + " with " + b.Origin}, nil
}

// attributesOf joins the attributes of two objects, or names one that both have
// with different values. The attribute key names an item, so that it is the joined
// one.
func attributesOf(a, b cty.Value, key string) (cty.Value, string) {
	attributes := a.AsValueMap()
	if attributes == nil {
		attributes = map[string]cty.Value{}
	}
	conflict := ""
	for name, v := range b.AsValueMap() {
		have, both := attributes[name]
		switch {
		case both && name == "key":
			v = cty.StringVal(key)
		case both && !have.RawEquals(v) && (conflict == "" || name < conflict):
			conflict = name
		}
		attributes[name] = v
	}
	return cty.ObjectVal(attributes), conflict
}
