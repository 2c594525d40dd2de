package eval

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/source"
)

// Options are what evaluating needs besides the module.
type Options struct {
	// Variables are the values given for variables; of several for one variable the
	// last counts. ReadVariables makes them.
	Variables []VariableInput
	// Reader reads what generators need of the outside world. Without one, what
	// depends on it is unknown and ends in Result.Deferred, and so do variables
	// without a value.
	Reader Reader
	// Partial leaves variables without a value unknown although there is a Reader.
	Partial bool
	// Fixtures are what a test gives in place of what blocks say or read; may be nil.
	Fixtures *Fixtures
}

// Reader reads sources.
type Reader interface {
	// Read returns the content of a location, and what it was. Its errors hold no
	// credentials.
	Read(ctx context.Context, location source.Location) (tree fs.FS, pin source.Pin, err error)
}

// Evaluate evaluates the module: every expression that is needed, once for each
// instance of its module, in the order of the references. The Result is never nil and
// has everything that is sound; the applications that are not are in Result.Broken.
func (m *Module) Evaluate(ctx context.Context, options Options) (*Result, hcl.Diagnostics) {
	result, _, diags := m.EvaluateScope(ctx, options)
	return result, diags
}

// EvaluateScope is Evaluate for who goes on to ask: the Scope evaluates further
// expressions.
func (m *Module) EvaluateScope(ctx context.Context, options Options) (*Result, *Scope, hcl.Diagnostics) {
	e := &Evaluation{
		module: m, ctx: ctx, reader: options.Reader, partial: options.Partial, fixtures: options.Fixtures,
		functions: make([]*hcl.EvalContext, len(m.units)),
		frames:    make([][]*frame, len(m.units)),
		result:    &Result{Incomplete: m.missing, Pins: slices.Clone(m.pins)},
		indirect:  map[indirectKey][]dependency{},
	}
	for _, u := range m.units {
		u.fs.since(u.read)
		e.functions[u.id] = functionsOf(u)
	}
	e.newFrame(m.root, nil)
	e.diags = append(e.diags, e.giveVariables(options.Variables)...)
	for _, b := range m.order {
		if err := ctx.Err(); err != nil {
			e.diags = append(e.diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Interrupted",
				Detail:   fmt.Sprintf("Evaluating the configuration was stopped: %s.", context.Cause(ctx)),
			})
			e.result.Incomplete = true
			break
		}
		for _, f := range e.frames[b.unit.id] {
			e.evaluate(f, b)
		}
	}
	nameInstances(e.diags)
	return e.result, &Scope{evaluation: e}, Tidy(e.diags)
}

// Evaluation is one run of Evaluate.
type Evaluation struct {
	module    *Module
	ctx       context.Context
	reader    Reader
	partial   bool
	fixtures  *Fixtures
	functions []*hcl.EvalContext // by unit.id
	inputs    map[string]VariableInput
	frames    [][]*frame // by unit.id
	result    *Result
	indirect  map[indirectKey][]dependency
	diags     hcl.Diagnostics
}

// functionsOf returns the functions that there are in a module.
func functionsOf(u *unit) *hcl.EvalContext {
	functions := function.Functions(u.fs)
	for name, f := range u.functions {
		functions[name] = f
	}
	ctx := &hcl.EvalContext{Functions: functions}
	u.bindFunctions(ctx)
	return ctx
}

// evaluate evaluates one block, whose needs have been evaluated.
func (e *Evaluation) evaluate(f *frame, b *block) {
	r := f.result(b)
	if b.duplicate && b.kind != nil && b.kind.Guards {
		e.result.Unguarded = true
	}
	if b.duplicate && (b.kind.Type == ordered || b.kind.Type == moduleType) {
		e.leaveAddress(f.addressOf(b), b.header, true)
	}
	switch {
	case b.skip:
		r.value, r.failed = cty.DynamicVal, true
		if !b.isGroup() {
			e.leave(f, b, true)
		}
	case b.isGroup():
		f.group(b)
		r.failed, r.deferred = f.upstream(b)
	case b.attribute != nil:
		e.evaluateLocal(f, b)
	default:
		e.evaluateInstances(f, b)
	}
}

// upstream tells whether anything that a block needs has errors, or is unknown
// for want of the outside world.
func (f *frame) upstream(b *block) (failed, deferred bool) {
	for _, need := range b.needs {
		if need.unit == f.unit {
			r := f.result(need)
			failed, deferred = failed || r.failed, deferred || r.deferred
			continue
		}
		for _, r := range f.resultsOf(need) {
			failed = failed || r.failed
			deferred = deferred || r.deferred
		}
	}
	return failed, deferred
}

func (e *Evaluation) evaluateLocal(f *frame, b *block) {
	r := f.result(b)
	v, diags := schema.Evaluate(b.attribute.Expr, e.scope(f, b))
	e.diags = append(e.diags, diags...)
	r.value = v
	e.settle(f, b, diags.HasErrors() || b.broken, value.IsWhollyKnown(v))
}

// settle records whether what a block came to can be relied on. An unknown value
// comes from an error before it, or from the outside world.
func (e *Evaluation) settle(f *frame, b *block, failed, known bool) {
	r := f.result(b)
	upFailed, upDeferred := f.upstream(b)
	r.failed = r.failed || failed || !known && upFailed
	r.deferred = r.deferred || !known && upDeferred
	if failed {
		r.value = cty.DynamicVal
	}
}

// leave records an application that cannot be told, or a module all of whose
// applications cannot.
func (e *Evaluation) leave(f *frame, b *block, failed bool) {
	if b.kind.Vital {
		e.result.Incomplete = true
	}
	e.result.Unguarded = e.result.Unguarded || b.kind.Guards
	if b.kind.Type == ordered || b.kind.Type == moduleType && b.skip {
		e.leaveAddress(f.addressOf(b), b.header, failed)
	}
}

func (e *Evaluation) leaveAddress(a addr.Address, at hcl.Range, failed bool) {
	if failed {
		e.result.Broken = append(e.result.Broken, Broken{Address: a, Range: at})
	} else if !slices.Contains(e.result.Deferred, a) {
		e.result.Deferred = append(e.result.Deferred, a)
	}
}

// Offline reports whether there is no Reader.
func (e *Evaluation) Offline() bool { return e.reader == nil }

// Read reads a location through the Reader, which there must be. What was read is
// pinned. Its errors hold no credentials.
func (e *Evaluation) Read(location source.Location) (fs.FS, error) {
	tree, pin, err := e.reader.Read(e.ctx, location)
	if err != nil {
		return nil, err
	}
	e.result.Pins = append(e.result.Pins, pin)
	return tree, nil
}

// Version is gantry's own version; it may be empty.
func (e *Evaluation) Version() string { return e.module.options.Version }
