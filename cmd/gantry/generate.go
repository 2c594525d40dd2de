package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// generateCommand is one run of `gantry generate`.
type generateCommand struct {
	cli     *cli
	in      inputs
	diff    bool
	against string
}

func newGenerate(c *cli) *cobra.Command {
	g := &generateCommand{cli: c}
	command := &cobra.Command{
		Use:   "generate ADDRESS",
		Short: "Show what a generator gives",
		Long: `Shows the items of a generator: their keys, which the addresses of what is made of
them end with, and their attributes. What the generator needs of repositories,
services and clusters is read; nothing is planned, and no state is asked.

With --diff, compares with a revision of the git repository that the configuration
is in, and shows which items, and which applications made of them, an edit adds,
changes and removes. Directories of the configuration are read as they were then,
too; other repositories as they are now.`,
		Example: `  gantry generate generator.git.overlays
  gantry generate 'generator.git.apps["prod-eu"]' --json
  gantry generate generator.git.overlays --diff
  gantry generate generator.git.overlays --diff --against v1.4`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := c.generatorAddress(cmd.Context(), args[0])
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			if cmd.Flags().Changed("against") && !g.diff {
				return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--against says what --diff compares with: add --diff")}
			}
			return g.run(cmd.Context(), address)
		},
		ValidArgsFunction: c.generatorCompletions(),
	}
	g.in.register(c, command)
	flags := command.Flags()
	flags.BoolVar(&g.diff, "diff", false, "show what an edit adds, changes and removes")
	flags.StringVar(&g.against, "against", "HEAD", "`revision` to compare with: a branch, tag or commit")
	complete(command, "against", fixedCompletions())
	return command
}

func (g *generateCommand) run(ctx context.Context, address addr.Address) error {
	w, err := g.cli.prepare(ctx, workOptions{command: "gantry generate", parallelism: 16})
	if err != nil {
		return err
	}
	defer w.end()
	setup, err := w.setup()
	if err != nil {
		return err
	}
	if setup.Lock, err = g.cli.openLock(w.dir, g.in.lockMode()); err != nil {
		return err
	}
	read, diags, err := g.cli.evaluate(ctx, &g.in, engine.New(setup).Reader())
	if err != nil {
		return err
	}
	w.progress.pause()
	diags = withoutPlans(diags)
	if !g.diff {
		return g.show(read, diags, address)
	}
	return g.compare(ctx, w, setup, read, diags, address)
}

// show shows the items of the generators that an address names, and what is wrong.
func (g *generateCommand) show(read *loaded, diags hcl.Diagnostics, address addr.Address) error {
	var found []*lang.Generator
	for _, generator := range read.config.Generators {
		if address.Covers(generator.Address) {
			found = append(found, generator)
		}
	}
	if len(found) == 0 {
		if err := unknownGenerator(read.config, address); err != nil {
			if read.config.Incomplete { // which may be why it is not known
				g.cli.printDiagnostics(read.files, diags)
			}
			return err
		}
	}
	diags = read.about(address, diags)
	g.cli.printDiagnostics(read.files, diags)
	if len(found) == 0 {
		return missingGenerator(read.config, diags, address)
	}
	var err error
	if g.cli.json {
		err = g.cli.writeJSON(generatorsJSON(found))
	} else {
		err = writeGenerators(g.cli.out, found)
	}
	if err != nil {
		return err
	}
	return failed(diags)
}

// unknownGenerator is the error that an address names no generator of a
// configuration; nil where it does.
func unknownGenerator(config *lang.Config, address addr.Address) error {
	if slices.ContainsFunc(config.Graph, func(n lang.Node) bool { return n.Address.Covers(address) || address.Covers(n.Address) }) {
		return nil
	}
	known := knownGenerators(config)
	text := fmt.Sprintf("there is no %s", address)
	if near := schema.Suggest(address.String(), known); near != "" {
		text += fmt.Sprintf(". Did you mean %s?", near)
	} else if len(known) > 0 {
		text += "; there are " + strings.Join(known, ", ")
	}
	return failure("Unknown generator", errors.New(text))
}

