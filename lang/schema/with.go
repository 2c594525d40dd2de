package schema

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// With returns the block with other values for some arguments. The block itself
// stays as it is; with no values it is returned.
func (p *Parsed) With(arguments map[string]cty.Value) *Parsed {
	if len(arguments) == 0 {
		return p
	}
	out := *p
	out.Attributes = make([]*hcl.Attribute, 0, len(p.Attributes)+len(arguments))
	for _, attribute := range p.Attributes {
		if _, replaced := arguments[attribute.Name]; !replaced {
			out.Attributes = append(out.Attributes, attribute)
		}
	}
	for _, name := range SortedKeys(arguments) {
		out.Attributes = append(out.Attributes, &hcl.Attribute{
			Name: name, Expr: hcl.StaticExpr(arguments[name], p.Range), Range: p.Range, NameRange: p.Range,
		})
	}
	return &out
}
