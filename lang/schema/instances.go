package schema

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// Instances is a reference to a block of a kind, to one or to all of its instances,
// or a list of these. It becomes a list of references.
func Instances(kind string) Type {
	return Type{Name: "list of " + kind + "s", article: "a", convert: func(v cty.Value) (cty.Value, error) {
		items, err := instances(v, kind)
		if err != nil || items == nil {
			return v, err
		}
		return cty.TupleVal(items), nil
	}}
}

// instances returns the references in a value.
func instances(v cty.Value, kind string) ([]cty.Value, error) {
	ref, isBlock := value.ReferenceOf(v)
	ty := v.Type()
	switch {
	case !v.IsKnown():
		return []cty.Value{v}, nil
	case isBlock && ref.Address.Kind == kind:
		return []cty.Value{v}, nil
	case isBlock || v.IsNull() || !ty.IsObjectType() && !isSequence(v):
		return nil, checkReference(v, kind)
	}
	out := []cty.Value{}
	for it := v.ElementIterator(); it.Next(); {
		_, item := it.Element()
		inner, err := instances(item, kind)
		if err != nil {
			return nil, fmt.Errorf("must be %ss: their blocks, instances, or a list of these, but there is %s in it", kind, value.Kind(item))
		}
		out = append(out, inner...)
	}
	return out, nil
}
