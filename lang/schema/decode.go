package schema

import (
	"fmt"
	"slices"
	"strings"

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

	arguments map[string]Value
	nested    map[string][]*Values
	known     bool
}

// Value is an argument that was written.
type Value struct {
	// Value is of the argument's type, with its marks; cty.NilVal for a Raw argument.
	cty.Value
	Expr hcl.Expression
	Name hcl.Range
}

// Range is where the argument's value is.
func (v Value) Range() hcl.Range { return v.Expr.Range() }

// Decode evaluates a block's arguments and nested blocks and checks them against
// its declaration. It reports everything that is wrong at once; what is wrong is
// unknown in the Values, which are never nil.
func Decode(block *hcl.Block, declared *Block, ctx *hcl.EvalContext) (*Values, hcl.Diagnostics) {
	values := &Values{
		Block: declared, Labels: block.Labels, Range: block.DefRange, Context: ctx,
		arguments: map[string]Value{}, nested: map[string][]*Values{}, known: true,
	}
	content, diags := Content(block.Body, declared)
	for _, attribute := range sortedAttributes(content.Attributes) {
		argument, ok := declared.Argument(attribute.Name)
		if !ok {
			continue
		}
		decoded, set, more := decodeArgument(argument, attribute, ctx)
		diags = append(diags, more...)
		if set {
			values.arguments[attribute.Name] = decoded
			if !argument.Type.Raw && !decoded.IsWhollyKnown() {
				values.known = false
			}
		}
	}
	for _, argument := range declared.Arguments {
		if _, set := values.arguments[argument.Name]; argument.Required && !set {
			diags = append(diags, missingArgument(values, argument))
			values.known = false
		}
	}
	for _, nested := range content.Blocks {
		inner, ok := declared.Nested(nested.Type)
		if !ok {
			continue
		}
		decoded, more := Decode(nested, inner.Block, ctx)
		diags = append(diags, more...)
		values.nested[nested.Type] = append(values.nested[nested.Type], decoded)
		values.known = values.known && decoded.known
	}
	more := values.checkCounts()
	values.known = values.known && !more.HasErrors()
	return values, append(diags, more...)
}

// Content reads a block's body by its declaration, without evaluating. Its
// diagnostics say what could have been written. The content is never nil.
func Content(body hcl.Body, declared *Block) (*hcl.BodyContent, hcl.Diagnostics) {
	content, diags := body.Content(declared.Body())
	if content == nil {
		content = &hcl.BodyContent{}
	}
	for _, diag := range diags {
		if strings.HasPrefix(diag.Summary, "Unsupported ") && !strings.Contains(diag.Detail, "Did you mean") {
			diag.Detail += " " + declared.Takes()
		}
	}
	return content, diags
}

// Takes says in a sentence what may be written in a block.
func (b *Block) Takes() string {
	var arguments, blocks []string
	for _, argument := range b.Arguments {
		arguments = append(arguments, argument.Name)
	}
	for _, nested := range b.Blocks {
		blocks = append(blocks, nested.Type)
	}
	var parts []string
	if len(arguments) > 0 {
		parts = append(parts, "the arguments "+List(arguments, "and"))
	}
	if len(blocks) > 0 {
		parts = append(parts, "the blocks "+List(blocks, "and"))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("Nothing may be written in a %s block.", b.Type)
	}
	return fmt.Sprintf("In a %s block there may be %s.", b.Type, strings.Join(parts, ", and "))
}

func sortedAttributes(attributes hcl.Attributes) []*hcl.Attribute {
	sorted := make([]*hcl.Attribute, 0, len(attributes))
	for _, attribute := range attributes {
		sorted = append(sorted, attribute)
	}
	slices.SortFunc(sorted, func(a, b *hcl.Attribute) int { return a.NameRange.Start.Byte - b.NameRange.Start.Byte })
	return sorted
}

// decodeArgument evaluates one argument. An argument that is null is as one that
// is not set.
func decodeArgument(argument Argument, attribute *hcl.Attribute, ctx *hcl.EvalContext) (Value, bool, hcl.Diagnostics) {
	decoded := Value{Expr: attribute.Expr, Name: attribute.NameRange}
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
			Detail:      fmt.Sprintf("The argument %q %s.", argument.Name, message),
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

func missingArgument(values *Values, argument Argument) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Missing required argument",
		Detail:   fmt.Sprintf("The %s block needs the argument %q, %s %s: %s", values.Block.Type, argument.Name, argument.Type.Article(), argument.Type.Name, argument.Doc),
		Subject:  values.Range.Ptr(),
	}
}

func (v *Values) checkCounts() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, nested := range v.Block.Blocks {
		found := v.nested[nested.Type]
		if len(found) < nested.Min {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Missing block",
				Detail:   fmt.Sprintf("The %s block needs a %s block: %s", v.Block.Type, nested.Type, nested.Doc),
				Subject:  v.Range.Ptr(),
			})
		}
		if nested.Max > 0 && len(found) > nested.Max {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Duplicate block",
				Detail:   fmt.Sprintf("The %s block may have one %s block; the first is at %s. Put the arguments of both into one.", v.Block.Type, nested.Type, found[0].Range),
				Subject:  found[nested.Max].Range.Ptr(),
			})
		}
	}
	return diags
}

// Article returns "a" or "an", as fits the type's name.
func (t Type) Article() string {
	if t.article == "" {
		return article(t.Name)
	}
	return t.article
}
