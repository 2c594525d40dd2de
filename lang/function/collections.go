package function

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

var lengthFunc = function.New(&function.Spec{
	Description: "Returns the number of elements of a collection, or of characters of a string.",
	Params: []function.Parameter{{
		Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true,
	}},
	Type: func(args []cty.Value) (cty.Type, error) {
		ty := args[0].Type()
		if ty == cty.String || ty == cty.DynamicPseudoType || ty.IsCollectionType() || ty.IsTupleType() || ty.IsObjectType() {
			return cty.Number, nil
		}
		return cty.Number, function.NewArgErrorf(0, "a string, list, set, map or object is needed, not %s", ty.FriendlyName())
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		ty := args[0].Type()
		switch {
		case ty == cty.String:
			if args[0].IsKnown() && isPlain(args[0].AsString()) {
				return cty.NumberIntVal(int64(len(args[0].AsString()))), nil
			}
			return stdlib.Strlen(args[0])
		case ty == cty.DynamicPseudoType:
			return cty.UnknownVal(cty.Number).RefineNotNull(), nil
		case ty.IsObjectType():
			return cty.NumberIntVal(int64(len(ty.AttributeTypes()))), nil
		}
		return args[0].Length(), nil
	},
})

// isPlain reports whether each byte of a text is a character of its own: looking for those of
// several takes a hundred times as long.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf || text[i] == '\r' {
			return false
		}
	}
	return true
}

var sumFunc = function.New(&function.Spec{
	Description: "Returns the sum of a list of numbers.",
	Params:      []function.Parameter{dynamic("list")},
	Type:        function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(cty.Number), nil
		}
		list, err := convert.Convert(args[0], cty.List(cty.Number))
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "a list of numbers is needed")
		}
		sum := cty.Zero
		for it := list.ElementIterator(); it.Next(); {
			_, item := it.Element()
			if item.IsNull() {
				return cty.NilVal, function.NewArgErrorf(0, "null cannot be added up")
			}
			sum = sum.Add(item)
		}
		return sum, nil
	},
})

// quantifierFunc is anytrue, or alltrue: whether the decisive value is among the
// elements.
func quantifierFunc(decisive bool) function.Function {
	description := "Tells whether all elements of a list are true."
	if decisive {
		description = "Tells whether any element of a list is true."
	}
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{{Name: "list", Type: cty.List(cty.Bool), AllowUnknown: true}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsKnown() {
				return cty.UnknownVal(cty.Bool), nil
			}
			unknown := false
			for it := args[0].ElementIterator(); it.Next(); {
				_, item := it.Element()
				switch {
				case !item.IsKnown():
					unknown = true
				case !item.IsNull() && item.True() == decisive:
					return cty.BoolVal(decisive), nil
				case item.IsNull() && !decisive:
					return cty.False, nil
				}
			}
			if unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(!decisive), nil
		},
	})
}

// coalesceFunc is Terraform's: empty strings are passed over, as nulls are.
var coalesceFunc = function.New(&function.Spec{
	Description: "Returns the first argument that is neither null nor an empty string.",
	VarParam: &function.Parameter{
		Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true,
	},
	Type: func(args []cty.Value) (cty.Type, error) {
		if len(args) == 0 {
			return cty.NilType, errors.New("at least one argument is needed")
		}
		types := make([]cty.Type, len(args))
		for i, arg := range args {
			types[i] = arg.Type()
		}
		unified, _ := convert.UnifyUnsafe(types)
		if unified == cty.NilType {
			return cty.NilType, errors.New("all arguments must have the same type")
		}
		return unified, nil
	},
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		for _, arg := range args {
			if !arg.IsKnown() {
				return cty.UnknownVal(want), nil
			}
			converted, err := convert.Convert(arg, want)
			if err != nil {
				return cty.NilVal, err
			}
			if converted.IsNull() || converted.Type() == cty.String && converted.AsString() == "" {
				continue
			}
			return converted, nil
		}
		return cty.NilVal, errors.New("all arguments are null or empty")
	},
})

var indexFunc = function.New(&function.Spec{
	Description: "Returns the place of the first element of a list that equals a value.",
	Params:      []function.Parameter{dynamic("list"), dynamic("value")},
	Type:        function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if ty := args[0].Type(); !ty.IsListType() && !ty.IsTupleType() {
			return cty.NilVal, function.NewArgErrorf(0, "a list is needed")
		}
		for it, i := args[0].ElementIterator(), int64(0); it.Next(); i++ {
			_, item := it.Element()
			equal, err := stdlib.Equal(item, args[1])
			if err != nil {
				return cty.NilVal, err
			}
			if !equal.IsKnown() {
				return cty.UnknownVal(cty.Number), nil
			}
			if equal.True() {
				return cty.NumberIntVal(i), nil
			}
		}
		return cty.NilVal, errors.New("the value is not in the list")
	},
})

