package lsp

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// hover says what a place is: what is declared, what an argument is for, what a value
// is.
func (s *Server) hover(p protocol.PositionParams) (any, error) {
	file, offset, err := s.at(p)
	if file == nil {
		return nil, err
	}
	text, at := s.explain(file, offset)
	if text == "" {
		return nil, nil
	}
	return protocol.Hover{Contents: protocol.MarkupContent{Kind: "markdown", Value: text}, Range: s.rangeOf(file, at)}, nil
}

// explain returns Markdown about a place, and what it is about.
func (s *Server) explain(file *index.File, offset int) (string, index.Span) {
	m := s.moduleOf(file)
	if block := blockAt(file, offset); block != nil {
		if text, at := s.explainIn(m, file, block, nil, offset); text != "" {
			return text, at
		}
		if d, ok := file.DeclarationAt(offset); ok {
			if d.Address.Kind == index.Function {
				return m.explainDeclared(d.Address), d.Name
			}
			return m.explainValue(d.Address.String(), d.Doc, eval.Extra{}), d.Name
		}
		return "", index.Span{}
	}
	if target, ok := namedAt(file, offset); ok { // in JSON, and among values of variables
		doc := ""
		for _, d := range m.find(target.address) {
			doc = d.Doc
		}
		return m.explainValue(target.address.String(), doc, eval.Extra{}), target.name
	}
	return "", index.Span{}
}

// explainIn explains a place in a block. outer are the headers of the blocks around
// it.
func (s *Server) explainIn(m *module, file *index.File, block *hclsyntax.Block, outer []header, offset int) (string, index.Span) {
	path := append(outer[:len(outer):len(outer)], header{block.Type, block.Labels})
	declared := s.declarationOf(path)
	if at := index.SpanOf(block.TypeRange); at.Has(offset) && declared != nil {
		return explainBlock(declared), at
	}
	if len(outer) == 0 && len(block.LabelRanges) > 1 && declared != nil {
		if at := index.SpanOf(block.LabelRanges[0]); at.Has(offset) {
			return explainBlock(declared), at
		}
	}
	for _, attribute := range block.Body.Attributes {
		if at := index.SpanOf(attribute.NameRange); at.Has(offset) {
			if declared == nil || declared.Free {
				return "", at
			}
			argument, ok := declared.Argument(attribute.Name)
			if !ok {
				return "", at
			}
			return explainArgument(argument), at
		}
		if index.SpanOf(attribute.Expr.Range()).Has(offset) {
			return s.explainExpression(m, file, attribute.Expr, offset)
		}
	}
	for _, inner := range block.Body.Blocks {
		if within(inner, offset) {
			return s.explainIn(m, file, inner, path, offset)
		}
	}
	return "", index.Span{}
}

// explainExpression explains a place in an expression: a function that is called, or
// a step of a reference.
func (s *Server) explainExpression(m *module, file *index.File, expr hclsyntax.Expression, offset int) (text string, at index.Span) {
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		if called, ok := n.(*hclsyntax.FunctionCallExpr); ok && index.SpanOf(called.NameRange).Has(offset) {
			at = index.SpanOf(called.NameRange)
			if described, ok := s.functions[called.Name]; ok {
				text = explainFunction(described)
			} else if name, ok := strings.CutPrefix(called.Name, index.Function+"::"); ok {
				text = m.explainDeclared(addr.Address{Kind: index.Function, Name: name})
			}
		}
		return nil
	})
	if text != "" {
		return text, at
	}
	for _, traversal := range hclsyntax.Variables(expr) {
		if !index.SpanOf(traversal.SourceRange()).Has(offset) {
			continue
		}
		if target, ok := file.ReferenceAt(offset); ok {
			doc := ""
			for _, d := range m.find(target.Address) {
				doc = d.Doc
			}
			return m.explainValue(textOf(file, hcl.RangeBetween(traversal[0].SourceRange(), traversal.SourceRange()))[:target.Whole.End-target.Whole.Start], doc, eval.Extra{}), target.Whole
		}
		whole := traversal.SourceRange()
		for _, step := range traversal {
			if end := step.SourceRange().End; end.Byte >= offset {
				whole.End = end
				break
			}
		}
		extra := eval.Extra{}
		if block := blockAt(file, offset); block != nil && traversal.RootName() == "each" {
			extra = m.each(block)
		}
		return m.explainValue(textOf(file, whole), "", extra), index.SpanOf(whole)
	}
	return "", index.Span{}
}

// Bounds of what is shown of a value.
const (
	maxTypeShown  = 500
	maxValueShown = 500
)

// explainValue says what a reference came to.
func (m *module) explainValue(reference, doc string, extra eval.Extra) string {
	var b strings.Builder
	fmt.Fprintf(&b, "```hcl\n%s\n```\n", reference)
	if doc != "" {
		fmt.Fprintf(&b, "\n%s\n", doc)
	}
	if v, ok := m.evaluate(reference, extra); ok {
		fmt.Fprintf(&b, "\nType: `%s`\n", shown(typeText(v), maxTypeShown))
		if _, isBlock := value.ReferenceOf(v); !isBlock && v.IsWhollyKnown() {
			fmt.Fprintf(&b, "\nValue: `%s`\n", strings.ReplaceAll(shown(value.Text(v), maxValueShown), "`", "'"))
		}
	}
	return b.String()
}

// explainDeclared shows how a function that is written in the language is declared.
func (m *module) explainDeclared(a addr.Address) string {
	for _, d := range m.find(a) {
		return fmt.Sprintf("```hcl\n%s\n```\n", shown(d.file.Text(d.Whole), maxValueShown))
	}
	return ""
}

func explainBlock(declared *schema.Block) string {
	var b strings.Builder
	fmt.Fprintf(&b, "```hcl\n%s\n```\n\n%s\n", declared.Header(), declared.Doc)
	if declared.Example != "" {
		fmt.Fprintf(&b, "\n```hcl\n%s\n```\n", declared.Example)
	}
	return b.String()
}

func explainArgument(argument schema.Argument) string {
	return fmt.Sprintf("```hcl\n%s = (%s)\n```\n\n%s\n", argument.Name, argument.Type.Name, argumentDoc(argument))
}

// argumentDoc is what an argument is for, what it may be and what it is when not set.
func argumentDoc(argument schema.Argument) string {
	doc := argument.Doc
	if len(argument.OneOf) > 0 {
		doc += " One of `\"" + strings.Join(argument.OneOf, "\"`, `\"") + "\"`."
	}
	switch {
	case argument.Required:
		doc += "\n\nRequired."
	case argument.Default != "":
		doc += "\n\nDefault: " + argument.Default + "."
	}
	return doc
}

func explainFunction(described function.Description) string {
	var b strings.Builder
	fmt.Fprintf(&b, "```hcl\n%s → %s\n```\n\n%s\n", described.Signature(), described.Result, described.Doc)
	parameters := described.Parameters
	if described.Variadic != nil {
		parameters = append(parameters[:len(parameters):len(parameters)], *described.Variadic)
	}
	for _, parameter := range parameters {
		fmt.Fprintf(&b, "\n- `%s` %s", parameter.Name, parameter.Type)
		if parameter.Doc != "" {
			fmt.Fprintf(&b, ": %s", parameter.Doc)
		}
	}
	return b.String()
}
