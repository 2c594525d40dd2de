package eval

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/modulesource"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// moduleType is the type of the blocks that call modules.
const moduleType = "module"

// ModuleKind declares module blocks. lifecycle is the block of this name.
func ModuleKind(lifecycle *schema.Block) *Kind {
	return &Kind{
		Block: &schema.Block{
			Type:   moduleType,
			Labels: []string{"name"},
			Open:   true,
			Doc: "Another directory of configuration, with values for its variables. All arguments that are not listed here are such values. " +
				"What the module declares as outputs is `module.NAME.OUTPUT` here, and with `for_each` `module.NAME[KEY].OUTPUT`; nothing else of it can be referred to. " +
				"A module uses the clusters and projects that are passed to it, in variables of the types `cluster` and `project`, and paths in it are from its own directory.",
			Example: `module "platform" {
  source   = "./platform"
  for_each = generator.clusters.production

  cluster = each.value.cluster
  project = project.production
}`,
			Arguments: []schema.Argument{
				{Name: "source", Type: schema.String, Required: true, Doc: "Where the module is: a path that begins with `./` or `../`, a git repository such as `git::https://github.com/example/modules.git//platform?ref=v1.2.0`, or an OCI artifact such as `oci://registry.example.com/modules/platform:1.2.0`. It is written as text: nothing can be computed in it."},
				{Name: "version", Type: schema.String, Default: "what `source` says", Doc: "The versions that will do, among the tags of a git repository or an OCI artifact: `^1.2`, for example. The newest is taken and kept in the lock file."},
				{Name: "for_each", Type: schema.ForEach, Doc: "Makes an instance of the module for every element, which is `each.value` in this block, and its key `each.key`."},
				{Name: "depends_on", Type: schema.Addresses, Doc: "Blocks that all applications of the module wait for."},
			},
			Blocks: []schema.Nested{{Block: lifecycle, Max: 1}},
		},
		Root:   moduleType,
		Decode: decodeCall,
	}
}

func decodeCall(_ *Evaluation, in *Instance) Decoded {
	if lifecycle := in.Values.One("lifecycle"); lifecycle != nil {
		in.CheckConditions(lifecycle.Blocks("precondition"), "Precondition failed")
	}
	return Decoded{Value: cty.EmptyObjectVal}
}

// loadCall loads the module that a block calls.
func (m *Module) loadCall(ctx context.Context, u *unit, b *block) hcl.Diagnostics {
	text, version, diags := moduleArguments(b)
	if diags.HasErrors() || !b.hasArgument("source") {
		b.broken = true
		return diags
	}
	called := m.newUnit(u, b)
	if diag := m.openCalled(ctx, called, text, version); diag != nil {
		called.incomplete(m)
		b.broken = true
		return append(diags, diag)
	}
	if diag := called.recursion(); diag != nil {
		called.incomplete(m)
		b.broken = true
		return append(diags, diag)
	}
	more := m.loadUnit(ctx, called)
	b.broken = b.broken || called.partial
	diags = append(diags, more...)
	return append(diags, called.bind()...)
}

// moduleArguments reads the arguments source and version, which are text.
func moduleArguments(b *block) (text, version string, diags hcl.Diagnostics) {
	for _, attribute := range b.parsed.Attributes {
		var into *string
		switch attribute.Name {
		case "source":
			into = &text
		case "version":
			into = &version
		default:
			continue
		}
		v, problems := attribute.Expr.Value(nil)
		if len(attribute.Expr.Variables()) > 0 || problems.HasErrors() || v.Type() != cty.String || v.IsNull() {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Invalid module source",
				Detail:   fmt.Sprintf("The argument %q must be text in quotes: the modules are read before anything is evaluated.", attribute.Name),
				Subject:  attribute.Expr.Range().Ptr(),
			})
			continue
		}
		*into = v.AsString()
	}
	return text, version, diags
}

