package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
)

// backendVariable names the type of the backend in the environment; with "_" and the
// name of an argument behind it, an argument.
const backendVariable = "GANTRY_BACKEND"

// backendFlags say where state is, in place of the configuration.
type backendFlags struct {
	kind     string
	settings []string
}

// register adds the flags.
func (f *backendFlags) register(command *cobra.Command, flags *pflag.FlagSet, kind, setting, of string) {
	flags.StringVar(&f.kind, kind, "", "`type` of the backend "+of+": "+schema.List(lang.BackendTypes(), "or"))
	flags.StringArrayVar(&f.settings, setting, nil, "an argument of the backend "+of+", as `name=value`, or a file of such lines in HCL; may be repeated")
	complete(command, kind, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return lang.BackendTypes(), cobra.ShellCompDirectiveNoFileComp
	})
	complete(command, setting, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return backendArgumentNames(lang.BackendTypes()...), cobra.ShellCompDirectiveNoSpace
	})
}

// backendArgumentNames lists "name=" of the arguments of backends.
func backendArgumentNames(types ...string) []string {
	var out []string
	for _, kind := range types {
		for _, argument := range lang.BackendArguments(kind) {
			out = append(out, argument.Name+"=")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// settle returns a place as flags and the environment have it: flags come before the
// environment, and that before the configuration or the plan. Arguments of another type
// than the one that counts have no effect, but for those of flags, which are an error.
func (c *cli) settle(named place) (place, error) {
	if named.settled {
		return named, nil
	}
	environment, err := c.backendEnvironment()
	if err != nil {
		return place{}, failure("Invalid backend", err)
	}
	p, err := c.backend.over(named, environment, c.getenv(backendVariable))
	if err != nil {
		return place{}, failure("Invalid backend", err)
	}
	p.settled = true
	return p, nil
}

// over lays what flags and the environment say over a place.
func (f *backendFlags) over(named place, environment map[string]string, environmentType string) (place, error) {
	if named.Type == "" {
		named.Type = "local"
	}
	p := named.clone()
	kind := named.Type
	if environmentType != "" {
		kind, p.from = environmentType, append(p.from, backendVariable)
	}
	if f.kind != "" {
		kind, p.from = f.kind, append(p.from, "--backend")
	}
	if kind != named.Type {
		p.Backend, p.credentials = plan.Backend{Type: kind}, nil
		p = p.clone()
	}
	if lang.BackendArguments(kind) == nil {
		return place{}, said(p, lang.CheckBackend(lang.Backend{Type: kind}))
	}
	for _, name := range schema.SortedKeys(environment) {
		if p.set(name, environment[name]) {
			p.from = append(p.from, backendVariable+"_"+strings.ToUpper(name))
		}
	}
	for _, text := range f.settings {
		values, err := backendSetting(text)
		if err != nil {
			return place{}, err
		}
		for _, name := range schema.SortedKeys(values) {
			if !p.set(name, values[name]) {
				err := fmt.Errorf("the backend %q has no argument %q; it has %s", kind, name, strings.ReplaceAll(schema.List(backendArgumentNames(kind), "and"), "=", ""))
				return place{}, fmt.Errorf("--backend-config: %w", err)
			}
		}
		p.from = append(p.from, "--backend-config")
	}
	p.from = slices.Compact(p.from)
	if len(p.from) == 0 {
		return p, nil
	}
	return p, said(p, lang.CheckBackend(lang.Backend{Type: p.Type, Arguments: p.Arguments, Credentials: p.credentials}))
}

// said adds to an error what said so.
func said(p place, err error) error {
	if err == nil || len(p.from) == 0 {
		return err
	}
	return fmt.Errorf("%w (the backend is set by %s)", err, schema.List(p.from, "and"))
}

// set sets an argument of the place, and reports whether there is one of the name.
func (p *place) set(name, value string) bool {
	i := slices.IndexFunc(lang.BackendArguments(p.Type), func(a schema.Argument) bool { return a.Name == name })
	if i < 0 {
		return false
	}
	if lang.BackendArguments(p.Type)[i].Sensitive {
		p.credentials[name] = target.Credential{Value: object.Sensitive(value)}
	} else {
		p.Arguments[name] = value
	}
	return true
}

// backendEnvironment returns the arguments that the environment sets. A name that is of
// no backend is an error, since it may be a typing mistake in one that counts.
func (c *cli) backendEnvironment() (map[string]string, error) {
	known := map[string]bool{}
	for _, name := range backendArgumentNames(lang.BackendTypes()...) {
		known[strings.TrimSuffix(name, "=")] = true
	}
	out := map[string]string{}
	for _, entry := range c.environ() {
		variable, value, _ := strings.Cut(entry, "=")
		name, ok := strings.CutPrefix(variable, backendVariable+"_")
		if !ok || value == "" {
			continue
		}
		if name = strings.ToLower(name); !known[name] {
			text := fmt.Sprintf("%s is set, and no backend has an argument %q", variable, name)
			if near := schema.Suggest(name, schema.SortedKeys(known)); near != "" {
				text += fmt.Sprintf(". Did you mean %s_%s?", backendVariable, strings.ToUpper(near))
			}
			return nil, errors.New(text)
		}
		out[name] = value
	}
	return out, nil
}

// backendSetting reads one --backend-config: name=value, or a file of arguments.
func backendSetting(text string) (map[string]string, error) {
	if name, value, ok := strings.Cut(text, "="); ok {
		return map[string]string{strings.TrimSpace(name): value}, nil
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return nil, fmt.Errorf("--backend-config: %q is no name=value, and no file that can be read: %w", text, errors.Unwrap(err))
	}
	file, diags := hclsyntax.ParseConfig(data, text, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("--backend-config: %s is not valid HCL: %s", text, diags[0].Summary) // the rest may quote a credential
	}
	attributes, diags := file.Body.JustAttributes()
	if diags.HasErrors() {
		return nil, fmt.Errorf("--backend-config: %s may have lines name = \"value\" only: %s", text, diags[0].Summary)
	}
	out := map[string]string{}
	for name, attribute := range attributes {
		value, diags := attribute.Expr.Value(nil)
		if diags.HasErrors() || !value.IsWhollyKnown() || value.IsNull() {
			return nil, fmt.Errorf("--backend-config: %s in %s must be a plain string, number or bool", name, text)
		}
		value, err := convert.Convert(value, cty.String)
		if err != nil {
			return nil, fmt.Errorf("--backend-config: %s in %s must be a plain string, number or bool", name, text)
		}
		out[name] = value.AsString()
	}
	return out, nil
}
