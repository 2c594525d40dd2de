package lsp

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/lsp/cursor"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
	"github.com/gantrycd/gantry/lang/value"
)

// evaluate tells what an expression came to in the last analysis; false where that
// cannot be told.
func (m *module) evaluate(expression string, extra eval.Extra) (cty.Value, bool) {
	if m.scope == nil {
		return cty.DynamicVal, false
	}
	expr, diags := syntax.ParseExpression([]byte(expression), "expression", hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, false
	}
	v, diags := m.scope.Evaluate(expr, extra)
	return v, !diags.HasErrors()
}

// each gives the each.key and each.value of a block with for_each, of which the types
// are known at most.
func (m *module) each(block *hclsyntax.Block) eval.Extra {
	element := cty.DynamicVal
	if attribute := block.Body.Attributes["for_each"]; attribute != nil && m.scope != nil {
		if v, diags := m.scope.Evaluate(attribute.Expr, eval.Extra{}); !diags.HasErrors() {
			element = elementOf(v)
		}
	}
	return eval.Extra{Variables: map[string]cty.Value{
		"each": cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": element}),
	}}
}

// elementOf returns an element of a collection, as far as its type can be told.
func elementOf(v cty.Value) cty.Value {
	v, _ = v.Unmark()
	ty := v.Type()
	switch {
	case ty.IsCollectionType():
		if v.IsKnown() && !v.IsNull() && v.LengthInt() > 0 && ty.ElementType() == cty.DynamicPseudoType {
			return firstOf(v)
		}
		return cty.UnknownVal(ty.ElementType())
	case (ty.IsObjectType() || ty.IsTupleType()) && v.IsKnown() && !v.IsNull() && v.LengthInt() > 0:
		return firstOf(v)
	}
	return cty.DynamicVal
}

func firstOf(v cty.Value) cty.Value {
	if _, ok := value.ReferenceOf(v); ok {
		return cty.DynamicVal
	}
	it := v.ElementIterator()
	it.Next()
	_, first := it.Element()
	unmarked, _ := first.Unmark()
	return cty.UnknownVal(unmarked.Type())
}

// follow returns what some steps lead to from a value; false where that cannot be
// told.
func follow(v cty.Value, steps []cursor.Step) (cty.Value, bool) {
	for _, step := range steps {
		v, _ = v.Unmark()
		ty := v.Type()
		switch {
		case step.Each:
			v = elementOf(v)
		case ty.IsObjectType() && ty.HasAttribute(step.Name):
			if !v.IsKnown() || v.IsNull() {
				v = cty.UnknownVal(ty.AttributeType(step.Name))
			} else {
				v = v.GetAttr(step.Name)
			}
		case ty.IsMapType():
			v = cty.UnknownVal(ty.ElementType())
		default:
			return cty.DynamicVal, false
		}
	}
	return v, true
}

// member is an attribute of an object, or an element of a map.
type member struct {
	name  string
	value cty.Value
}

// members returns what can be written after a value and a dot, sorted.
func members(v cty.Value) []member {
	v, marks := v.Unmark()
	ty := v.Type()
	var found []member
	switch {
	case ty.IsObjectType():
		for _, name := range value.Attributes(ty) {
			attribute := cty.UnknownVal(ty.AttributeType(name))
			if v.IsKnown() && !v.IsNull() {
				attribute = v.GetAttr(name)
			}
			found = append(found, member{name, attribute.WithMarks(marks)})
		}
	case ty.IsMapType() && v.IsKnown() && !v.IsNull():
		for name, element := range v.AsValueMap() {
			found = append(found, member{name, element.WithMarks(marks)})
		}
	}
	slices.SortFunc(found, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return slices.DeleteFunc(found, func(m member) bool { return !hclsyntax.ValidIdentifier(m.name) })
}

// typeText names a type as a variable's is written.
func typeText(v cty.Value) string {
	if ref, ok := value.ReferenceOf(v); ok {
		return ref.Address.Kind
	}
	return typeName(v.Type())
}

func typeName(ty cty.Type) string {
	switch {
	case ty == cty.DynamicPseudoType:
		return "any"
	case ty.IsListType():
		return "list(" + typeName(ty.ElementType()) + ")"
	case ty.IsSetType():
		return "set(" + typeName(ty.ElementType()) + ")"
	case ty.IsMapType():
		return "map(" + typeName(ty.ElementType()) + ")"
	case ty.IsTupleType():
		var elements []string
		for _, element := range ty.TupleElementTypes() {
			elements = append(elements, typeName(element))
		}
		if same := slices.Compact(slices.Clone(elements)); len(same) == 1 {
			return "list(" + same[0] + ")"
		}
		return "tuple([" + strings.Join(elements, ", ") + "])"
	case ty.IsObjectType():
		var attributes []string
		names := value.Attributes(ty)
		slices.Sort(names)
		for _, name := range names {
			attributes = append(attributes, name+" = "+typeName(ty.AttributeType(name)))
		}
		return "object({" + strings.Join(attributes, ", ") + "})"
	case ty.IsPrimitiveType():
		return ty.FriendlyName()
	}
	return "any"
}

// shown cuts a text for a place of some characters.
func shown(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

// kindsOf returns the kinds of blocks that a type of arguments refers to, which its
// name says: "cluster", "list of clusters or patterns".
func (s *Server) kindsOf(ty schema.Type) []string {
	words := strings.FieldsFunc(ty.Name, func(r rune) bool { return r == ' ' || r == ',' })
	return slices.DeleteFunc(s.vocabulary.Roots(), func(root string) bool {
		if ty.Name == schema.Addresses.Name {
			return root == "var" || root == "local"
		}
		return !slices.Contains(words, root) && !slices.Contains(words, root+"s")
	})
}

// textOf returns the text of a range of a file.
func textOf(file *index.File, r hcl.Range) string {
	if !r.CanSliceBytes(file.Lines.Bytes) {
		return ""
	}
	return string(r.SliceBytes(file.Lines.Bytes))
}
