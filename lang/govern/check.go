package govern

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// Check is what assertions about the configuration came to. One that does not hold
// is a warning, and stops nothing.
type Check struct {
	Address    addr.Address
	Name       string
	Assertions []Assertion
	Range      hcl.Range
}

// AboutPlans is the Extra of a warning that is for who plans or validates, and noise
// to who asks for something else: what no plan does yet, and checks that fail.
type AboutPlans struct{}

// Assertion is what one assertion came to.
type Assertion struct {
	Holds   bool
	Message string // why not
	Range   hcl.Range
}

func checkKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "check",
			Labels: []string{"name"},
			Doc:    "Assertions about the configuration and what its generators have read. They are evaluated with every plan; one that does not hold is shown as a warning, and stops nothing.",
			Example: `check "clusters" {
  assert {
    condition     = length(generator.clusters.production) > 1
    error_message = "There is one production cluster at most."
  }
}`,
			Arguments: []schema.Argument{eval.ForEachArgument(), eval.DependsOnArgument()},
			Blocks: []schema.Nested{{Min: 1, Block: &schema.Block{
				Type: "assert",
				Doc:  "Something that should be so.",
				Arguments: []schema.Argument{
					{Name: "condition", Type: schema.Expression, Required: true, Doc: "An expression that is true where all is well."},
					{Name: "error_message", Type: schema.Expression, Required: true, Doc: "A sentence that says what is wrong."},
				},
			}}},
		},
		Decode: decodeCheck,
	}
}

func decodeCheck(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	check := &Check{Address: in.Address, Name: in.Name(), Range: in.Values.Range}
	for _, b := range in.Values.Blocks("assert") {
		condition, ok := b.Get("condition")
		message, hasMessage := b.Get("error_message")
		if !ok || !hasMessage {
			continue
		}
		if assertion, known := assert(in, check, condition, message); known {
			check.Assertions = append(check.Assertions, assertion)
		}
	}
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: check}
}

// assert evaluates one assertion. As in Terraform, what cannot be evaluated does not
// hold, and is a warning. It is false where the condition is not known.
func assert(in *eval.Instance, check *Check, condition, message schema.Value) (Assertion, bool) {
	assertion := Assertion{Range: condition.Range()}
	v, diags := schema.Evaluate(condition.Expr, condition.Context)
	if diags.HasErrors() {
		for _, diag := range diags {
			diag.Severity = hcl.DiagWarning
		}
		in.Report(diags...)
		assertion.Message = diags[0].Detail
		return assertion, true
	}
	v, _ = v.Unmark()
	if !v.IsKnown() {
		in.Deferred = true
		return assertion, false
	}
	met, err := convert.Convert(v, cty.Bool)
	if err != nil || met.IsNull() {
		in.Errorf(condition.Range(), "Invalid assertion", "A condition must be true or false, but this is %s.", value.Kind(v))
		return assertion, true
	}
	if assertion.Holds = met.True(); assertion.Holds {
		return assertion, true
	}
	assertion.Message = messageOf(in, message)
	in.Report(&hcl.Diagnostic{
		Severity: hcl.DiagWarning,
		Summary:  "Check failed",
		Detail:   fmt.Sprintf("%s\n\nThis is asserted by %s, and stops nothing.", assertion.Message, check.Address),
		Subject:  condition.Range().Ptr(), Expression: condition.Expr, EvalContext: condition.Context,
		Extra: AboutPlans{},
	})
	return assertion, true
}

// messageOf evaluates what an assertion that does not hold says.
func messageOf(in *eval.Instance, message schema.Value) string {
	v, diags := schema.Evaluate(message.Expr, message.Context)
	in.Report(diags...)
	text, err := convert.Convert(v, cty.String)
	switch {
	case diags.HasErrors() || err != nil || !text.IsKnown() || text.IsNull():
		return "The condition does not hold."
	case value.IsSensitive(text):
		return "The message is " + object.Redacted + ", as it holds a sensitive value."
	}
	return text.AsString()
}
