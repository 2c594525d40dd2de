package configtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// assert evaluates the run's assertions.
func (r *running) assert() {
	extra := r.extra()
	for _, assertion := range r.values.Blocks("assert") {
		condition, hasCondition := assertion.Get("condition")
		message, hasMessage := assertion.Get("error_message")
		if !hasCondition || !hasMessage {
			continue
		}
		ctx, diags := r.scope.Context(condition.Expr, extra)
		if diags.HasErrors() {
			r.broken(diags...)
			continue
		}
		met, diags := schema.Evaluate(condition.Expr, ctx)
		if diags.HasErrors() {
			r.broken(diags...)
			continue
		}
		given, _ := met.Unmark()
		met, err := convert.Convert(given, cty.Bool)
		switch {
		case err != nil || met.IsKnown() && met.IsNull():
			r.broken(&hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Invalid condition",
				Detail: fmt.Sprintf("A condition must be true or false, but this is %s.", value.Kind(given)), Subject: condition.Range().Ptr(),
			})
		case !met.IsKnown():
			r.broken(&hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Condition not known",
				Detail:  "What the condition refers to cannot be told, because of the errors that the run expects. Assert on what is left of the configuration." + r.explain(condition.Expr, ctx),
				Subject: condition.Range().Ptr(),
			})
		case met.False():
			r.fail(assertion, condition, message, ctx, extra)
		}
	}
}

// broken reports why the run's assertions cannot be evaluated.
func (r *running) broken(diags ...*hcl.Diagnostic) {
	r.report(diags...)
	r.out.Status = Errored
}

// fail reports an assertion that does not hold.
func (r *running) fail(assertion *schema.Values, condition, message schema.Value, ctx *hcl.EvalContext, extra eval.Extra) {
	text := "The condition does not hold."
	shown, diags := r.scope.Evaluate(message.Expr, extra)
	if diags.HasErrors() {
		r.broken(diags...)
	} else if shown, err := convert.Convert(shown, cty.String); err == nil && shown.IsKnown() && !shown.IsNull() {
		if value.IsSensitive(shown) {
			text = "The message is not shown, as it holds a sensitive value."
		} else if written := strings.TrimSpace(shown.AsString()); written != "" {
			text = written
		}
	}
	r.report(&hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Assertion failed",
		Detail:  text + r.explain(condition.Expr, ctx),
		Subject: condition.Range().Ptr(), Context: hcl.RangeBetween(assertion.Range, condition.Range()).Ptr(),
	})
	if r.out.Status == Passed {
		r.out.Status = Failed
	}
}

const (
	maxValue  = 300 // characters of a value that are shown
	maxValues = 12  // values of a condition that are shown
)

// explain says what the parts of a condition came to: the sides of comparisons,
// the arguments of functions, what is joined by && and ||.
func (r *running) explain(expr hcl.Expression, ctx *hcl.EvalContext) string {
	native, ok := expr.(hclsyntax.Expression)
	if !ok {
		return ""
	}
	e := explainer{source: r.file.file.Bytes, ctx: ctx}
	e.parts(native)
	if len(e.lines) == 0 {
		return ""
	}
	more := ""
	if len(e.lines) > maxValues {
		more = fmt.Sprintf("\n  and %d more", len(e.lines)-maxValues)
		e.lines = e.lines[:maxValues]
	}
	return "\n\n  " + strings.Join(e.lines, "\n  ") + more
}

type explainer struct {
	source []byte
	ctx    *hcl.EvalContext
	lines  []string
}

// parts shows what a condition is made of.
func (e *explainer) parts(expr hclsyntax.Expression) {
	switch expr := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		e.parts(expr.Expression)
	case *hclsyntax.UnaryOpExpr:
		e.parts(expr.Val)
	case *hclsyntax.BinaryOpExpr:
		switch expr.Op {
		case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
			e.parts(expr.LHS)
			e.parts(expr.RHS)
		default:
			e.show(expr.LHS)
			e.show(expr.RHS)
		}
	case *hclsyntax.ConditionalExpr:
		e.parts(expr.Condition)
		e.show(expr.TrueResult)
		e.show(expr.FalseResult)
	case *hclsyntax.FunctionCallExpr:
		for _, argument := range expr.Args {
			e.show(argument)
		}
	default:
		e.show(expr)
	}
}

// show adds an expression's value, unless it is written there as it is.
func (e *explainer) show(expr hclsyntax.Expression) {
	switch inner := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		e.show(inner.Expression)
		return
	case *hclsyntax.BinaryOpExpr:
		if inner.Op == hclsyntax.OpLogicalAnd || inner.Op == hclsyntax.OpLogicalOr {
			e.parts(inner)
			return
		}
	}
	if len(expr.Variables()) == 0 {
		return
	}
	text := strings.Join(strings.Fields(string(expr.Range().SliceBytes(e.source))), " ")
	v, diags := expr.Value(e.ctx)
	line := fmt.Sprintf("%s is %s", text, shorten(value.Text(v)))
	if diags.HasErrors() {
		line = fmt.Sprintf("%s cannot be evaluated: %s", text, diags[0].Summary)
	}
	if !slices.Contains(e.lines, line) {
		e.lines = append(e.lines, line)
	}
}

func shorten(text string) string {
	runes := []rune(text)
	if len(runes) <= maxValue {
		return text
	}
	return string(runes[:maxValue]) + "…"
}
