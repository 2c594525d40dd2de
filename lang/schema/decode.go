package schema

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// Values is a block decoded by its declaration.
type Values struct {
	Block   *Block
	Labels  []string
	Range   hcl.Range // the block's header
	Context *hcl.EvalContext

	arguments []set                // in the order in which they are written
	nested    map[string][]*Values // nil where there are none
	known     bool
	// placeholder: it stands for blocks of a dynamic one whose number is not known.
	placeholder bool
	late        bool // what is missing in it is told by Complete
	inherited   bool // it was taken from below by Merge
}

// set is an argument that was set.
type set struct {
	name string
	Value
}

// Value is an argument that was written.
type Value struct {
	// Value is of the argument's type, with its marks; cty.NilVal for a Raw argument.
	cty.Value
	Expr hcl.Expression
	Name hcl.Range
	// Context is what the expression was evaluated in.
	Context *hcl.EvalContext
}

// Range is where the argument's value is.
func (v Value) Range() hcl.Range { return v.Expr.Range() }

// Parsed is a block read by its declaration, before anything is evaluated.
type Parsed struct {
	Block      *Block
	Labels     []string
	Range      hcl.Range // the block's header
	Attributes []*hcl.Attribute
	Nested     []*Parsed
	// Others are the arguments of an open block that are not declared.
	Others hcl.Attributes
	// Broken says that the block is not as declared.
	Broken bool

	dynamic *dynamic // how blocks are made of it; nil for one that is written
	around
}

// Parse reads a block by its declaration. It reports what may not be written in it
// and what is missing.
func Parse(block *hcl.Block, declared *Block) (*Parsed, hcl.Diagnostics) {
	return parse(block, declared, around{})
}

// around is what a block is in.
type around struct {
	iterators []string // of dynamic blocks
	late      bool     // what is missing is told later
}

func parse(block *hcl.Block, declared *Block, in around) (*Parsed, hcl.Diagnostics) {
	parsed := &Parsed{Block: declared, Labels: block.Labels, Range: block.DefRange, around: in}
	content, diags := parsed.content(block.Body)
	if content == nil {
		content = &hcl.BodyContent{}
	}
	for _, diag := range diags {
		declared.explainUnexpected(diag)
	}
	for _, attribute := range content.Attributes {
		parsed.Attributes = append(parsed.Attributes, attribute)
		parsed.late = parsed.late || attribute.Name == declared.CompletedBy
	}
	slices.SortFunc(parsed.Attributes, func(a, b *hcl.Attribute) int { return a.NameRange.Start.Byte - b.NameRange.Start.Byte })
	for _, inner := range content.Blocks {
		var read *Parsed
		var more hcl.Diagnostics
		if nested, ok := declared.NestedFor(inner.Type, inner.Labels); ok {
			read, more = parse(inner, nested.Block, parsed.within(nested))
		} else if _, ok := declared.Nested(inner.Type); ok {
			more = hcl.Diagnostics{declared.unknownVariant(inner)}
		} else {
			read, more = parseDynamic(inner, parsed)
		}
		diags = append(diags, more...)
		if read != nil {
			parsed.Nested = append(parsed.Nested, read)
		}
	}
	for _, argument := range declared.Arguments {
		if _, set := content.Attributes[argument.Name]; argument.Required && !set && !parsed.late {
			diags = append(diags, missingArgument(declared, parsed.Range, argument))
		}
	}
	diags = append(diags, parsed.checkCounts()...)
	parsed.Broken = parsed.Broken || diags.HasErrors()
	return parsed, diags
}

// content reads a body by the block's declaration.
func (p *Parsed) content(body hcl.Body) (*hcl.BodyContent, hcl.Diagnostics) {
	declared := p.Block.Body()
	if content, ok := nativeContent(body, declared); ok {
		return content, nil
	}
	if !p.Block.Open {
		return body.Content(declared)
	}
	_, remain, _ := body.PartialContent(declared)
	others, _ := remain.JustAttributes() // complains of the declared blocks, too
	open := &hcl.BodySchema{Attributes: slices.Clone(declared.Attributes), Blocks: declared.Blocks}
	for _, name := range SortedKeys(others) {
		open.Attributes = append(open.Attributes, hcl.AttributeSchema{Name: name})
	}
	content, diags := body.Content(open)
	if content != nil {
		for name := range others {
			delete(content.Attributes, name)
		}
	}
	p.Others = others
	return content, diags
}

// within is what a nested block is in. Blocks that there may be several of are not
// merged with others, so that each must be whole.
func (p *Parsed) within(nested Nested) around {
	return around{iterators: p.iterators, late: p.late && nested.Max == 1}
}

