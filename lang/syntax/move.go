package syntax

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Moved returns the item as it is when it starts at another place, at the start of a
// line as before: what parsing it there comes to, for less. It is the item itself where
// it is there already.
func (i Item) Moved(filename string, start hcl.Pos) Item {
	if i.Start == start {
		return i
	}
	moved := Item{Text: i.Text, Start: start}
	if len(i.Diags) > 0 {
		return moved.Parse(filename)
	}
	m := &mover{lines: start.Line - i.Start.Line, bytes: start.Byte - i.Start.Byte}
	moved.Body = m.body(i.Body)
	return moved
}

// mover copies the syntax trees of what is sound to another place. Columns stay as they are.
type mover struct {
	lines, bytes int
	// The most frequent of the expressions are not allocated one by one.
	literals   batch[hclsyntax.LiteralValueExpr]
	traversals batch[hclsyntax.ScopeTraversalExpr]
	templates  batch[hclsyntax.TemplateExpr]
	keys       batch[hclsyntax.ObjectConsKeyExpr]
	// symbols are the elements of the splat expressions around, and their copies.
	symbols map[*hclsyntax.AnonSymbolExpr]*hclsyntax.AnonSymbolExpr
}

// batch gives out room for values of a type.
type batch[T any] []T

func (b *batch[T]) add(v T) *T {
	if len(*b) == 0 {
		*b = make([]T, 8)
	}
	first := &(*b)[0]
	*first, *b = v, (*b)[1:]
	return first
}

func (m *mover) at(r hcl.Range) hcl.Range {
	r.Start.Line += m.lines
	r.Start.Byte += m.bytes
	r.End.Line += m.lines
	r.End.Byte += m.bytes
	return r
}

func (m *mover) body(body *hclsyntax.Body) *hclsyntax.Body {
	moved := *body
	moved.SrcRange, moved.EndRange = m.at(body.SrcRange), m.at(body.EndRange)
	moved.Attributes = make(hclsyntax.Attributes, len(body.Attributes))
	attributes := make([]hclsyntax.Attribute, 0, len(body.Attributes))
	for name, attribute := range body.Attributes {
		attributes = append(attributes, hclsyntax.Attribute{
			Name: attribute.Name, Expr: m.expression(attribute.Expr),
			SrcRange: m.at(attribute.SrcRange), NameRange: m.at(attribute.NameRange), EqualsRange: m.at(attribute.EqualsRange),
		})
		moved.Attributes[name] = &attributes[len(attributes)-1]
	}
	moved.Blocks = slices.Clone(body.Blocks)
	blocks := make([]hclsyntax.Block, len(body.Blocks))
	for i, block := range body.Blocks {
		copied := &blocks[i]
		*copied = *block
		copied.Body = m.body(block.Body)
		copied.TypeRange, copied.OpenBraceRange, copied.CloseBraceRange = m.at(block.TypeRange), m.at(block.OpenBraceRange), m.at(block.CloseBraceRange)
		copied.LabelRanges = slices.Clone(block.LabelRanges)
		for j, label := range block.LabelRanges {
			copied.LabelRanges[j] = m.at(label)
		}
		moved.Blocks[i] = copied
	}
	return &moved
}

func (m *mover) expressions(list []hclsyntax.Expression) []hclsyntax.Expression {
	moved := slices.Clone(list)
	for i, expr := range list {
		moved[i] = m.expression(expr)
	}
	return moved
}

// expression copies an expression, of every type that HCL's parser makes of what is
// sound.
func (m *mover) expression(expr hclsyntax.Expression) hclsyntax.Expression {
	switch e := expr.(type) {
	case nil:
		return nil
	case *hclsyntax.LiteralValueExpr:
		return m.literals.add(hclsyntax.LiteralValueExpr{Val: e.Val, SrcRange: m.at(e.SrcRange)})
	case *hclsyntax.ScopeTraversalExpr:
		return m.traversals.add(hclsyntax.ScopeTraversalExpr{Traversal: m.traversal(e.Traversal), SrcRange: m.at(e.SrcRange)})
	case *hclsyntax.TemplateExpr:
		return m.templates.add(hclsyntax.TemplateExpr{Parts: m.expressions(e.Parts), SrcRange: m.at(e.SrcRange)})
	case *hclsyntax.TemplateWrapExpr:
		return &hclsyntax.TemplateWrapExpr{Wrapped: m.expression(e.Wrapped), SrcRange: m.at(e.SrcRange)}
	case *hclsyntax.TemplateJoinExpr:
		return &hclsyntax.TemplateJoinExpr{Tuple: m.expression(e.Tuple)}
	case *hclsyntax.ParenthesesExpr:
		return &hclsyntax.ParenthesesExpr{Expression: m.expression(e.Expression), SrcRange: m.at(e.SrcRange)}
	case *hclsyntax.RelativeTraversalExpr:
		return &hclsyntax.RelativeTraversalExpr{Source: m.expression(e.Source), Traversal: m.traversal(e.Traversal), SrcRange: m.at(e.SrcRange)}
	case *hclsyntax.TupleConsExpr:
		return &hclsyntax.TupleConsExpr{Exprs: m.expressions(e.Exprs), SrcRange: m.at(e.SrcRange), OpenRange: m.at(e.OpenRange)}
	case *hclsyntax.ObjectConsExpr:
		return &hclsyntax.ObjectConsExpr{Items: m.items(e.Items), SrcRange: m.at(e.SrcRange), OpenRange: m.at(e.OpenRange)}
	case *hclsyntax.ObjectConsKeyExpr:
		return m.keys.add(hclsyntax.ObjectConsKeyExpr{Wrapped: m.expression(e.Wrapped), ForceNonLiteral: e.ForceNonLiteral})
	default:
		return m.operation(expr)
	}
}

