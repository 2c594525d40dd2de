package schema

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Variables returns what an expression refers to, in order. It is what the
// expression's own method returns, in a fraction of the time for what people mostly
// write; every expression of a configuration is asked.
func Variables(expr hcl.Expression) []hcl.Traversal {
	native, ok := expr.(hclsyntax.Expression)
	if !ok {
		return expr.Variables()
	}
	var found []hcl.Traversal
	collectVariables(native, &found)
	return found
}

func collectVariables(expr hclsyntax.Expression, into *[]hcl.Traversal) {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
	case *hclsyntax.ScopeTraversalExpr:
		*into = append(*into, e.Traversal)
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			collectVariables(part, into)
		}
	case *hclsyntax.TemplateWrapExpr:
		collectVariables(e.Wrapped, into)
	case *hclsyntax.ParenthesesExpr:
		collectVariables(e.Expression, into)
	case *hclsyntax.FunctionCallExpr:
		for _, argument := range e.Args {
			collectVariables(argument, into)
		}
	case *hclsyntax.TupleConsExpr:
		for _, element := range e.Exprs {
			collectVariables(element, into)
		}
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			collectVariables(item.KeyExpr, into)
			collectVariables(item.ValueExpr, into)
		}
	case *hclsyntax.ObjectConsKeyExpr:
		name, isName := e.Wrapped.(*hclsyntax.ScopeTraversalExpr)
		if !isName || e.ForceNonLiteral || len(name.Traversal) > 1 {
			collectVariables(e.Wrapped, into)
		}
	default:
		*into = append(*into, hclsyntax.Variables(expr)...) // it may have names of its own
	}
}
