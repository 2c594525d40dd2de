package configtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// healthTimeout bounds how long an apply waits: in memory everything is healthy at
// once, or never.
const healthTimeout = time.Second

// running is one run that is being carried out.
type running struct {
	*session
	declared *testRun
	out      *Run
	values   *schema.Values
	given    map[string]hcl.Range // where values of variables are
	engine   *engine.Engine
	config   *lang.Config
	scope    *lang.Scope
	rendered rendered
	graph    []lang.Node
	errors   hcl.Diagnostics // of the configuration, the plan and the apply
	warnings hcl.Diagnostics
}

// run carries out one run.
func (s *session) run(ctx context.Context, declared *testRun) *Run {
	started := time.Now()
	r := &running{
		session: s, declared: declared, rendered: rendered{}, given: map[string]hcl.Range{},
		out: &Run{Name: declared.name, Range: declared.header, Status: Passed},
	}
	switch {
	case ctx.Err() != nil:
		r.out.Status = Skipped
	case s.stopped != "":
		r.out.Status = Skipped
		r.report(&hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Run skipped",
			Detail:  fmt.Sprintf("The run %q, which applies and which this one builds on, did not pass.", s.stopped),
			Subject: declared.header.Ptr(),
		})
	default:
		r.execute(ctx)
	}
	if ctx.Err() != nil {
		r.out.Status, r.out.Diagnostics = Skipped, nil
	}
	if r.applies() && r.out.Status != Passed && s.stopped == "" {
		s.stopped = declared.name
	}
	r.out.Duration = time.Since(started)
	return r.out
}

func (r *running) report(diags ...*hcl.Diagnostic) {
	r.out.Diagnostics = append(r.out.Diagnostics, diags...)
}

func (r *running) applies() bool { return r.values != nil && r.values.String("command") == "apply" }

func (r *running) execute(ctx context.Context) {
	if !r.evaluate(ctx) {
		r.out.Status = Errored
		return
	}
	r.plan(ctx)
	if ctx.Err() != nil {
		return
	}
	r.report(r.warnings...)
	if !r.expected() {
		return
	}
	r.assert()
}

// evaluate reads the run and evaluates the configuration. It returns false where
// the run itself is wrong; what is wrong with the configuration is in r.errors.
func (r *running) evaluate(ctx context.Context) bool {
	functions := &hcl.EvalContext{
		Functions: function.Functions(r.files),
		// Commands may be written as words, as they are elsewhere.
		Variables: map[string]cty.Value{"plan": cty.StringVal("plan"), "apply": cty.StringVal("apply")},
	}
	var diags hcl.Diagnostics
	r.values, diags = r.declared.parsed.Decode(functions)
	r.report(diags...)
	variables, diags := r.variables(&hcl.EvalContext{Functions: functions.Functions})
	r.report(diags...)
	if r.out.Diagnostics.HasErrors() {
		return false
	}
	fixtures, diags := evaluateFixtures(r.file.fixtures, r.declared.fixtures, &hcl.EvalContext{
		Functions: functions.Functions, Variables: map[string]cty.Value{"var": cty.ObjectVal(variables)},
	})
	r.report(diags...)
	if diags.HasErrors() {
		return false
	}
	l, diags := r.load(fixtures)
	r.report(diags...)
	if diags.HasErrors() {
		return false
	}
	r.graph = l.module.Graph()
	inputs, diags := r.inputs(l.module, variables)
	r.report(diags...)
	r.report(r.prepare(ctx, fixtures)...)
	if r.out.Diagnostics.HasErrors() {
		return false
	}
	r.note(onlyErrors(l.diags))
	r.engine = r.newEngine(fixtures)
	r.config, r.scope, diags = l.module.EvaluateScope(ctx, lang.EvalOptions{
		Variables: inputs, Reader: r.engine.Reader(), Fixtures: &lang.Fixtures{Arguments: fixtures.arguments, Items: fixtures.items},
	})
	r.note(diags)
	return true
}

// note takes over what is wrong with the configuration, or with a plan.
func (r *running) note(diags hcl.Diagnostics) {
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError {
			r.errors = append(r.errors, diag)
		} else {
			r.warnings = append(r.warnings, diag)
		}
	}
}

// onlyErrors leaves out warnings: those about what is written are validate's.
func onlyErrors(diags hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError {
			out = append(out, diag)
		}
	}
	return out
}

// plan makes the plan, and applies it where the run says so.
func (r *running) plan(ctx context.Context) {
	made, diags := r.engine.Plan(ctx, r.config, engine.PlanOptions{
		Rendered: func(address addr.Address, objects []object.Object) { r.rendered[address] = objects },
	})
	r.note(diags)
	r.out.Plan = made
	if made == nil || !r.applies() || ctx.Err() != nil {
		return
	}
	_, diags = r.engine.Apply(ctx, made, engine.ApplyOptions{Imagined: true, By: state.Holder{Who: "gantry test", Command: "gantry test"}})
	r.note(diags)
}

// variables evaluates the values that the file and the run give.
func (r *running) variables(ctx *hcl.EvalContext) (map[string]cty.Value, hcl.Diagnostics) {
	out := map[string]cty.Value{}
	var diags hcl.Diagnostics
	give := func(attributes []*hcl.Attribute, ctx *hcl.EvalContext) {
		made := map[string]cty.Value{}
		for _, attribute := range attributes {
			if diag := onlyVariables(attribute.Expr, ctx); diag != nil {
				diags = append(diags, diag)
				continue
			}
			v, more := schema.Evaluate(attribute.Expr, ctx)
			diags = append(diags, more...)
			made[attribute.Name] = v
			r.given[attribute.Name] = attribute.Expr.Range()
		}
		for name, v := range made {
			out[name] = v
		}
	}
	give(r.file.variables, ctx)
	child := ctx.NewChild()
	child.Variables = map[string]cty.Value{"var": cty.ObjectVal(out)}
	give(r.declared.variables, child)
	return out, diags
}

// inputs are the values of variables as the configuration takes them.
func (r *running) inputs(module *lang.Module, given map[string]cty.Value) ([]lang.VariableInput, hcl.Diagnostics) {
	inputs, diags := r.options.Variables(module)
	diags = onlyErrors(diags)
	var names []string
	for _, node := range r.graph {
		if node.Address.Kind == "var" {
			names = append(names, node.Address.Name)
		}
	}
	for _, name := range schema.SortedKeys(given) {
		at := r.given[name]
		if !slices.Contains(names, name) {
			detail := fmt.Sprintf("The configuration declares no variable %q.", name)
			if near := schema.Suggest(name, names); near != "" {
				detail += fmt.Sprintf(" Did you mean %q?", near)
			}
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Value for undeclared variable", Detail: detail, Subject: at.Ptr()})
			continue
		}
		inputs = append(inputs, lang.VariableInput{Name: name, Origin: "the test", Expr: hcl.StaticExpr(given[name], at), Range: at})
	}
	return inputs, diags
}

// onlyVariables refuses references that values of variables cannot have.
func onlyVariables(expr hcl.Expression, ctx *hcl.EvalContext) *hcl.Diagnostic {
	for _, traversal := range expr.Variables() {
		if _, ok := ctx.Variables[traversal.RootName()]; !ok {
			return &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "References not allowed",
				Detail:  "The values of variables are what the configuration is evaluated with, so that they cannot refer to it. Functions may be used, and in a run var.NAME for the values of the file.",
				Subject: traversal.SourceRange().Ptr(),
			}
		}
	}
	return nil
}
