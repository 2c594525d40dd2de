package late

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Nothing in HCL stops an evaluation. What takes long without end are loops in loops, so
// that each step of each loop asks first whether it is still wanted. A single call of a
// function is not stopped: it takes as long as what it is given has it take.

// interruptible has the loops of an expression ask before each step.
func interruptible(expr hclsyntax.Expression) {
	var loops []hclsyntax.Node
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n.(type) {
		case *hclsyntax.ForExpr, *hclsyntax.SplatExpr:
			loops = append(loops, n)
		}
		return nil
	})
	for _, loop := range loops {
		switch loop := loop.(type) {
		case *hclsyntax.ForExpr:
			loop.KeyExpr, loop.ValExpr, loop.CondExpr = iterationOf(loop.KeyExpr), iterationOf(loop.ValExpr), iterationOf(loop.CondExpr)
		case *hclsyntax.SplatExpr:
			loop.Each = iterationOf(loop.Each)
		}
	}
}

// iteration is what a loop evaluates again and again. It is as an expression in parentheses to
// all that looks into it.
type iteration struct{ *hclsyntax.ParenthesesExpr }

func iterationOf(expr hclsyntax.Expression) hclsyntax.Expression {
	if expr == nil {
		return nil
	}
	return iteration{&hclsyntax.ParenthesesExpr{Expression: expr, SrcRange: expr.Range()}}
}

// Value implements hcl.Expression.
func (i iteration) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	for at := ctx; at != nil; at = at.Parent() {
		if v, ok := at.Variables[stopName]; ok {
			if v.EncapsulatedValue().(*stopper).stopped() {
				panic(interrupted{})
			}
			break
		}
	}
	return i.Expression.Value(ctx)
}

// stopName is the variable that steps find the stopper by. No expression can name it.
const stopName = " stop"

// stopper says whether an evaluation is no longer wanted.
type stopper struct{ stopped func() bool }

// stopType is what carries a stopper to where it is asked.
var stopType = cty.Capsule("stop", reflect.TypeFor[stopper]())

// interrupted is what a step that is not wanted panics with: HCL would begin the next one
// after an error.
type interrupted struct{}

// stopping evaluates until it is stopped. That a function caught the panic, as try(...)
// does, makes no difference.
func (e Expression) stopping(stopped func() bool, evaluate func() (cty.Value, hcl.Diagnostics)) (v cty.Value, diags hcl.Diagnostics) {
	defer func() {
		if problem := recover(); problem != nil {
			if _, ok := problem.(interrupted); !ok {
				panic(problem)
			}
			v, diags = cty.DynamicVal, hcl.Diagnostics{e.unsuitable("it did not come to an end")}
		}
	}()
	if v, diags = evaluate(); stopped() {
		return cty.DynamicVal, hcl.Diagnostics{e.unsuitable("it did not come to an end")}
	}
	return v, diags
}
