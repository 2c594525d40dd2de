package late

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// Evaluate evaluates the expression in one case. The value is of the type that the
// expression must come to, neither unknown nor, but for Any, null; it may be
// sensitive where a value of the case is. An error is told with its place in the
// configuration.
func (e Expression) Evaluate(values Values) (cty.Value, hcl.Diagnostics) {
	if e.IsZero() || values.scope != e.scope {
		return cty.DynamicVal, hcl.Diagnostics{e.unsuitable(fmt.Sprintf("has values of a %q, but is of a %q. This is a bug in gantry", values.scope, e.scope))}
	}
	evaluate := func() (cty.Value, hcl.Diagnostics) {
		return choose(e.compiled.expr, e.context(e.complete(values.of(e.compiled.uses)), values.live))
	}
	var v cty.Value
	var diags hcl.Diagnostics
	if values.stopped == nil {
		v, diags = evaluate()
	} else if v, diags = e.stopping(values.stopped, evaluate); values.stopped() {
		return v, diags
	}
	if diags.HasErrors() && values.whole != nil {
		return e.Evaluate(values.whole())
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	unmarked, marks := v.Unmark()
	if !unmarked.IsWhollyKnown() {
		return cty.DynamicVal, append(diags, e.unsuitable("what it comes to is not known"))
	}
	if problem := e.want.problem(unmarked); problem != "" {
		return cty.DynamicVal, append(diags, e.unsuitable(problem))
	}
	if e.want == Text {
		converted, err := convert.Convert(unmarked, cty.String)
		if err != nil {
			return cty.DynamicVal, append(diags, e.unsuitable("must come to a string"))
		}
		unmarked = converted
	}
	return unmarked.WithMarks(marks), diags
}

// choose evaluates an expression, and of questions one after the other (a ? b : c ? d : e)
// only those that are needed. Of all that is wrong in every case was told before.
func choose(expr hcl.Expression, ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	for {
		switch node := expr.(type) {
		case *hclsyntax.ParenthesesExpr:
			expr = node.Expression
			continue
		case *hclsyntax.ConditionalExpr:
			if yes, diags := schema.Evaluate(node.Condition, ctx); !diags.HasErrors() && yes.Type() == cty.Bool && yes.IsWhollyKnown() && !yes.IsMarked() && !yes.IsNull() {
				if expr = node.FalseResult; yes.True() {
					expr = node.TrueResult
				}
				continue
			}
		}
		return schema.Evaluate(expr, ctx)
	}
}

// True evaluates a condition.
func (e Expression) True(values Values) (bool, hcl.Diagnostics) {
	v, diags := e.Evaluate(values)
	if diags.HasErrors() {
		return false, diags
	}
	unmarked, _ := v.Unmark()
	return unmarked.Type() == cty.Bool && unmarked.True(), diags
}

// String evaluates a text. One that holds a sensitive value is object.Redacted.
func (e Expression) String(values Values) (string, hcl.Diagnostics) {
	v, diags := e.Evaluate(values)
	switch {
	case diags.HasErrors():
		return "", diags
	case value.IsSensitive(v):
		return object.Redacted, diags
	case v.Type() == cty.String:
		return v.AsString(), diags
	}
	return value.Text(v), diags
}

// context is what the expression is evaluated in. l is nil but for a health block.
func (e Expression) context(variables map[string]cty.Value, l *live) *hcl.EvalContext {
	ctx := e.compiled.base.NewChild()
	ctx.Variables = variables
	if l != nil {
		ctx.Functions = l.calls
		if slices.Contains(e.compiled.uses, "object") {
			ctx.Variables = maps.Clone(variables)
			if ctx.Variables == nil {
				ctx.Variables = map[string]cty.Value{}
			}
			ctx.Variables["object"] = l.whole()
		}
	}
	return ctx
}

// complete adds null for the keys of maps, such as labels, that the expression
// names and the maps do not have.
func (e Expression) complete(variables map[string]cty.Value) map[string]cty.Value {
	if len(e.compiled.optional) == 0 {
		return variables
	}
	out := maps.Clone(variables)
	for name, keys := range e.compiled.optional {
		if v, ok := variables[name]; ok {
			out[name] = keys.complete(v)
		}
	}
	return out
}

// keyTree is which keys of maps an expression names: of the attributes of an object,
// or of the value itself, where it is a map.
type keyTree struct {
	keys       []string
	attributes map[string]*keyTree
}

// complete adds null for the keys that a map in a value lacks. A map that is null is
// as an empty one.
func (k *keyTree) complete(v cty.Value) cty.Value {
	ty := v.Type()
	if v.IsMarked() || !v.IsKnown() || v.IsNull() && !ty.IsMapType() {
		return v
	}
	var elements map[string]cty.Value
	set := func(name string, inner cty.Value) {
		if elements == nil && !v.IsNull() {
			elements = v.AsValueMap()
		}
		if elements == nil {
			elements = map[string]cty.Value{}
		}
		elements[name] = inner
	}
	if ty.IsMapType() {
		for _, key := range k.keys {
			if v.IsNull() || v.HasIndex(cty.StringVal(key)).False() {
				set(key, cty.NullVal(ty.ElementType()))
			}
		}
		if elements == nil {
			return v
		}
		return cty.MapVal(elements)
	}
	for name, inner := range k.attributes {
		before := v.GetAttr(name)
		if after := inner.complete(before); !after.RawEquals(before) {
			set(name, after)
		}
	}
	if elements == nil {
		return v
	}
	return cty.ObjectVal(elements)
}

// optionalKeys returns which keys of maps an expression names, by the names of the
// scope.
func optionalKeys(scope Scope, expr hclsyntax.Expression) map[string]*keyTree {
	out := map[string]*keyTree{}
	types := scope.types()
	for _, traversal := range expr.Variables() {
		root := traversal.RootName()
		path := mapPath(types[root], traversal[1:])
		if path == nil {
			continue
		}
		if out[root] == nil {
			out[root] = &keyTree{}
		}
		at := out[root]
		for _, name := range path[:len(path)-1] {
			if at.attributes == nil {
				at.attributes = map[string]*keyTree{}
			}
			if at.attributes[name] == nil {
				at.attributes[name] = &keyTree{}
			}
			at = at.attributes[name]
		}
		at.keys = append(at.keys, path[len(path)-1])
	}
	return out
}

// mapPath returns the names in a traversal of a type up to and with the key of a
// map; nil where it comes to none.
func mapPath(ty cty.Type, steps hcl.Traversal) []string {
	var path []string
	for _, step := range steps {
		name := stepName(step)
		path = append(path, name)
		switch {
		case ty == cty.NilType || name == "":
			return nil
		case ty.IsMapType():
			return path
		case !ty.IsObjectType() || !ty.HasAttribute(name):
			return nil
		}
		ty = ty.AttributeType(name)
	}
	return nil
}

// stepName returns the name that a step selects, or "".
func stepName(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			return step.Key.AsString()
		}
	}
	return ""
}
