package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/configtest"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
)

// schemaFormat is the version of what `gantry schema --json` prints: the first
// number changes when something is taken away or comes to mean another thing.
const schemaFormat = "1.0"

// schemaOutput is what `gantry schema --json` prints.
type schemaOutput struct {
	FormatVersion string                 `json:"formatVersion"`
	Blocks        []schema.Description   `json:"blocks"`
	TestBlocks    []schema.Description   `json:"testBlocks"` // of *.gantrytest.hcl files
	Functions     []function.Description `json:"functions"`
}

func newSchema(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [BLOCK|FUNCTION]",
		Short: "Show what can be written",
		Long: `Lists the blocks and functions of the language; with a name, shows all arguments
of a block or the parameters of a function. Blocks that have several types are named
with the type: generator.git.

With --json, blocks and functions are data for other programs: the types and
defaults of arguments, what may be nested and how often, with documentation.
formatVersion tells which form the data has.`,
		Example: `  gantry schema
  gantry schema application
  gantry schema generator.git
  gantry schema dns_label
  gantry schema --json`,
		Args: takes(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			known := knownSchema()
			if len(args) == 1 {
				var err error
				if known, err = known.only(args[0]); err != nil {
					return err
				}
			}
			if c.json {
				return c.writeJSON(known.output())
			}
			text := known.list()
			if len(args) == 1 {
				text = known.details()
			}
			_, err := fmt.Fprint(c.out, text)
			return err
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return knownSchema().completions(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// schemaNames are blocks and functions to show.
type schemaNames struct {
	blocks, tests []*schema.Block
	functions     []function.Description
}

func knownSchema() schemaNames {
	return schemaNames{blocks: lang.Blocks(), tests: configtest.Blocks(), functions: function.Describe(os.DirFS("."))}
}

// schemaName is how a block is named on the command line: "application",
// "generator.git".
func schemaName(b *schema.Block) string {
	described := schema.Describe(b)
	if len(described.Labels) > 0 && described.Labels[0].Value != "" {
		return b.Type + "." + described.Labels[0].Value
	}
	return b.Type
}

// only returns what has a name: a block, all types of one, or a function.
func (k schemaNames) only(name string) (schemaNames, error) {
	pick := func(blocks []*schema.Block) []*schema.Block {
		var out []*schema.Block
		for _, b := range blocks {
			if b.Type == name || schemaName(b) == name {
				out = append(out, b)
			}
		}
		return out
	}
	found := schemaNames{blocks: pick(k.blocks), tests: pick(k.tests)}
	for _, f := range k.functions {
		if f.Name == name {
			found.functions = append(found.functions, f)
		}
	}
	if len(found.blocks)+len(found.tests)+len(found.functions) > 0 {
		return found, nil
	}
	hint := `"gantry schema" lists them`
	if near := schema.Suggest(name, k.names()); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return found, fmt.Errorf("there is no block and no function %q; %s", name, hint)
}

func (k schemaNames) names() []string {
	var out []string
	for _, b := range append(slices.Clone(k.blocks), k.tests...) {
		out = append(out, b.Type, schemaName(b))
	}
	for _, f := range k.functions {
		out = append(out, f.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (k schemaNames) completions() []string {
	var out []string
	for _, b := range append(slices.Clone(k.blocks), k.tests...) {
		out = append(out, schemaName(b)+"\t"+schema.FirstSentence(b.Doc))
	}
	for _, f := range k.functions {
		out = append(out, f.Name+"\t"+schema.FirstSentence(f.Doc))
	}
	return out
}

func (k schemaNames) output() schemaOutput {
	out := schemaOutput{
		FormatVersion: schemaFormat, Functions: k.functions,
		Blocks: []schema.Description{}, TestBlocks: []schema.Description{},
	}
	for _, b := range k.blocks {
		out.Blocks = append(out.Blocks, schema.Describe(b))
	}
	for _, b := range k.tests {
		out.TestBlocks = append(out.TestBlocks, schema.Describe(b))
	}
	if out.Functions == nil {
		out.Functions = []function.Description{}
	}
	return out
}

// list names everything with a sentence.
func (k schemaNames) list() string {
	var out strings.Builder
	blocks := func(title string, blocks []*schema.Block) {
		if len(blocks) == 0 {
			return
		}
		rows := make([][2]string, 0, len(blocks))
		for _, b := range blocks {
			rows = append(rows, [2]string{b.Header(), schema.FirstSentence(b.Doc)})
		}
		fmt.Fprintf(&out, "%s\n%s\n", title, columns("  ", rows))
	}
	blocks("Blocks:", k.blocks)
	blocks("Blocks of *.gantrytest.hcl files:", k.tests)
	group := ""
	var rows [][2]string
	flush := func() {
		if len(rows) > 0 {
			fmt.Fprintf(&out, "%s:\n%s\n", group, columns("  ", rows))
		}
		rows = nil
	}
	for _, f := range k.functions {
		if f.Group != group {
			flush()
			group = f.Group
		}
		rows = append(rows, [2]string{f.Signature(), schema.FirstSentence(f.Doc)})
	}
	flush()
	out.WriteString("\"gantry schema NAME\" says more of one.\n")
	return out.String()
}

// details says everything of each.
func (k schemaNames) details() string {
	var parts []string
	for _, b := range append(slices.Clone(k.blocks), k.tests...) {
		parts = append(parts, schema.Text(b))
	}
	for _, f := range k.functions {
		text := fmt.Sprintf("%s → %s\n\n%s\n", f.Signature(), f.Result, f.Doc)
		var rows [][2]string
		for _, p := range f.Parameters {
			rows = append(rows, [2]string{p.Name, strings.TrimSpace(p.Type + "  " + p.Doc)})
		}
		if f.Variadic != nil {
			rows = append(rows, [2]string{f.Variadic.Name + "...", strings.TrimSpace(f.Variadic.Type + "  " + f.Variadic.Doc)})
		}
		if len(rows) > 0 {
			text += "\n" + columns("  ", rows)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n")
}

// columns lays out rows of two columns.
func columns(indent string, rows [][2]string) string {
	widest := 0
	for _, row := range rows {
		widest = max(widest, len(row[0]))
	}
	var out strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&out, "%s%s\n", indent, strings.TrimRight(fmt.Sprintf("%-*s  %s", widest, row[0], row[1]), " "))
	}
	return out.String()
}
