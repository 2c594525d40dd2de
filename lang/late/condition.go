package late

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// conditionType is what condition(type) returns.
func conditionType() cty.Type {
	return cty.Object(map[string]cty.Type{"type": cty.String, "status": cty.String, "reason": cty.String, "message": cty.String})
}

// conditionFunction returns condition(type) for an object of Kubernetes: the
// condition of a type in its status. One that is not there has the status Unknown
// and an empty reason and message, as a controller would say that has not looked.
func conditionFunction(o cty.Value) function.Function {
	return function.New(&function.Spec{
		Description: "Returns the condition of a type in the object's status.",
		Params:      []function.Parameter{{Name: "type", Type: cty.String}},
		Type:        function.StaticReturnType(conditionType()),
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			plain, marks := o.UnmarkDeep()
			if !plain.IsKnown() {
				return cty.UnknownVal(want), nil
			}
			found := cty.ObjectVal(map[string]cty.Value{
				"type": args[0], "status": cty.StringVal("Unknown"), "reason": cty.StringVal(""), "message": cty.StringVal(""),
			})
			conditions := member(member(plain, "status"), "conditions")
			if !isKnownList(conditions) {
				return found.WithMarks(marks), nil
			}
			for it := conditions.ElementIterator(); it.Next(); {
				_, item := it.Element()
				if text(member(item, "type")) == args[0].AsString() {
					found = conditionOf(item, args[0])
					break
				}
			}
			return found.WithMarks(marks), nil
		},
	})
}

func conditionOf(item, conditionType cty.Value) cty.Value {
	status := text(member(item, "status"))
	if status == "" {
		status = "Unknown"
	}
	return cty.ObjectVal(map[string]cty.Value{
		"type": conditionType, "status": cty.StringVal(status),
		"reason": cty.StringVal(text(member(item, "reason"))), "message": cty.StringVal(text(member(item, "message"))),
	})
}

// member returns an attribute of an object, or an element of a map, null where it
// is not there.
func member(v cty.Value, name string) cty.Value {
	none := cty.NullVal(cty.DynamicPseudoType)
	if !v.IsKnown() || v.IsNull() {
		return none
	}
	switch ty := v.Type(); {
	case ty.IsObjectType() && ty.HasAttribute(name):
		return v.GetAttr(name)
	case ty.IsMapType() && v.HasIndex(cty.StringVal(name)).True():
		return v.Index(cty.StringVal(name))
	}
	return none
}

func isKnownList(v cty.Value) bool {
	ty := v.Type()
	return v.IsKnown() && !v.IsNull() && (ty.IsTupleType() || ty.IsListType())
}

// text returns a value as a string, "" where it is none.
func text(v cty.Value) string {
	converted, err := convert.Convert(v, cty.String)
	if err != nil || !converted.IsKnown() || converted.IsNull() {
		return ""
	}
	return converted.AsString()
}
