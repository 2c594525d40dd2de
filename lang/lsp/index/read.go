package index

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// reader finds what is in a file, or a part of it.
type reader struct {
	file       *File
	vocabulary *Vocabulary

	declarations []Declaration
	references   []Reference
}

// native reads blocks in native syntax.
func (r *reader) native(body *hclsyntax.Body) {
	for _, block := range body.Blocks {
		if k := r.vocabulary.kinds[block.Type]; k != nil {
			whole := Span{block.TypeRange.Start.Byte, block.CloseBraceRange.End.Byte}
			if k.Free {
				r.locals(block.Body)
			} else {
				r.declare(k, block.Labels, block.LabelRanges, block.DefRange(), whole, description(block.Body))
			}
		}
		r.within(block.Body)
	}
	for _, attribute := range body.Attributes {
		r.expression(attribute.Expr)
	}
	r.sort()
}

// sort brings what was found into the order of the file: HCL has attributes in a map.
func (r *reader) sort() {
	slices.SortFunc(r.declarations, func(a, b Declaration) int { return a.Name.Start - b.Name.Start })
	slices.SortFunc(r.references, func(a, b Reference) int { return a.Name.Start - b.Name.Start })
}

func (r *reader) locals(body *hclsyntax.Body) {
	for name, attribute := range body.Attributes {
		r.declarations = append(r.declarations, Declaration{
			Address: addr.Address{Kind: "local", Name: name}, Type: "locals", Referable: true,
			Name: SpanOf(attribute.NameRange), Header: SpanOf(attribute.NameRange), Whole: SpanOf(attribute.SrcRange),
		})
	}
}

// declare records a block with a name.
func (r *reader) declare(k *eval.Kind, labels []string, labelRanges []hcl.Range, header hcl.Range, whole Span, doc string) {
	if !isNamed(k) || len(labels) != len(k.Labels) {
		return
	}
	a := addr.Address{Kind: k.Type}
	if k.Root != "" {
		a.Kind = k.Root
	}
	last := len(labels) - 1
	if k.Types != nil {
		a.Type = labels[0]
	}
	a.Name = labels[last]
	name := SpanOf(labelRanges[last])
	if text := r.file.Text(name); len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		name = Span{name.Start + 1, name.End - 1}
	}
	r.declarations = append(r.declarations, Declaration{
		Address: a, Type: k.Type, Referable: k.Root != "",
		Name: name, Header: SpanOf(header), Whole: whole, Doc: doc,
	})
}

// description returns what a block says of itself.
func description(body *hclsyntax.Body) string {
	attribute := body.Attributes["description"]
	if attribute == nil {
		return ""
	}
	v, diags := attribute.Expr.Value(nil)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

func (r *reader) within(body *hclsyntax.Body) {
	for _, attribute := range body.Attributes {
		r.expression(attribute.Expr)
	}
	for _, block := range body.Blocks {
		r.within(block.Body)
	}
}

func (r *reader) expression(expr hclsyntax.Expression) {
	for _, traversal := range hclsyntax.Variables(expr) {
		r.traversal(traversal)
	}
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		if called, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			r.call(called)
		}
		return nil
	})
}

// call records a call of a function that is written in the language.
func (r *reader) call(called *hclsyntax.FunctionCallExpr) {
	name, ok := strings.CutPrefix(called.Name, Function+"::")
	if !ok {
		return
	}
	whole := SpanOf(called.NameRange)
	at := Span{whole.End - len(name), whole.End}
	r.references = append(r.references, Reference{
		Address: addr.Address{Kind: Function, Name: name}, Name: at, Whole: whole, Plain: r.file.Text(at) == name,
	})
}

// traversal records what a traversal refers to, if it is a block's name.
func (r *reader) traversal(traversal hcl.Traversal) {
	root := traversal.RootName()
	if !r.vocabulary.IsRoot(root) {
		return
	}
	a := addr.Address{Kind: root}
	steps := traversal[1:]
	if r.vocabulary.IsTyped(root) {
		if len(steps) == 0 {
			return
		}
		step, ok := steps[0].(hcl.TraverseAttr)
		if !ok {
			return
		}
		a.Type, steps = step.Name, steps[1:]
	}
	if len(steps) == 0 {
		return
	}
	name, span, plain := r.step(steps[0])
	if name == "" {
		return
	}
	a.Name = name
	r.references = append(r.references, Reference{
		Address: a, Name: span, Plain: plain,
		Whole: Span{traversal.SourceRange().Start.Byte, span.End},
	})
}

