package eval

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// typeText is a type as it would be written, with what is optional in it.
func typeText(ty cty.Type) string {
	switch {
	case ty.IsObjectType():
		var parts []string
		for _, name := range schema.SortedKeys(ty.AttributeTypes()) {
			text := typeText(ty.AttributeType(name))
			if ty.AttributeOptional(name) {
				text = "optional(" + text + ")"
			}
			parts = append(parts, name+"="+text)
		}
		return "object({" + strings.Join(parts, ",") + "})"
	case ty.IsTupleType():
		var parts []string
		for _, element := range ty.TupleElementTypes() {
			parts = append(parts, typeText(element))
		}
		return "tuple([" + strings.Join(parts, ",") + "])"
	case ty.IsListType():
		return "list(" + typeText(ty.ElementType()) + ")"
	case ty.IsSetType():
		return "set(" + typeText(ty.ElementType()) + ")"
	case ty.IsMapType():
		return "map(" + typeText(ty.ElementType()) + ")"
	}
	return typeexpr.TypeString(ty)
}

// dropped is the error that an object has an attribute that its type does not: it
// would be dropped by the conversion.
func dropped(v cty.Value, want cty.Type, at cty.Path) error {
	v, _ = v.Unmark()
	if _, block := value.ReferenceOf(v); block || v.IsNull() {
		return nil
	}
	ty := v.Type()
	if want.IsObjectType() && ty.IsObjectType() {
		for _, name := range schema.SortedKeys(ty.AttributeTypes()) {
			if !want.HasAttribute(name) {
				return unknownAttribute(name, schema.SortedKeys(want.AttributeTypes()), at)
			}
			if err := dropped(v.GetAttr(name), want.AttributeType(name), at.GetAttr(name)); err != nil {
				return err
			}
		}
		return nil
	}
	if !v.IsKnown() || !v.CanIterateElements() {
		return nil
	}
	place := 0
	for it := v.ElementIterator(); it.Next(); place++ {
		key, element := it.Element()
		inner := cty.DynamicPseudoType
		switch {
		case want.IsCollectionType():
			inner = want.ElementType()
		case want.IsTupleType() && place < want.Length():
			inner = want.TupleElementType(place)
		case want.IsObjectType() && ty.IsMapType():
			if name := key.AsString(); !want.HasAttribute(name) {
				return unknownAttribute(name, schema.SortedKeys(want.AttributeTypes()), at)
			}
			inner = want.AttributeType(key.AsString())
		}
		if err := dropped(element, inner, at.Index(key)); err != nil {
			return err
		}
	}
	return nil
}

// unknownAttribute says that a type has no such attribute.
func unknownAttribute(name string, known []string, at cty.Path) error {
	text := fmt.Sprintf("there is no attribute %q in this type", name)
	if len(at) > 0 {
		text = value.PathText(at) + ": " + text
	}
	if near := schema.Suggest(name, known); near != "" {
		return fmt.Errorf("%s. Did you mean %q?", text, near)
	}
	if len(known) == 0 {
		return errors.New(text + ", which has none")
	}
	return fmt.Errorf("%s, which has %s", text, schema.List(known, "and"))
}
