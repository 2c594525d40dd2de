package value

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// PathError says where in a value something cannot be converted.
type PathError struct {
	Path   string // as HCL: `metadata.labels["a/b"]`, empty for the value itself
	Reason string
}

// Error puts the place before the reason.
func (e *PathError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// ToJSON converts a wholly known value to the JSON-shaped values of
// object.Object: integers as int64, other numbers as float64. It returns the JSON
// pointers (RFC 6901) of the sensitive values in it, in order; the values are in
// clear. What JSON or Kubernetes cannot hold is a *PathError.
func ToJSON(v cty.Value) (any, []string, error) {
	c := converter{}
	out, err := c.convert(v, place{})
	return out, c.sensitive, err
}

type converter struct{ sensitive []string }

// place is where the converter is, in the two ways in which it is written.
type place struct{ pointer, hcl string }

func (p place) attribute(name string) place {
	escaped := strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	return place{pointer: p.pointer + "/" + escaped, hcl: p.hcl + step(name, p.hcl == "")}
}

func (p place) index(i int) place {
	text := strconv.Itoa(i)
	return place{pointer: p.pointer + "/" + text, hcl: p.hcl + "[" + text + "]"}
}

// step renders an attribute as it would be written after a value.
func step(name string, first bool) string {
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return "[" + strconv.Quote(name) + "]"
		}
	}
	if first {
		return name
	}
	return "." + name
}

func (c *converter) convert(v cty.Value, at place) (any, error) {
	if v.HasMark(Sensitive) {
		c.sensitive = append(c.sensitive, at.pointer)
		inner := converter{}
		unmarked, _ := v.Unmark()
		return inner.convert(unmarked, at)
	}
	v, _ = v.Unmark()
	if ref, ok := ReferenceOf(v); ok {
		return nil, &PathError{Path: at.hcl, Reason: ref.noValue().Error()}
	}
	ty := v.Type()
	switch {
	case !v.IsKnown():
		return nil, &PathError{Path: at.hcl, Reason: "the value is not known"}
	case v.IsNull():
		return nil, nil
	case ty == cty.String:
		return v.AsString(), nil
	case ty == cty.Bool:
		return v.True(), nil
	case ty == cty.Number:
		number, reason := convertNumber(v.AsBigFloat())
		if reason != "" {
			return nil, &PathError{Path: at.hcl, Reason: reason}
		}
		return number, nil
	case ty.IsObjectType() || ty.IsMapType():
		out := make(map[string]any, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			key, item := it.Element()
			converted, err := c.convert(item, at.attribute(key.AsString()))
			if err != nil {
				return nil, err
			}
			out[key.AsString()] = converted
		}
		return out, nil
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		out := make([]any, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			converted, err := c.convert(item, at.index(len(out)))
			if err != nil {
				return nil, err
			}
			out = append(out, converted)
		}
		return out, nil
	}
	return nil, &PathError{Path: at.hcl, Reason: "a " + ty.FriendlyName() + " cannot be written as JSON"}
}

// convertNumber converts a number as Kubernetes holds them: an int64 where it is whole,
// else the nearest float64. It gives a reason where it is out of range.
func convertNumber(number *big.Float) (any, string) {
	if number.IsInt() {
		whole, accuracy := number.Int64()
		if accuracy != big.Exact {
			return nil, fmt.Sprintf("%s is out of range: a whole number must fit in 64 bits; write it as a string if that is what is meant", number.Text('g', 40))
		}
		return whole, ""
	}
	fraction, _ := number.Float64()
	if math.IsInf(fraction, 0) || fraction == 0 {
		return nil, fmt.Sprintf("%s is out of the range of numbers that JSON can hold exactly enough", number.Text('g', 40))
	}
	return fraction, ""
}
