package eval

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
)

// reference is what a traversal in an expression refers to.
type reference struct {
	traversal hcl.Traversal
	at        hcl.Range
	// path is what was written before any key: a root, a type, a name.
	path []string
	// target is the block, or the group of a kind; nil where there is none, which has
	// been reported.
	target *block
	// validated says that a variable refers to itself in its own validation.
	validated bool
}

// resolve finds what every block's expressions refer to.
func (m *Module) resolve() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range m.blocks {
		if b.isGroup() {
			continue
		}
		diags = append(diags, m.resolveBlock(b)...)
	}
	return diags
}

func (m *Module) resolveBlock(b *block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	collect := func(traversals []hcl.Traversal, into *[]reference, ownName bool) {
		for _, traversal := range traversals {
			ref, diag := m.lookup(b, traversal)
			if diag != nil {
				diags = append(diags, diag)
				b.broken = true
			}
			if ownName && ref.target == b {
				ref.validated = true
			}
			*into = append(*into, ref)
		}
	}
	if b.attribute != nil {
		collect(b.attribute.Expr.Variables(), &b.references, false)
	} else {
		b.parsed.Walk(func(p *schema.Parsed, argument schema.Argument, attribute *hcl.Attribute) {
			switch argument.Type.Name {
			case schema.TypeConstraint.Name:
			case schema.Addresses.Name:
				traversals, more := addressTraversals(attribute.Expr)
				if more.HasErrors() {
					b.broken = true
				}
				diags = append(diags, more...)
				collect(traversals, &b.dependsOn, false)
			default:
				traversals, more := m.beforehand(argument.Type, p.References(attribute.Expr))
				b.broken = b.broken || more.HasErrors()
				diags = append(diags, more...)
				collect(traversals, &b.references, p.Block.Type == "validation")
			}
		})
	}
	needed := map[*block]bool{}
	for _, ref := range append(append([]reference{}, b.references...), b.dependsOn...) {
		if ref.target != nil && !ref.validated {
			needed[ref.target] = true
		}
	}
	for _, name := range b.kind.Implicit {
		if group := m.groups[name]; len(group.members) > 0 {
			needed[group] = true
		}
	}
	for target := range needed {
		b.needs = append(b.needs, target)
	}
	sortByID(b.needs)
	return diags
}

// lookup resolves one traversal.
func (m *Module) lookup(from *block, traversal hcl.Traversal) (reference, *hcl.Diagnostic) {
	ref := reference{traversal: traversal, at: traversal.SourceRange(), path: []string{traversal.RootName()}}
	switch root := traversal.RootName(); root {
	case "each":
		return ref, checkEach(from, traversal)
	case "var", "local":
		return ref, m.lookupName(&ref, traversal[1:], root, "")
	default:
		if k := m.kinds[root]; k != nil && k.Types != nil {
			return m.lookupTyped(ref, k)
		}
		group, ok := m.groups[root]
		if !ok {
			return ref, m.unknownRoot(ref, traversal)
		}
		name, ok := stepName(traversal[1:])
		if !ok {
			ref.target = group
			return ref, nil
		}
		if m.index[addr.Address{Kind: root, Name: name}] == nil && m.hasInstances(root) {
			// It may be the name of an instance, which only evaluating tells.
			ref.target = group
			return ref, nil
		}
		return ref, m.lookupName(&ref, traversal[1:], root, "")
	}
}

// lookupTyped resolves a traversal to a block of a kind that has types.
func (m *Module) lookupTyped(ref reference, k *Kind) (reference, *hcl.Diagnostic) {
	types := schema.SortedKeys(k.Types)
	typeName, ok := stepName(ref.traversal[1:])
	if !ok {
		return ref, incomplete(ref, fmt.Sprintf("%s.TYPE.NAME, such as %s.%s.x", k.Type, k.Type, types[0]))
	}
	if k.Types[typeName] == nil {
		return ref, undeclared(ref, fmt.Sprintf("There is no type of %s called %q.", k.Type, typeName), typeName, types, k.Type+".")
	}
	ref.path = append(ref.path, typeName)
	return ref, m.lookupName(&ref, ref.traversal[2:], k.Type, typeName)
}

