package diff

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

// sameScalar compares scalars, quantities by what they are worth.
func sameScalar(n node, a, b any) bool {
	if equalScalar(a, b) {
		return true
	}
	if !n.isQuantity() {
		return false
	}
	x, okX := parseQuantity(a)
	y, okY := parseQuantity(b)
	return okX && okY && x.Cmp(y) == 0
}

// parseQuantity reads a quantity as it is written: a string or a number.
func parseQuantity(v any) (resource.Quantity, bool) {
	switch v.(type) {
	case string, int64, float64, int:
	default:
		return resource.Quantity{}, false
	}
	text, isText := v.(string)
	if !isText {
		text = scalarText(v)
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil
}

// equalScalar compares scalars; 1 and 1.0 are equal, 1 and "1" are not.
func equalScalar(a, b any) bool {
	switch x := a.(type) {
	case nil, bool, string:
		return a == b
	case int64:
		switch y := b.(type) {
		case int64:
			return x == y
		case float64:
			return float64(x) == y
		}
	case float64:
		switch y := b.(type) {
		case int64:
			return x == float64(y)
		case float64:
			return x == y
		}
	}
	return false
}
