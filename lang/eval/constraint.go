package eval

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// blockTypes are the kinds of blocks that variables of a called module can hold.
var blockTypes = [...]string{"application", "cluster", "project", "repository"}

// constraint is the type of a variable. Where it has no block in it, it is one of
// HCL's own; else it is a tree, whose leaves are such types and kinds of blocks.
type constraint struct {
	ty       cty.Type
	defaults *typeexpr.Defaults

	kind       string // of block
	collection string // "list", "set" or "map", of elements
	element    *constraint
	attributes map[string]attributeConstraint // of an object
}

type attributeConstraint struct {
	constraint
	optional bool
	fallback cty.Value
}

// anything is the constraint of a variable without a type.
func anything() constraint { return constraint{ty: cty.DynamicPseudoType} }

// isPlain reports whether no block is in the type.
func (c constraint) isPlain() bool { return c.kind == "" && c.element == nil && c.attributes == nil }

// unknown is an unknown value of the type.
func (c constraint) unknown() cty.Value {
	if !c.isPlain() {
		return cty.DynamicVal
	}
	return cty.UnknownVal(c.ty.WithoutOptionalAttributesDeep())
}

// String is the type as it would be written.
func (c constraint) String() string {
	switch {
	case c.kind != "":
		return c.kind
	case c.element != nil:
		return c.collection + "(" + c.element.String() + ")"
	case c.attributes != nil:
		var parts []string
		for _, name := range schema.SortedKeys(c.attributes) {
			text := c.attributes[name].String()
			if c.attributes[name].optional {
				text = "optional(" + text + ")"
			}
			parts = append(parts, name+"="+text)
		}
		return "object({" + strings.Join(parts, ",") + "})"
	}
	return typeText(c.ty)
}

// parseConstraint reads a type.
func parseConstraint(expr hcl.Expression) (constraint, hcl.Diagnostics) {
	if !slices.ContainsFunc(blockTypes[:], func(kind string) bool { return mentions(expr, kind) }) {
		ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(expr)
		suggestTypes(diags)
		if diags.HasErrors() {
			return anything(), diags
		}
		return constraint{ty: ty, defaults: defaults}, diags
	}
	if keyword := hcl.ExprAsKeyword(expr); keyword != "" {
		return constraint{kind: keyword}, nil
	}
	call, diags := hcl.ExprCall(expr)
	if diags.HasErrors() || len(call.Arguments) != 1 {
		return anything(), invalidType(expr, "It must be a type such as string, cluster or map(cluster).")
	}
	switch call.Name {
	case "list", "set", "map":
		element, diags := parseConstraint(call.Arguments[0])
		return constraint{collection: call.Name, element: &element}, diags
	case "object":
		return parseObject(call.Arguments[0])
	}
	return anything(), invalidType(expr, "Blocks can be in lists, sets, maps and objects.")
}

func parseObject(expr hcl.Expression) (constraint, hcl.Diagnostics) {
	pairs, diags := hcl.ExprMap(expr)
	if diags.HasErrors() {
		return anything(), invalidType(expr, "An object type is written object({ NAME = TYPE, ... }).")
	}
	object := constraint{attributes: map[string]attributeConstraint{}}
	for _, pair := range pairs {
		name := hcl.ExprAsKeyword(pair.Key)
		if name == "" {
			diags = append(diags, invalidType(pair.Key, "The names of attributes are written as they are.")...)
			continue
		}
		attribute := attributeConstraint{fallback: cty.NullVal(cty.DynamicPseudoType)}
		inner := pair.Value
		if call, none := hcl.ExprCall(inner); !none.HasErrors() && call.Name == "optional" && len(call.Arguments) > 0 && len(call.Arguments) < 3 {
			attribute.optional, inner = true, call.Arguments[0]
			if len(call.Arguments) == 2 {
				fallback, more := call.Arguments[1].Value(nil)
				diags, attribute.fallback = append(diags, more...), fallback
			}
		}
		parsed, more := parseConstraint(inner)
		diags, attribute.constraint = append(diags, more...), parsed
		object.attributes[name] = attribute
	}
	return object, diags
}

func invalidType(expr hcl.Expression, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Invalid type specification", Detail: detail, Subject: expr.Range().Ptr()}}
}

// mentions reports whether a type has a word in it.
func mentions(expr hcl.Expression, word string) bool {
	if hcl.ExprAsKeyword(expr) == word {
		return true
	}
	if call, diags := hcl.ExprCall(expr); !diags.HasErrors() {
		return slices.ContainsFunc(call.Arguments, func(argument hcl.Expression) bool { return mentions(argument, word) })
	}
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		return slices.ContainsFunc(pairs, func(pair hcl.KeyValuePair) bool { return mentions(pair.Value, word) })
	}
	elements, diags := hcl.ExprList(expr)
	return !diags.HasErrors() && slices.ContainsFunc(elements, func(element hcl.Expression) bool { return mentions(element, word) })
}

