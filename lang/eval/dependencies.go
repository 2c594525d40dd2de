package eval

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// addressElements returns the elements of a depends_on argument. In JSON they are
// strings that hold native syntax.
func addressElements(expr hcl.Expression) ([]hcl.Expression, hcl.Diagnostics) {
	written, diags := hcl.ExprList(expr)
	if diags.HasErrors() {
		return nil, hcl.Diagnostics{invalidDependency(expr.Range(), "It must be a list of references in brackets, such as [application.database].")}
	}
	elements := make([]hcl.Expression, 0, len(written))
	for _, element := range written {
		literal, literalDiags := element.Value(nil)
		isText := !literalDiags.HasErrors() && literal.Type() == cty.String && literal.IsKnown() && !literal.IsNull()
		switch {
		case isText && syntax.IsJSON(expr.Range().Filename):
			parsed, more := syntax.ParseExpression([]byte(literal.AsString()), element.Range().Filename, element.Range().Start)
			if more.HasErrors() {
				diags = append(diags, invalidDependency(element.Range(), "It must be a reference, such as application.database."))
				continue
			}
			elements = append(elements, parsed)
		case isText:
			diags = append(diags, invalidDependency(element.Range(), fmt.Sprintf("A reference is written without quotes: %s.", literal.AsString())))
		default:
			elements = append(elements, element)
		}
	}
	return elements, diags
}

func invalidDependency(at hcl.Range, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Invalid depends_on argument",
		Detail:   detail,
		Subject:  at.Ptr(),
	}
}

// addressTraversals returns what the elements of a depends_on argument refer to,
// and what their keys do.
func addressTraversals(expr hcl.Expression) ([]hcl.Traversal, hcl.Diagnostics) {
	elements, diags := addressElements(expr)
	var traversals []hcl.Traversal
	for _, element := range elements {
		inner := element
		if index, ok := element.(*hclsyntax.IndexExpr); ok {
			inner = index.Collection
		}
		if _, more := hcl.AbsTraversalForExpr(inner); more.HasErrors() {
			diags = append(diags, invalidDependency(element.Range(), "It must be a reference to a block or to one instance of it, such as application.database or application.database[each.key]."))
			continue
		}
		traversals = append(traversals, element.Variables()...)
	}
	return traversals, diags
}

// dependencies returns the instances of applications that an application refers
// to, in any way.
func (e *Evaluation) Dependencies(in *Instance) (found []Dependency, known bool) {
	b := in.block
	set := map[addr.Address]hcl.Range{}
	note := func(a addr.Address, at hcl.Range) {
		for _, instance := range e.expand(a) {
			if first, ok := set[instance]; instance != in.Address && (!ok || compareRanges(at, first) < 0) {
				set[instance] = at
			}
		}
	}
	known = true
	b.parsed.Walk(func(_ *schema.Parsed, argument schema.Argument, attribute *hcl.Attribute) {
		if argument.Type.Name == schema.TypeConstraint.Name {
			return
		}
		if argument.Type.Name == schema.Addresses.Name {
			elements, _ := addressElements(attribute.Expr)
			for _, element := range elements {
				a, isKnown := e.exactAddress(in, element)
				known = known && isKnown
				if a.Kind == "application" && isKnown {
					note(a, element.Range())
				}
			}
			return
		}
		for _, ref := range applicationReferences(attribute.Expr, in.ctx) {
			note(ref.Address, ref.Range)
		}
	})
	for _, ref := range append(slices.Clone(b.references), b.dependsOn...) {
		if ref.target == nil || ref.target.isGroup() || ref.target.address.Kind == "application" {
			continue
		}
		for _, dependency := range e.throughOthers(ref.target) {
			note(dependency.Address, ref.at)
		}
	}
	for a, at := range set {
		found = append(found, Dependency{Address: a, Range: at})
	}
	slices.SortFunc(found, func(a, b Dependency) int { return a.Address.Compare(b.Address) })
	return found, known
}

// throughOthers returns the applications that a block which is none refers to: who
// refers to a local value that is made of an application refers to the
// application.
func (e *Evaluation) throughOthers(b *block) []Dependency {
	if cached, ok := e.indirect[b]; ok {
		return cached
	}
	var found []Dependency
	for _, ref := range append(slices.Clone(b.references), b.dependsOn...) {
		switch {
		case ref.target == nil || ref.validated:
		case ref.target.isGroup():
			for _, member := range ref.target.members {
				if member.address.Kind == "application" {
					found = append(found, Dependency{Address: member.address, Range: ref.at})
				}
			}
		case ref.target.address.Kind == "application":
			found = append(found, Dependency{Address: traversalAddress(ref.traversal), Range: ref.at})
		default:
			found = append(found, e.throughOthers(ref.target)...)
		}
	}
	slices.SortStableFunc(found, func(a, b Dependency) int { return a.Address.Compare(b.Address) })
	found = slices.CompactFunc(found, func(a, b Dependency) bool { return a.Address == b.Address })
	e.indirect[b] = found
	return found
}

