package lsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/lsp/cursor"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// expression offers what may be in an expression.
func (c *proposals) expression() {
	switch {
	case c.at.Opaque:
	case len(c.at.Steps) == 0:
		c.beginning()
	case c.at.Steps[0].Name == "each":
		c.members(c.eachValue(), c.at.Steps[1:])
	default:
		c.afterRoot(c.at.Steps)
	}
}

// beginning offers what an expression may begin with: first what its argument takes.
func (c *proposals) beginning() {
	var argument schema.Argument
	if declared := c.declarationOf(c.headers()); declared != nil {
		argument, _ = declared.Argument(c.at.Argument)
	}
	if argument.Type.Name == schema.TypeConstraint.Name {
		c.types()
		return
	}
	for _, one := range argument.OneOf {
		c.add(proposal{label: fmt.Sprintf("%q", one), kind: protocol.CompletionEnumMember})
	}
	if argument.Type.Name == schema.Bool.Name {
		for _, word := range []string{"true", "false"} {
			c.add(proposal{label: word, kind: protocol.CompletionValue})
		}
	}
	wanted := c.kindsOf(argument.Type)
	for _, d := range c.module.declarations() {
		if d.Referable && slices.Contains(wanted, d.Address.Kind) {
			c.add(proposal{label: addressText(d.Address), kind: protocol.CompletionVariable, doc: d.Doc})
		}
	}
	for _, name := range c.at.Locals {
		c.add(proposal{label: name, kind: protocol.CompletionVariable})
	}
	for _, name := range argument.Type.Later {
		c.add(proposal{label: name, kind: protocol.CompletionVariable, detail: "known case by case"})
	}
	for _, block := range c.at.Blocks {
		if block.Type == "dynamic" && len(block.Labels) == 1 {
			c.add(proposal{label: block.Labels[0], kind: protocol.CompletionVariable, detail: "the element of the dynamic block"})
		}
	}
	if len(c.at.Blocks) > 0 && c.at.Blocks[0].Items["for_each"] > 0 {
		c.add(proposal{label: "each", kind: protocol.CompletionVariable, detail: "the element of for_each"})
	}
	for _, root := range c.vocabulary.Roots() {
		c.add(proposal{label: root, kind: protocol.CompletionModule, last: true})
	}
	for _, d := range c.module.declarations() {
		if d.Address.Kind == index.Function {
			c.add(proposal{
				label: addressText(d.Address), kind: protocol.CompletionFunction, doc: c.module.explainDeclared(d.Address),
				text: addressText(d.Address) + "(", snippet: addressText(d.Address) + "($1)",
			})
		}
	}
	for _, name := range schema.SortedKeys(c.functions) {
		c.function(c.functions[name])
	}
}

// types offers what the type of a variable may be.
func (c *proposals) types() {
	for _, name := range []string{"any", "bool", "number", "string"} {
		c.add(proposal{label: name, kind: protocol.CompletionClass})
	}
	for _, name := range []string{"list", "map", "set"} {
		c.add(proposal{label: name, kind: protocol.CompletionClass, text: name + "(", snippet: name + "($1)"})
	}
	c.add(proposal{label: "object", kind: protocol.CompletionClass, text: "object({", snippet: "object({\n  $1\n})"})
	c.add(proposal{label: "optional", kind: protocol.CompletionClass, text: "optional(", snippet: "optional($1)"})
}

func (c *proposals) function(described function.Description) {
	c.add(proposal{
		label: described.Name, kind: protocol.CompletionFunction, last: true,
		detail: described.Signature() + " → " + described.Result, doc: explainFunction(described),
		text: described.Name + "(", snippet: described.Name + "($1)",
	})
}

// afterRoot offers what follows the first words of a reference.
func (c *proposals) afterRoot(steps []cursor.Step) {
	root, rest := steps[0].Name, steps[1:]
	a := addr.Address{Kind: root}
	switch {
	case root == index.Function && len(rest) == 0:
		c.names(a)
		return
	case !c.vocabulary.IsRoot(root):
		return
	case c.vocabulary.IsTyped(root) && len(rest) == 0:
		for _, label := range c.vocabulary.TypeLabels(root) {
			c.add(proposal{label: label, kind: protocol.CompletionModule, doc: c.vocabulary.Block(root, []string{label}).Doc})
		}
		return
	case c.vocabulary.IsTyped(root):
		a.Type, rest = rest[0].Name, rest[1:]
	}
	if len(rest) == 0 {
		c.names(a)
		return
	}
	if rest[0].Each {
		if v, ok := c.module.evaluate(root, eval.Extra{}); ok {
			c.members(v, rest)
		}
		return
	}
	a.Name = rest[0].Name
	if v, ok := c.module.evaluate(a.String(), eval.Extra{}); ok {
		c.members(v, rest[1:])
	}
}

// names offers the blocks that are declared of a kind and a type.
func (c *proposals) names(wanted addr.Address) {
	here := addr.Address{}
	if len(c.at.Blocks) > 0 && c.at.Blocks[0].Type != "variable" {
		if d, ok := c.file.DeclarationAt(c.headerEnd()); ok {
			here = d.Address
		}
	}
	for _, d := range c.module.declarations() {
		if !d.Referable || d.Address.Kind != wanted.Kind || d.Address.Type != wanted.Type || d.Address == here {
			continue
		}
		c.add(proposal{label: d.Address.Name, kind: protocol.CompletionVariable, detail: addressText(d.Address), doc: d.Doc})
	}
}

// headerEnd is where the name of the block around the place is written.
func (c *proposals) headerEnd() int {
	for _, d := range c.file.Declarations {
		if d.Header.Start == c.at.Blocks[0].Start {
			return d.Name.Start
		}
	}
	return -1
}

// eachValue is what each is in the block around the place.
func (c *proposals) eachValue() cty.Value {
	block := blockAt(c.file, c.offset)
	if block == nil {
		return cty.DynamicVal
	}
	return c.module.each(block).Variables["each"]
}

// members offers the attributes of what some steps lead to.
func (c *proposals) members(v cty.Value, steps []cursor.Step) {
	v, ok := follow(v, steps)
	if !ok {
		return
	}
	for _, m := range members(v) {
		detail := typeText(m.value)
		if _, isBlock := value.ReferenceOf(m.value); !isBlock && m.value.IsWhollyKnown() {
			detail = strings.TrimSpace(detail + " = " + value.Text(m.value))
		}
		c.add(proposal{label: m.name, kind: protocol.CompletionField, detail: detail})
	}
}