// mentionsType reports whether the type of a variable has a word in it.
func (b *block) mentionsType(word string) bool {
	for _, attribute := range b.parsed.Attributes {
		if attribute.Name == "type" {
			return mentions(attribute.Expr, word)
		}
	}
	return false
}

// typeWords are the words that types are made of.
var typeWords = [...]string{
	"any", "application", "bool", "cluster", "list", "map", "number", "object", "optional", "project", "repository", "set", "string", "tuple",
}

// mistypedType finds the word that is no type in what typeexpr says.
var mistypedType = regexp.MustCompile(`[Kk]eyword "(\w+)" is not a valid type`)

// suggestTypes adds what was probably meant by a word that is no type.
func suggestTypes(diags hcl.Diagnostics) {
	for _, diag := range diags {
		found := mistypedType.FindStringSubmatch(diag.Detail)
		if found == nil {
			continue
		}
		if near := schema.Suggest(found[1], typeWords[:]); near != "" {
			diag.Detail += fmt.Sprintf(" Did you mean %q?", near)
		}
	}
}

// conform brings a value to the type. Its errors begin with where in the value it
// does not fit.
func (c constraint) conform(v cty.Value) (cty.Value, error) {
	if c.isPlain() {
		return c.conformPlain(v)
	}
	v, marks := v.Unmark()
	v, err := c.conformBlocks(v)
	return v.WithMarks(marks), err
}

// conformBlocks brings a value without a mark of its own to a type that has blocks
// in it.
func (c constraint) conformBlocks(v cty.Value) (cty.Value, error) {
	switch {
	case !v.IsKnown():
		return v, nil
	case v.IsNull():
		return v, nil
	case c.kind != "":
		if ref, ok := value.ReferenceOf(v); !ok || ref.Address.Kind != c.kind {
			return v, fmt.Errorf("it must be %s, but is %s", withArticle(c.kind), value.Kind(v))
		}
		return v, nil
	case c.attributes != nil:
		return c.conformObject(v)
	}
	return c.conformElements(v)
}

func (c constraint) conformPlain(v cty.Value) (cty.Value, error) {
	if err := dropped(v, c.ty, nil); err != nil {
		return v, err
	}
	if c.defaults != nil && !v.IsNull() {
		v = c.defaults.Apply(v)
	}
	converted, err := convert.Convert(v, c.ty)
	var pathErr cty.PathError
	if errors.As(err, &pathErr) && len(pathErr.Path) > 0 {
		err = fmt.Errorf("%s: %w", value.PathText(pathErr.Path), err)
	}
	return converted, err
}

func (c constraint) conformObject(v cty.Value) (cty.Value, error) {
	if _, ok := value.ReferenceOf(v); ok || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return v, fmt.Errorf("it must be an object, but is %s", value.Kind(v))
	}
	given := v.AsValueMap()
	for _, name := range schema.SortedKeys(given) {
		if _, ok := c.attributes[name]; !ok {
			return v, unknownAttribute(name, schema.SortedKeys(c.attributes), nil)
		}
	}
	attributes := make(map[string]cty.Value, len(c.attributes))
	for _, name := range schema.SortedKeys(c.attributes) {
		want := c.attributes[name]
		have, ok := given[name]
		switch {
		case !ok && !want.optional:
			return v, fmt.Errorf("the attribute %q is required", name)
		case !ok || want.optional && have.IsNull():
			have = want.fallback
		}
		converted, err := want.conform(have)
		if err != nil {
			return v, fmt.Errorf(".%s: %w", name, err)
		}
		attributes[name] = converted
	}
	return cty.ObjectVal(attributes), nil
}

// conformElements brings a list or map of blocks to the type: as an object or a
// tuple, as no two blocks are of one type.
func (c constraint) conformElements(v cty.Value) (cty.Value, error) {
	ty := v.Type()
	_, single := value.ReferenceOf(v)
	isMap := (ty.IsObjectType() || ty.IsMapType()) && !single
	isList := ty.IsTupleType() || ty.IsListType() || ty.IsSetType()
	if c.collection == "map" && !isMap || c.collection != "map" && !isList {
		return v, fmt.Errorf("it must be a %s, but is %s", c.collection, value.Kind(v))
	}
	named := map[string]cty.Value{}
	var elements []cty.Value
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if element.IsNull() {
			return v, fmt.Errorf("element %s is null", value.Text(key))
		}
		converted, err := c.element.conform(element)
		if err != nil {
			return v, fmt.Errorf("element %s: %w", value.Text(key), err)
		}
		if elements = append(elements, converted); isMap {
			named[key.AsString()] = converted
		}
	}
	if isMap {
		return cty.ObjectVal(named), nil
	}
	return cty.TupleVal(elements), nil
}

func withArticle(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}
