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
	if v, ok := literalText(expr); ok {
		return v, nil
	}
	v, diags := expr.Value(ctx)
	for _, diag := range diags {
		withoutStack(diag)
		refuseSecret(diag, expr, ctx)
		suggestAttribute(diag, expr, ctx)
		suggestFunction(diag, ctx)
		redact(diag, expr, ctx)
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return v, diags
}

// withoutStack takes out of a message where in the library a function failed.
func withoutStack(diag *hcl.Diagnostic) {
	if said, _, ok := strings.Cut(diag.Detail, "\ngoroutine "); ok && strings.Contains(said, "panic in function implementation") {
		diag.Detail = said + "."
	}
}

// literalText returns a text in which nothing is to be evaluated.
func literalText(expr hcl.Expression) (cty.Value, bool) {
	text, ok := expr.(*hclsyntax.TemplateExpr)
	if !ok || !text.IsStringLiteral() {
		return cty.NilVal, false
	}
	v := text.Parts[0].(*hclsyntax.LiteralValueExpr).Val
	return v, v.Type() == cty.String
}

// suggestFunction completes a message about a function that there is not.
func suggestFunction(diag *hcl.Diagnostic, ctx *hcl.EvalContext) {
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](diag)
	if !ok {
		return
	}
	var names []string
	for ; ctx != nil; ctx = ctx.Parent() {
		for name := range ctx.Functions {
			names = append(names, name)
		}
	}
	if space := call.CalledFunctionNamespace(); space != "" {
		name := space + call.CalledFunctionName()
		diag.Detail = fmt.Sprintf("There is no function %q in this module.", name) + didYouMean(name, names, " Did you mean %q?")
		return
	}
	if nearest := didYouMean(call.CalledFunctionName(), names, " Did you mean %q?"); nearest != "" {
		// What HCL itself suggests is any name that is near, and not the nearest.
		said, _, _ := strings.Cut(diag.Detail, " Did you mean")
		diag.Detail = said + nearest
	}
}

// suggestAttribute completes a message about an attribute that an object does
// not have, or a key that a map does not.
func suggestAttribute(diag *hcl.Diagnostic, expr hcl.Expression, ctx *hcl.EvalContext) {
	if diag.Summary != "Unsupported attribute" && diag.Summary != "Invalid index" && diag.Summary != "Missing map element" || diag.Subject == nil {
		return
	}
	if diag.Expression != nil && diag.EvalContext != nil {
		expr, ctx = diag.Expression, diag.EvalContext
	}
	name, owner, ok := missingStep(expr, ctx, *diag.Subject)
	if !ok {
		return
	}
	if owner.IsMarked() {
		return // its keys are as sensitive as it is
	}
	have := value.Attributes(owner.Type())
	if owner.Type().IsMapType() && owner.IsKnown() && !owner.IsNull() {
		have = SortedKeys(owner.AsValueMap())
	}
	if len(have) == 0 || strings.Contains(diag.Detail, "Did you mean") {
		return
	}
	suggestion := didYouMean(name, have, " Did you mean %q?")
	if suggestion == "" && len(have) <= maxListed {
		suggestion = " It has " + List(have, "and") + "."
	}
	diag.Detail += suggestion
}

// maxListed is how many names a message lists.
const maxListed = 12

// missingStep finds the step of a traversal, or the index, that is at a range: its
// name, and the value that does not have it.
func missingStep(expr hcl.Expression, ctx *hcl.EvalContext, at hcl.Range) (name string, owner cty.Value, ok bool) {
	within := func(traversal hcl.Traversal, resolve func(hcl.Traversal) (cty.Value, hcl.Diagnostics)) {
		for i, step := range traversal {
			stepName := nameOf(step)
			if stepName == "" || step.SourceRange() != at || ok {
				continue
			}
			if v, diags := resolve(traversal[:i]); !diags.HasErrors() {
				owner = v
				name, ok = stepName, true
			}
		}
	}
	for _, traversal := range expr.Variables() {
		within(traversal, func(t hcl.Traversal) (cty.Value, hcl.Diagnostics) { return t.TraverseAbs(ctx) })
	}
	native, isNative := expr.(hclsyntax.Node)
	if !isNative || ok {
		return name, owner, ok
	}
	_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.RelativeTraversalExpr:
			within(n.Traversal, func(t hcl.Traversal) (cty.Value, hcl.Diagnostics) {
				source, diags := n.Source.Value(ctx)
				if diags.HasErrors() {
					return source, diags
				}
				return t.TraverseRel(source)
			})
		case *hclsyntax.IndexExpr:
			if n.BracketRange != at || ok {
				break
			}
			collection, diags := n.Collection.Value(ctx)
			key, more := n.Key.Value(ctx)
			if diags.HasErrors() || more.HasErrors() {
				break
			}
			if step := (hcl.TraverseIndex{Key: key}); nameOf(step) != "" {
				owner = collection
				name, ok = nameOf(step), true
			}
		}
		return nil
	})
	return name, owner, ok
}

// nameOf returns the name of an attribute, or of a key that is a string.
func nameOf(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if key := step.Key; !key.IsMarked() && key.Type() == cty.String && key.IsKnown() && !key.IsNull() {
			return key.AsString()
		}
	}
	return ""
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