var oneFunc = function.New(&function.Spec{
	Description: "Returns the only element of a list or set, or null where it is empty.",
	Params:      []function.Parameter{dynamic("list")},
	Type: func(args []cty.Value) (cty.Type, error) {
		ty := args[0].Type()
		switch {
		case ty.IsListType() || ty.IsSetType():
			return ty.ElementType(), nil
		case ty.IsTupleType() && ty.Length() == 1:
			return ty.TupleElementType(0), nil
		case ty.IsTupleType() && ty.Length() > 1:
			return cty.NilType, function.NewArgErrorf(0, "a list with one element or none is needed, not %d", ty.Length())
		case ty.IsTupleType() || ty == cty.DynamicPseudoType:
			return cty.DynamicPseudoType, nil
		}
		return cty.NilType, function.NewArgErrorf(0, "a list or set is needed")
	},
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		length := args[0].LengthInt()
		if length > 1 {
			return cty.NilVal, function.NewArgErrorf(0, "a list with one element or none is needed, not %d", length)
		}
		for it := args[0].ElementIterator(); it.Next(); {
			_, item := it.Element()
			return item, nil
		}
		return cty.NullVal(want), nil
	},
})

var matchKeysFunc = function.New(&function.Spec{
	Description: "Returns the elements of a list for which the element of a second list at the same place is in a third.",
	Params: []function.Parameter{
		{Name: "values", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "search", Type: cty.List(cty.DynamicPseudoType)},
	},
	Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() || !args[1].IsWhollyKnown() || !args[2].IsWhollyKnown() {
			return cty.UnknownVal(want), nil
		}
		values, keys := args[0].AsValueSlice(), args[1].AsValueSlice()
		if len(values) != len(keys) {
			return cty.NilVal, fmt.Errorf("the list of values has %d elements and that of keys %d; they must be equally long", len(values), len(keys))
		}
		var out []cty.Value
		for i, key := range keys {
			for _, search := range args[2].AsValueSlice() {
				if equal, err := stdlib.Equal(key, search); err == nil && equal.True() {
					out = append(out, values[i])
					break
				}
			}
		}
		if len(out) == 0 {
			return cty.ListValEmpty(want.ElementType()), nil
		}
		return cty.ListVal(out), nil
	},
})

var transposeFunc = function.New(&function.Spec{
	Description: "Swaps the keys and values of a map of lists of strings.",
	Params:      []function.Parameter{{Name: "map", Type: cty.Map(cty.List(cty.String))}},
	Type:        function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(want), nil
		}
		swapped := map[string][]cty.Value{}
		for it := args[0].ElementIterator(); it.Next(); {
			key, list := it.Element()
			if list.IsNull() {
				return cty.NilVal, function.NewArgErrorf(0, "a list in it is null")
			}
			for _, item := range list.AsValueSlice() {
				if item.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "a string in it is null")
				}
				swapped[item.AsString()] = append(swapped[item.AsString()], key)
			}
		}
		if len(swapped) == 0 {
			return cty.MapValEmpty(cty.List(cty.String)), nil
		}
		out := map[string]cty.Value{}
		for key, list := range swapped {
			out[key] = cty.ListVal(list)
		}
		return cty.MapVal(out), nil
	},
})

// mergeDeepFunc merges objects within objects; anything else, lists too, is
// replaced by what comes later.
var mergeDeepFunc = function.New(&function.Spec{
	Description: "Merges objects and the objects in them; where both have something else, the later one wins.",
	VarParam:    &function.Parameter{Name: "objects", Type: cty.DynamicPseudoType, AllowNull: true, AllowMarked: true, AllowDynamicType: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		for i, arg := range args {
			if unmarked, _ := arg.Unmark(); !arg.IsWhollyKnown() {
				return cty.DynamicPseudoType, nil
			} else if !unmarked.IsNull() && !isObject(unmarked.Type()) {
				return cty.NilType, function.NewArgErrorf(i, "an object is needed, not %s", unmarked.Type().FriendlyName())
			}
		}
		return mergeAll(args).Type(), nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		for _, arg := range args {
			if !arg.IsWhollyKnown() {
				return cty.DynamicVal, nil
			}
		}
		return mergeAll(args), nil
	},
})

func isObject(ty cty.Type) bool { return ty.IsObjectType() || ty.IsMapType() }

func mergeAll(args []cty.Value) cty.Value {
	merged := cty.EmptyObjectVal
	for _, arg := range args {
		if unmarked, marks := arg.Unmark(); unmarked.IsNull() {
			merged = merged.WithMarks(marks)
		} else {
			merged = mergeTwo(merged, arg)
		}
	}
	return merged
}

func mergeTwo(below, above cty.Value) cty.Value {
	belowValue, belowMarks := below.Unmark()
	aboveValue, aboveMarks := above.Unmark()
	if belowValue.IsNull() || aboveValue.IsNull() || !isObject(belowValue.Type()) || !isObject(aboveValue.Type()) {
		return above
	}
	attributes := map[string]cty.Value{}
	for it := belowValue.ElementIterator(); it.Next(); {
		key, item := it.Element()
		attributes[key.AsString()] = item
	}
	for it := aboveValue.ElementIterator(); it.Next(); {
		key, item := it.Element()
		if existing, ok := attributes[key.AsString()]; ok {
			item = mergeTwo(existing, item)
		}
		attributes[key.AsString()] = item
	}
	return cty.ObjectVal(attributes).WithMarks(belowMarks, aboveMarks)
}