// Walk calls visit for every argument of the block and of those in it, in order.
func (p *Parsed) Walk(visit func(*Parsed, Argument, *hcl.Attribute)) {
	for _, attribute := range p.Attributes {
		if argument, ok := p.Block.Argument(attribute.Name); ok {
			visit(p, argument, attribute)
		}
	}
	for _, nested := range p.Nested {
		if nested.dynamic != nil {
			nested.walkDynamic(p, visit)
		}
		nested.Walk(visit)
	}
}

// Decode evaluates a block's arguments and nested blocks and checks them against
// its declaration. It reports everything that is wrong at once; what is wrong is
// unknown in the Values, which are never nil.
func (p *Parsed) Decode(ctx *hcl.EvalContext) (*Values, hcl.Diagnostics) {
	return p.decode(ctx, p.Labels)
}

func (p *Parsed) decode(ctx *hcl.EvalContext, labels []string) (*Values, hcl.Diagnostics) {
	values := &Values{
		Block: p.Block, Labels: labels, Range: p.Range, Context: ctx,
		arguments: make([]set, 0, len(p.Attributes)), known: !p.Broken, late: p.late,
	}
	var diags hcl.Diagnostics
	for _, attribute := range p.Attributes {
		argument, ok := p.Block.Argument(attribute.Name)
		if !ok {
			continue
		}
		decoded, isSet, more := decodeArgument(argument, attribute, ctx)
		diags = append(diags, more...)
		switch {
		case isSet:
			values.arguments = append(values.arguments, set{attribute.Name, decoded})
			if !argument.Type.Raw && !value.IsWhollyKnown(decoded.Value) {
				values.known = false
			}
		case argument.Required && !p.late:
			diags = append(diags, nullArgument(argument, attribute))
			values.known = false
		}
	}
	var dynamics []*Parsed
	if len(p.Nested) > 0 {
		values.nested = make(map[string][]*Values, len(p.Nested))
	}
	for _, nested := range p.Nested {
		decoded, more := nested.decodeAll(ctx)
		diags = append(diags, more...)
		values.nested[nested.Block.Type] = append(values.nested[nested.Block.Type], decoded...)
		for _, block := range decoded {
			values.known = values.known && block.known
		}
		if nested.dynamic != nil {
			dynamics = append(dynamics, nested)
		}
	}
	for _, declared := range p.Block.Blocks {
		for i := len(dynamics) - 1; i >= 0; i-- { // of several of a type, the last
			if dynamics[i].Block.Type != declared.Type {
				continue
			}
			if diag := dynamics[i].checkDynamicCounts(declared, values); diag != nil {
				diags = append(diags, diag)
			}
			break
		}
	}
	return values, diags
}

// decodeAll decodes a nested block, or the blocks that a dynamic one makes.
func (p *Parsed) decodeAll(ctx *hcl.EvalContext) ([]*Values, hcl.Diagnostics) {
	if p.dynamic != nil {
		return p.decodeDynamic(ctx)
	}
	decoded, diags := p.decode(ctx, p.Labels)
	return []*Values{decoded}, diags
}

// Takes says in a sentence what may be written in a block.
func (b *Block) Takes() string {
	var arguments, blocks []string
	for _, argument := range b.Arguments {
		arguments = append(arguments, argument.Name)
	}
	for i, nested := range b.Blocks {
		if !b.isAnother(i) {
			blocks = append(blocks, nested.Type)
		}
	}
	var parts []string
	if len(arguments) > 0 {
		parts = append(parts, nouns("the argument", arguments))
	}
	if len(blocks) > 0 {
		parts = append(parts, nouns("the block", blocks))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("Nothing may be written in %s %s block.", article(b.Type), b.Type)
	}
	return fmt.Sprintf("In %s %s block there may be %s.", article(b.Type), b.Type, strings.Join(parts, ", and "))
}

// decodeArgument evaluates one argument. An argument that is null is as one that
// is not set.
func decodeArgument(argument Argument, attribute *hcl.Attribute, ctx *hcl.EvalContext) (Value, bool, hcl.Diagnostics) {
	decoded := Value{Expr: attribute.Expr, Name: attribute.NameRange, Context: ctx}
	if argument.Type.Raw {
		return decoded, true, nil
	}
	v, diags := Evaluate(attribute.Expr, ctx)
	decoded.Value = cty.DynamicVal
	if diags.HasErrors() {
		return decoded, true, diags
	}
	if value.IsSensitive(v) && !argument.Sensitive {
		return decoded, true, append(diags, sensitiveArgument(argument, attribute.Expr))
	}
	if diag := checkSecrets(argument, attribute, v, ctx); diag != nil {
		return decoded, true, append(diags, diag)
	}
	unmarked, marks := v.Unmark()
	if !unmarked.IsKnown() {
		decoded.Value = v
		return decoded, true, diags
	}
	if unmarked.IsNull() {
		return decoded, false, diags
	}
	converted, err := argument.Type.convert(unmarked)
	if err == nil {
		err = checkOneOf(argument, converted)
	}
	if err != nil {
		message := err.Error()
		if value.IsSensitive(v) {
			message = "is not as expected; what is wrong is not shown, as the value is sensitive"
		}
		return decoded, true, append(diags, &hcl.Diagnostic{
			Severity:    hcl.DiagError,
			Summary:     "Unsuitable value",
			Detail:      Sentence(fmt.Sprintf("The argument %q %s", argument.Name, message)),
			Subject:     attribute.Expr.Range().Ptr(),
			Context:     attribute.Range.Ptr(),
			Expression:  attribute.Expr,
			EvalContext: ctx,
		})
	}
	decoded.Value = converted.WithMarks(marks)
	return decoded, true, diags
}

