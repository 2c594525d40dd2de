package value

import (
	"fmt"
	"reflect"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
)

// Reference is what the value of a block carries unseen: which block it is, and
// what it was decoded to.
type Reference struct {
	Address addr.Address
	Target  any // a pointer to the decoded block
}

// MarshalJSON refuses: what a block was decoded to is no value of the language.
func (r Reference) MarshalJSON() ([]byte, error) { return nil, r.noValue() }

// noValue says why a block cannot be written as data.
func (r Reference) noValue() error {
	return fmt.Errorf("%s is a block, not a value; refer to one of its attributes, such as %s.name", r.Address, r.Address)
}

// referenceAttribute holds the Reference in a block's value. It is no name that
// can be written in HCL.
const referenceAttribute = "@"

var referenceType = cty.CapsuleWithOps("reference", reflect.TypeFor[Reference](), &cty.CapsuleOps{
	GoString: func(v any) string { return v.(*Reference).Address.String() },
	Equals: func(a, b any) cty.Value {
		return cty.BoolVal(a.(*Reference).Address == b.(*Reference).Address)
	},
	RawEquals: func(a, b any) bool { return a.(*Reference).Address == b.(*Reference).Address },
	HashKey:   func(v any) string { return v.(*Reference).Address.String() },
})

// Block returns the value that refers to a block: its attributes, with the
// reference itself hidden among them. It takes over attributes.
func Block(ref Reference, attributes map[string]cty.Value) cty.Value {
	attributes[referenceAttribute] = cty.CapsuleVal(referenceType, &ref)
	return cty.ObjectVal(attributes)
}

// ReferenceOf returns which block a value refers to. It is false for unknown and
// null values, and for any that Block did not make.
func ReferenceOf(v cty.Value) (Reference, bool) {
	v, _ = v.Unmark()
	ty := v.Type()
	if !ty.IsObjectType() || !ty.HasAttribute(referenceAttribute) || !v.IsKnown() || v.IsNull() {
		return Reference{}, false
	}
	hidden, _ := v.GetAttr(referenceAttribute).Unmark()
	if hidden.Type() != referenceType || !hidden.IsKnown() || hidden.IsNull() {
		return Reference{}, false
	}
	return *hidden.EncapsulatedValue().(*Reference), true
}

// Attributes returns the names of a value's attributes that can be written.
func Attributes(ty cty.Type) []string {
	if !ty.IsObjectType() {
		return nil
	}
	names := make([]string, 0, len(ty.AttributeTypes()))
	for name := range ty.AttributeTypes() {
		if name != referenceAttribute {
			names = append(names, name)
		}
	}
	return names
}

// Kind names a value's type for messages: "a string", "a list of strings",
// "cluster.prod".
func Kind(v cty.Value) string {
	if ref, ok := ReferenceOf(v); ok {
		return ref.Address.String()
	}
	ty := v.Type()
	switch {
	case v.IsKnown() && v.IsNull():
		return "null"
	case ty == cty.String:
		return "a string"
	case ty == cty.Number:
		return "a number"
	case ty == cty.Bool:
		return "true or false"
	case ty == cty.DynamicPseudoType:
		return "a value of unknown type"
	case ty.IsObjectType():
		return "an object"
	case ty.IsMapType():
		return "a map"
	case ty.IsTupleType() || ty.IsListType():
		return "a list"
	case ty.IsSetType():
		return "a set"
	}
	return "a " + ty.FriendlyName()
}
