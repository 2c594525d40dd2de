package eval

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
)

// functionRoot is what addresses of functions begin with, and their namespace.
const functionRoot = "fn"

// FunctionKind declares function blocks.
func FunctionKind() *Kind {
	return &Kind{
		Block: &schema.Block{
			Type:   "function",
			Labels: []string{"name"},
			Doc:    "A function written in the language: elsewhere in the module it is `fn::NAME(...)`. Its result is made of its parameters and nothing else, so that the same arguments always give the same result. It cannot call itself.",
			Example: `function "image" {
  params = [name, tag]
  result = "registry.example.com/${name}:${tag}"
}`,
			Arguments: []schema.Argument{
				{Name: "params", Type: schema.Names, Default: "none", Doc: "The names of the parameters, in order."},
				{Name: "variadic_param", Type: schema.Names, Default: "none", Doc: "The name of a parameter that takes all further arguments, as a list."},
				{Name: "result", Type: schema.Expression, Required: true, Doc: "What it gives."},
			},
		},
		Root:   functionRoot,
		Decode: func(*Evaluation, *Instance) Decoded { return Decoded{Value: cty.EmptyObjectVal} },
	}
}

// userFunction is a function block.
type userFunction struct {
	block    *block
	params   []string
	variadic string
	result   hcl.Expression
	// scope has the functions that there are in the module, once it is evaluated.
	scope *hcl.EvalContext
}

// defineFunctions reads the function blocks of a unit.
func (m *Module) defineFunctions(u *unit) hcl.Diagnostics {
	var diags hcl.Diagnostics
	defined := map[string]*userFunction{}
	for _, b := range u.blocks {
		if b.kind.Root != functionRoot || b.broken || b.skip {
			continue
		}
		f, more := readFunction(b)
		diags = append(diags, more...)
		if more.HasErrors() {
			b.broken = true
			continue
		}
		defined[b.address.Name] = f
	}
	told := map[string]bool{} // a cycle is told once, of the first of its functions
	for _, name := range schema.SortedKeys(defined) {
		chain := m.callsItself(defined, name)
		if chain == nil {
			continue
		}
		defined[name].block.broken = true
		if !told[chain[0]] {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Function calls itself",
				Detail:   fmt.Sprintf("The function never comes to an end: %s. A function may call only others that do not call it.", strings.Join(chain, " calls ")),
				Subject:  defined[name].block.header.Ptr(),
			})
			for _, address := range chain {
				told[address] = true
			}
		}
	}
	for again := true; again; { // who calls a broken one is broken
		again = false
		for _, f := range defined {
			if !f.block.broken && slices.ContainsFunc(m.calls(f.result), func(name string) bool { return u.hasBroken(name) }) {
				f.block.broken, again = true, true
			}
		}
	}
	for _, b := range u.blocks {
		if b.kind.Root != functionRoot {
			continue
		}
		if f := defined[b.address.Name]; f != nil && !b.broken {
			u.userFunctions = append(u.userFunctions, f)
			u.functions[functionRoot+"::"+b.address.Name] = f.function()
		} else {
			u.functions[functionRoot+"::"+b.address.Name] = brokenFunction
			u.brokenFunctions = true
		}
	}
	return diags
}

func readFunction(b *block) (*userFunction, hcl.Diagnostics) {
	f := &userFunction{block: b}
	var diags hcl.Diagnostics
	for _, attribute := range b.parsed.Attributes {
		switch attribute.Name {
		case "params":
			elements, more := hcl.ExprList(attribute.Expr)
			if more.HasErrors() {
				diags = append(diags, invalidParameter(attribute.Expr.Range(), "The parameters are names in brackets, such as [name, tag]."))
			}
			for _, element := range elements {
				name := hcl.ExprAsKeyword(element)
				switch {
				case name == "":
					diags = append(diags, invalidParameter(element.Range(), "A parameter is a name without quotes."))
				case slices.Contains(f.params, name):
					diags = append(diags, invalidParameter(element.Range(), fmt.Sprintf("There are two parameters called %q.", name)))
				}
				f.params = append(f.params, name)
			}
		case "variadic_param":
			if f.variadic = hcl.ExprAsKeyword(attribute.Expr); f.variadic == "" {
				diags = append(diags, invalidParameter(attribute.Expr.Range(), "The parameter is a name without quotes."))
			}
		case "result":
			f.result = attribute.Expr
		}
	}
	if slices.Contains(f.params, f.variadic) && f.variadic != "" {
		diags = append(diags, invalidParameter(b.header, fmt.Sprintf("There are two parameters called %q.", f.variadic)))
	}
	return f, append(diags, f.checkReferences()...)
}

