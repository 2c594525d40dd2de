package eval

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// Instance is a block for one element of its for_each, or the only one where it
// has none.
type Instance struct {
	Address addr.Address
	Values  *schema.Values
	Failed  bool // there are errors in it
	// Deferred is set by a decoder that would have needed the outside world.
	Deferred bool

	module *Module
	block  *block
	frame  *frame
	ctx    *hcl.EvalContext
	diags  hcl.Diagnostics
	made   Decoded
}

// Name is what the instance is called: its key, or its block's name.
func (in *Instance) Name() string {
	if in.Address.HasKey {
		return in.Address.Key
	}
	return in.Address.Name
}

// QualifiedName is what the instance is called across modules: the names and keys of
// the modules that it is in, its own name, and its key.
func (in *Instance) QualifiedName() string {
	name := in.Address.Name
	if in.Address.HasKey {
		name += "-" + in.Address.Key
	}
	for f := in.frame; f.parent != nil; f = f.parent {
		above := f.call.Address.Name
		if f.hasKey {
			above += "-" + f.key
		}
		name = above + "-" + name
	}
	return name
}

// Module returns the path of the directory of the instance's module from that of the
// root module, with slashes, which paths in the module are from. It is empty for the
// root module, and false where the module is not on this machine's disk.
func (in *Instance) Module() (directory string, onDisk bool) {
	return in.block.unit.path, in.block.unit.remote == nil
}

// Lifecycles returns the lifecycle blocks of the module blocks above the instance,
// outermost first.
func (in *Instance) Lifecycles() []*schema.Values { return in.frame.lifecycles() }

// Errorf reports an error in the instance.
func (in *Instance) Errorf(at hcl.Range, summary, format string, args ...any) {
	in.Report(&hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(format, args...),
		Subject:  at.Ptr(),
	})
}

// ErrorAt reports an error in an argument's value, with the values that it came
// from.
func (in *Instance) ErrorAt(values *schema.Values, argument, summary, format string, args ...any) {
	diag := &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(format, args...),
		Subject:  values.RangeOf(argument).Ptr(),
	}
	if v, ok := values.Get(argument); ok {
		diag.Expression, diag.EvalContext = v.Expr, v.Context
	}
	if summary == CredentialsInURL {
		diag.Expression, diag.EvalContext, diag.Extra = nil, nil, HideSource{}
	}
	in.Report(diag)
}

// Report reports diagnostics in the instance.
func (in *Instance) Report(diags ...*hcl.Diagnostic) {
	for _, diag := range diags {
		in.Failed = in.Failed || diag.Severity == hcl.DiagError
		if diag.Summary == "Unsupported attribute" && in.block.wasReported(diag.Subject) {
			continue
		}
		in.diags = append(in.diags, diag)
	}
}

// evaluateInstances evaluates a block for every element of its for_each.
func (e *Evaluation) evaluateInstances(f *frame, b *block) {
	ctx := e.scope(f, b)
	address := f.addressOf(b)
	if b.forEach == nil {
		v, ok := e.evaluateInstance(f, b, address, ctx)
		r := f.result(b)
		r.value = v
		if !ok {
			e.leave(f, b, r.failed)
		}
		return
	}
	elements, known, diags := forEachElements(b, ctx)
	e.diags = append(e.diags, diags...)
	r := f.result(b)
	if diags.HasErrors() || !known {
		placeholder := e.decode(f, b, address, withEach(ctx, cty.UnknownVal(cty.String), cty.DynamicVal))
		e.diags = append(e.diags, placeholder.diags...)
		r.value = cty.DynamicVal
		e.settle(f, b, diags.HasErrors() || placeholder.Failed || b.broken, false)
		e.call(f, b, placeholder, false)
		e.leave(f, b, r.failed)
		return
	}
	if called := b.unit.children[b.address.Name]; b.kind.Type == moduleType && called != nil {
		f.children[called] = &expansion{known: true} // also where it has no instance
	}
	attributes := make(map[string]cty.Value, len(elements))
	r.keys = make([]string, 0, len(elements))
	for _, element := range elements {
		v, ok := e.evaluateInstance(f, b, address.Instance(element.key), withEach(ctx, cty.StringVal(element.key), element.value))
		attributes[element.key] = v
		r.keys = append(r.keys, element.key)
		if !ok && b.kind.Vital {
			e.result.Incomplete = true
		}
		e.result.Unguarded = e.result.Unguarded || !ok && b.kind.Guards
		if !ok && b.kind.Type == ordered {
			e.leaveAddress(address.Instance(element.key), b.header, r.broken[element.key])
		}
	}
	r.value = cty.ObjectVal(attributes)
	if b.broken {
		r.value, r.failed = cty.DynamicVal, true
	}
}