// expand returns the instances that an address stands for. Where they are not
// known, it is the address itself.
func (e *Evaluation) expand(a addr.Address) []addr.Address {
	target := e.module.index[a.Block()]
	if target == nil || a.HasKey || target.forEach == nil || e.results[target.id].keys == nil {
		return []addr.Address{a}
	}
	var instances []addr.Address
	for _, key := range e.results[target.id].keys {
		instances = append(instances, a.Instance(key))
	}
	return instances
}

// exactAddress evaluates an element of depends_on, and reports whether it is
// known. What is wrong with it is reported in the instance; the address is zero
// then.
func (e *Evaluation) exactAddress(in *Instance, element hcl.Expression) (a addr.Address, known bool) {
	index, isIndex := element.(*hclsyntax.IndexExpr)
	inner := element
	if isIndex {
		inner = index.Collection
	}
	traversal, diags := hcl.AbsTraversalForExpr(inner)
	if diags.HasErrors() {
		return addr.Address{}, true // reported when it was loaded
	}
	a, rest, err := addr.FromTraversal(traversal)
	target := e.module.index[a.Block()]
	if err != nil || target == nil {
		return addr.Address{}, true // likewise, or all blocks of a kind
	}
	if len(rest) > 0 {
		in.Report(invalidDependency(element.Range(), fmt.Sprintf("It must be a reference to a block, and nothing may follow %s.", a)))
		return addr.Address{}, true
	}
	if isIndex {
		key, diags := schema.Evaluate(index.Key, in.ctx)
		in.Report(diags...)
		if key, _ = key.Unmark(); !key.IsKnown() {
			return addr.Address{}, diags.HasErrors()
		}
		text, err := convert.Convert(key, cty.String)
		if err != nil || text.IsNull() {
			in.Report(invalidDependency(index.Key.Range(), "The key must be a string."))
			return addr.Address{}, true
		}
		a = a.Instance(text.AsString())
	}
	if a.Kind == "application" && a.HasKey && !e.hasInstance(target, a.Key) {
		detail := fmt.Sprintf("%s has no instance with the key %q.", a.Block(), a.Key)
		if target.forEach == nil {
			detail = fmt.Sprintf("%s has no for_each, so that it has no instances with keys.", a.Block())
		} else if suggestion := schema.Suggest(a.Key, e.results[target.id].keys); suggestion != "" {
			detail += fmt.Sprintf(" Did you mean %q?", suggestion)
		}
		in.Report(invalidDependency(element.Range(), detail))
		return addr.Address{}, true
	}
	return a, true
}

func (e *Evaluation) hasInstance(target *block, key string) bool {
	keys := e.results[target.id].keys
	if target.forEach == nil {
		return false
	}
	if keys == nil {
		return true // not known
	}
	_, ok := slices.BinarySearch(keys, key)
	return ok
}

// traversalAddress returns the application that a traversal begins with.
func traversalAddress(traversal hcl.Traversal) addr.Address {
	a, _, err := addr.FromTraversal(traversal)
	if err != nil {
		return addr.Address{}
	}
	return a
}

// applicationReferences returns the applications that an expression refers to:
// one instance where its key can be told, else the whole block.
func applicationReferences(expr hcl.Expression, ctx *hcl.EvalContext) []Dependency {
	var found []Dependency
	refers := false
	for _, traversal := range expr.Variables() {
		refers = refers || traversal.RootName() == "application" && len(traversal) > 1
	}
	if !refers {
		return nil
	}
	native, ok := expr.(hclsyntax.Node)
	if !ok {
		for _, traversal := range expr.Variables() {
			if traversal.RootName() == "application" {
				found = append(found, Dependency{Address: traversalAddress(traversal), Range: traversal.SourceRange()})
			}
		}
		return found
	}
	exact := map[hclsyntax.Node]bool{}
	_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.IndexExpr:
			whole, ok := n.Collection.(*hclsyntax.ScopeTraversalExpr)
			if !ok || whole.Traversal.RootName() != "application" || len(whole.Traversal) != 2 {
				break
			}
			key, diags := n.Key.Value(ctx)
			key, _ = key.Unmark()
			if text, err := convert.Convert(key, cty.String); !diags.HasErrors() && err == nil && text.IsKnown() && !text.IsNull() {
				exact[whole] = true
				found = append(found, Dependency{Address: traversalAddress(whole.Traversal).Instance(text.AsString()), Range: n.Range()})
			}
		case *hclsyntax.ScopeTraversalExpr:
			if !exact[n] && n.Traversal.RootName() == "application" && len(n.Traversal) > 1 {
				found = append(found, Dependency{Address: traversalAddress(n.Traversal), Range: n.Range()})
			}
		}
		return nil
	})
	return found
}
