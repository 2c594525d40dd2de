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
	"github.com/gantrycd/gantry/lang/value"
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
		if _, isReference := element.(*hclsyntax.ScopeTraversalExpr); isReference {
			elements = append(elements, element)
			continue
		}
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
		for _, traversal := range schema.Variables(element) {
			if traversal.RootName() == moduleType && len(traversal) > 2 {
				traversal = traversal[:2] // what follows is looked at with its keys
			}
			traversals = append(traversals, traversal)
		}
	}
	return traversals, diags
}

// dependency is an application, or a block of them, that something refers to, in
// one instance of a module.
type dependency struct {
	frame   *frame
	block   *block
	address addr.Address // with the frame's address as its module
	at      hcl.Range
}

// Dependencies returns the instances of applications that an application refers
// to, in any way.
func (e *Evaluation) Dependencies(in *Instance) (found []Dependency, known bool) {
	b := in.block
	set := map[addr.Address]hcl.Range{}
	note := func(d dependency) {
		for _, instance := range d.expand() {
			if first, ok := set[instance]; instance != in.Address && (!ok || compareRanges(d.at, first) < 0) {
				set[instance] = d.at
			}
		}
	}
	known = true
	keys := moduleKeys{}
	for _, attribute := range b.addressed {
		elements, _ := addressElements(attribute.Expr)
		for _, element := range elements {
			dependencies, isKnown := e.elementDependencies(in, element)
			known = known && isKnown
			for _, d := range dependencies {
				note(d)
			}
		}
	}
	for _, attribute := range b.ordering {
		keys.collect(attribute.Expr, in.ctx)
		for _, ref := range applicationReferences(attribute.Expr, in.ctx) {
			if target := b.unit.find(ref.Address); target != nil {
				note(in.frame.dependency(target, ref.Address, ref.Range))
			}
		}
	}
	for _, refs := range [][]reference{b.references, b.dependsOn} {
		for _, ref := range refs {
			if ref.target == nil || ref.target.isGroup() || ref.target.kind.Type == ordered {
				continue
			}
			for _, d := range e.throughReference(in.frame, ref, keys) {
				d.at = ref.at
				note(d)
			}
		}
	}
	for _, above := range in.frame.dependsOn {
		if _, ok := set[above.Address]; !ok && above.Address != in.Address {
			set[above.Address] = above.Range
		}
	}
	return sortedDependencies(set), known
}

func sortedDependencies(set map[addr.Address]hcl.Range) []Dependency {
	var found []Dependency
	for a, at := range set {
		found = append(found, Dependency{Address: a, Range: at})
	}
	slices.SortFunc(found, func(a, b Dependency) int { return a.Address.Compare(b.Address) })
	return found
}

// dependency is one of an address as it is written in the frame's module.
func (f *frame) dependency(target *block, written addr.Address, at hcl.Range) dependency {
	written.Module = f.address
	return dependency{frame: f, block: target, address: written, at: at}
}

// expand returns the instances that a dependency stands for. Where they are not
// known, it is the block.
func (d dependency) expand() []addr.Address {
	keys := d.frame.result(d.block).keys
	if d.address.HasKey || d.block.forEach == nil || keys == nil {
		return []addr.Address{d.address}
	}
	var instances []addr.Address
	for _, key := range keys {
		instances = append(instances, d.address.Instance(key))
	}
	return instances
}

// indirectKey is a block in one instance of its module.
type indirectKey struct {
	frame *frame
	block *block
}

