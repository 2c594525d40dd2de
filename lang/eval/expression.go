package eval

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
)

// Scope evaluates expressions in a module that was evaluated, as if they were
// written in it. It must not be used while the module is evaluated again.
type Scope struct {
	evaluation *Evaluation
}

// Modules returns the directories of the called modules on disk that there are
// instances of, sorted.
func (s *Scope) Modules() []string {
	var dirs []string
	for _, u := range s.evaluation.module.units {
		if u.call != nil && u.remote == nil && len(s.evaluation.frames[u.id]) > 0 {
			dirs = append(dirs, u.dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// Extra is what an expression may use beyond what the module declares.
type Extra struct {
	Variables map[string]cty.Value // by the first word of references
	Functions map[string]function.Function
}

// Evaluate evaluates an expression. What cannot be told, for want of a Reader or
// because of errors that evaluating the module reported, is unknown.
func (s *Scope) Evaluate(expr hcl.Expression, extra Extra) (cty.Value, hcl.Diagnostics) {
	ctx, diags := s.Context(expr, extra)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	v, more := schema.Evaluate(expr, ctx)
	return v, append(diags, more...)
}

// Context returns what an expression is evaluated in: the values that it refers to,
// and all functions.
func (s *Scope) Context(expr hcl.Expression, extra Extra) (*hcl.EvalContext, hcl.Diagnostics) {
	e := s.evaluation
	asking := &block{unit: e.module.root, address: addr.Address{Kind: "the expression"}}
	var diags hcl.Diagnostics
	for _, traversal := range expr.Variables() {
		if _, ok := extra.Variables[traversal.RootName()]; ok {
			continue
		}
		ref, diag := e.module.lookup(asking, traversal)
		if diag != nil {
			diags = append(diags, diag)
		}
		asking.references = append(asking.references, ref)
	}
	ctx := e.scope(e.frames[e.module.root.id][0], asking)
	if len(extra.Variables)+len(extra.Functions) > 0 {
		ctx = ctx.NewChild()
		ctx.Variables, ctx.Functions = extra.Variables, extra.Functions
	}
	return ctx, Tidy(diags)
}
