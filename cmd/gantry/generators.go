package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state/process"
)

// registerAllowRemoved adds the flag that lets generators shrink.
func (o *workOptions) registerAllowRemoved(c *cli, command *cobra.Command) {
	command.Flags().StringArrayVar(&o.allowRemoved, "allow-removed", nil, "let more items of this generator, by `address`, vanish than its max_removed says; may be repeated")
	complete(command, "allow-removed", c.generatorCompletions())
}

// allowed parses the generators that may shrink.
func (o *workOptions) allowed() ([]addr.Address, error) {
	var out []addr.Address
	for _, text := range o.allowRemoved {
		address, err := generatorAddress(text)
		if err != nil {
			return nil, &usageError{command: o.command, err: fmt.Errorf("--allow-removed: %w", err)}
		}
		out = append(out, address)
	}
	return out, nil
}

// generatorAddress parses the address of a generator.
func generatorAddress(text string) (addr.Address, error) {
	address, err := addr.Parse(text)
	if err != nil {
		return address, err
	}
	if address.Kind != "generator" {
		return address, fmt.Errorf("%s is no generator; write generator.TYPE.NAME, such as generator.git.overlays", text)
	}
	return address, nil
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
		read, _, err := c.evaluate(cmd.Context(), &inputs{partial: true}, nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return knownGenerators(read.config), cobra.ShellCompDirectiveNoFileComp
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
