package value_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/value"
)

func TestInspectionIsAsThatOfCty(t *testing.T) {
	secret := cty.StringVal("x").Mark(value.Sensitive)
	unknown := cty.UnknownVal(cty.String)
	leaves := []cty.Value{
		cty.StringVal("a"), secret, unknown, unknown.Mark(value.Sensitive), unknown.Mark("other"), cty.NullVal(cty.String), cty.NullVal(cty.DynamicPseudoType), cty.DynamicVal,
		cty.EmptyObjectVal, cty.EmptyTupleVal, cty.ListValEmpty(cty.String), cty.UnknownVal(cty.EmptyObject), cty.NullVal(cty.EmptyObject).Mark(value.Sensitive),
		value.Block(value.Reference{Address: addr.Address{Kind: "cluster", Name: "c"}}, map[string]cty.Value{"name": unknown}),
	}
	var all []cty.Value
	for _, leaf := range leaves {
		all = append(all, leaf)
		for _, v := range []cty.Value{
			cty.ObjectVal(map[string]cty.Value{"a": cty.True, "b": leaf}), cty.TupleVal([]cty.Value{cty.True, leaf}),
			cty.ListVal([]cty.Value{leaf, leaf}), cty.MapVal(map[string]cty.Value{"a": leaf}), cty.SetVal([]cty.Value{leaf}),
		} {
			all = append(all, v, v.Mark("other"), v.Mark(value.Sensitive), cty.TupleVal([]cty.Value{v}), cty.ObjectVal(map[string]cty.Value{"a": v.Mark("other")}))
		}
	}
	seen := map[[2]bool]int{}
	for _, v := range all {
		known, sensitive := v.IsWhollyKnown(), v.HasMarkDeep(value.Sensitive)
		seen[[2]bool{known, sensitive}]++
		if value.IsWhollyKnown(v) != known || value.IsSensitive(v) != sensitive {
			t.Errorf("%#v: known %t and sensitive %t, but cty says %t and %t", v, value.IsWhollyKnown(v), value.IsSensitive(v), known, sensitive)
		}
	}
	if len(seen) != 4 {
		t.Errorf("the values are not of all sorts: %v", seen)
	}
}
