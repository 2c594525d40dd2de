package eval

import (
	"fmt"
	"slices"
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
	// call is the module whose outputs are meant; the target is its block, then, and
	// through are the outputs.
	call    *unit
	through []*block
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
	from := b
	collect := func(traversals []hcl.Traversal, into *[]reference, ownName bool) {
		*into = slices.Grow(*into, len(traversals))
		for _, traversal := range traversals {
			ref, diag := m.lookup(from, traversal)
			if diag != nil {
				diags = append(diags, diag)
				b.broken, b.reported = true, append(b.reported, ref.at)
			}
			if ownName && ref.target == b {
				ref.validated = true
			}
			*into = append(*into, ref)
		}
	}
	if b.kind.Root == functionRoot {
		return nil // its names are its parameters
	}
	if b.attribute != nil {
		collect(schema.Variables(b.attribute.Expr), &b.references, false)
		b.broken = b.broken || m.callsBroken(b.unit, b.attribute.Expr)
	} else {
		for _, used := range b.uses {
			attribute := used.attribute
			switch used.taken.Name {
			case schema.TypeConstraint.Name, schema.Names.Name, schema.Address.Name:
			case schema.Addresses.Name:
				traversals, more := addressTraversals(attribute.Expr)
				if more.HasErrors() {
					b.broken = true
				}
				diags = append(diags, more...)
				b.addressed = append(b.addressed, attribute)
				collect(traversals, &b.dependsOn, false)
			default:
				traversals, more := m.beforehand(used.taken, used.in.WithoutIterators(used.variables))
				b.broken = b.broken || more.HasErrors() || m.callsBroken(b.unit, attribute.Expr)
				diags = append(diags, more...)
				if slices.ContainsFunc(traversals, func(t hcl.Traversal) bool { return t.RootName() == ordered || t.RootName() == moduleType }) {
					b.ordering = append(b.ordering, attribute)
				}
				collect(traversals, &b.references, used.in.Block.Type == "validation")
			}
		}
		b.uses = nil
	}
	if from = b.unit.call; b.input != nil {
		collect(schema.Variables(b.input.Expr), &b.given, false)
		b.broken = b.broken || m.callsBroken(b.unit.parent, b.input.Expr)
	}
	if from = b; b.kind.Type == moduleType && b.unit.children[b.address.Name] == nil {
		for _, name := range schema.SortedKeys(b.inputs) {
			collect(schema.Variables(b.inputs[name].Expr), &b.references, false)
		}
	}
	b.needs = m.needsOf(b)
	return diags
}

// needsOf returns the blocks that must come before one.
func (m *Module) needsOf(b *block) []*block {
	needed := map[*block]bool{}
	for _, refs := range [][]reference{b.references, b.dependsOn, b.given} {
		for _, ref := range refs {
			if ref.target == nil || ref.validated {
				continue
			}
			needed[ref.target] = true
			for _, output := range ref.through {
				needed[output] = true
			}
		}
	}
	for _, ref := range b.dependsOn {
		for _, application := range m.applicationsOf(ref.call) {
			needed[application] = true
		}
	}
	for _, name := range b.kind.Implicit {
		if group := m.implied(b.unit, name); len(group.members) > 0 {
			needed[group] = true
		}
	}
	if b.unit.call != nil {
		needed[b.unit.call] = true
	}
	needs := make([]*block, 0, len(needed))
	for target := range needed {
		needs = append(needs, target)
	}
	sortByID(needs)
	return needs
}

// implied returns the group of a kind that blocks of a unit need without saying so.
func (m *Module) implied(u *unit, kind string) *block {
	if m.kinds[kind].Shared {
		u = m.root
	}
	return u.groups[kind]
}

// applicationsOf returns the applications of a module and of those that it calls.
func (m *Module) applicationsOf(called *unit) []*block {
	if called == nil {
		return nil
	}
	var found []*block
	for _, u := range m.units {
		if !u.within(called) {
			continue
		}
		for _, b := range u.blocks {
			if !b.isGroup() && b.kind.Type == ordered {
				found = append(found, b)
			}
		}
	}
	return found
}

// ordered is the kind of the blocks that wait for each other when a plan is
// applied.
const ordered = "application"

// lookup resolves one traversal.
func (m *Module) lookup(from *block, traversal hcl.Traversal) (reference, *hcl.Diagnostic) {
	ref := reference{traversal: traversal, at: traversal.SourceRange(), path: append(make([]string, 0, 3), traversal.RootName())}
	switch root := traversal.RootName(); root {
	case "each":
		return ref, checkEach(from, traversal)
	case variableRoot, "local":
		return ref, m.lookupName(from, &ref, traversal[1:], root, "")
	case moduleType:
		return ref, m.lookupModule(from, &ref)
	case "path":
		name, _ := stepName(traversal[1:])
		if from.kind != nil && from.kind.Type == moduleType {
			return ref, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Path of another module",
				Detail:   "Paths are from the directory of the module that uses them, so that path.module means another directory in a module that it is passed to. Read the file here, and pass what it holds.",
				Subject:  ref.at.Ptr(),
			}
		}
		if ref.path = append(ref.path, name); name != "module" {
			ref.path = ref.path[:1]
			return ref, incomplete(ref, "path.module, the directory of the module, which all paths are from")
		}
		return ref, nil
	default:
		k := m.kindOf(root)
		switch {
		case k == nil:
			return ref, m.unknownRoot(ref, traversal)
		case k.Types != nil:
			return ref, m.lookupTyped(from, &ref, k)
		case k.Grouped:
			return ref, m.lookupGrouped(from, &ref)
		}
		return ref, m.lookupName(from, &ref, traversal[1:], root, "")
	}
}

