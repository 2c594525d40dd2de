package generate

import "github.com/zclconf/go-cty/cty"

// unite gives an attribute that is a map or object, such as labels, the same names
// in all items, null where an item has none: so a comparison with a label that some
// lack is false, and one that none has is an error.
func unite(items []Item, attribute string) {
	all := map[string]cty.Value{}
	for _, item := range items {
		for name := range members(item.Value, attribute) {
			all[name] = cty.NullVal(cty.String)
		}
	}
	if len(all) == 0 {
		return
	}
	for i, item := range items {
		if !isLabels(item.Value, attribute) {
			continue
		}
		labels, marks := item.Value.GetAttr(attribute).Unmark()
		united := make(map[string]cty.Value, len(all))
		for name, null := range all {
			united[name] = null
		}
		for name, v := range labels.AsValueMap() {
			united[name] = v
		}
		items[i].Value = with(item.Value, attribute, cty.ObjectVal(united).WithMarks(marks))
	}
}

// isLabels reports whether a value has an attribute that is a known map or object.
func isLabels(v cty.Value, attribute string) bool {
	if !isObject(v) || !v.Type().HasAttribute(attribute) {
		return false
	}
	labels, _ := v.GetAttr(attribute).Unmark()
	return labels.IsKnown() && !labels.IsNull() && (labels.Type().IsObjectType() || labels.Type().IsMapType())
}

// members returns what an attribute of a value holds, nil where it holds no labels.
func members(v cty.Value, attribute string) map[string]cty.Value {
	if !isLabels(v, attribute) {
		return nil
	}
	labels, _ := v.GetAttr(attribute).Unmark()
	return labels.AsValueMap()
}

// isObject reports whether a value is an object whose attributes can be looked at.
func isObject(v cty.Value) bool {
	return v.Type().IsObjectType() && v.IsKnown() && !v.IsNull() && !v.IsMarked()
}

// with returns an object with one attribute set.
func with(v cty.Value, name string, attribute cty.Value) cty.Value {
	attributes := v.AsValueMap()
	if attributes == nil {
		attributes = map[string]cty.Value{}
	}
	attributes[name] = attribute
	return cty.ObjectVal(attributes)
}