// lookupName finds the block that the next step names.
func (m *Module) lookupName(ref *reference, steps hcl.Traversal, kindRoot, typeName string) *hcl.Diagnostic {
	prefix := strings.Join(ref.path, ".")
	name, ok := stepName(steps)
	if !ok {
		return incomplete(*ref, prefix+".NAME")
	}
	ref.path = append(ref.path, name)
	ref.target = m.index[addr.Address{Kind: kindRoot, Type: typeName, Name: name}]
	if ref.target != nil {
		return nil
	}
	names := m.namesOf(kindRoot, typeName)
	word := map[string]string{"var": "variable", "local": "local value"}[kindRoot]
	if word == "" {
		word = kindRoot
	}
	detail := fmt.Sprintf("No %s %q is declared in this configuration.", word, name)
	if typeName != "" {
		detail = fmt.Sprintf("No %s of type %s is called %q in this configuration.", word, typeName, name)
	}
	return undeclared(*ref, detail, name, names, prefix+".")
}

// maxSuggesting bounds for how many mistyped names something near is looked for:
// each takes as long as there are names.
const maxSuggesting = 1000

// namesOf returns the names of a kind's blocks, for a suggestion.
func (m *Module) namesOf(kindRoot, typeName string) []string {
	if m.suggesting++; m.suggesting > maxSuggesting {
		return nil
	}
	var names []string
	for a := range m.index {
		if a.Kind == kindRoot && a.Type == typeName {
			names = append(names, a.Name)
		}
	}
	return names
}

// stepName returns the name that the first of some steps selects.
func stepName(steps hcl.Traversal) (string, bool) {
	if len(steps) == 0 {
		return "", false
	}
	switch step := steps[0].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

func (m *Module) hasInstances(root string) bool {
	if root == "application" {
		return false
	}
	for _, member := range m.groups[root].members {
		if member.forEach != nil {
			return true
		}
	}
	return false
}

func checkEach(from *block, traversal hcl.Traversal) *hcl.Diagnostic {
	if from.forEach == nil {
		detail := fmt.Sprintf("%s has no for_each argument, so that there is no each.key and each.value in it.", from.address)
		if from.attribute != nil {
			detail = "Local values are the same everywhere: each.key and each.value are only in blocks with a for_each argument."
		}
		return &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid use of each",
			Detail:   detail,
			Subject:  traversal.SourceRange().Ptr(),
		}
	}
	for _, own := range from.forEach.Variables() {
		if own.SourceRange() == traversal.SourceRange() {
			return &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Invalid use of each",
				Detail:   "The for_each argument itself cannot use each.key and each.value, which come from it.",
				Subject:  traversal.SourceRange().Ptr(),
			}
		}
	}
	if name, _ := stepName(traversal[1:]); name != "key" && name != "value" {
		return &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid use of each",
			Detail:   "Of each there are each.key and each.value.",
			Subject:  traversal.SourceRange().Ptr(),
		}
	}
	return nil
}

func incomplete(ref reference, want string) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Incomplete reference",
		Detail:   fmt.Sprintf("The word %q must be followed by a name: %s.", strings.Join(ref.path, "."), want),
		Subject:  ref.at.Ptr(),
	}
}

func undeclared(ref reference, detail, name string, names []string, prefix string) *hcl.Diagnostic {
	if suggestion := schema.Suggest(name, names); suggestion != "" {
		detail += fmt.Sprintf(" Did you mean %s%s?", prefix, suggestion)
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Reference to undeclared block",
		Detail:   detail,
		Subject:  ref.at.Ptr(),
	}
}

// roots are the first words of references.
func (m *Module) roots() []string {
	roots := append(schema.SortedKeys(m.groups), "var", "local", "each")
	for name, k := range m.kinds {
		if k.Types != nil {
			roots = append(roots, name)
		}
	}
	return roots
}

func (m *Module) unknownRoot(ref reference, traversal hcl.Traversal) *hcl.Diagnostic {
	root := traversal.RootName()
	detail := fmt.Sprintf("There is nothing called %q to refer to; references begin with %s.", root, schema.List(m.roots(), "or"))
	if suggestion := schema.Suggest(root, m.roots()); suggestion != "" && len(traversal) > 1 {
		detail = fmt.Sprintf("There is nothing called %q to refer to. Did you mean %q?", root, suggestion)
	} else if len(traversal) == 1 {
		detail += fmt.Sprintf(" If a string is meant, put it in quotes: %q.", root)
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Unknown reference",
		Detail:   detail,
		Subject:  ref.at.Ptr(),
	}
}
