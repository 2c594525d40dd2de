package function

import (
	"errors"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang/generate"
)

// productFunc is the generator "matrix" as a function.
var productFunc = itemsFunc(
	"Combines every item of one generator with every item of the others, as a generator \"matrix\" does: the keys are joined by \"/\", an item has the attributes of all.",
	func(args []cty.Value) ([]generate.Item, error) {
		factors := make([][]generate.Item, len(args))
		for i, arg := range args {
			factor, err := generate.Factor("generators", arg, i)
			if err != nil {
				return nil, err
			}
			factors[i] = factor
		}
		return generate.Matrix(factors)
	})

// flatMapFunc is the matrix whose second generator uses values of the first.
var flatMapFunc = itemsFunc(
	"Combines every item of a generator with those that a second one, which has the first as its for_each, gives for it; further ones have that result as their for_each. The keys are joined by \"/\". With one argument, a generator with for_each, its items are as they are, under the joined keys.",
	func(args []cty.Value) ([]generate.Item, error) {
		if len(args) == 1 {
			return generate.Flat(args[0])
		}
		items, err := generate.Factor("generators", args[0], 0)
		for _, nested := range args[1:] {
			if err != nil {
				return nil, err
			}
			items, err = generate.FlatMap(items, nested)
		}
		return items, err
	})

// itemsFunc is a function that makes items of generators.
func itemsFunc(description string, combine func([]cty.Value) ([]generate.Item, error)) function.Function {
	return function.New(&function.Spec{
		Description: description,
		VarParam:    &function.Parameter{Name: "generators", Type: cty.DynamicPseudoType, AllowDynamicType: true},
		Type:        function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) == 0 {
				return cty.NilVal, errors.New("at least one generator is needed")
			}
			for _, arg := range args {
				if !arg.IsWhollyKnown() {
					return cty.DynamicVal, nil
				}
			}
			items, err := combine(args)
			if err == nil {
				items, err = generate.Collect(items)
			}
			if err != nil {
				return cty.NilVal, errors.New(strings.TrimSuffix(err.Error(), ".")) // HCL ends the sentence
			}
			return generate.Object(items), nil
		},
	})
}
