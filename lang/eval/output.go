package eval

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// outputRoot is what addresses of outputs begin with.
const outputRoot = "output"

// Output is a value that the root module gives to others.
type Output struct {
	Name        string
	Description string
	Sensitive   bool
	Value       cty.Value // with its marks
	Range       hcl.Range
}

// OutputKind declares output blocks.
func OutputKind() *Kind {
	return &Kind{
		Block: &schema.Block{
			Type:   "output",
			Labels: []string{"name"},
			Doc:    "A value that a module gives to the one that calls it, where it is `module.NAME.OUTPUT`. Outputs of the root module are shown after an apply, and other configurations can read them with `remote`.",
			Example: `output "namespace" {
  value       = application.payments.namespace
  description = "Where the payments run."
}`,
			Arguments: []schema.Argument{
				{Name: "value", Type: schema.Expression, Required: true, Doc: "The value."},
				{Name: "description", Type: schema.String, Doc: "What the value is for."},
				{Name: "sensitive", Type: schema.Bool, Default: "false", Doc: "Whether the value must not be shown. An output whose value is made of something sensitive must say so."},
				{Name: "depends_on", Type: schema.Addresses, Doc: "Blocks that whoever uses the output waits for, too."},
			},
			Blocks: []schema.Nested{{Block: PreconditionBlock()}},
		},
		Root:   outputRoot,
		Decode: decodeOutput,
	}
}

func decodeOutput(_ *Evaluation, in *Instance) Decoded {
	output := Output{
		Name: in.Address.Name, Description: in.Values.String("description"), Sensitive: in.Values.Bool("sensitive", false),
		Value: cty.DynamicVal, Range: in.Values.Range,
	}
	if argument, ok := in.Values.Get("value"); ok {
		v, diags := schema.Evaluate(argument.Expr, in.ctx)
		in.Report(diags...)
		output.Value = v
		if in.frame.parent == nil && value.IsSensitive(v) && !output.Sensitive {
			in.Errorf(argument.Range(), "Sensitive output", "The value of the output %q is made of a sensitive one, and outputs of the root module are shown. Say sensitive = true, or nonsensitive(...) where it is no secret.", output.Name)
		}
		if in.frame.parent == nil && v.IsWhollyKnown() {
			if _, _, err := value.ToJSON(v); err != nil {
				in.Errorf(argument.Range(), "Unsuitable value", "The value of the output %q cannot be given to others: %s.", output.Name, err)
			}
		}
	}
	if output.Sensitive {
		output.Value = output.Value.Mark(value.Sensitive)
	}
	in.CheckConditions(in.Values.Blocks("precondition"), "Precondition failed")
	if in.frame.parent != nil {
		return Decoded{Value: output.Value}
	}
	return Decoded{Value: output.Value, Made: output}
}
