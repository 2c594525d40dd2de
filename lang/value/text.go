package value

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/plan/object"
)

// Text renders a value as HCL on one line: sensitive values within it as
// object.Redacted, unknown ones as (unknown), references as their address.
func Text(v cty.Value) string {
	var b strings.Builder
	write(&b, v)
	return b.String()
}

func write(b *strings.Builder, v cty.Value) {
	if v.HasMark(Sensitive) {
		b.WriteString(object.Redacted)
		return
	}
	v, _ = v.Unmark()
	if ref, ok := ReferenceOf(v); ok {
		b.WriteString(ref.Address.String())
		return
	}
	ty := v.Type()
	switch {
	case !v.IsKnown():
		b.WriteString("(unknown)")
	case v.IsNull():
		b.WriteString("null")
	case ty.IsObjectType() || ty.IsMapType():
		writeObject(b, v)
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		writeTuple(b, v)
	case ty.IsPrimitiveType():
		b.Write(hclwrite.TokensForValue(v).Bytes())
	default:
		b.WriteString("(" + ty.FriendlyName() + ")")
	}
}

func writeObject(b *strings.Builder, v cty.Value) {
	if v.LengthInt() == 0 {
		b.WriteString("{}")
		return
	}
	separator := "{ "
	for it := v.ElementIterator(); it.Next(); separator = ", " {
		key, item := it.Element()
		b.WriteString(separator)
		if name := key.AsString(); hclsyntax.ValidIdentifier(name) {
			b.WriteString(name)
		} else {
			b.Write(hclwrite.TokensForValue(key).Bytes())
		}
		b.WriteString(" = ")
		write(b, item)
	}
	b.WriteString(" }")
}

func writeTuple(b *strings.Builder, v cty.Value) {
	b.WriteByte('[')
	separator := ""
	for it := v.ElementIterator(); it.Next(); separator = ", " {
		_, item := it.Element()
		b.WriteString(separator)
		write(b, item)
	}
	b.WriteByte(']')
}
