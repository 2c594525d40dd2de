package diff

import (
	"reflect"
	"slices"

	"sigs.k8s.io/structured-merge-diff/v4/schema"

	"github.com/gantrycd/gantry/plan/object"
)

// Declared returns an object without the fields that the schema does not declare, and
// which those are, sorted. The object is not changed; where it has none, and by a deduced
// type, it is returned as it is.
func (t *Type) Declared(o object.Object) (object.Object, []string) {
	if t.IsDeduced() {
		return o, nil
	}
	var left []string
	known := declared(t.root(), nil, map[string]any(o), &left)
	if len(left) == 0 {
		return o, nil
	}
	slices.Sort(left)
	return object.Object(known.(map[string]any)), left
}

// declared copies a value without undeclared fields, and notes their paths in left.
func declared(n node, at path, value any, left *[]string) any {
	switch v := value.(type) {
	case map[string]any:
		m := n.atom().Map
		if m == nil { // not said what is in it
			return v
		}
		free := !reflect.DeepEqual(m.ElementType, schema.TypeRef{})
		out := make(map[string]any, len(v))
		for name, inner := range v {
			if _, ok := m.FindField(name); !ok && !free {
				*left = append(*left, at.with(member(name)).String())
				continue
			}
			out[name] = declared(n.field(name), at.with(member(name)), inner, left)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = declared(n.item(), at.with(index(i)), item, left)
		}
		return out
	}
	return value
}