// throughOthers returns the applications that a block which is none refers to: who
// refers to a local value that is made of an application refers to the
// application.
func (e *Evaluation) throughOthers(f *frame, b *block) []dependency {
	key := indirectKey{f, b}
	if cached, ok := e.indirect[key]; ok {
		return cached
	}
	e.indirect[key] = nil // the order of blocks has no cycle but those that were reported
	var found []dependency
	for _, ref := range append(slices.Clone(b.references), b.dependsOn...) {
		found = append(found, e.throughReference(f, ref, nil)...)
	}
	keys := moduleKeys{}
	if len(b.given) > 0 {
		keys.collect(b.input.Expr, e.inputContext(f, b))
	}
	for _, ref := range b.given {
		found = append(found, e.throughReference(f.parent, ref, keys)...)
		if ref.traversal.RootName() == "each" { // what the module is made for each of
			for _, above := range b.unit.call.references {
				found = append(found, e.throughReference(f.parent, above, nil)...)
			}
		}
	}
	for _, ref := range b.dependsOn {
		found = append(found, e.inModule(f, ref)...)
	}
	slices.SortStableFunc(found, func(a, b dependency) int { return a.address.Compare(b.address) })
	found = slices.CompactFunc(found, func(a, b dependency) bool { return a.address == b.address })
	e.indirect[key] = found
	return found
}

// throughReference returns the applications that a reference leads to. keys are the
// instances of modules that are meant, where that is told from the expressions.
func (e *Evaluation) throughReference(f *frame, ref reference, keys moduleKeys) []dependency {
	switch {
	case ref.target == nil || ref.validated:
		return nil
	case ref.target.isGroup():
		var found []dependency
		for _, member := range ref.target.members {
			if member.kind.Type == ordered {
				found = append(found, f.dependency(member, member.address, ref.at))
			}
		}
		return found
	case ref.target.kind.Type == ordered:
		return []dependency{f.dependency(ref.target, traversalAddress(ref.traversal), ref.at)}
	case ref.call != nil:
		var found []dependency
		for _, inner := range f.meant(ref) {
			if len(ref.traversal) == 2 && !keys.mean(ref.call.call.address.Name, inner.key) {
				continue
			}
			for _, output := range ref.through {
				found = append(found, e.throughOthers(inner, output)...)
			}
		}
		return found
	}
	return e.throughOthers(f, ref.target)
}

// inModule returns all applications of a module that a reference means.
func (e *Evaluation) inModule(f *frame, ref reference) []dependency {
	if ref.call == nil {
		return nil
	}
	var found []dependency
	for _, inner := range f.meant(ref) {
		for _, application := range e.module.applicationsOf(ref.call) {
			for _, deep := range inner.instancesOf(application.unit) {
				found = append(found, deep.dependency(application, application.address, ref.at))
			}
		}
	}
	return found
}

// meant returns the instances of a module that a reference to it means: the one
// whose key it has, or all.
func (f *frame) meant(ref reference) []*frame {
	x := f.children[ref.call]
	if x == nil {
		return nil
	}
	if key, ok := stepName(ref.traversal[2:]); ok && ref.call.call.forEach != nil {
		for _, inner := range x.frames {
			if inner.key == key {
				return []*frame{inner}
			}
		}
	}
	return x.frames
}

// elementDependencies evaluates an element of depends_on, and reports whether it
// is known. What is wrong with it is reported in the instance.
func (e *Evaluation) elementDependencies(in *Instance, element hcl.Expression) (found []dependency, known bool) {
	a, known := e.exactAddress(in, element)
	if a.IsZero() || !known {
		return nil, known
	}
	target := in.block.unit.find(a)
	switch {
	case a.Kind == ordered:
		return []dependency{in.frame.dependency(target, a, element.Range())}, true
	case a.Kind != moduleType:
		return nil, true
	}
	called := in.block.unit.children[a.Name]
	if called == nil || in.frame.children[called] == nil {
		return nil, true
	}
	for _, inner := range in.frame.children[called].frames {
		if a.HasKey && inner.key != a.Key {
			continue
		}
		for _, application := range e.module.applicationsOf(called) {
			for _, deep := range inner.instancesOf(application.unit) {
				found = append(found, deep.dependency(application, application.address, element.Range()))
			}
		}
	}
	return found, true
}