func checkOneOf(argument Argument, v cty.Value) error {
	if len(argument.OneOf) > 0 && v.Type().IsListType() && v.IsWhollyKnown() {
		for i, element := range v.AsValueSlice() {
			if err := checkOneOf(argument, element); err != nil {
				return fmt.Errorf("is not as expected: element %d %w", i, err)
			}
		}
		return nil
	}
	if len(argument.OneOf) == 0 || v.Type() != cty.String || slices.Contains(argument.OneOf, v.AsString()) {
		return nil
	}
	quoted := make([]string, len(argument.OneOf))
	for i, name := range argument.OneOf {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return fmt.Errorf("must be %s, but is %q%s", List(quoted, "or"), v.AsString(), didYouMean(v.AsString(), argument.OneOf, "; did you mean %q?"))
}

func sensitiveArgument(argument Argument, expr hcl.Expression) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Sensitive value not allowed here",
		Detail:   fmt.Sprintf("The argument %q would be shown in plans and kept in state, so that it cannot hold a sensitive value. Sensitive values may go into the auth block of a cluster or a repository, into Helm values and into the data of Secret objects; nonsensitive(...) says that a value is no secret.", argument.Name),
		Subject:  expr.Range().Ptr(),
	}
}

func missingArgument(b *Block, at hcl.Range, argument Argument) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Missing required argument",
		Detail:   fmt.Sprintf("The %s block needs the argument %q, %s %s: %s", b.Type, argument.Name, argument.Type.Article(), argument.Type.Name, brief(argument.Doc)),
		Subject:  at.Ptr(),
	}
}

func missingBlock(b *Block, at hcl.Range, nested Nested) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Missing block",
		Detail:   fmt.Sprintf("The %s block needs %s %s block: %s", b.Type, article(nested.Type), nested.Type, brief(nested.Doc)),
		Subject:  at.Ptr(),
	}
}

func nullArgument(argument Argument, attribute *hcl.Attribute) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Missing required argument",
		Detail:   fmt.Sprintf("The argument %q is required, but its value is null. Give it %s %s: %s", argument.Name, argument.Type.Article(), argument.Type.Name, brief(argument.Doc)),
		Subject:  attribute.Expr.Range().Ptr(),
	}
}

func (p *Parsed) checkCounts() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i, declared := range p.Block.Blocks {
		var first *Parsed
		count := 0
		if p.Block.isAnother(i) {
			continue // counted with the first of its type
		}
		if slices.ContainsFunc(p.Nested, func(nested *Parsed) bool { return nested.Block.Type == declared.Type && nested.dynamic != nil }) {
			continue // told when it is decoded
		}
		for _, nested := range p.Nested {
			if nested.Block.Type != declared.Type {
				continue
			}
			if count++; count == 1 {
				first = nested
			}
			if declared.Max > 0 && count > declared.Max {
				diags = append(diags, &hcl.Diagnostic{
					Severity: hcl.DiagError,
					Summary:  "Duplicate block",
					Detail:   fmt.Sprintf("There may be one %s block in %s %s block; the first is at %s. Put the arguments of both into one.", declared.Type, article(p.Block.Type), p.Block.Type, first.Range),
					Subject:  nested.Range.Ptr(),
				})
			}
		}
		if count < declared.Min && !p.late {
			diags = append(diags, missingBlock(p.Block, p.Range, declared))
		}
	}
	return diags
}

// nouns names one or several of a kind.
func nouns(noun string, names []string) string {
	if len(names) > 1 {
		noun += "s"
	}
	return noun + " " + List(names, "and")
}

// Sentence ends a text with a full stop, unless it ends already.
func Sentence(text string) string {
	if strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// brief returns the first sentence of a text, to go on after a colon.
func brief(text string) string {
	sentence, _, more := strings.Cut(text, ". ")
	if more {
		sentence += "."
	}
	r, width := utf8.DecodeRuneInString(sentence)
	next, _ := utf8.DecodeRuneInString(sentence[width:])
	if unicode.IsUpper(next) { // an abbreviation
		return sentence
	}
	return string(unicode.ToLower(r)) + sentence[width:]
}

// Article returns "a" or "an", as fits the type's name.
func (t Type) Article() string {
	if t.article == "" {
		return article(t.Name)
	}
	return t.article
}
