package function

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Description is a function as data, for the reference and for programs. Its JSON
// is stable; what is added to it, readers pass over.
type Description struct {
	Name       string      `json:"name"`
	Group      string      `json:"group"`
	Doc        string      `json:"doc"`
	Parameters []Parameter `json:"parameters,omitempty"`
	// Variadic is the parameter that takes any number of further arguments.
	Variadic *Parameter `json:"variadic,omitempty"`
	Result   string     `json:"result"` // a type; "any" where it depends on the arguments
}

// Parameter is one parameter of a function.
type Parameter struct {
	Name string `json:"name"`
	Type string `json:"type"` // as a variable's type is written
	Doc  string `json:"doc,omitempty"`
	Null bool   `json:"nullable,omitempty"` // the argument may be null
}

// Describe returns all functions as data, in the order of the table and by name.
func Describe(files fs.FS) []Description {
	var out []Description
	for _, group := range Table(files) {
		names := make([]string, 0, len(group.Functions))
		for name := range group.Functions {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			out = append(out, DescribeFunction(group.Name, name, group.Functions[name]))
		}
	}
	return out
}

// DescribeFunction returns one function as data.
func DescribeFunction(group, name string, f function.Function) Description {
	out := Description{Name: name, Group: group, Doc: documentation(name, f), Result: result(f)}
	for _, param := range f.Params() {
		out.Parameters = append(out.Parameters, describeParameter(&param))
	}
	if param := f.VarParam(); param != nil {
		variadic := describeParameter(param)
		out.Variadic = &variadic
	}
	return out
}

func describeParameter(p *function.Parameter) Parameter {
	return Parameter{Name: p.Name, Type: typeName(p.Type), Doc: flat(p.Description), Null: p.AllowNull}
}

// documentation returns what a function is for. HCL's own two say nothing of
// themselves.
func documentation(name string, f function.Function) string {
	switch name {
	case "try":
		return "Returns the first of its arguments that can be evaluated without an error."
	case "can":
		return "Tells whether its argument can be evaluated without an error."
	}
	return flat(f.Description())
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// result names the type that a function returns whatever its arguments are.
func result(f function.Function) string {
	var args []cty.Value
	for _, param := range f.Params() {
		args = append(args, cty.UnknownVal(param.Type))
	}
	if f.VarParam() != nil && len(args) == 0 {
		args = append(args, cty.UnknownVal(f.VarParam().Type))
	}
	ty, err := f.ReturnTypeForValues(args)
	if err != nil {
		return typeName(cty.DynamicPseudoType)
	}
	return typeName(ty)
}

// typeName names a type as a variable's is written. What HCL passes as a capsule is
// an expression that the function evaluates itself.
func typeName(ty cty.Type) string {
	if ty.IsCapsuleType() {
		return "expression"
	}
	return typeexpr.TypeString(ty.WithoutOptionalAttributesDeep())
}

// Signature renders how a function is called: `join(separator, lists...)`.
func (d Description) Signature() string {
	names := make([]string, 0, len(d.Parameters)+1)
	for _, param := range d.Parameters {
		names = append(names, param.Name)
	}
	if d.Variadic != nil {
		names = append(names, d.Variadic.Name+"...")
	}
	return d.Name + "(" + strings.Join(names, ", ") + ")"
}
