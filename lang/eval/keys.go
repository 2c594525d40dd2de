package eval

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/value"
)

// moduleKeys are the instances of modules that expressions mean, by the module's
// name; nil for all of them. A module that is not in it is meant as a whole.
type moduleKeys map[string][]string

// mean reports whether an instance of a module is meant.
func (k moduleKeys) mean(module, key string) bool {
	keys, ok := k[module]
	return !ok || keys == nil || slices.Contains(keys, key)
}

// collect adds what an expression means in a context: module.network[each.key] is one
// instance, and module.network all.
func (k moduleKeys) collect(expr hcl.Expression, ctx *hcl.EvalContext) {
	native, ok := expr.(hclsyntax.Node)
	if !ok {
		for _, traversal := range expr.Variables() {
			if name, ok := stepName(traversal[1:]); ok && traversal.RootName() == moduleType {
				k[name] = nil
			}
		}
		return
	}
	exact := map[hclsyntax.Node]bool{}
	bound := boundNames(native)
	_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.IndexExpr:
			whole, ok := n.Collection.(*hclsyntax.ScopeTraversalExpr)
			if !ok || whole.Traversal.RootName() != moduleType || len(whole.Traversal) != 2 {
				break
			}
			if key, ok := exactKey(n.Key, ctx, bound); ok {
				exact[whole] = true
				k.add(whole.Traversal, key)
			}
		case *hclsyntax.ScopeTraversalExpr:
			if name, ok := stepName(n.Traversal[1:]); ok && !exact[n] && n.Traversal.RootName() == moduleType && len(n.Traversal) == 2 {
				k[name] = nil
			}
		}
		return nil
	})
}

func (k moduleKeys) add(traversal hcl.Traversal, key string) {
	name, _ := stepName(traversal[1:])
	if keys, ok := k[name]; !ok || keys != nil {
		k[name] = append(keys, key)
	}
}

// exactKey evaluates a key, where it is the same however often the expression around
// it is evaluated, and no secret.
func exactKey(expr hcl.Expression, ctx *hcl.EvalContext, bound map[string]bool) (string, bool) {
	if slices.ContainsFunc(expr.Variables(), func(t hcl.Traversal) bool { return bound[t.RootName()] }) {
		return "", false
	}
	key, diags := expr.Value(ctx)
	if diags.HasErrors() || value.IsSensitive(key) {
		return "", false
	}
	key, _ = key.Unmark()
	text, err := convert.Convert(key, cty.String)
	if err != nil || !text.IsKnown() || text.IsNull() {
		return "", false
	}
	return text.AsString(), true
}
