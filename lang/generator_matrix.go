package lang

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// maxItems bounds what a matrix may multiply to.
const maxItems = 1_000_000

func matrixGenerator() *eval.Kind {
	return generatorType("matrix",
		"Combines every item of one generator with every item of the others. The key is theirs, joined by `/`; an item has the attributes of all of them, and it is an error if two have the same attribute with other values. Where two have an attribute `key`, as the elements of lists do, it is the joined key.",
		`generator "matrix" "everywhere" {
  generators = [generator.clusters.production, generator.git.overlays]
}`,
		[]schema.Argument{
			{Name: "generators", Type: schema.Objects, Required: true, Doc: "The generators to combine, two or more."},
		}, nil, generateMatrix)
}

func generateMatrix(_ *eval.Evaluation, in *eval.Instance) ([]item, bool) {
	if !isWhole(in, "generators") {
		return nil, false
	}
	argument, _ := in.Values.Get("generators")
	generators, _ := argument.Unmark()
	if generators.LengthInt() < 2 {
		in.ErrorAt(in.Values, "generators", "Too few generators", "A matrix combines two generators or more, but there are %d.", generators.LengthInt())
		return nil, false
	}
	total := 1
	var combined []item
	for i, generator := range generators.AsValueSlice() {
		generator, _ = generator.Unmark()
		if total *= generator.LengthInt(); total > maxItems {
			in.ErrorAt(in.Values, "generators", "Too many items", "The matrix would have more than %d items.", maxItems)
			return nil, false
		}
		items, ok := matrixFactor(in, generator, i)
		if !ok {
			return nil, false
		}
		if i == 0 {
			combined = items
			continue
		}
		if combined, ok = multiply(in, combined, items); !ok {
			return nil, false
		}
	}
	return combined, true
}

// matrixFactor returns the items of one generator.
func matrixFactor(in *eval.Instance, generator cty.Value, place int) ([]item, bool) {
	if ref, ok := value.ReferenceOf(generator); ok {
		in.ErrorAt(in.Values, "generators", "Unsuitable value", "Element %d must be a generator, but is %s.", place, ref.Address)
		return nil, false
	}
	var items []item
	values := generator.AsValueMap()
	for _, key := range schema.SortedKeys(values) {
		v := values[key]
		unmarked, _ := v.Unmark()
		if unmarked.IsNull() || !unmarked.Type().IsObjectType() {
			in.ErrorAt(in.Values, "generators", "Unsuitable value", "Only objects can be combined, but the item %q of element %d is %s. Give it a name: { name = ... }.", key, place, value.Kind(v))
			return nil, false
		}
		items = append(items, item{key: key, value: v, origin: fmt.Sprintf("%q", key)})
	}
	return items, true
}

func multiply(in *eval.Instance, left, right []item) ([]item, bool) {
	product := make([]item, 0, len(left)*len(right))
	for _, a := range left {
		for _, b := range right {
			key := a.key + "/" + b.key
			merged, conflict := mergeItems(a.value, b.value, key)
			if conflict != "" {
				in.ErrorAt(in.Values, "generators", "Conflicting generator items", "The items %s and %s both have the attribute %q, with different values. Leave one of them out, with a generator \"list\" over what is needed of it.", a.origin, b.origin, conflict)
				return nil, false
			}
			product = append(product, item{key: key, value: merged, origin: strings.Join([]string{a.origin, b.origin}, " with ")})
		}
	}
	return product, true
}

// mergeItems joins the attributes of two objects, or names the attribute that
// both have with different values. The attribute key names an item, so that it is
// the joined one.
func mergeItems(a, b cty.Value, key string) (cty.Value, string) {
	attributes := a.AsValueMap()
	if attributes == nil {
		attributes = map[string]cty.Value{}
	}
	for _, name := range schema.SortedKeys(b.AsValueMap()) {
		v := b.GetAttr(name)
		if have, ok := attributes[name]; ok && name == "key" {
			v = cty.StringVal(key)
		} else if ok && !have.RawEquals(v) {
			return cty.NilVal, name
		}
		attributes[name] = v
	}
	return cty.ObjectVal(attributes), ""
}
