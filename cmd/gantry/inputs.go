package main

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang"
)

// inputs are the flags that say what a configuration is evaluated with: values of
// variables, and whether all that it reads must be locked.
type inputs struct {
	vars     []string
	varFiles []string
	answers  []string // name=value: no flag, what was asked for on the terminal
	locked   bool
	partial  bool // no flag: variables without a value are unknown
	former   bool // no flag: values of variables that the configuration did not have yet are left out
	closed   bool // no flag: the environment gives no variables
}

// register adds the flags to a command.
func (in *inputs) register(c *cli, command *cobra.Command) {
	flags := command.Flags()
	flags.StringArrayVar(&in.vars, "var", nil, "a variable's value, as `name=value`; may be repeated")
	flags.StringArrayVar(&in.varFiles, "var-file", nil, "a `file` of variables' values, as seen from the current directory; may be repeated")
	flags.BoolVar(&in.locked, "locked", false, "refuse to read what the lock file does not have, or has differently")
	complete(command, "var", c.variableCompletions())
	complete(command, "var-file", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"hcl"}, cobra.ShellCompDirectiveFilterFileExt
	})
}

// loaded is a configuration, and its files for showing diagnostics.
type loaded struct {
	config *lang.Config
	scope  *lang.Scope // evaluates further expressions
	files  map[string]*hcl.File
}

// evaluate reads the configuration. Without a reader nothing of the outside world
// is read, variables need no values, and modules come from the cache. The error is
// of the command line; what is wrong with the configuration is in the diagnostics,
// and what is sound is loaded.
func (c *cli) evaluate(ctx context.Context, in *inputs, reader lang.Reader) (*loaded, hcl.Diagnostics, error) {
	return c.evaluateTree(ctx, in, reader, nil, nil)
}

// evaluateTree is evaluate with the configuration's files from elsewhere, and with
// what opens the directories of its modules; nil is what is on disk.
func (c *cli) evaluateTree(ctx context.Context, in *inputs, reader lang.Reader, tree fs.FS, openDir func(string) (fs.FS, error)) (*loaded, hcl.Diagnostics, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, nil, err
	}
	args := lang.VarArgs{Vars: in.vars, VarFiles: in.varFiles, Answers: in.answers}
	if !in.closed {
		args.Env = c.environ()
	}
	options := lang.LoadOptions{FS: tree, OpenDir: openDir, Version: version, Context: ctx}
	modules, lockFiles, lockDiags := c.moduleReader(dir, tree, in, reader)
	options.Modules = modules
	if reader != nil { // the cache needs no login
		options.Modules = lang.ModulesWithCredentials(modules, dir, options, args)
	}
	module, diags := lang.Load(dir, options)
	diags = append(lockDiags, diags...)
	if in.former {
		args.Vars = declaredOnly(module, args.Vars)
	}
	variables, more := lang.ReadVariables(module, args)
	diags = append(diags, more...)
	config, scope, more := module.EvaluateScope(ctx, lang.EvalOptions{Variables: variables, Reader: reader, Partial: in.partial})
	diags = append(diags, more...)
	files := maps.Clone(module.Files())
	maps.Copy(files, lockFiles)
	return &loaded{config: config, scope: scope, files: files}, diags, nil
}

// declaredOnly returns the values of --var that are of variables of a module.
func declaredOnly(module *lang.Module, vars []string) []string {
	declared := map[string]bool{}
	for _, node := range module.Graph() {
		if node.Address.Kind == "var" && node.Address.Module == "" {
			declared[node.Address.Name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(vars), func(entry string) bool {
		name, _, ok := strings.Cut(entry, "=")
		return ok && !declared[strings.TrimSpace(name)]
	})
}

// load is evaluate without the outside world, for commands that need all of it to
// be right: it prints what is wrong.
func (c *cli) load(ctx context.Context, in *inputs) (*loaded, error) {
	read, diags, err := c.evaluate(ctx, in, nil)
	if err != nil {
		return nil, err
	}
	c.printDiagnostics(read.files, withoutPlans(diags))
	return read, failed(diags)
}

// knownApplications returns the addresses of the configuration's applications that
// can be told without the outside world, for completion.
func (c *cli) knownApplications(ctx context.Context) []string {
	read, _, err := c.evaluate(ctx, &inputs{}, nil)
	if err != nil {
		return nil
	}
	var out []string
	for _, application := range read.config.Applications {
		out = append(out, application.Address.Block().String(), application.Address.String())
	}
	for _, address := range read.config.Deferred {
		out = append(out, address.String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// knownVariables returns "name=" and the description of each variable, for
// completion.
func (c *cli) knownVariables(ctx context.Context) []string {
	read, _, err := c.evaluate(ctx, &inputs{}, nil)
	if err != nil {
		return nil
	}
	descriptions := map[string]string{}
	for _, variable := range read.config.Variables {
		descriptions[variable.Name], _, _ = strings.Cut(variable.Description, "\n")
	}
	var out []string
	for _, node := range read.config.Graph { // those without a value too
		if node.Address.Kind == "var" && node.Address.Module == "" {
			out = append(out, node.Address.Name+"=\t"+descriptions[node.Address.Name])
		}
	}
	return out
}
