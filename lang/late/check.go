package late

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// mostSteps is how many steps the loops of an expression may take before there is a case that
// they could be about: half a second of work.
const mostSteps = 200_000

// check evaluates the expression with names whose values are unknown but whose
// types are not: what is wrong in every case, is wrong now.
func (e Expression) check() hcl.Diagnostics {
	diags := e.checkFunctions()
	if diags.HasErrors() {
		return diags
	}
	unknown := map[string]cty.Value{}
	for name, ty := range e.scope.types() {
		unknown[name] = cty.UnknownVal(ty)
	}
	var l *live
	if e.scope == Health {
		l = newLive(&live{unknown: true})
	}
	steps := 0
	endless := func() bool { steps++; return steps > mostSteps }
	unknown[stopName] = cty.CapsuleVal(stopType, &stopper{endless})
	ctx := e.context(unknown, l)
	v, diags := e.stopping(func() bool { return steps > mostSteps }, func() (cty.Value, hcl.Diagnostics) {
		v, diags := schema.Evaluate(e.compiled.expr, ctx)
		inner := &loops{ctx: ctx}
		more := hclsyntax.Walk(e.compiled.expr, inner)
		return v, append(diags, append(more, inner.diags...)...)
	})
	if diags.HasErrors() {
		return diags
	}
	if diags = append(diags, unknownFunctions(e.compiled.expr, ctx)...); diags.HasErrors() {
		return diags
	}
	if problem := e.want.problem(v); problem != "" {
		diags = append(diags, e.unsuitable(problem))
	}
	return diags
}

// problem says why a value, which may be unknown, is not what is wanted, or "".
func (w Want) problem(v cty.Value) string {
	ty := v.Type()
	isNull := v.IsKnown() && v.IsNull()
	switch {
	case w == Condition && !isNull && (ty == cty.Bool || ty == cty.DynamicPseudoType):
	case w == Text && !isNull && (ty.IsPrimitiveType() || ty == cty.DynamicPseudoType):
	case w == Any && !ty.IsCapsuleType():
	case w == Condition:
		return "must come to true or false, but is " + value.Kind(v)
	default:
		return "must come to a string, but is " + value.Kind(v)
	}
	return ""
}

// checkFunctions refuses the functions that mean something only beside the
// configuration's files.
func (e Expression) checkFunctions() hcl.Diagnostics {
	var diags hcl.Diagnostics
	_ = hclsyntax.VisitAll(e.compiled.expr, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if !ok {
			return nil
		}
		why := ""
		_, readsFiles := fileFunctions()[call.Name]
		switch {
		case readsFiles:
			why = "which reads a file of the configuration"
		case strings.HasPrefix(call.Name, "fn::"):
			why = "which the configuration declares"
		default:
			return nil
		}
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Function not allowed here",
			Detail:   fmt.Sprintf("This expression is evaluated case by case, where the configuration is no longer at hand, so that it cannot call %s(...), %s. Give what it returns a name in a locals block, and refer to that.", call.Name, why),
			Subject:  call.NameRange.Ptr(),
		})
		return nil
	})
	return diags
}

// unknownFunctions tells of calls of functions that there are not, which try(...) and
// can(...) would hide: what is mistyped would never hold.
func unknownFunctions(expr hclsyntax.Expression, ctx *hcl.EvalContext) hcl.Diagnostics {
	var diags hcl.Diagnostics
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if !ok {
			return nil
		}
		for at := ctx; at != nil; at = at.Parent() {
			if _, known := at.Functions[call.Name]; known {
				return nil
			}
		}
		_, more := schema.Evaluate(call, ctx)
		diags = append(diags, more...)
		return nil
	})
	return diags
}

// loops checks the bodies of for expressions over what is not known yet, which
// evaluating does not look at. It is a hclsyntax.Walker.
type loops struct {
	ctx   *hcl.EvalContext
	diags hcl.Diagnostics
}

// Enter begins a for expression: within it, its variables are there.
func (l *loops) Enter(n hclsyntax.Node) hcl.Diagnostics {
	loop, ok := n.(*hclsyntax.ForExpr)
	if !ok {
		return nil
	}
	collection, _ := loop.CollExpr.Value(l.ctx)
	collection, _ = collection.Unmark()
	element, key := cty.DynamicPseudoType, cty.DynamicPseudoType
	if ty := collection.Type(); ty.IsCollectionType() {
		if element = ty.ElementType(); ty.IsMapType() {
			key = cty.String
		} else {
			key = cty.Number
		}
	}
	l.ctx = l.ctx.NewChild()
	l.ctx.Variables = map[string]cty.Value{loop.ValVar: cty.UnknownVal(element)}
	if loop.KeyVar != "" {
		l.ctx.Variables[loop.KeyVar] = cty.UnknownVal(key)
	}
	if collection.IsKnown() {
		return nil // evaluating has looked at every element
	}
	for _, part := range []hclsyntax.Expression{loop.KeyExpr, loop.ValExpr, loop.CondExpr} {
		if part != nil {
			_, diags := schema.Evaluate(part, l.ctx)
			l.diags = append(l.diags, diags...)
		}
	}
	return nil
}

// Exit ends a for expression.
func (l *loops) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(*hclsyntax.ForExpr); ok {
		l.ctx = l.ctx.Parent()
	}
	return nil
}