// decode decodes one instance.
func (e *Evaluation) decode(f *frame, b *block, address addr.Address, ctx *hcl.EvalContext) *Instance {
	in := &Instance{module: e.module, block: b, frame: f, Address: address, ctx: ctx}
	var diags hcl.Diagnostics
	in.Values, diags = e.fixtures.parsed(b, address).Decode(ctx)
	in.Report(diags...)
	in.made = b.kind.Decode(e, in)
	return in
}

// evaluateInstance decodes one instance, and puts it into the Result if it is
// sound. It returns the value that references to it have.
func (e *Evaluation) evaluateInstance(f *frame, b *block, address addr.Address, ctx *hcl.EvalContext) (cty.Value, bool) {
	in := e.decode(f, b, address, ctx)
	e.collect(in)
	r := f.result(b)
	upFailed, upDeferred := f.upstream(b)
	known := in.Values.Known() && !in.Deferred && value.IsWhollyKnown(in.made.Value)
	sound := !in.Failed && !b.broken
	e.call(f, b, in, sound && known)
	switch {
	case !sound || upFailed && (!known || f.placeholder):
		r.fail(address.Key)
		return cty.DynamicVal, false
	case !known && !upDeferred && !in.Deferred:
		e.diags = append(e.diags, notKnown(b))
		r.fail(address.Key)
		return cty.DynamicVal, false
	case !known:
		r.deferred = true
		return in.made.Value, false
	case f.placeholder:
		r.deferred = true
		return in.made.Value, false
	}
	if in.made.Made != nil {
		e.result.Made = append(e.result.Made, in.made.Made)
	}
	return in.made.Value, true
}

// call makes the instance of a module that an instance of its block calls for. One
// that is not sound is evaluated all the same, for what else is wrong.
func (e *Evaluation) call(f *frame, b *block, in *Instance, sound bool) {
	if b.kind.Type != moduleType {
		return
	}
	if called := b.unit.children[b.address.Name]; called == nil || called.partial {
		e.leaveAddress(f.addressOf(b), b.header, true)
	}
	e.instantiate(b, f, in, !sound)
}

// notKnown reports a value that is unknown although everything before it is
// known.
func notKnown(b *block) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Value not known",
		Detail:   fmt.Sprintf("A value in %s cannot be told when the plan is made, although everything that it refers to can. This is a bug in gantry.", b.address),
		Subject:  b.header.Ptr(),
	}
}

func withEach(ctx *hcl.EvalContext, key, v cty.Value) *hcl.EvalContext {
	child := ctx.NewChild()
	child.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": v})}
	return child
}

type element struct {
	key   string
	value cty.Value
}

// forEachElements evaluates a for_each argument. It returns its elements sorted
// by key, and whether they are known.
func forEachElements(b *block, ctx *hcl.EvalContext) ([]element, bool, hcl.Diagnostics) {
	v, diags := schema.Evaluate(b.forEach, ctx)
	if diags.HasErrors() {
		return nil, false, diags
	}
	problem := func(format string, args ...any) ([]element, bool, hcl.Diagnostics) {
		return nil, false, append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid for_each argument",
			Detail:   fmt.Sprintf(format, args...),
			Subject:  b.forEach.Range().Ptr(), Expression: b.forEach, EvalContext: ctx,
		})
	}
	const expected = "for_each takes a map, an object, a set of strings or a generator"
	if v.IsMarked() {
		return problem("The keys of for_each are part of addresses, which are shown everywhere, so that it cannot be a sensitive value.")
	}
	ty := v.Type()
	if ref, ok := value.ReferenceOf(v); ok {
		return problem("%s, but this is %s, a single block.", expected, ref.Address)
	}
	switch {
	case !v.IsKnown():
		return nil, false, diags
	case v.IsNull():
		return problem("%s, but this is null. Where there should be no instance, give {}.", expected)
	case ty.IsTupleType() || ty.IsListType():
		return problem("%s, but this is a list, whose elements would have no names of their own. For strings use toset(...); for objects a for expression that gives each a key, such as { for x in LIST : x.name => x }, or a generator \"list\".", expected)
	case ty.IsSetType() && ty.ElementType() != cty.String && v.LengthInt() > 0:
		return problem("%s, but this is a set of another type. Use a map: its keys name the instances.", expected)
	case !ty.IsObjectType() && !ty.IsMapType() && !ty.IsSetType():
		return problem("%s, but this is %s.", expected, value.Kind(v))
	}
	elements := make([]element, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		key, item := it.Element()
		if ty.IsSetType() {
			key = item
		}
		if !key.IsKnown() {
			return nil, false, diags
		}
		if key.IsNull() {
			return problem("The set holds null, which can be no key.")
		}
		elements = append(elements, element{key: key.AsString(), value: item})
	}
	return elements, true, diags
}

// CredentialsInURL is the summary of the diagnostics about a credential that is
// written where it would be shown.
const CredentialsInURL = "Credentials in a URL"

// HideSource is the Extra of a diagnostic whose lines of source must not be shown,
// for they hold a credential.
type HideSource struct{}
