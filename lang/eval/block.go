package eval

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// Kind is a type of block at the top level: an entry in the table.
type Kind struct {
	*schema.Block
	// Root is the first word of references to it; empty where nothing can refer
	// to it.
	Root string
	// Types are the kinds that the first of two labels chooses from.
	Types map[string]*Kind
	// Grouped says that all blocks of the kind together are a value, under the root.
	Grouped bool
	// Vital says that one which cannot be told must not pass for one that is not
	// there, whatever it is about: then the whole configuration is incomplete.
	Vital bool
	// Guards says that one which cannot be told must not pass for one that is not there:
	// then the configuration is unguarded.
	Guards bool
	// Shared says that all blocks of the kind in the root module count in the modules
	// that are called, too, without being passed.
	Shared bool
	// Single says that a module may have one such block.
	Single bool
	// RootOnly says that only the root module may have such blocks: a module cannot
	// grant itself anything.
	RootOnly bool
	// Keyed says that the label is no name but any text, and the key of the address:
	// health["cert-manager.io/Certificate"].
	Keyed bool
	// Library is a file with blocks of the kind that need not be declared: each is there
	// where something refers to it and the module has none of its name.
	Library string
	// Implicit are the kinds all of whose blocks are needed without being written.
	Implicit []string
	// Decode makes one instance's part of the configuration, and the value that
	// references to it have. What is wrong it reports in the instance.
	Decode func(*Evaluation, *Instance) Decoded
}

// Decoded is what a block comes to.
type Decoded struct {
	Value cty.Value
	// Made is what it is in the configuration, nil for nothing; it is in the Result if
	// nothing is wrong and everything is known.
	Made any
}

// block is one declared block, or one local value.
type block struct {
	id         int // among the blocks of the configuration
	place      int // among the blocks of the unit
	unit       *unit
	address    addr.Address // with the unit as its module
	kind       *Kind
	header     hcl.Range
	parsed     *schema.Parsed // nil for local values and groups
	attribute  *hcl.Attribute // of local values
	uses       []use          // what is written in it; nil once it was resolved
	forEach    hcl.Expression
	dependsOn  []reference
	references []reference
	needs      []*block // distinct, sorted
	// addressed are the arguments that are lists of addresses; ordering those others
	// that refer to applications or modules.
	addressed, ordering []*hcl.Attribute
	broken              bool        // not as declared: what it comes to is not sound
	duplicate           bool        // there is another block with the address
	reported            []hcl.Range // references that were reported already
	skip                bool        // it cannot be evaluated at all, not even to find more errors
	members             []*block    // of a group
	// inputs are, of a module block, the values for its variables.
	inputs hcl.Attributes
	// input is, of a called module's variable, what the call gives it; given is what
	// that refers to, in the caller.
	input *hcl.Attribute
	given []reference
}

// isGroup reports whether the block stands for all blocks of a kind.
func (b *block) isGroup() bool { return b.kind == nil }

// wasReported reports whether a range is in a reference that was reported when the
// module was loaded.
func (b *block) wasReported(at *hcl.Range) bool {
	return at != nil && slices.ContainsFunc(b.reported, func(r hcl.Range) bool {
		return r.Filename == at.Filename && r.Start.Byte <= at.Start.Byte && at.End.Byte <= r.End.Byte
	})
}

// read is a block read by its declaration, before it has a place.
type read struct {
	parsed *schema.Parsed
	diags  hcl.Diagnostics
	uses   []use
}

// use is an argument of a block, or of one in it, with what it refers to: nothing where
// that is no expression of the configuration.
type use struct {
	in        *schema.Parsed
	taken     schema.Type
	attribute *hcl.Attribute
	variables []hcl.Traversal
}

// readBlocks reads blocks by their declarations. Of those that have none, and of those
// whose arguments are names, nothing is read.
func (m *Module) readBlocks(found hcl.Blocks) []read {
	blocks := make([]read, len(found))
	syntax.Each(len(found), func(i int) {
		k := m.kinds[found[i].Type]
		if k.Types != nil {
			k = k.Types[found[i].Labels[0]]
		}
		if k == nil || k.Free {
			return
		}
		b := &blocks[i]
		b.parsed, b.diags = schema.Parse(found[i], k.Block)
		b.parsed.Walk(func(p *schema.Parsed, argument schema.Argument, attribute *hcl.Attribute) {
			used := use{in: p, taken: argument.Type, attribute: attribute}
			if argument.Type.Name != schema.TypeConstraint.Name && argument.Type.Name != schema.Addresses.Name {
				used.variables = schema.Variables(attribute.Expr)
			}
			b.uses = append(b.uses, used)
		})
	})
	return blocks
}

