package eval

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

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
				Type:      "validation",
				Doc:       "A condition that the value must meet.",
				Arguments: conditionArguments("An expression that is true for good values. It may refer to the variable itself, and to others."),
			}}},
		},
		Root:   "var",
		Decode: decodeVariable,
	}
}

// variableRoot is what references to variables begin with.
const variableRoot = "var"

func decodeVariable(e *Evaluation, in *Instance) Decoded {
	variable := Variable{
		Name: in.Address.Name, Description: in.Values.String("description"), Sensitive: in.Values.Bool("sensitive", false), Range: in.Values.Range,
	}
	want := variableType(in)
	variable.Type = want.String()
	v, origin := valueOf(e, in, want)
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
	if in.frame.parent != nil {
		if in.block.input != nil && in.diags.HasErrors() {
			e.result.Unsound = append(e.result.Unsound, in.frame.call.Address)
		}
		return Decoded{Value: v}
	}
	variable.Value = value.Text(v)
	return Decoded{Value: v, Made: variable}
}

// variableType reads the type argument.
func variableType(in *Instance) constraint {
	argument, ok := in.Values.Get("type")
	if !ok {
		return anything()
	}
	want, diags := parseConstraint(argument.Expr)
	in.Report(diags...)
	if diags.HasErrors() {
		return anything()
	}
	if !want.isPlain() && in.frame.parent == nil {
		in.Errorf(argument.Range(), "Invalid type specification", "A variable of the root module cannot hold a block, as none can be given from outside. Only modules that are called can have variables of the type %s.", want)
		return anything()
	}
	return want
}

// valueOf returns the value of a variable and where it came from. An error makes
// the value unknown.
func valueOf(e *Evaluation, in *Instance, want constraint) (cty.Value, string) {
	nullable := in.Values.Bool("nullable", false)
	given, at, origin := passed(e, in, want)
	if origin != "" {
		if in.Failed || !given.IsNull() || nullable {
			return fit(in, given, want, at, origin), origin
		}
	}
	if argument, ok := in.Values.Get("default"); ok {
		v, diags := constant(argument.Expr)
		in.Report(diags...)
		if diags.HasErrors() {
			return want.unknown(), "default"
		}
		if v.IsNull() && !nullable && !in.Failed {
			in.Errorf(argument.Range(), "Invalid default", "The default is null, but the variable must have a value. Leave the default out, so that a value must be given, or say nullable = true.")
		}
		return fit(in, v, want, argument.Range(), "The default"), "default"
	}
	switch {
	case in.Failed || in.block.broken || in.frame.placeholder:
		// What is wrong may be why there is no default.
	case origin != "":
		in.Errorf(at, "Invalid value for variable", "The variable %q must not be null, and has no default.", in.Address.Name)
	case in.frame.parent != nil:
		// The call was reported to lack the argument.
	case e.Offline() || e.partial:
		in.Deferred = true
	default:
		in.Errorf(in.Values.Range, "Missing value for variable", "The variable %q has no default, and no value was given. Give one with --var '%s=...', in gantry.vars.hcl, or in the environment as %s%s.", in.Address.Name, in.Address.Name, envPrefix, in.Address.Name)
	}
	return want.unknown(), origin
}

// passed returns the value that was given from outside or, in a called module, by
// its caller; the origin is empty where there is none.
func passed(e *Evaluation, in *Instance, want constraint) (v cty.Value, at hcl.Range, origin string) {
	if in.frame.parent == nil {
		input, ok := e.inputs[in.Address.Name]
		if !ok {
			return cty.NilVal, at, ""
		}
		v, ok = inputValue(in, input, want.ty)
		if !ok {
			v = want.unknown()
		}
		return v, input.Range, input.Origin
	}
	input := in.block.input
	if input == nil {
		return cty.NilVal, at, ""
	}
	v, diags := schema.Evaluate(input.Expr, e.inputContext(in.frame, in.block))
	in.Report(diags...)
	return v, input.Expr.Range(), in.frame.call.Address.String()
}

// inputContext returns what the value that a caller gives for a variable is
// evaluated in.
func (e *Evaluation) inputContext(f *frame, b *block) *hcl.EvalContext {
	ctx := e.scopeOf(f.parent, b.given)
	if each, ok := f.call.ctx.Variables["each"]; ok {
		ctx = ctx.NewChild()
		ctx.Variables = map[string]cty.Value{"each": each}
	}
	return ctx
}

// fit brings a value to the variable's type.
func fit(in *Instance, v cty.Value, want constraint, at hcl.Range, origin string) cty.Value {
	if in.Failed && !v.IsKnown() {
		return want.unknown()
	}
	v, marks := v.Unmark()
	converted, err := want.conform(v)
	if err == nil {
		return converted.WithMarks(marks)
	}
	what := "The value from " + origin
	switch {
	case origin == "The default":
		what = origin
	case in.frame.parent != nil:
		what = "The argument"
	}
	in.Errorf(at, "Invalid value for variable", "%s does not fit the type of variable %q, which is %s: %s", what, in.Address.Name, want, schema.Sentence(err.Error()))
	return want.unknown()
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

// validate checks a variable's conditions.
func (e *Evaluation) validate(in *Instance, v cty.Value) {
	ctx := e.scope(in.frame, in.block)
	siblings := map[string]cty.Value{}
	if others, ok := ctx.Variables[variableRoot]; ok && others.IsKnown() {
		siblings = others.AsValueMap()
	}
	if siblings == nil {
		siblings = map[string]cty.Value{}
	}
	siblings[in.Address.Name] = v
	ctx.Variables[variableRoot] = cty.ObjectVal(siblings)
	at := in.Values.Range
	if input, ok := e.inputs[in.Address.Name]; ok && in.frame.parent == nil && !input.Range.Empty() {
		at = input.Range
	} else if in.block.input != nil {
		at = in.block.input.Expr.Range()
	}
	for _, validation := range in.Values.Blocks("validation") {
		in.Report(checkCondition(validation, withIterators(ctx, validation.Context, in.ctx), "Invalid value for variable", at, fmt.Sprintf("This is checked by the validation at %s.", validation.Range))...)
	}
}

// withIterators is a context with the iterators of the dynamic blocks around a block
// whose context is inner, in an instance whose context is outer.
func withIterators(ctx, inner, outer *hcl.EvalContext) *hcl.EvalContext {
	iterators := map[string]cty.Value{}
	for at := inner; at != outer; at = at.Parent() {
		if at == nil {
			return ctx
		}
		for name, v := range at.Variables {
			if _, ok := iterators[name]; !ok {
				iterators[name] = v
			}
		}
	}
	if len(iterators) == 0 {
		return ctx
	}
	child := ctx.NewChild()
	child.Variables = iterators
	return child
}
