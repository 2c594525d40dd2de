package eval

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// conditionArguments are what blocks that hold a condition take.
func conditionArguments(condition string) []schema.Argument {
	return []schema.Argument{
		{Name: "condition", Type: schema.Expression, Required: true, Doc: condition},
		{Name: "error_message", Type: schema.Expression, Required: true, Doc: "A sentence for whoever has to mend it."},
	}
}

// PreconditionBlock declares precondition blocks.
func PreconditionBlock() *schema.Block {
	return &schema.Block{
		Type:      "precondition",
		Doc:       "A condition without which it makes no sense.",
		Arguments: conditionArguments("An expression that is true when all is well."),
	}
}

// CheckConditions evaluates precondition blocks in the instance's scope, and reports
// those that are not met. What is unknown is passed over.
func (in *Instance) CheckConditions(blocks []*schema.Values, summary string) {
	for _, block := range blocks {
		ctx, at := in.ctx, block.Range
		if condition, ok := block.Get("condition"); ok {
			at = condition.Range()
			if condition.Context != nil {
				ctx = condition.Context // of the profile that it is from
			}
		}
		in.Report(checkCondition(block, ctx, summary, at, fmt.Sprintf("This is a precondition of %s.", in.Address))...)
	}
}

// checkCondition returns what is wrong with a condition, or that it is not met.
func checkCondition(block *schema.Values, ctx *hcl.EvalContext, summary string, at hcl.Range, origin string) hcl.Diagnostics {
	condition, hasCondition := block.Get("condition")
	message, hasMessage := block.Get("error_message")
	if !hasCondition || !hasMessage {
		return nil
	}
	met, diags := schema.Evaluate(condition.Expr, ctx)
	if diags.HasErrors() || !met.IsKnown() {
		return diags
	}
	met, _ = met.Unmark()
	met, err := convert.Convert(met, cty.Bool)
	if err != nil || met.IsNull() {
		return append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Invalid condition", Detail: "A condition must be true or false.",
			Subject: condition.Range().Ptr(), Expression: condition.Expr, EvalContext: ctx,
		})
	}
	if met.True() {
		return diags
	}
	text, more := messageText(message.Expr, ctx)
	return append(append(diags, more...), &hcl.Diagnostic{
		Severity:    hcl.DiagError,
		Summary:     summary,
		Detail:      strings.TrimSpace(text) + "\n\n" + origin,
		Subject:     at.Ptr(),
		Expression:  condition.Expr,
		EvalContext: ctx,
	})
}

// messageText evaluates an error_message.
func messageText(expr hcl.Expression, ctx *hcl.EvalContext) (string, hcl.Diagnostics) {
	shown, diags := schema.Evaluate(expr, ctx)
	if shown, err := convert.Convert(shown, cty.String); err == nil && shown.IsKnown() && !shown.IsNull() {
		if value.IsSensitive(shown) {
			return "The message is not shown, as it holds a sensitive value.", diags
		}
		return shown.AsString(), diags
	}
	return "The value does not meet the condition.", diags
}