// declare adds a block to a unit.
func (m *Module) declare(u *unit, k *Kind, found *hcl.Block, read read) ([]*block, hcl.Diagnostics) {
	if k.Free {
		return m.declareLocals(u, found)
	}
	if k.RootOnly && u.parent != nil {
		return nil, hcl.Diagnostics{onlyInRoot(u, found)}
	}
	labels := found.Labels
	a := addr.Address{Module: u.address, Kind: k.Type}
	if k.Root != "" {
		a.Kind = k.Root
	}
	if k.Types != nil {
		typed, ok := k.Types[labels[0]]
		if !ok {
			return nil, hcl.Diagnostics{unknownType(k, found)}
		}
		a.Type, k, labels = labels[0], typed, labels[1:]
	}
	if len(found.Labels) == 0 && !k.Single {
		// There may be several, and nothing refers to them: they go by their place,
		// which in JSON is that of the list that they are in.
		place := fmt.Sprintf("%s:%d,%d", found.DefRange.Filename, found.DefRange.Start.Line, found.DefRange.Start.Column)
		a = a.Instance(place)
		for n := 2; u.index[a] != nil; n++ {
			a = a.Instance(fmt.Sprintf("%s#%d", place, n))
		}
	}
	if k.Keyed {
		a = a.Instance(labels[0])
	} else if len(labels) > 0 {
		a.Name = labels[0]
		if !hclsyntax.ValidIdentifier(a.Name) {
			u.incomplete(m)
			return nil, hcl.Diagnostics{invalidName(found)}
		}
	}
	b := &block{address: a, kind: k, header: found.DefRange, parsed: read.parsed, uses: read.uses}
	b.inputs = b.parsed.Others
	b.broken = b.parsed.Broken
	for _, attribute := range b.parsed.Attributes {
		if argument, ok := k.Argument(attribute.Name); ok && argument.Type.Name == schema.ForEach.Name {
			b.forEach = attribute.Expr
		}
	}
	return m.add(u, b, read.diags)
}

func onlyInRoot(u *unit, found *hcl.Block) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Block not allowed in a module",
		Detail:   fmt.Sprintf("A %s block may only be in the root module, so that a module cannot grant itself anything, and this one is called by %s. Declare it there, and pass what the module needs of it in a variable.", found.Type, u.address),
		Subject:  found.DefRange.Ptr(),
	}
}

func (m *Module) declareLocals(u *unit, found *hcl.Block) ([]*block, hcl.Diagnostics) {
	attributes, diags := found.Body.JustAttributes()
	if diags.HasErrors() {
		u.incomplete(m)
	}
	var added []*block
	for _, name := range schema.SortedKeys(attributes) {
		attribute := attributes[name]
		b := &block{
			address: addr.Address{Module: u.address, Kind: "local", Name: name}, kind: m.kinds[found.Type],
			header: attribute.NameRange, attribute: attribute,
		}
		more, moreDiags := m.add(u, b, nil)
		added, diags = append(added, more...), append(diags, moreDiags...)
	}
	return added, diags
}

// add puts a block among the unit's, unless its address is taken.
func (m *Module) add(u *unit, b *block, diags hcl.Diagnostics) ([]*block, hcl.Diagnostics) {
	b.unit, b.place = u, len(u.blocks)
	key := b.address
	key.Module = ""
	if first := u.index[key]; first != nil {
		first.broken, first.duplicate = true, true
		detail := fmt.Sprintf("%s was already declared at %s. Rename or remove one of the two.", b.address, first.header)
		if b.kind.Single {
			detail = fmt.Sprintf("There may be one %s block in a module, and the first is at %s. Put the arguments of both into one.", b.kind.Type, first.header)
		}
		return nil, append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Duplicate declaration",
			Detail:   detail,
			Subject:  b.header.Ptr(),
		})
	}
	u.index[key] = b
	u.blocks = append(u.blocks, b)
	m.blocks = append(m.blocks, b)
	return []*block{b}, diags
}

func unknownType(k *Kind, found *hcl.Block) *hcl.Diagnostic {
	types := schema.SortedKeys(k.Types)
	detail := fmt.Sprintf("There is no %s of type %q; the types are %s.", k.Type, found.Labels[0], schema.List(types, "and"))
	if suggestion := schema.Suggest(found.Labels[0], types); suggestion != "" {
		detail += fmt.Sprintf(" Did you mean %q?", suggestion)
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Unknown type label",
		Detail:   detail,
		Subject:  found.LabelRanges[0].Ptr(),
		Context:  found.DefRange.Ptr(),
	}
}

func invalidName(found *hcl.Block) *hcl.Diagnostic {
	last := len(found.Labels) - 1
	detail := fmt.Sprintf("%q cannot be referred to: a name must start with a letter or \"_\" and have only letters, digits, \"_\" and \"-\".", found.Labels[last])
	if label := function.DNSLabel(found.Labels[last]); hclsyntax.ValidIdentifier(label) {
		detail += fmt.Sprintf(" %q would do.", label)
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Invalid name",
		Detail:   detail,
		Subject:  found.LabelRanges[last].Ptr(),
		Context:  found.DefRange.Ptr(),
	}
}

func (m *Module) kindList() string {
	return schema.List(schema.SortedKeys(m.kinds), "and")
}