// checkReferences holds that the result is made of the parameters only.
func (f *userFunction) checkReferences() hcl.Diagnostics {
	var diags hcl.Diagnostics
	names := f.params
	if f.variadic != "" {
		names = append(slices.Clone(names), f.variadic)
	}
	for _, traversal := range f.result.Variables() {
		name := traversal.RootName()
		if slices.Contains(names, name) {
			continue
		}
		detail := fmt.Sprintf("The result of a function can refer to its parameters only, and %q is none of them. Pass it as an argument.", name)
		if suggestion := schema.Suggest(name, names); suggestion != "" {
			detail = fmt.Sprintf("There is no parameter %q. Did you mean %q?", name, suggestion)
		}
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown reference", Detail: detail, Subject: traversal.SourceRange().Ptr()})
	}
	return diags
}

func invalidParameter(at hcl.Range, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Invalid parameter", Detail: detail, Subject: at.Ptr()}
}

// maxCalls bounds how deep functions call each other.
const maxCalls = 100

// calling finds calls of functions of a module in a text.
var calling = regexp.MustCompile(functionRoot + `::([\pL_][\pL\pN_-]*)\s*\(`)

// calls returns the names of the functions of the module that an expression calls.
// In JSON it is what looks like one.
func (m *Module) calls(expr hcl.Expression) []string {
	var names []string
	native, ok := expr.(hclsyntax.Node)
	if !ok {
		file, at := m.files[expr.Range().Filename], expr.Range()
		if file != nil && at.CanSliceBytes(file.Bytes) {
			for _, found := range calling.FindAllSubmatch(at.SliceBytes(file.Bytes), -1) {
				names = append(names, string(found[1]))
			}
		}
		return names
	}
	_ = hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			if name, ours := strings.CutPrefix(call.Name, functionRoot+"::"); ours {
				names = append(names, name)
			}
		}
		return nil
	})
	return names
}

// brokenFunction stands for a function that has errors: what is made of it is not
// known, and whoever calls it is broken, too.
var brokenFunction = function.New(&function.Spec{
	VarParam: &function.Parameter{
		Name: "args", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowMarked: true, AllowNull: true, AllowUnknown: true,
	},
	Type: function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func([]cty.Value, cty.Type) (cty.Value, error) { return cty.DynamicVal, nil },
})

// hasBroken reports whether the unit has a function of a name that has errors.
func (u *unit) hasBroken(name string) bool {
	b := u.find(addr.Address{Kind: functionRoot, Name: name})
	return b != nil && b.broken
}

// callsBroken reports whether an expression calls a function that has errors.
func (m *Module) callsBroken(u *unit, expr hcl.Expression) bool {
	return u.brokenFunctions && slices.ContainsFunc(m.calls(expr), u.hasBroken)
}

// callsItself returns the way from a function back to itself, nil where there is
// none.
func (m *Module) callsItself(defined map[string]*userFunction, start string) []string {
	seen := map[string]bool{}
	var walk func(name string, path []string) []string
	walk = func(name string, path []string) []string {
		path = append(path, functionRoot+"::"+name)
		f := defined[name]
		if f == nil || seen[name] {
			return nil
		}
		seen[name] = true
		for _, called := range m.calls(f.result) {
			if called == start {
				return append(path, path[0])
			}
			if found := walk(called, path); found != nil {
				return found
			}
		}
		return nil
	}
	return walk(start, nil)
}

// function is the block as cty calls it. Unknown and sensitive arguments reach the
// result as they would if it were written where it is called.
func (f *userFunction) function() function.Function {
	spec := &function.Spec{
		// Which type it is, only the result tells, and to make that twice would double the
		// work with every function in between.
		Type: function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.call(args) },
	}
	parameter := func(name string) function.Parameter {
		return function.Parameter{
			Name: name, Type: cty.DynamicPseudoType,
			AllowDynamicType: true, AllowMarked: true, AllowNull: true, AllowUnknown: true,
		}
	}
	for _, name := range f.params {
		spec.Params = append(spec.Params, parameter(name))
	}
	if f.variadic != "" {
		variadic := parameter(f.variadic)
		spec.VarParam = &variadic
	}
	return function.New(spec)
}

func (f *userFunction) call(args []cty.Value) (cty.Value, error) {
	u := f.block.unit
	if u.depth >= maxCalls {
		return cty.DynamicVal, fmt.Errorf("functions call each other more than %d deep", maxCalls)
	}
	u.depth++
	defer func() { u.depth-- }()
	ctx := f.scope.NewChild()
	ctx.Variables = make(map[string]cty.Value, len(args))
	for i, name := range f.params {
		ctx.Variables[name] = args[i]
	}
	if f.variadic != "" {
		ctx.Variables[f.variadic] = cty.TupleVal(args[len(f.params):])
	}
	v, diags := schema.Evaluate(f.result, ctx)
	if diags.HasErrors() {
		return cty.DynamicVal, fmt.Errorf("%s: %s", diags[0].Summary, strings.TrimSuffix(diags[0].Detail, "."))
	}
	return v, nil
}

// bindFunctions gives the functions of the module each other, and the language's.
func (u *unit) bindFunctions(scope *hcl.EvalContext) {
	for _, f := range u.userFunctions {
		f.scope = scope
	}
}
