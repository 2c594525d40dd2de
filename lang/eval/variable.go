package eval

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// VariableKind declares variable blocks.
func VariableKind() *Kind {
	return &Kind{
		Block: &schema.Block{
			Type:   "variable",
			Labels: []string{"name"},
			Doc:    "A value that is given from outside: elsewhere it is `var.NAME`. It comes from, and later ones win, its default, the environment variable `GANTRY_VAR_NAME`, the file `gantry.vars.hcl`, the files `*.auto.vars.hcl` by name, `--var-file` and `--var`.",
			Example: `variable "replicas" {
  type        = number
  default     = 2
  description = "How many pods each service has."

  validation {
    condition     = var.replicas > 0
    error_message = "There must be at least one."
  }
}`,
			Arguments: []schema.Argument{
				{Name: "type", Type: schema.TypeConstraint, Default: "any", Doc: "What the value must be, or be convertible to: `string`, `number`, `bool`, `list(string)`, `map(number)`, `object({ name = string, replicas = optional(number, 1) })` and so on."},
				{Name: "default", Type: schema.Expression, Doc: "The value when none is given; without a default, one must be given. It cannot refer to anything."},
				{Name: "description", Type: schema.String, Doc: "What the variable is for."},
				{Name: "sensitive", Type: schema.Bool, Default: "false", Doc: "Whether the value, and everything made of it, must not be shown."},
				{Name: "nullable", Type: schema.Bool, Default: "false", Doc: "Whether the value may be null. Where it may not, null means the default."},
			},
			Blocks: []schema.Nested{{Block: &schema.Block{
				Type: "validation",
				Doc:  "A condition that the value must meet.",
				Arguments: []schema.Argument{
					{Name: "condition", Type: schema.Expression, Required: true, Doc: "An expression that is true for good values. It may refer to the variable itself, and to others."},
					{Name: "error_message", Type: schema.Expression, Required: true, Doc: "A sentence for whoever gave the value."},
				},
			}}},
		},
		Root:   "var",
		Decode: decodeVariable,
	}
}

func decodeVariable(e *Evaluation, in *Instance) Decoded {
	variable := Variable{
		Name: in.Address.Name, Description: in.Values.String("description"), Sensitive: in.Values.Bool("sensitive", false), Range: in.Values.Range,
	}
	want, defaults := variableType(in)
	variable.Type = typeexpr.TypeString(want.WithoutOptionalAttributesDeep())
	v, origin := givenValue(e, in, want, defaults)
	variable.Origin = origin
	if in.Deferred {
		e.result.Unset = append(e.result.Unset, variable)
	}
	if variable.Sensitive {
		v = v.Mark(value.Sensitive)
	}
	if v.IsWhollyKnown() && !in.Failed {
		e.validate(in, v)
	}
	variable.Value = value.Text(v)
	return Decoded{Value: v, Made: variable}
}

// variableType reads the type argument.
func variableType(in *Instance) (cty.Type, *typeexpr.Defaults) {
	argument, ok := in.Values.Get("type")
	if !ok {
		return cty.DynamicPseudoType, nil
	}
	ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(argument.Expr)
	suggestTypes(diags)
	in.Report(diags...)
	if diags.HasErrors() {
		return cty.DynamicPseudoType, nil
	}
	return ty, defaults
}

// mistypedType finds the word that is no type in what typeexpr says.
var mistypedType = regexp.MustCompile(`[Kk]eyword "(\w+)" is not a valid type`)

// suggestTypes adds what was probably meant by a word that is no type.
func suggestTypes(diags hcl.Diagnostics) {
	types := []string{"any", "bool", "list", "map", "number", "object", "set", "string", "tuple"}
	for _, diag := range diags {
		found := mistypedType.FindStringSubmatch(diag.Detail)
		if found == nil {
			continue
		}
		if near := schema.Suggest(found[1], types); near != "" {
			diag.Detail += fmt.Sprintf(" Did you mean %q?", near)
		}
	}
}

