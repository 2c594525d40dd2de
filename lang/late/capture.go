package late

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// capture collects the values of the configuration that an expression uses: of each
// reference what it names, no more. It is not known where one of them is not. A
// sensitive one is an error, for what the expression comes to is shown.
func capture(scope Scope, expr hclsyntax.Expression, ctx *hcl.EvalContext) (captured map[string]cty.Value, known bool, diags hcl.Diagnostics) {
	later := scope.Names()
	root := &tree{}
	known = true
	for _, traversal := range expr.Variables() {
		if slices.Contains(later, traversal.RootName()) {
			continue
		}
		path, v, ok := resolve(traversal, ctx)
		if !ok { // reported as undeclared
			root.set([]string{traversal.RootName()}, cty.DynamicVal)
			known = false
			continue
		}
		if diag := uncapturable(v); diag != nil {
			diag.Subject = traversal.SourceRange().Ptr()
			diags = append(diags, diag)
			v = cty.DynamicVal
		}
		known = known && v.IsWhollyKnown()
		root.set(path, plain(v))
	}
	captured = map[string]cty.Value{}
	for name, child := range root.children {
		captured[name] = child.object()
	}
	return captured, known, diags
}

// resolve returns the value at the longest part of a traversal that consists of
// names and can be resolved, and that part.
func resolve(traversal hcl.Traversal, ctx *hcl.EvalContext) (path []string, v cty.Value, ok bool) {
	for n := range traversal {
		inner, diags := traversal[:n+1].TraverseAbs(ctx)
		if diags.HasErrors() {
			break
		}
		switch step := traversal[n].(type) {
		case hcl.TraverseRoot:
			path = append(path, step.Name)
		case hcl.TraverseAttr:
			path = append(path, step.Name)
		case hcl.TraverseIndex:
			if step.Key.Type() != cty.String || !v.Type().IsObjectType() {
				return path, v, true
			}
			path = append(path, step.Key.AsString())
		default:
			return path, v, true
		}
		v, ok = inner, true
		if v.IsMarked() || !v.IsKnown() {
			break
		}
	}
	return path, v, ok
}

// uncapturable says why an expression may not use a value; nil where it may.
func uncapturable(v cty.Value) *hcl.Diagnostic {
	const shown = "What this expression comes to is shown in plans and messages, so that it cannot use "
	if value.IsSensitive(v) {
		return &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Sensitive value not allowed here",
			Detail:   shown + "a sensitive value. nonsensitive(...) in a local value says that a value is no secret.",
		}
	}
	var diag *hcl.Diagnostic
	_ = cty.Walk(v, func(_ cty.Path, inner cty.Value) (bool, error) {
		if ref, ok := value.ReferenceOf(inner); ok && ref.Address.Kind == "secret" {
			diag = &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Secret not allowed here", Detail: fmt.Sprintf("%s%s.", shown, ref.Address)}
		}
		return diag == nil, nil
	})
	return diag
}

// plain returns a value with nothing but data in it: of a block its attributes.
func plain(v cty.Value) cty.Value {
	v, _ = v.UnmarkDeep()
	out, err := cty.Transform(v, func(_ cty.Path, inner cty.Value) (cty.Value, error) {
		if _, ok := value.ReferenceOf(inner); !ok {
			return inner, nil
		}
		attributes := map[string]cty.Value{}
		for _, name := range value.Attributes(inner.Type()) {
			attributes[name] = inner.GetAttr(name)
		}
		return cty.ObjectVal(attributes), nil
	})
	if err != nil {
		return cty.DynamicVal
	}
	return out
}

// tree is values by their paths.
type tree struct {
	value    cty.Value // of the whole; NilVal where only parts are there
	children map[string]*tree
}

func (t *tree) set(path []string, v cty.Value) {
	if t.value != cty.NilVal {
		return // the whole is there
	}
	if len(path) == 0 {
		t.value, t.children = v, nil
		return
	}
	if t.children == nil {
		t.children = map[string]*tree{}
	}
	if t.children[path[0]] == nil {
		t.children[path[0]] = &tree{}
	}
	t.children[path[0]].set(path[1:], v)
}

func (t *tree) object() cty.Value {
	if t.value != cty.NilVal {
		return t.value
	}
	attributes := map[string]cty.Value{}
	for name, child := range t.children {
		attributes[name] = child.object()
	}
	return cty.ObjectVal(attributes)
}
