package value

import "github.com/zclconf/go-cty/cty"

// IsSensitive reports whether a value, or anything within it, is sensitive.
func IsSensitive(v cty.Value) bool {
	return contains(v, func(v cty.Value) bool { return v.IsMarked() && v.HasMark(Sensitive) })
}

// IsWhollyKnown is cty's method of that name. Every value of a configuration is asked,
// and this takes a fraction of the time: it does not sort the names of attributes.
func IsWhollyKnown(v cty.Value) bool {
	return !contains(v, func(v cty.Value) bool { return !v.IsKnown() })
}

// contains reports whether a value, or one within it, is of some sort.
func contains(v cty.Value, is func(cty.Value) bool) bool {
	if is(v) {
		return true
	}
	if v.IsMarked() {
		v, _ = v.Unmark()
	}
	ty := v.Type()
	if ty.IsPrimitiveType() || ty.IsCapsuleType() || !v.IsKnown() || v.IsNull() {
		return false
	}
	if ty.IsObjectType() {
		for name := range ty.AttributeTypes() {
			if contains(v.GetAttr(name), is) {
				return true
			}
		}
		return false
	}
	if !v.CanIterateElements() {
		return false
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, element := it.Element(); contains(element, is) {
			return true
		}
	}
	return false
}