// writtenDependencies returns the instances of applications that an instance of a
// module block names in depends_on: all applications of the module wait for them.
func (e *Evaluation) writtenDependencies(in *Instance) []Dependency {
	set := map[addr.Address]hcl.Range{}
	for _, attribute := range in.block.addressed {
		elements, _ := addressElements(attribute.Expr)
		for _, element := range elements {
			dependencies, _ := e.elementDependencies(in, element)
			for _, d := range dependencies {
				for _, a := range d.expand() {
					set[a] = element.Range()
				}
			}
		}
	}
	for _, ref := range in.block.dependsOn {
		if ref.target == nil || ref.call != nil || ref.target.isGroup() || ref.target.kind.Type == ordered {
			continue
		}
		for _, d := range e.throughReference(in.frame, ref, nil) {
			for _, a := range d.expand() {
				set[a] = ref.at
			}
		}
	}
	return sortedDependencies(set)
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
	if err == nil && a.Module != "" {
		in.Report(invalidDependency(element.Range(), fmt.Sprintf("Only a module as a whole can be named, as %s: what is in it is its own affair.", a.Module)))
		return addr.Address{}, true
	}
	target := in.block.unit.find(a)
	if err != nil || target == nil {
		return addr.Address{}, true // likewise, or all blocks of a kind
	}
	if len(rest) > 0 {
		in.Report(invalidDependency(element.Range(), fmt.Sprintf("It must be a reference to a block, and nothing may follow %s.", a)))
		return addr.Address{}, true
	}
	if isIndex {
		key, diags := schema.Evaluate(index.Key, e.keyContext(in))
		in.Report(diags...)
		if value.IsSensitive(key) {
			in.Report(invalidDependency(index.Key.Range(), "The key is part of an address, which is shown everywhere, so that it cannot be a sensitive value."))
			return addr.Address{}, true
		}
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
	if (a.Kind == ordered || a.Kind == moduleType) && a.HasKey && !in.frame.hasInstance(target, a.Key) {
		detail := fmt.Sprintf("%s has no instance with the key %q.", a.Block(), a.Key)
		if target.forEach == nil {
			detail = fmt.Sprintf("%s has no for_each, so that it has no instances with keys.", a.Block())
		} else if suggestion := schema.Suggest(a.Key, in.frame.result(target).keys); suggestion != "" {
			detail += fmt.Sprintf(" Did you mean %q?", suggestion)
		}
		in.Report(invalidDependency(element.Range(), detail))
		return addr.Address{}, true
	}
	return a, true
}

// keyContext returns what the keys in depends_on are evaluated in.
func (e *Evaluation) keyContext(in *Instance) *hcl.EvalContext {
	ctx := e.scopeOf(in.frame, append(slices.Clone(in.block.references), in.block.dependsOn...))
	if each, ok := in.ctx.Variables["each"]; ok {
		ctx = ctx.NewChild()
		ctx.Variables = map[string]cty.Value{"each": each}
	}
	return ctx
}

func (f *frame) hasInstance(target *block, key string) bool {
	keys := f.result(target).keys
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

// boundNames returns the names that for expressions give to elements.
func boundNames(native hclsyntax.Node) map[string]bool {
	bound := map[string]bool{}
	_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		if loop, ok := n.(*hclsyntax.ForExpr); ok {
			bound[loop.KeyVar], bound[loop.ValVar] = true, true
		}
		return nil
	})
	return bound
}

// applicationReferences returns the applications that an expression refers to:
// one instance where its key can be told, else the whole block.
func applicationReferences(expr hcl.Expression, ctx *hcl.EvalContext) []Dependency {
	var found []Dependency
	native, ok := expr.(hclsyntax.Node)
	if !ok {
		for _, traversal := range expr.Variables() {
			if traversal.RootName() == "application" {
				found = append(found, Dependency{Address: traversalAddress(traversal), Range: traversal.SourceRange()})
			}
		}
		return found
	}
	exact, bound := map[hclsyntax.Node]bool{}, boundNames(native)
	_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.IndexExpr:
			whole, ok := n.Collection.(*hclsyntax.ScopeTraversalExpr)
			if !ok || whole.Traversal.RootName() != "application" || len(whole.Traversal) != 2 {
				break
			}
			if key, ok := exactKey(n.Key, ctx, bound); ok {
				exact[whole] = true
				found = append(found, Dependency{Address: traversalAddress(whole.Traversal).Instance(key), Range: n.Range()})
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
