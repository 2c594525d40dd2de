package function

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxExponent bounds the power of two of numbers that functions make: about a
// thousand decimal digits, as of those that are written. To make text of larger ones
// takes minutes.
const maxExponent = 3400

// bounded is a function whose result must not hold numbers that are too large.
func bounded(f function.Function) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(),
		Type: f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err != nil {
				return v, err
			}
			return v, checkNumbers(v)
		},
	})
}

func checkNumbers(v cty.Value) error {
	return cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		v, _ = v.Unmark()
		if v.Type() != cty.Number || !v.IsKnown() || v.IsNull() {
			return true, nil
		}
		number := v.AsBigFloat()
		if exponent := number.MantExp(nil); number.IsInf() || exponent > maxExponent || exponent < -maxExponent {
			return false, errors.New("the number would have more than a thousand digits")
		}
		return true, nil
	})
}
