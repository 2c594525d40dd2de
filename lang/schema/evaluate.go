package schema

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// Evaluate evaluates an expression. To HCL's own diagnostics it adds suggestions
// for mistyped attributes, and takes from them what is sensitive.
func Evaluate(expr hcl.Expression, ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := expr.Value(ctx)
	for _, diag := range diags {
		suggestAttribute(diag, expr, ctx)
		redact(diag, expr, ctx)
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return v, diags
}

// suggestAttribute completes a message about an attribute that an object does
// not have.
func suggestAttribute(diag *hcl.Diagnostic, expr hcl.Expression, ctx *hcl.EvalContext) {
	if diag.Summary != "Unsupported attribute" || diag.Subject == nil {
		return
	}
	if diag.Expression != nil && diag.EvalContext != nil {
		expr, ctx = diag.Expression, diag.EvalContext
	}
	name, owner, ok := missingStep(expr, ctx, *diag.Subject)
	if !ok {
		return
	}
	have := value.Attributes(owner.Type())
	if len(have) == 0 {
		return
	}
	diag.Detail += didYouMean(name, have, " Did you mean %q?")
	if !strings.Contains(diag.Detail, "Did you mean") && len(have) <= 12 {
		diag.Detail += " It has " + List(have, "and") + "."
	}
}

// missingStep finds the step of a traversal that is at a range: its name, and the
// value that does not have it.
func missingStep(expr hcl.Expression, ctx *hcl.EvalContext, at hcl.Range) (name string, owner cty.Value, ok bool) {
	within := func(traversal hcl.Traversal, resolve func(hcl.Traversal) (cty.Value, hcl.Diagnostics)) bool {
		for i, step := range traversal {
			var stepName string
			switch step := step.(type) {
			case hcl.TraverseAttr:
				stepName = step.Name
			case hcl.TraverseIndex:
				if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
					stepName = step.Key.AsString()
				}
			}
			if stepName == "" || step.SourceRange() != at {
				continue
			}
			v, diags := resolve(traversal[:i])
			if !diags.HasErrors() {
				v, _ = v.Unmark()
				name, owner, ok = stepName, v, true
			}
			return true
		}
		return false
	}
	for _, traversal := range expr.Variables() {
		if within(traversal, func(t hcl.Traversal) (cty.Value, hcl.Diagnostics) { return t.TraverseAbs(ctx) }) {
			return name, owner, ok
		}
	}
	node, isNative := expr.(hclsyntax.Node)
	if !isNative {
		return "", cty.NilVal, false
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		relative, isRelative := n.(*hclsyntax.RelativeTraversalExpr)
		if isRelative && !ok {
			within(relative.Traversal, func(t hcl.Traversal) (cty.Value, hcl.Diagnostics) {
				source, diags := relative.Source.Value(ctx)
				if diags.HasErrors() {
					return source, diags
				}
				return t.TraverseRel(source)
			})
		}
		return nil
	})
	return name, owner, ok
}

// redact keeps sensitive values out of a message: HCL's own may quote what an
// expression came to.
func redact(diag *hcl.Diagnostic, expr hcl.Expression, ctx *hcl.EvalContext) {
	var secrets []string
	sensitive := false
	for _, traversal := range expr.Variables() {
		v, diags := traversal.TraverseAbs(ctx)
		if diags.HasErrors() || !value.IsSensitive(v) {
			continue
		}
		sensitive = true
		secrets = append(secrets, leaves(v)...)
	}
	if !sensitive {
		return
	}
	switch diag.Summary {
	case "Invalid function argument", "Error in function call":
		name := "the function"
		if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](diag); ok {
			name = call.CalledFunctionName() + "(...)"
		}
		diag.Detail = fmt.Sprintf("What %s says is not shown, as the expression uses a sensitive value.", name)
		return
	}
	for _, secret := range secrets {
		diag.Detail = strings.ReplaceAll(diag.Detail, secret, object.Redacted)
	}
}

// leaves returns the strings within a value.
func leaves(v cty.Value) []string {
	var out []string
	unmarked, _ := v.UnmarkDeep()
	_ = cty.Walk(unmarked, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() && v.AsString() != "" {
			out = append(out, v.AsString())
		}
		return true, nil
	})
	return out
}