// givenValue returns the value of a variable and where it came from. An error
// makes the value unknown.
func givenValue(e *Evaluation, in *Instance, want cty.Type, defaults *typeexpr.Defaults) (cty.Value, string) {
	nullable := in.Values.Bool("nullable", false)
	input, given := e.inputs[in.Address.Name]
	if given {
		v, ok := inputValue(in, input, want)
		if !ok {
			return cty.UnknownVal(want.WithoutOptionalAttributesDeep()), input.Origin
		}
		if !v.IsNull() || nullable {
			return conform(in, v, want, defaults, input.Range, "The value from "+input.Origin), input.Origin
		}
	}
	if argument, ok := in.Values.Get("default"); ok {
		v, diags := constant(argument.Expr)
		in.Report(diags...)
		if diags.HasErrors() {
			return cty.UnknownVal(want.WithoutOptionalAttributesDeep()), "default"
		}
		if v.IsNull() && !nullable {
			in.Errorf(argument.Range(), "Invalid default", "The default is null, but the variable must have a value. Leave the default out, so that a value must be given, or say nullable = true.")
		}
		return conform(in, v, want, defaults, argument.Range(), "The default"), "default"
	}
	unknown := cty.UnknownVal(want.WithoutOptionalAttributesDeep())
	if in.Failed || in.block.broken {
		return unknown, "" // what is wrong may be why there is no default
	}
	if (e.reader == nil || e.partial) && !given {
		in.Deferred = true
		return unknown, ""
	}
	if given {
		in.Errorf(input.Range, "Invalid value for variable", "The variable %q must not be null, and has no default.", in.Address.Name)
		return unknown, input.Origin
	}
	in.Errorf(in.Values.Range, "Missing value for variable", "The variable %q has no default, and no value was given. Give one with --var '%s=...', in gantry.vars.hcl, or in the environment as %s%s.", in.Address.Name, in.Address.Name, envPrefix, in.Address.Name)
	return unknown, ""
}

// constant evaluates an expression that refers to nothing.
func constant(expr hcl.Expression) (cty.Value, hcl.Diagnostics) {
	for _, traversal := range expr.Variables() {
		return cty.DynamicVal, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "References not allowed",
			Detail:   "The value of a variable cannot refer to anything. Put what is computed into a locals block.",
			Subject:  traversal.SourceRange().Ptr(),
		}}
	}
	return expr.Value(nil)
}

// conform brings a value to the variable's type.
func conform(in *Instance, v cty.Value, want cty.Type, defaults *typeexpr.Defaults, at hcl.Range, what string) cty.Value {
	if defaults != nil && !v.IsNull() {
		v = defaults.Apply(v)
	}
	converted, err := convert.Convert(v, want)
	if err == nil {
		return converted
	}
	where := ""
	var pathErr cty.PathError
	if errors.As(err, &pathErr) && len(pathErr.Path) > 0 {
		where = value.PathText(pathErr.Path) + ": "
	}
	in.Errorf(at, "Invalid value for variable", "%s does not fit the type of variable %q, which is %s: %s%s.", what, in.Address.Name, typeexpr.TypeString(want.WithoutOptionalAttributesDeep()), where, err)
	return cty.UnknownVal(want.WithoutOptionalAttributesDeep())
}

// validate checks a variable's conditions.
func (e *Evaluation) validate(in *Instance, v cty.Value) {
	ctx := e.scope(in.block)
	siblings := map[string]cty.Value{}
	if others, ok := ctx.Variables["var"]; ok && others.IsKnown() {
		siblings = others.AsValueMap()
	}
	if siblings == nil {
		siblings = map[string]cty.Value{}
	}
	siblings[in.Address.Name] = v
	ctx.Variables["var"] = cty.ObjectVal(siblings)
	for _, validation := range in.Values.Blocks("validation") {
		condition, hasCondition := validation.Get("condition")
		message, hasMessage := validation.Get("error_message")
		if !hasCondition || !hasMessage {
			continue
		}
		met, diags := schema.Evaluate(condition.Expr, ctx)
		in.Report(diags...)
		if diags.HasErrors() || !met.IsKnown() {
			continue
		}
		met, _ = met.Unmark()
		met, err := convert.Convert(met, cty.Bool)
		if err != nil || met.IsNull() {
			in.Errorf(condition.Range(), "Invalid validation condition", "A condition must be true or false.")
			continue
		}
		if met.True() {
			continue
		}
		in.Report(failedValidation(e, in, validation, message, ctx))
	}
}

func failedValidation(e *Evaluation, in *Instance, validation *schema.Values, message schema.Value, ctx *hcl.EvalContext) *hcl.Diagnostic {
	text := "The value does not meet the condition."
	shown, diags := schema.Evaluate(message.Expr, ctx)
	in.Report(diags...)
	if shown, err := convert.Convert(shown, cty.String); err == nil && shown.IsKnown() && !shown.IsNull() {
		if value.IsSensitive(shown) {
			text = "The message is not shown, as it holds a sensitive value."
		} else {
			text = shown.AsString()
		}
	}
	condition, _ := validation.Get("condition")
	subject := in.Values.Range
	if input, ok := e.inputs[in.Address.Name]; ok && !input.Range.Empty() {
		subject = input.Range
	}
	return &hcl.Diagnostic{
		Severity:    hcl.DiagError,
		Summary:     "Invalid value for variable",
		Detail:      fmt.Sprintf("%s\n\nThis is checked by the validation at %s.", strings.TrimSpace(text), validation.Range),
		Subject:     subject.Ptr(),
		Expression:  condition.Expr,
		EvalContext: ctx,
	}
}