// openCalled finds the directory of a called module.
func (m *Module) openCalled(ctx context.Context, called *unit, text, version string) *hcl.Diagnostic {
	b, u := called.call, called.parent
	at := b.rangeOfArgument("source")
	problem := func(summary, format string, args ...any) *hcl.Diagnostic {
		return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: at.Ptr()}
	}
	from, local, err := modulesource.Parse(text, version)
	if errors.Is(err, modulesource.ErrCredentials) {
		hidden := problem(CredentialsInURL, "The source of the module cannot be used: %s.", err)
		hidden.Extra = HideSource{}
		return hidden
	}
	if err != nil {
		return problem("Invalid module source", "The source %q cannot be used: %s", text, schema.Sentence(err.Error()))
	}
	if local && u.remote == nil {
		called.path, called.dir = path.Join(u.path, text), filepath.Join(u.dir, filepath.FromSlash(text))
		files, err := m.openDir(called)
		if err != nil {
			return problem("Module not found", "The directory %s cannot be read: %s. The path is from the directory of the module that calls it.", called.dir, value.FileFault(err))
		}
		called.fs = newRecorder(files)
		return nil
	}
	if local {
		from = *u.remote
		from.Subdir = path.Join(from.Subdir, text)
		if from.Subdir == "." {
			from.Subdir = ""
		}
		if strings.HasPrefix(from.Subdir, "..") {
			return problem("Module not found", "The path %q leads out of the source %s, in which the module is that calls it.", text, u.remote)
		}
	}
	from.Address = b.address.String()
	called.remote, called.dir = &from, from.String()
	if m.options.Modules == nil {
		return problem("Module not available", "The module is at %s, which cannot be read here. Only modules with a path as their source can.", called.dir)
	}
	files, pin, err := m.options.Modules.ReadModule(ctx, from)
	if err != nil {
		return problem("Module not available", "The module at %s cannot be read: %s.", called.dir, err)
	}
	called.fs = newRecorder(files)
	m.pins = append(m.pins, pin)
	return nil
}

func (m *Module) openDir(called *unit) (fs.FS, error) {
	switch {
	case m.options.OpenDir != nil:
		return m.options.OpenDir(called.dir)
	case m.options.FS != nil:
		if !fs.ValidPath(called.path) {
			return nil, errors.New("it is outside the configuration")
		}
		if _, err := fs.Stat(m.options.FS, called.path); err != nil {
			return nil, err
		}
		return fs.Sub(m.options.FS, called.path)
	}
	root, err := os.OpenRoot(called.dir)
	if err != nil {
		return nil, err
	}
	return root.FS(), nil
}

// recursion reports a module that calls itself, directly or through others.
func (u *unit) recursion() *hcl.Diagnostic {
	identity := func(u *unit) string {
		if u.remote != nil {
			return u.dir
		}
		return "./" + u.path
	}
	for at := u.parent; at != nil; at = at.parent {
		if identity(at) != identity(u) {
			continue
		}
		var calls []string
		for step := u; step != at; step = step.parent {
			calls = append([]string{fmt.Sprintf("\n  %s (%s)", step.address, step.call.header)}, calls...)
		}
		return &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Module calls itself",
			Detail:   fmt.Sprintf("The calls never end, as %s is called from within itself:%s\nRemove one of these module blocks.", displayDir(u.dir), strings.Join(calls, "")),
			Subject:  u.call.rangeOfArgument("source").Ptr(),
		}
	}
	return nil
}

// bind gives the module's variables the arguments of the block that calls it.
func (u *unit) bind() hcl.Diagnostics {
	var diags hcl.Diagnostics
	var names []string
	callBroken := u.call.broken
	for _, b := range u.blocks {
		if b.kind.Root != variableRoot {
			continue
		}
		names = append(names, b.address.Name)
		b.input = u.call.inputs[b.address.Name]
		if b.input == nil && !b.hasArgument("default") && !b.broken && !callBroken {
			u.call.broken = true
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Missing module argument",
				Detail:   fmt.Sprintf("The module needs the argument %q: its variable at %s has no default.", b.address.Name, b.header),
				Subject:  u.call.header.Ptr(),
			})
		}
	}
	for _, name := range schema.SortedKeys(u.call.inputs) {
		if u.find(addr.Address{Kind: variableRoot, Name: name}) != nil || u.partial {
			continue
		}
		detail := fmt.Sprintf("The module has no variable %q, and a module block no argument of this name.", name)
		if suggestion := schema.Suggest(name, append(names, "source", "version", "for_each", "depends_on")); suggestion != "" {
			detail += fmt.Sprintf(" Did you mean %q?", suggestion)
		} else if len(names) > 0 && len(names) <= maxListed {
			detail += " Its variables are " + schema.List(names, "and") + "."
		}
		u.call.broken = true
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Unsupported argument",
			Detail:   detail,
			Subject:  u.call.inputs[name].NameRange.Ptr(),
		})
	}
	return diags
}

// maxListed is how many names a message lists.
const maxListed = 12

func (b *block) hasArgument(name string) bool {
	for _, attribute := range b.parsed.Attributes {
		if attribute.Name == name {
			return true
		}
	}
	return false
}

// rangeOfArgument returns where an argument's value is, or the block's header.
func (b *block) rangeOfArgument(name string) hcl.Range {
	for _, attribute := range b.parsed.Attributes {
		if attribute.Name == name {
			return attribute.Expr.Range()
		}
	}
	return b.header
}