// kindOf returns the kind of the blocks that references with a root mean.
func (m *Module) kindOf(root string) *Kind {
	for _, k := range m.kinds {
		if k.Root == root {
			return k
		}
	}
	return nil
}

// lookupTyped finds a block of a kind that has types: generator.git.overlays.
func (m *Module) lookupTyped(from *block, ref *reference, k *Kind) *hcl.Diagnostic {
	typeName, ok := stepName(ref.traversal[1:])
	if !ok {
		return incomplete(*ref, fmt.Sprintf("%s.TYPE.NAME, such as %s.%s.example", k.Root, k.Root, schema.SortedKeys(k.Types)[0]))
	}
	if _, ok := k.Types[typeName]; !ok {
		return undeclared(*ref, fmt.Sprintf("There is no type of %s called %q.", k.Type, typeName), typeName, schema.SortedKeys(k.Types), k.Root+".")
	}
	ref.path = append(ref.path, typeName)
	return m.lookupName(from, ref, ref.traversal[2:], k.Root, typeName)
}

// lookupGrouped finds a block of a kind all of which are a value, or all of them.
func (m *Module) lookupGrouped(from *block, ref *reference) *hcl.Diagnostic {
	root := ref.path[0]
	group := from.unit.groups[root]
	name, ok := stepName(ref.traversal[1:])
	if !ok || from.unit.find(addr.Address{Kind: root, Name: name}) == nil && hasInstances(group) {
		// It may be the name of an instance, which only evaluating tells.
		ref.target = group
		return nil
	}
	return m.lookupName(from, ref, ref.traversal[1:], root, "")
}

// lookupModule finds the outputs of a module that a traversal means: one, or all
// where that cannot be told.
func (m *Module) lookupModule(from *block, ref *reference) *hcl.Diagnostic {
	if diag := m.lookupName(from, ref, ref.traversal[1:], moduleType, ""); diag != nil {
		return diag
	}
	called := from.unit.children[ref.target.address.Name]
	if called == nil {
		return nil // its source could not be read
	}
	ref.call = called
	steps := ref.traversal[2:]
	if len(steps) > 0 && ref.target.forEach != nil {
		if step, ok := steps[0].(hcl.TraverseAttr); ok && called.find(addr.Address{Kind: outputRoot, Name: step.Name}) != nil {
			address := strings.Join(ref.path, ".")
			ref.target, ref.call = nil, nil
			return &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Incomplete reference",
				Detail:   fmt.Sprintf("%s has for_each, so that each of its instances has outputs of its own. Say which one is meant: %s[\"KEY\"].%s.", address, address, step.Name),
				Subject:  ref.at.Ptr(),
			}
		}
		steps = steps[1:]
	}
	name, ok := stepName(steps)
	if !ok {
		for _, b := range called.blocks {
			if !b.isGroup() && b.kind.Root == outputRoot {
				ref.through = append(ref.through, b)
			}
		}
		return nil
	}
	output := called.find(addr.Address{Kind: outputRoot, Name: name})
	if output != nil {
		ref.through = []*block{output}
		return nil
	}
	if called.partial {
		return nil
	}
	ref.target, ref.call = nil, nil
	return undeclared(*ref, fmt.Sprintf("The module has no output %q; nothing else of it can be referred to.", name), name, m.namesOf(called, outputRoot, ""), strings.Join(ref.path, ".")+".")
}

// lookupName finds the block that the next step names.
func (m *Module) lookupName(from *block, ref *reference, steps hcl.Traversal, kindRoot, typeName string) *hcl.Diagnostic {
	prefix := strings.Join(ref.path, ".")
	name, ok := stepName(steps)
	if !ok {
		return incomplete(*ref, prefix+".NAME")
	}
	ref.path = append(ref.path, name)
	ref.target = from.unit.find(addr.Address{Kind: kindRoot, Type: typeName, Name: name})
	if ref.target != nil {
		return nil
	}
	names := m.namesOf(from.unit, kindRoot, typeName)
	word := map[string]string{"var": "variable", "local": "local value"}[kindRoot]
	if word == "" {
		word = kindRoot
	}
	where := "configuration"
	if from.unit.parent != nil {
		where = "module"
	}
	detail := fmt.Sprintf("No %s %q is declared in this %s.", word, name, where)
	if typeName != "" {
		detail = fmt.Sprintf("No %s of type %s is called %q in this %s.", word, typeName, name, where)
	}
	if kind := m.kinds[kindRoot]; from.unit.parent != nil && kind != nil && kind.RootOnly && kind.Grouped {
		detail += fmt.Sprintf(" A module uses only those that are passed to it: declare a variable of type %s, and refer to it.", kindRoot)
	}
	return undeclared(*ref, detail, name, names, prefix+".")
}

// maxSuggesting bounds for how many mistyped names something near is looked for:
// each takes as long as there are names.
const maxSuggesting = 1000

// namesOf returns the names of a kind's blocks, for a suggestion.
func (m *Module) namesOf(u *unit, kindRoot, typeName string) []string {
	if m.suggesting++; m.suggesting > maxSuggesting {
		return nil
	}
	names := m.kinds[kindRoot].libraryNames()
	for a := range u.index {
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

// hasInstances reports whether names of a group's blocks are only known when it is
// evaluated.
func hasInstances(group *block) bool {
	if group.address.Kind == ordered {
		return false
	}
	for _, member := range group.members {
		if member.forEach != nil || member.kind.Root == variableRoot {
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
	for _, own := range schema.Variables(from.forEach) {
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

// roots are the first words of references, sorted.
func (m *Module) roots() []string {
	roots := []string{"each", "path"}
	for _, k := range m.kinds {
		if k.Root != "" && k.Root != outputRoot && k.Root != functionRoot {
			roots = append(roots, k.Root)
		}
	}
	slices.Sort(roots)
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