// step returns the name that a step of a traversal selects, where it is, and whether
// it stands there as it is.
func (r *reader) step(step hcl.Traverser) (name string, at Span, plain bool) {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		name, at = step.Name, SpanOf(step.SrcRange)
		at.Start = at.End - len(name) // the range begins with the dot
	case hcl.TraverseIndex:
		if step.Key.Type() != cty.String || !step.Key.IsKnown() || step.Key.IsNull() {
			return "", at, false
		}
		name, at = step.Key.AsString(), SpanOf(step.SrcRange)
		text := r.file.Text(at)
		for i := range text {
			if text[i] == '"' {
				at = Span{at.Start + i + 1, at.Start + i + 1 + len(name)}
				break
			}
		}
	default:
		return "", at, false
	}
	return name, at, r.file.Text(at) == name
}

// values reads values of variables.
func (r *reader) values(body *hclsyntax.Body) {
	for name, attribute := range body.Attributes {
		r.references = append(r.references, Reference{
			Address: addr.Address{Kind: "var", Name: name}, Name: SpanOf(attribute.NameRange), Whole: SpanOf(attribute.NameRange), Plain: true,
		})
	}
	r.sort()
}

// json reads blocks in JSON syntax, in which only a block's declaration tells what is
// an expression.
func (r *reader) json(body hcl.Body) {
	wanted := &hcl.BodySchema{}
	for _, blockType := range r.vocabulary.types {
		wanted.Blocks = append(wanted.Blocks, hcl.BlockHeaderSchema{Type: blockType, LabelNames: r.vocabulary.Labels(blockType)})
	}
	content, _, _ := body.PartialContent(wanted) // what is wrong is lang's to report
	if content == nil {
		return
	}
	for _, block := range content.Blocks {
		k := r.vocabulary.kinds[block.Type]
		if k.Free {
			r.jsonLocals(block.Body)
			continue
		}
		r.declare(k, block.Labels, block.LabelRanges, block.DefRange, SpanOf(block.DefRange), "")
		declared := r.vocabulary.Block(block.Type, block.Labels)
		if declared == nil {
			continue
		}
		parsed, _ := schema.Parse(block, declared)
		parsed.Walk(func(_ *schema.Parsed, argument schema.Argument, attribute *hcl.Attribute) {
			if argument.Type.Name == schema.Addresses.Name {
				r.jsonAddresses(attribute.Expr)
				return
			}
			for _, traversal := range attribute.Expr.Variables() {
				r.traversal(traversal)
			}
		})
	}
	r.sort()
}

func (r *reader) jsonLocals(body hcl.Body) {
	attributes, _ := body.JustAttributes()
	for name, attribute := range attributes {
		at := SpanOf(attribute.NameRange)
		if text := r.file.Text(at); len(text) >= 2 && text[0] == '"' {
			at = Span{at.Start + 1, at.End - 1}
		}
		r.declarations = append(r.declarations, Declaration{
			Address: addr.Address{Kind: "local", Name: name}, Type: "locals", Referable: true,
			Name: at, Header: at, Whole: SpanOf(attribute.Range),
		})
		for _, traversal := range attribute.Expr.Variables() {
			r.traversal(traversal)
		}
	}
}

// jsonAddresses reads a list of strings that hold references.
func (r *reader) jsonAddresses(expr hcl.Expression) {
	elements, _ := hcl.ExprList(expr)
	for _, element := range elements {
		literal, diags := element.Value(nil)
		if diags.HasErrors() || literal.Type() != cty.String || !literal.IsKnown() || literal.IsNull() {
			continue
		}
		start := element.Range().Start
		start.Byte++ // the quote
		start.Column++
		parsed, diags := syntax.ParseExpression([]byte(literal.AsString()), r.file.Path, start)
		if diags.HasErrors() {
			continue
		}
		for _, traversal := range parsed.Variables() {
			r.traversal(traversal)
		}
	}
}
