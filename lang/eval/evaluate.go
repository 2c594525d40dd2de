package eval

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
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

// Evaluate evaluates the module: every expression that is needed, once, in the
// order of the references. The Result is never nil and has everything that is
// sound; the applications that are not are in Result.Broken.
func (m *Module) Evaluate(ctx context.Context, options Options) (*Result, hcl.Diagnostics) {
	result, _, diags := m.EvaluateScope(ctx, options)
	return result, diags
}

// EvaluateScope is Evaluate for who goes on to ask: the Scope evaluates further
// expressions.
func (m *Module) EvaluateScope(ctx context.Context, options Options) (*Result, *Scope, hcl.Diagnostics) {
	e := &Evaluation{
		module: m, ctx: ctx, reader: options.Reader, partial: options.Partial, fixtures: options.Fixtures,
		functions: &hcl.EvalContext{Functions: function.Functions(m.fs)},
		results:   make([]result, len(m.blocks)),
		result:    &Result{Incomplete: m.missing},
		indirect:  map[*block][]Dependency{},
	}
	m.fs.since(m.read)
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
		e.evaluate(b)
	}
	return e.result, &Scope{evaluation: e}, Tidy(e.diags)
}

// Evaluation is one run of Evaluate.
type Evaluation struct {
	module    *Module
	ctx       context.Context
	reader    Reader
	partial   bool
	fixtures  *Fixtures
	functions *hcl.EvalContext
	inputs    map[string]VariableInput
	results   []result // by block.id
	result    *Result
	indirect  map[*block][]Dependency
	diags     hcl.Diagnostics
}

// result is what a block came to.
type result struct {
	value    cty.Value // what references to it have
	failed   bool      // it, or what it needs, has errors; its value is unknown, or parts of it are
	deferred bool      // parts of its value are unknown, as there is no outside world
	keys     []string  // of its instances, sorted; nil where they are not known
	broken   map[string]bool
}

// evaluate evaluates one block, whose needs have been evaluated.
func (e *Evaluation) evaluate(b *block) {
	r := &e.results[b.id]
	switch {
	case b.isGroup():
		e.group(b)
		r.failed, r.deferred = e.upstream(b)
	case b.skip:
		r.value, r.failed = cty.DynamicVal, true
		e.leave(b, true)
	case b.attribute != nil:
		e.evaluateLocal(b)
	default:
		e.evaluateInstances(b)
	}
}

// upstream tells whether anything that a block needs has errors, or is unknown
// for want of the outside world.
func (e *Evaluation) upstream(b *block) (failed, deferred bool) {
	for _, need := range b.needs {
		failed = failed || e.results[need.id].failed
		deferred = deferred || e.results[need.id].deferred
	}
	return failed, deferred
}

func (e *Evaluation) evaluateLocal(b *block) {
	r := &e.results[b.id]
	v, diags := schema.Evaluate(b.attribute.Expr, e.scope(b))
	e.diags = append(e.diags, diags...)
	r.value = v
	e.settle(b, diags.HasErrors() || b.broken, v.IsWhollyKnown())
}

// settle records whether what a block came to can be relied on. An unknown value
// comes from an error before it, or from the outside world.
func (e *Evaluation) settle(b *block, failed, known bool) {
	r := &e.results[b.id]
	upFailed, upDeferred := e.upstream(b)
	r.failed = r.failed || failed || !known && upFailed
	r.deferred = r.deferred || !known && upDeferred
	if failed {
		r.value = cty.DynamicVal
	}
}

// leave records an application that cannot be told.
func (e *Evaluation) leave(b *block, failed bool) {
	if b.kind.Type != "application" {
		return
	}
	if failed {
		e.result.Broken = append(e.result.Broken, Broken{Address: b.address, Range: b.header})
	} else {
		e.result.Deferred = append(e.result.Deferred, b.address)
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
func (e *Evaluation) Version() string { return e.module.version }
