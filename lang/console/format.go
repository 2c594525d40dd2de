package console

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// lineWidth is how long a value may be to be shown on one line.
const lineWidth = 80

// Format renders a value as HCL, over several lines where it is long. A block is
// shown with its attributes; within other values as its address. Sensitive values
// are not shown.
func Format(v cty.Value) string {
	if text, ok := multiline(v); ok {
		return text
	}
	if ref, ok := value.ReferenceOf(v); ok && !v.HasMark(value.Sensitive) {
		return "# " + ref.Address.String() + "\n" + render(attributesOf(v), "")
	}
	return render(v, "")
}

// multiline renders a string of several lines as a heredoc.
func multiline(v cty.Value) (string, bool) {
	if v.IsMarked() || v.Type() != cty.String || !v.IsKnown() || v.IsNull() || !strings.Contains(strings.TrimSuffix(v.AsString(), "\n"), "\n") {
		return "", false
	}
	marker := "EOT"
	for strings.Contains(v.AsString(), marker) {
		marker += "_"
	}
	return "<<" + marker + "\n" + strings.TrimSuffix(v.AsString(), "\n") + "\n" + marker, true
}

// attributesOf is a block's value without what it carries unseen.
func attributesOf(v cty.Value) cty.Value {
	out := map[string]cty.Value{}
	unmarked, _ := v.Unmark()
	for _, name := range value.Attributes(unmarked.Type()) {
		out[name] = unmarked.GetAttr(name)
	}
	return cty.ObjectVal(out)
}

func render(v cty.Value, indent string) string {
	line := value.Text(v)
	if len(indent)+len(line) <= lineWidth || v.HasMark(value.Sensitive) {
		return line
	}
	if _, ok := value.ReferenceOf(v); ok {
		return line
	}
	unmarked, _ := v.Unmark()
	ty := unmarked.Type()
	if !unmarked.IsKnown() || unmarked.IsNull() || !unmarked.CanIterateElements() || unmarked.LengthInt() == 0 {
		return line
	}
	var out strings.Builder
	within := indent + "  "
	if ty.IsObjectType() || ty.IsMapType() {
		out.WriteString("{\n")
		for it := unmarked.ElementIterator(); it.Next(); {
			key, item := it.Element()
			name := key.AsString()
			if !hclsyntax.ValidIdentifier(name) {
				name = string(hclwrite.TokensForValue(key).Bytes())
			}
			out.WriteString(within + name + " = " + render(item, within) + "\n")
		}
		out.WriteString(indent + "}")
		return out.String()
	}
	out.WriteString("[\n")
	for it := unmarked.ElementIterator(); it.Next(); {
		_, item := it.Element()
		out.WriteString(within + render(item, within) + ",\n")
	}
	out.WriteString(indent + "]")
	return out.String()
}

// JSON converts a value to what encoding/json writes. It returns the paths of what
// is not there as it is: sensitive values, which are object.Redacted, and unknown
// ones, which are null. References are addresses; a block is its attributes.
func JSON(v cty.Value) (plain any, sensitive, unknown []string) {
	c := converter{}
	if _, ok := value.ReferenceOf(v); ok && !v.HasMark(value.Sensitive) {
		v = attributesOf(v)
	}
	plain = c.convert(v, "")
	return plain, c.sensitive, c.unknown
}

type converter struct{ sensitive, unknown []string }

func (c *converter) convert(v cty.Value, at string) any {
	if v.HasMark(value.Sensitive) {
		c.sensitive = append(c.sensitive, at)
		return object.Redacted
	}
	v, _ = v.Unmark()
	if ref, ok := value.ReferenceOf(v); ok {
		return ref.Address.String()
	}
	ty := v.Type()
	switch {
	case !v.IsKnown():
		c.unknown = append(c.unknown, at)
		return nil
	case v.IsNull():
		return nil
	case ty.IsObjectType() || ty.IsMapType():
		out := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			key, item := it.Element()
			out[key.AsString()] = c.convert(item, at+"/"+escape(key.AsString()))
		}
		return out
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		out := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			out = append(out, c.convert(item, at+"/"+strconv.Itoa(len(out))))
		}
		return out
	}
	plain, _, err := value.ToJSON(v)
	if err != nil {
		return value.Text(v) // what JSON has no number for
	}
	return plain
}

// escape writes a name in a JSON pointer (RFC 6901).
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
