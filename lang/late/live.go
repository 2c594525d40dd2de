package late

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// live is the object that the expressions of a health block are about. Only what they
// ask for becomes a value: most of an object is of no interest to its health.
type live struct {
	object  any // JSON-shaped
	marks   cty.ValueMarks
	unknown bool             // there is no object yet: expressions are checked
	whole   func() cty.Value // all of it, made once
	calls   map[string]function.Function
}

// HealthValues are the values of a health block for one object, which must not be
// changed while they are used. What a Secret holds is sensitive.
func HealthValues(o object.Object) Values {
	marks := cty.NewValueMarks()
	if (o.ID().GroupKind() == object.GroupKind{Kind: "Secret"}) {
		marks = cty.NewValueMarks(value.Sensitive)
	}
	return Values{scope: Health, live: newLive(&live{object: map[string]any(o), marks: marks})}
}

// healthValues are HealthValues of an object that is a value already.
func healthValues(v cty.Value) (Values, error) {
	plain, marks := v.UnmarkDeep()
	text, err := ctyjson.Marshal(plain, plain.Type())
	if err != nil {
		return Values{}, fmt.Errorf("object does not fit: %w", err)
	}
	var o any
	if err := json.Unmarshal(text, &o); err != nil {
		return Values{}, fmt.Errorf("object does not fit: %w", err)
	}
	l := newLive(&live{object: o, marks: marks})
	l.whole = func() cty.Value { return v } // with the marks where they are
	return Values{scope: Health, live: l}, nil
}

func newLive(l *live) *live {
	l.whole = sync.OnceValue(func() cty.Value { return l.value(l.object) })
	l.calls = map[string]function.Function{
		"condition": l.conditionFunction(), "conditions": l.conditionsFunction(),
		"field": l.fieldFunction(), "has": l.hasFunction(), "observed": l.observedFunction(),
	}
	return l
}

// value returns a part of the object as a value of expressions.
func (l *live) value(v any) cty.Value {
	if l.unknown {
		return cty.DynamicVal
	}
	return fromGo(v).WithMarks(l.marks)
}

// fieldFunction returns field(path, default): what is at a path of the object, the
// default (else null) where there is nothing.
func (l *live) fieldFunction() function.Function {
	return function.New(&function.Spec{
		Description: "Returns what is at a path of the object; where there is nothing, the default, or null.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		VarParam:    &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true, AllowMarked: true},
		Type:        function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			steps, err := parsePath(args[0].AsString())
			if err != nil {
				return cty.DynamicVal, function.NewArgError(0, err)
			}
			if len(args) > 2 {
				return cty.DynamicVal, function.NewArgErrorf(2, "there is one default, no more")
			}
			if l.unknown {
				return cty.DynamicVal, nil
			}
			found := steps.at(l.object)
			if found == nil && len(args) == 2 {
				return args[1], nil
			}
			return l.value(found), nil
		},
	})
}

// hasFunction returns has(path): whether there is anything at a path of the object.
func (l *live) hasFunction() function.Function {
	return function.New(&function.Spec{
		Description: "Tells whether there is anything at a path of the object. What is null is not there.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			steps, err := parsePath(args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.Bool), function.NewArgError(0, err)
			}
			if l.unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(steps.at(l.object) != nil), nil
		},
	})
}

// observedFunction returns observed(): whether the controller has looked at the
// present generation. An object that does not tell counts as observed.
func (l *live) observedFunction() function.Function {
	return function.New(&function.Spec{
		Description: "Tells whether status.observedGeneration is the object's generation, or not there.",
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			if l.unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			observed, told := integer(path{{name: "status"}, {name: "observedGeneration"}}.at(l.object))
			generation, has := integer(generationPath.at(l.object))
			return cty.BoolVal(!told || !has || observed == generation), nil
		},
	})
}

// generationPath is where an object's generation is. It is never changed.
var generationPath = path{{name: "metadata"}, {name: "generation"}}

// fromGo returns JSON-shaped data as a value.
func fromGo(v any) cty.Value {
	switch v := v.(type) {
	case nil:
		return cty.NullVal(cty.DynamicPseudoType)
	case bool:
		return cty.BoolVal(v)
	case string:
		return cty.StringVal(v)
	case int64:
		return cty.NumberIntVal(v)
	case int:
		return cty.NumberIntVal(int64(v))
	case float64:
		return cty.NumberFloatVal(v)
	case object.Object:
		return fromGo(map[string]any(v))
	case map[string]any:
		attributes := make(map[string]cty.Value, len(v))
		for name, inner := range v {
			attributes[name] = fromGo(inner)
		}
		return cty.ObjectVal(attributes)
	case []any:
		elements := make([]cty.Value, len(v))
		for i, inner := range v {
			elements[i] = fromGo(inner)
		}
		return cty.TupleVal(elements)
	}
	return cty.StringVal(fmt.Sprint(v))
}

// integer returns a whole number.
func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), true
	}
	return 0, false
}

// text returns a simple value as a string, "" where it is none.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool, int64, int, float64:
		return fmt.Sprint(v)
	}
	return ""
}
