package generate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// List returns the elements of a list or set by their own keys, those of a map or
// object by its keys. The value must be known. Its errors are Problems with an
// argument of that name.
func List(argument string, v cty.Value) ([]Item, error) {
	v, _ = v.Unmark()
	ty := v.Type()
	if _, ok := value.ReferenceOf(v); !ok && (ty.IsObjectType() || ty.IsMapType()) {
		var items []Item
		elements := v.AsValueMap()
		for _, key := range sortedKeys(elements) {
			items = append(items, Item{Key: key, Value: elements[key], Origin: fmt.Sprintf("element %q", key)})
		}
		return items, nil
	}
	if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
		return nil, problem(argument, "Unsuitable value", "The argument %q must be a list or a map, but is %s.", argument, value.Kind(v))
	}
	var items []Item
	for it := v.ElementIterator(); it.Next(); {
		_, element := it.Element()
		origin := fmt.Sprintf("element %d", len(items))
		if unmarked, _ := element.Unmark(); unmarked.IsNull() {
			return nil, problem(argument, "Invalid generator element", "The %s is null.", origin)
		}
		key, err := ElementKey(element)
		if err != nil {
			return nil, problem(argument, "Invalid generator element", "The %s cannot be used: %s.", origin, err)
		}
		items = append(items, Item{Key: key, Value: element, Origin: origin})
	}
	return items, nil
}

// ElementKey names an element of a list: by its own key, the string that it is, or
// a hash of it. A place would not do: it changes with what comes before.
func ElementKey(v cty.Value) (string, error) {
	v, _ = v.Unmark()
	if v.Type() == cty.String {
		return v.AsString(), nil
	}
	if v.Type().IsObjectType() && v.Type().HasAttribute("key") {
		return namedKey(v, "key")
	}
	plain, _, err := value.ToJSON(v)
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

// namedKey returns the attribute of an object that is its key.
func namedKey(v cty.Value, attribute string) (string, error) {
	key, _ := v.GetAttr(attribute).Unmark()
	if key.Type() != cty.String || key.IsNull() {
		return "", fmt.Errorf("its attribute %q must be a string, but is %s", attribute, value.Kind(key))
	}
	return key.AsString(), nil
}
