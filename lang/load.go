package lang

import (
	"context"
	"io/fs"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/govern"
)

// What a configuration is beyond deliveries is eval's; these are its names here.
type (
	// Broken is an application that has errors.
	Broken = eval.Broken
	// Dependency is one edge between applications, and where it was written.
	Dependency = eval.Dependency
	// Output is a value that the root module gives to others.
	Output = eval.Output
	// Node is one block in the graph of references.
	Node = eval.Node
	// Variable is one input variable and where its value came from.
	Variable = eval.Variable
	// VariableInput is one value given for a variable.
	VariableInput = eval.VariableInput
	// VarArgs are what the command line and the environment say about variables.
	VarArgs = eval.VarArgs
	// EvalOptions are what evaluating needs besides the module.
	EvalOptions = eval.Options
	// Reader reads sources.
	Reader = eval.Reader
	// PluginCall is one request to a service.
	PluginCall = eval.PluginCall
	// PluginCaller is a Reader that can ask services, too.
	PluginCaller = eval.PluginCaller
	// ResourceReader is a Reader that can read objects of clusters, too.
	ResourceReader = eval.ResourceReader
	// ResourceQuery names objects of a cluster.
	ResourceQuery = eval.ResourceQuery
	// RemoteState says where the state of another configuration is kept.
	RemoteState = eval.RemoteState
	// Fixtures are what a test gives in place of what blocks say or read.
	Fixtures = eval.Fixtures
	// Scope evaluates expressions in an evaluated configuration.
	Scope = eval.Scope
	// HideSource is the Extra of a diagnostic whose lines of source must not be shown.
	HideSource = eval.HideSource
	// AboutPlans is the Extra of a warning that is for who plans or validates.
	AboutPlans = govern.AboutPlans
)

// Answered is the origin of a variable's value that somebody was asked for.
const Answered = eval.Answered

// LoadOptions are what loading needs besides the directory.
type LoadOptions struct {
	// FS is the module's directory; nil is the one on disk. Paths cannot leave it.
	FS fs.FS
	// Version is gantry's own, which required_version is held against; empty meets
	// every requirement.
	Version string
	// Parse reads a file of configuration; nil is syntax.Parse. Who loads a module
	// again and again has the files that are still the same parsed already.
	Parse func(src []byte, filename string) (*hcl.File, hcl.Diagnostics)
	// Modules reads the modules that are no local paths; without one they cannot be
	// read, which is an error.
	Modules ModuleReader
	// OpenDir opens the directory of a module that is called by a path; nil opens
	// those on disk or, with FS, those below it.
	OpenDir func(dir string) (fs.FS, error)
	// Context ends the reading of modules; nil never does.
	Context context.Context
}

// Module is a directory of configuration, parsed and with its references
// resolved. It may be evaluated several times, one at a time.
type Module struct {
	*eval.Module
}

// Load reads the configuration in a directory: all *.gantry.hcl and *.gantry.json
// files as one. It reports what can be told without evaluating anything. The module
// is never nil; what is sound of it can be evaluated whatever else is broken.
func Load(dir string, options LoadOptions) (*Module, hcl.Diagnostics) {
	ctx := options.Context
	if ctx == nil {
		ctx = context.Background()
	}
	m, diags := eval.Load(ctx, dir, eval.LoadOptions{
		FS: options.FS, Version: options.Version, Modules: options.Modules, OpenDir: options.OpenDir, Kinds: kinds(), Parse: options.Parse,
	})
	return &Module{Module: m}, diags
}

// ReadVariables collects the values given for a module's variables in order of
// precedence, later ones win: GANTRY_VAR_*, gantry.vars.hcl, *.auto.vars.hcl by
// name, --var-file, --var.
func ReadVariables(m *Module, args VarArgs) ([]VariableInput, hcl.Diagnostics) {
	return eval.ReadVariables(m.Module, args)
}

// Evaluate evaluates the module: every expression that is needed, once, in the
// order of the references. The Config is never nil and has everything that is
// sound; the applications that are not are in Config.Broken.
func (m *Module) Evaluate(ctx context.Context, options EvalOptions) (*Config, hcl.Diagnostics) {
	c, _, diags := m.EvaluateScope(ctx, options)
	return c, diags
}

// EvaluateScope is Evaluate for who goes on to ask: the Scope evaluates further
// expressions, as the console and tests do.
func (m *Module) EvaluateScope(ctx context.Context, options EvalOptions) (*Config, *Scope, hcl.Diagnostics) {
	result, scope, diags := m.Module.EvaluateScope(ctx, options)
	c, more := configOf(m.Module, result, scope, options)
	return c, scope, eval.Tidy(append(diags, more...))
}