// operation copies an expression that works on others.
func (m *mover) operation(expr hclsyntax.Expression) hclsyntax.Expression {
	switch e := expr.(type) {
	case *hclsyntax.FunctionCallExpr:
		return &hclsyntax.FunctionCallExpr{
			Name: e.Name, Args: m.expressions(e.Args), ExpandFinal: e.ExpandFinal,
			NameRange: m.at(e.NameRange), OpenParenRange: m.at(e.OpenParenRange), CloseParenRange: m.at(e.CloseParenRange),
		}
	case *hclsyntax.ConditionalExpr:
		return &hclsyntax.ConditionalExpr{
			Condition: m.expression(e.Condition), TrueResult: m.expression(e.TrueResult), FalseResult: m.expression(e.FalseResult), SrcRange: m.at(e.SrcRange),
		}
	case *hclsyntax.IndexExpr:
		return &hclsyntax.IndexExpr{
			Collection: m.expression(e.Collection), Key: m.expression(e.Key),
			SrcRange: m.at(e.SrcRange), OpenRange: m.at(e.OpenRange), BracketRange: m.at(e.BracketRange),
		}
	case *hclsyntax.BinaryOpExpr:
		return &hclsyntax.BinaryOpExpr{LHS: m.expression(e.LHS), Op: e.Op, RHS: m.expression(e.RHS), SrcRange: m.at(e.SrcRange)}
	case *hclsyntax.UnaryOpExpr:
		return &hclsyntax.UnaryOpExpr{Op: e.Op, Val: m.expression(e.Val), SrcRange: m.at(e.SrcRange), SymbolRange: m.at(e.SymbolRange)}
	case *hclsyntax.ForExpr:
		return &hclsyntax.ForExpr{
			KeyVar: e.KeyVar, ValVar: e.ValVar, Group: e.Group,
			CollExpr: m.expression(e.CollExpr), KeyExpr: m.expression(e.KeyExpr), ValExpr: m.expression(e.ValExpr), CondExpr: m.expression(e.CondExpr),
			SrcRange: m.at(e.SrcRange), OpenRange: m.at(e.OpenRange), CloseRange: m.at(e.CloseRange),
		}
	case *hclsyntax.SplatExpr:
		if m.symbols == nil {
			m.symbols = map[*hclsyntax.AnonSymbolExpr]*hclsyntax.AnonSymbolExpr{}
		}
		element := &hclsyntax.AnonSymbolExpr{SrcRange: m.at(e.Item.SrcRange)}
		m.symbols[e.Item] = element
		return &hclsyntax.SplatExpr{
			Source: m.expression(e.Source), Each: m.expression(e.Each), Item: element, SrcRange: m.at(e.SrcRange), MarkerRange: m.at(e.MarkerRange),
		}
	case *hclsyntax.AnonSymbolExpr:
		return m.symbols[e]
	default:
		panic(fmt.Sprintf("HCL's parser made a %T. This is a bug in gantry.", expr))
	}
}

func (m *mover) items(items []hclsyntax.ObjectConsItem) []hclsyntax.ObjectConsItem {
	moved := slices.Clone(items)
	for i, item := range items {
		moved[i] = hclsyntax.ObjectConsItem{KeyExpr: m.expression(item.KeyExpr), ValueExpr: m.expression(item.ValueExpr)}
	}
	return moved
}

func (m *mover) traversal(steps hcl.Traversal) hcl.Traversal {
	moved := slices.Clone(steps)
	for i, step := range steps {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			step.SrcRange = m.at(step.SrcRange)
			moved[i] = step
		case hcl.TraverseAttr:
			step.SrcRange = m.at(step.SrcRange)
			moved[i] = step
		case hcl.TraverseIndex:
			step.SrcRange = m.at(step.SrcRange)
			moved[i] = step
		case hcl.TraverseSplat:
			step.SrcRange, step.Each = m.at(step.SrcRange), m.traversal(step.Each)
			moved[i] = step
		default:
			panic(fmt.Sprintf("HCL's parser made a %T. This is a bug in gantry.", step))
		}
	}
	return moved
}
