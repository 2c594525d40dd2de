package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/value"
)

// dynamicType is the block that makes nested blocks of the elements of a value.
const dynamicType = "dynamic"

// dynamic is how a nested block is made: once for every element of a value.
type dynamic struct {
	header   hcl.Range
	forEach  *hcl.Attribute
	labels   *hcl.Attribute // nil where there is none
	iterator string
}

// dynamicBody is what a dynamic block may have in it.
func dynamicBody() *hcl.BodySchema {
	return &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "for_each"}, {Name: "iterator"}, {Name: "labels"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "content"}},
	}
}

// parseDynamic reads a dynamic block; the result is nil where it makes blocks that
// there are not.
func parseDynamic(block *hcl.Block, in *Parsed) (*Parsed, hcl.Diagnostics) {
	declared, ok := in.Block.Nested(block.Labels[0])
	if !ok {
		detail := fmt.Sprintf("Blocks of type %q are not expected here.", block.Labels[0])
		var types []string
		for _, nested := range in.Block.Blocks {
			types = append(types, nested.Type)
		}
		if hint := didYouMean(block.Labels[0], types, " Did you mean %q?"); hint != "" {
			detail += hint
		} else {
			detail += " " + in.Block.Takes()
		}
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Unsupported block type", Detail: detail,
			Subject: block.LabelRanges[0].Ptr(), Context: block.DefRange.Ptr(),
		}}
	}
	content, diags := block.Body.Content(dynamicBody())
	for _, diag := range diags {
		if strings.HasPrefix(diag.Summary, "Unsupported ") && !strings.Contains(diag.Detail, "Did you mean") {
			diag.Detail += " In a dynamic block there may be the arguments for_each, iterator and labels, and the block content."
		}
	}
	if content == nil {
		content = &hcl.BodyContent{}
	}
	repeat := &dynamic{header: block.DefRange, forEach: content.Attributes["for_each"], iterator: declared.Type, labels: content.Attributes["labels"]}
	if repeat.forEach == nil {
		diags = append(diags, dynamicError("Missing required argument", block.DefRange,
			"A dynamic block needs the argument \"for_each\": a list, set, map or object that gives a block for every element."))
	}
	if attribute := content.Attributes["iterator"]; attribute != nil {
		if name := hcl.ExprAsKeyword(attribute.Expr); name != "" {
			repeat.iterator = name
		} else {
			diags = append(diags, dynamicError("Invalid iterator", attribute.Expr.Range(),
				"The iterator must be a name, without quotes, such as item: in the content there are then item.key and item.value."))
		}
	}
	diags = append(diags, checkDynamicLabels(repeat, declared.Block)...)
	contents := content.Blocks
	switch {
	case len(contents) == 0:
		return &Parsed{Block: declared.Block, Range: block.DefRange, Broken: true, dynamic: repeat}, append(diags, dynamicError("Missing block", block.DefRange,
			"A dynamic block needs a content block, which holds what is in every %s block.", declared.Type))
	case len(contents) > 1:
		diags = append(diags, dynamicError("Duplicate block", contents[1].DefRange,
			"A dynamic block has one content block; the first is at %s. Put the arguments of both into one.", contents[0].DefRange))
	}
	inside := in.within(declared)
	inside.iterators = append(slices.Clone(inside.iterators), repeat.iterator)
	read, more := parse(contents[0], declared.Block, inside)
	diags = append(diags, more...)
	read.dynamic = repeat
	read.Broken = diags.HasErrors()
	return read, diags
}

// checkDynamicLabels holds that labels are given exactly where the blocks have some.
func checkDynamicLabels(repeat *dynamic, declared *Block) hcl.Diagnostics {
	switch {
	case repeat.labels != nil && len(declared.Labels) == 0:
		return hcl.Diagnostics{dynamicError("Unsupported argument", repeat.labels.NameRange,
			"Blocks of type %s have no labels. Remove the argument \"labels\".", declared.Type)}
	case repeat.labels == nil && len(declared.Labels) > 0:
		return hcl.Diagnostics{dynamicError("Missing required argument", repeat.header,
			"Blocks of type %s have a label, so that the dynamic block needs the argument \"labels\", such as labels = [%s.key].", declared.Type, repeat.iterator)}
	}
	return nil
}

func dynamicError(summary string, at hcl.Range, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: at.Ptr()}
}

// decodeDynamic makes the blocks of a dynamic one. Where it cannot be told how
// many there are, there is one that is not known.
func (p *Parsed) decodeDynamic(ctx *hcl.EvalContext) ([]*Values, hcl.Diagnostics) {
	elements, known, diags := p.dynamic.elements(ctx)
	if !known {
		unknown, more := p.decode(withIterator(ctx, p.dynamic.iterator, cty.DynamicVal, cty.DynamicVal), nil)
		unknown.known, unknown.placeholder = false, true
		return []*Values{unknown}, append(diags, more...)
	}
	var out []*Values
	for _, element := range elements {
		inner := withIterator(ctx, p.dynamic.iterator, element.key, element.value)
		labels, more := p.dynamic.labelsOf(inner, len(p.Block.Labels))
		diags = append(diags, more...)
		decoded, more := p.decode(inner, labels)
		diags = append(diags, more...)
		if labels == nil && p.dynamic.labels != nil {
			decoded.known = false
		}
		out = append(out, decoded)
	}
	return out, diags
}

// element is one element of a for_each.
type element struct{ key, value cty.Value }