// missingGenerator is the end of a command for a generator that is declared and gave
// nothing: it has an error, which was told, or no such instance.
func missingGenerator(config *lang.Config, diags hcl.Diagnostics, address addr.Address) error {
	if diags.HasErrors() {
		return failed(diags)
	}
	text := fmt.Sprintf("%s has no such instance: what its for_each, or that of its module, gives does not have the key", address)
	if near := schema.Suggest(address.String(), knownGenerators(config)); near != "" {
		text += fmt.Sprintf(". Did you mean %s?", near)
	}
	if !address.HasKey {
		text = fmt.Sprintf("%s has no instances: its for_each, or that of its module, is empty", address)
	}
	return failure("Unknown instance", errors.New(text))
}

// writeGenerators writes items for people.
func writeGenerators(out io.Writer, generators []*lang.Generator) error {
	var b strings.Builder
	for i, generator := range generators {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s gives %s", generator.Address, count(len(generator.Items), "item"))
		if len(generator.Items) == 0 {
			b.WriteString(".\n")
			continue
		}
		b.WriteString(":\n")
		for _, item := range generator.Items {
			writeItem(&b, item)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// writeItem writes an item: its key, and an attribute a line as HCL.
func writeItem(b *strings.Builder, item generate.Item) {
	fmt.Fprintf(b, "\n%s\n", value.Text(cty.StringVal(item.Key)))
	if item.Value.IsMarked() || item.Value.IsNull() || !item.Value.Type().IsObjectType() {
		fmt.Fprintf(b, "  %s\n", value.Text(item.Value))
		return
	}
	attributes := item.Value.AsValueMap()
	names := schema.SortedKeys(attributes)
	width := 0
	for _, name := range names {
		width = max(width, len(attributeName(name)))
	}
	for _, name := range names {
		fmt.Fprintf(b, "  %-*s = %s\n", width, attributeName(name), value.Text(attributes[name]))
	}
}

// attributeName is an attribute as it is written in an object.
func attributeName(name string) string {
	if hclsyntax.ValidIdentifier(name) {
		return name
	}
	return value.Text(cty.StringVal(name))
}

// generatorJSON is one generator as JSON.
type generatorJSON struct {
	Address string     `json:"address"`
	Items   []itemJSON `json:"items"`
}

type itemJSON struct {
	Key   string `json:"key"`
	Value any    `json:"value"` // a block is its address, and what is sensitive says so
}

func generatorsJSON(generators []*lang.Generator) []generatorJSON {
	out := make([]generatorJSON, len(generators))
	for i, generator := range generators {
		out[i] = generatorJSON{Address: generator.Address.String(), Items: []itemJSON{}}
		for _, item := range generator.Items {
			shown, _, err := value.ToJSON(plainValue(item.Value))
			if err != nil {
				shown = value.Text(item.Value) // a number that JSON cannot hold
			}
			out[i].Items = append(out[i].Items, itemJSON{Key: item.Key, Value: shown})
		}
	}
	return out
}

// plainValue replaces what no JSON can hold, or show, by texts.
func plainValue(v cty.Value) cty.Value {
	if v.HasMark(value.Sensitive) {
		return cty.StringVal(object.Redacted)
	}
	v, _ = v.Unmark()
	if ref, ok := value.ReferenceOf(v); ok {
		return cty.StringVal(ref.Address.String())
	}
	if v.IsNull() || !v.IsKnown() || v.Type().IsPrimitiveType() || !v.CanIterateElements() {
		return v
	}
	if v.Type().IsObjectType() || v.Type().IsMapType() {
		attributes := map[string]cty.Value{}
		for name, inner := range v.AsValueMap() {
			attributes[name] = plainValue(inner)
		}
		return cty.ObjectVal(attributes)
	}
	var elements []cty.Value
	for _, inner := range v.AsValueSlice() {
		elements = append(elements, plainValue(inner))
	}
	return cty.TupleVal(elements)
}
