package lang

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// generatorKind is the kind of all generators; types are its types.
func generatorKind(types ...*eval.Kind) *eval.Kind {
	k := &eval.Kind{Block: &schema.Block{Type: "generator", Labels: []string{"type", "name"}}, Root: "generator", Types: map[string]*eval.Kind{}}
	for _, typed := range types {
		k.Types[typed.Labels[0]] = typed
	}
	return k
}

// generatorType declares a type of generator. generate gives its items, or false
// where they cannot be told; what is wrong it reports in the instance.
func generatorType(typeName, doc, example string, arguments []schema.Argument, blocks []schema.Nested, generate func(*eval.Evaluation, *eval.Instance) ([]item, bool)) *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type: "generator", Labels: []string{typeName, "name"}, Doc: doc, Example: example,
			Arguments: append([]schema.Argument{forEachArgument(), dependsOnArgument()}, arguments...), Blocks: blocks,
		},
		Root: "generator",
		Decode: func(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
			items, known := generatedItems(e, in, generate)
			if !known || in.Failed || in.Deferred {
				return eval.Decoded{Value: cty.DynamicVal}
			}
			return decodeGenerator(in, items)
		},
	}
}

// generatedItems returns a generator's items: a test's, where it gives some.
func generatedItems(e *eval.Evaluation, in *eval.Instance, generate func(*eval.Evaluation, *eval.Instance) ([]item, bool)) ([]item, bool) {
	given, ok := e.FixtureItems(in)
	if !ok {
		return generate(e, in)
	}
	items := make([]item, 0, given.LengthInt())
	for it := given.ElementIterator(); it.Next(); {
		key, v := it.Element()
		items = append(items, item{key: key.AsString(), value: v, origin: "the fixture"})
	}
	return items, true
}

// item is what a generator gives: a key, and an object.
type item struct {
	key   string
	value cty.Value
	// origin says where it is from, for messages about keys that come twice.
	origin string
}

// decodeGenerator makes an object of the items, by their keys.
func decodeGenerator(in *eval.Instance, items []item) eval.Decoded {
	byKey := make(map[string]item, len(items))
	for i, it := range items {
		it.key = cty.NormalizeString(it.key)
		items[i].key = it.key
		if first, ok := byKey[it.key]; ok {
			in.Errorf(in.Values.Range, "Duplicate generator key", "Two items have the key %q: %s and %s. Applications made of them could not be told apart.", it.key, first.origin, it.origin)
			continue
		}
		byKey[it.key] = it
	}
	keys := schema.SortedKeys(byKey)
	for _, attribute := range []string{"labels", "annotations"} {
		uniteKeys(byKey, attribute)
	}
	attributes := make(map[string]cty.Value, len(byKey))
	for key, it := range byKey {
		attributes[key] = it.value
	}
	generator := &Generator{Address: in.Address, Keys: keys, Range: in.Values.Range}
	return eval.Decoded{
		Value: cty.ObjectVal(attributes),
		Made:  generator,
	}
}

// uniteKeys gives the labels of all items the same keys, null where an item has
// none: so a comparison with a label that some lack is false, and one that none
// has is an error.
func uniteKeys(items map[string]item, attribute string) {
	keys := map[string]bool{}
	for _, it := range items {
		for _, key := range labelKeys(it.value, attribute) {
			keys[key] = true
		}
	}
	if len(keys) == 0 {
		return
	}
	for key, it := range items {
		if !it.value.Type().IsObjectType() || !it.value.Type().HasAttribute(attribute) {
			continue
		}
		labels := it.value.GetAttr(attribute)
		if unmarked, _ := labels.Unmark(); !unmarked.IsKnown() || unmarked.IsNull() || !unmarked.Type().IsObjectType() && !unmarked.Type().IsMapType() {
			continue
		}
		unmarked, marks := labels.Unmark()
		united := make(map[string]cty.Value, len(keys))
		for name := range keys {
			united[name] = cty.NullVal(cty.String)
		}
		for name, v := range unmarked.AsValueMap() {
			united[name] = v
		}
		it.value = withAttribute(it.value, attribute, cty.ObjectVal(united).WithMarks(marks))
		items[key] = it
	}
}

func labelKeys(v cty.Value, attribute string) []string {
	if !v.Type().IsObjectType() || !v.Type().HasAttribute(attribute) {
		return nil
	}
	labels, _ := v.GetAttr(attribute).Unmark()
	if !labels.IsKnown() || labels.IsNull() || !labels.Type().IsObjectType() && !labels.Type().IsMapType() {
		return nil
	}
	return schema.SortedKeys(labels.AsValueMap())
}

func withAttribute(v cty.Value, name string, attribute cty.Value) cty.Value {
	attributes := v.AsValueMap()
	attributes[name] = attribute
	return cty.ObjectVal(attributes)
}

// elementKey names an element of a list: by its own key, the string that it is, or
// a hash of it. A place would not do: it changes with what comes before.
func elementKey(v cty.Value) (string, error) {
	unmarked, _ := v.Unmark()
	if unmarked.Type() == cty.String {
		return unmarked.AsString(), nil
	}
	if unmarked.Type().IsObjectType() && unmarked.Type().HasAttribute("key") {
		key, _ := unmarked.GetAttr("key").Unmark()
		if key.Type() != cty.String || key.IsNull() {
			return "", fmt.Errorf("its attribute \"key\" must be a string, but is %s", value.Kind(key))
		}
		return key.AsString(), nil
	}
	plain, _, err := value.ToJSON(unmarked)
	if err != nil {
		return "", fmt.Errorf("it needs an attribute \"key\", as no key can be made of it: %w", err)
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:5]), nil
}

// listItems returns the items of a sequence by their own keys.
func listItems(in *eval.Instance, v cty.Value, at hcl.Range, describe func(i int) string) ([]item, bool) {
	var items []item
	i := 0
	for it := v.ElementIterator(); it.Next(); i++ {
		_, element := it.Element()
		if element.IsNull() {
			in.Errorf(at, "Invalid generator element", "The %s is null.", describe(i))
			return nil, false
		}
		key, err := elementKey(element)
		if err != nil {
			in.Errorf(at, "Invalid generator element", "The %s cannot be used: %s.", describe(i), err)
			return nil, false
		}
		items = append(items, item{key: key, value: element, origin: describe(i)})
	}
	return items, true
}

// isWhole reports whether a generator's argument is set and known, elements and
// all.
func isWhole(in *eval.Instance, name string) bool {
	return in.Values.Has(name) && in.Values.IsKnown(name)
}

// sortItems sorts items by key.
func sortItems(items []item) {
	slices.SortStableFunc(items, func(a, b item) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
}
