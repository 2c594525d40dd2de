package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state/process"
)

// registerAllowRemoved adds the flag that lets generators shrink.
func (o *workOptions) registerAllowRemoved(c *cli, command *cobra.Command) {
	command.Flags().StringArrayVar(&o.allowRemoved, "allow-removed", nil, "let more items of this generator, by `address`, vanish than its max_removed says; may be repeated")
	complete(command, "allow-removed", c.generatorCompletions())
}

// allowed parses the generators that may shrink.
func (o *workOptions) allowed(ctx context.Context, c *cli) ([]addr.Address, error) {
	var out []addr.Address
	for _, text := range o.allowRemoved {
		address, err := c.generatorAddress(ctx, text)
		if err != nil {
			return nil, &usageError{command: o.command, err: fmt.Errorf("--allow-removed: %w", err)}
		}
		out = append(out, address)
	}
	return out, nil
}

// generatorAddress parses the address of a generator.
func (c *cli) generatorAddress(ctx context.Context, text string) (addr.Address, error) {
	address, err := addr.Parse(text)
	if err == nil && address.Kind == "generator" {
		return address, nil
	}
	known := c.declaredGenerators(ctx)
	for _, prefix := range []string{"", "generator.", "generator.git."} {
		if near := schema.Suggest(prefix+text, known); near != "" {
			return address, fmt.Errorf("%s is no generator. Did you mean %s?", text, near)
		}
	}
	if len(known) > 0 {
		return address, fmt.Errorf("%s is no generator; there are %s", text, some(known))
	}
	return address, fmt.Errorf("%s is no generator; write generator.TYPE.NAME, such as generator.git.overlays", text)
}

// declaredGenerators returns the addresses of the generators that can be told without
// the outside world.
func (c *cli) declaredGenerators(ctx context.Context) []string {
	read, _, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return nil
	}
	return knownGenerators(read.config)
}

// maxListed is how many names a message lists.
const maxListed = 10

// some lists names, as many as are read.
func some(names []string) string {
	if more := len(names) - maxListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), more)
	}
	return schema.List(names, "and")
}

// remember records what the generators of a plan gave in which there is nothing to
// apply: the next plan compares with it.
func (w *work) remember(ctx context.Context, p *plan.Plan) {
	if p == nil || p.Offline || w.state == nil {
		return
	}
	diags := w.engine.RecordGenerators(ctx, p, engine.ApplyOptions{By: process.Self(w.options.command, time.Now())})
	w.cli.printDiagnostics(w.files, diags)
}

// generatorCompletions offers the addresses of generators: blocks, and where that
// needs no repository their instances.
func (c *cli) generatorCompletions() completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if cmd.Name() == "generate" && len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.declaredGenerators(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
}

// knownGenerators returns the addresses of a configuration's generators.
func knownGenerators(config *lang.Config) []string {
	var out []string
	for _, node := range config.Graph {
		if node.Address.Kind == "generator" {
			out = append(out, node.Address.String())
		}
	}
	for _, g := range config.Generators {
		out = append(out, g.Address.String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}
