package late

import (
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// conditionAttributes are the attributes of a condition that are texts.
var conditionAttributes = [...]string{"type", "status", "reason", "message", "severity", "lastTransitionTime"}

// conditionType is what condition(type) returns, and a list of what conditions() does.
var conditionType = sync.OnceValue(func() cty.Type {
	attributes := map[string]cty.Type{"observedGeneration": cty.Number, "exists": cty.Bool, "current": cty.Bool}
	for _, name := range conditionAttributes {
		attributes[name] = cty.String
	}
	return cty.Object(attributes)
})

// conditionFunction returns condition(type): the first condition of a type in the
// object's status. One that is not there has the status Unknown and is otherwise
// empty, as a controller would say that has not looked.
func (l *live) conditionFunction() function.Function {
	return function.New(&function.Spec{
		Description: "Returns the condition of a type in the object's status.",
		Params:      []function.Parameter{{Name: "type", Type: cty.String}},
		Type:        function.StaticReturnType(conditionType()),
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			if l.unknown {
				return cty.UnknownVal(want), nil
			}
			name := args[0].AsString()
			for _, item := range asList(statusConditions.at(l.object)) {
				if c, ok := item.(map[string]any); ok && text(c["type"]) == name {
					return l.conditionValue(c).WithMarks(l.marks), nil
				}
			}
			return l.conditionValue(map[string]any{"type": name, missing: true}).WithMarks(l.marks), nil
		},
	})
}

// conditionsFunction returns conditions(path): all conditions of the object's status,
// or those at another path, each with all attributes.
func (l *live) conditionsFunction() function.Function {
	return function.New(&function.Spec{
		Description: "Returns the conditions of the object's status, or those at another path.",
		VarParam:    &function.Parameter{Name: "path", Type: cty.String},
		Type:        function.StaticReturnType(cty.List(conditionType())),
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			at := statusConditions
			if len(args) > 1 {
				return cty.UnknownVal(want), function.NewArgErrorf(1, "there is one path, no more")
			}
			if len(args) == 1 {
				steps, err := parsePath(args[0].AsString())
				if err != nil {
					return cty.UnknownVal(want), function.NewArgError(0, err)
				}
				at = steps
			}
			if l.unknown {
				return cty.UnknownVal(want), nil
			}
			var out []cty.Value
			for _, item := range flat(at.at(l.object)) {
				if c, ok := item.(map[string]any); ok {
					out = append(out, l.conditionValue(c))
				}
			}
			if len(out) == 0 {
				return cty.ListValEmpty(conditionType()).WithMarks(l.marks), nil
			}
			return cty.ListVal(out).WithMarks(l.marks), nil
		},
	})
}

// statusConditions is where conditions are.
var statusConditions = path{{name: "status"}, {name: "conditions"}}

// missing marks a condition that is not there.
const missing = " missing"

func (l *live) conditionValue(c map[string]any) cty.Value {
	attributes := make(map[string]cty.Value, len(conditionAttributes)+3)
	for _, name := range conditionAttributes {
		attributes[name] = cty.StringVal(text(c[name]))
	}
	if text(c["status"]) == "" {
		attributes["status"] = cty.StringVal("Unknown")
	}
	observed, told := integer(c["observedGeneration"])
	generation, has := integer(generationPath.at(l.object))
	attributes["observedGeneration"] = cty.NumberIntVal(observed)
	attributes["current"] = cty.BoolVal(!told || !has || observed == generation)
	attributes["exists"] = cty.BoolVal(c[missing] == nil)
	return cty.ObjectVal(attributes)
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

// flat returns a list with the elements of the lists in it.
func flat(v any) []any {
	var out []any
	for _, item := range asList(v) {
		if inner, ok := item.([]any); ok {
			out = append(out, flat(inner)...)
			continue
		}
		out = append(out, item)
	}
	return out
}