// elements evaluates for_each, and tells whether what it gives is known.
func (d *dynamic) elements(ctx *hcl.EvalContext) ([]element, bool, hcl.Diagnostics) {
	if d.forEach == nil {
		return nil, false, nil // reported when it was parsed
	}
	v, diags := Evaluate(d.forEach.Expr, ctx)
	if diags.HasErrors() {
		return nil, false, diags
	}
	problem := func(format string, args ...any) ([]element, bool, hcl.Diagnostics) {
		diag := dynamicError("Invalid for_each argument", d.forEach.Expr.Range(), format, args...)
		diag.Expression, diag.EvalContext = d.forEach.Expr, ctx
		return nil, false, append(diags, diag)
	}
	const expected = "In a dynamic block for_each takes a list, set, map, object or generator"
	ty := v.Type()
	ref, isBlock := value.ReferenceOf(v)
	switch {
	case v.HasMark(value.Sensitive):
		return problem("How many blocks there are would show in plans, so that for_each cannot be a sensitive value.")
	case isBlock:
		return problem("%s, but this is %s, a single block.", expected, ref.Address)
	case !v.IsKnown():
		return nil, false, diags
	case v.IsNull():
		return problem("%s, but this is null. Where there should be no block, give [].", expected)
	case !ty.IsObjectType() && !ty.IsMapType() && !isSequence(v):
		return problem("%s, but this is %s.", expected, value.Kind(v))
	}
	unmarked, _ := v.Unmark()
	var out []element
	for it := unmarked.ElementIterator(); it.Next(); {
		key, item := it.Element()
		if ty.IsSetType() {
			key = item
		}
		out = append(out, element{key, item})
	}
	return out, true, diags
}

// labelsOf evaluates the labels of one block; nil where they cannot be told or
// there are none.
func (d *dynamic) labelsOf(ctx *hcl.EvalContext, want int) ([]string, hcl.Diagnostics) {
	if d.labels == nil || want == 0 {
		return nil, nil
	}
	v, diags := Evaluate(d.labels.Expr, ctx)
	if diags.HasErrors() {
		return nil, diags
	}
	problem := func(format string, args ...any) ([]string, hcl.Diagnostics) {
		diag := dynamicError("Invalid labels", d.labels.Expr.Range(), format, args...)
		diag.Expression, diag.EvalContext = d.labels.Expr, ctx
		return nil, append(diags, diag)
	}
	switch {
	case value.IsSensitive(v):
		return problem("Labels are part of names, which are shown everywhere, so that they cannot be sensitive.")
	case !v.IsWhollyKnown():
		return nil, diags
	case v.IsNull() || !isSequence(v) || v.LengthInt() != want:
		return problem("The labels must be a list with %d %s, such as [%s.key].", want, plural(want, "string"), d.iterator)
	}
	labels := make([]string, 0, want)
	for it := v.ElementIterator(); it.Next(); {
		_, item := it.Element()
		text, err := convert.Convert(item, cty.String)
		if err != nil || text.IsNull() {
			return problem("A label must be a string, but this is %s.", value.Kind(item))
		}
		labels = append(labels, text.AsString())
	}
	return labels, diags
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// withIterator is a context in which the iterator has an element.
func withIterator(ctx *hcl.EvalContext, name string, key, v cty.Value) *hcl.EvalContext {
	child := ctx.NewChild()
	child.Variables = map[string]cty.Value{name: cty.ObjectVal(map[string]cty.Value{"key": key, "value": v})}
	return child
}

// WithoutIterators returns what an expression in the block refers to, but for the
// iterators of the dynamic blocks around it: they are no blocks. It takes over the
// traversals.
func (p *Parsed) WithoutIterators(variables []hcl.Traversal) []hcl.Traversal {
	if len(p.iterators) == 0 {
		return variables
	}
	return slices.DeleteFunc(variables, func(t hcl.Traversal) bool { return slices.Contains(p.iterators, t.RootName()) })
}

// walkDynamic visits what a dynamic block itself says: for_each, which may use the
// iterators around it, and labels, which may use its own.
func (p *Parsed) walkDynamic(around *Parsed, visit func(*Parsed, Argument, *hcl.Attribute)) {
	if p.dynamic.forEach != nil {
		visit(around, Argument{Name: "for_each", Type: ForEach, Required: true}, p.dynamic.forEach)
	}
	if p.dynamic.labels != nil {
		visit(p, Argument{Name: "labels", Type: Expression}, p.dynamic.labels)
	}
}

// checkDynamicCounts holds the number of the blocks of a type in values against
// its declaration, where one of them is dynamic.
func (p *Parsed) checkDynamicCounts(declared Nested, in *Values) *hcl.Diagnostic {
	blocks := in.nested[declared.Type]
	if slices.ContainsFunc(blocks, func(v *Values) bool { return v.placeholder }) {
		return nil
	}
	switch {
	case declared.Max > 0 && len(blocks) > declared.Max:
		return dynamicError("Duplicate block", p.dynamic.header,
			"There may be one %s block in %s %s block, but with this one there are %d. Let its for_each give less.", declared.Type, article(in.Block.Type), in.Block.Type, len(blocks))
	case len(blocks) < declared.Min && !in.late:
		return dynamicError("Missing block", p.dynamic.header,
			"The %s block needs a %s block, but the for_each gives none: %s", in.Block.Type, declared.Type, brief(declared.Doc))
	}
	return nil
}
