package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang"
)

// graphFormats are how a graph can be written.
var graphFormats = []string{"text", "dot", "mermaid"}

func newGraph(c *cli) *cobra.Command {
	var in inputs
	format := "text"
	command := &cobra.Command{
		Use:   "graph",
		Short: "Show what refers to what",
		Long: `Shows the blocks of the configuration and what each refers to: what must be known
before it can be evaluated, and between applications, what must be healthy before
it is applied.

The longest chain of applications, each of which follows the one before it, is marked:
an apply of everything takes at least as long as that. It goes by how long each took when
it was last applied, where the state can be read and knows.`,
		Example: `  gantry graph
  gantry graph --format dot | dot -Tsvg > graph.svg`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			write := graphWriter(format)
			if write == nil {
				return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--format is %q, and must be one of %s", format, strings.Join(graphFormats, ", "))}
			}
			loaded, err := c.load(cmd.Context(), &in)
			if err != nil {
				return err
			}
			chain := c.longestChain(cmd.Context(), loaded.config)
			if c.json {
				return c.writeJSON(graphNodes(loaded.config.Graph, chain))
			}
			return write(c.out, loaded.config.Graph, chain)
		},
	}
	in.register(c, command)
	command.Flags().StringVar(&format, "format", format, "`format`: text, dot (Graphviz) or mermaid")
	complete(command, "format", fixedCompletions(graphFormats...))
	return command
}

// graphNode is one block as JSON.
type graphNode struct {
	Address string   `json:"address"`
	Range   string   `json:"range"`
	Needs   []string `json:"needs"`
	Longest bool     `json:"longest"` // in the longest chain of applications
}

func graphNodes(nodes []lang.Node, chain *appChain) []graphNode {
	out := make([]graphNode, 0, len(nodes))
	for _, node := range nodes {
		needs := make([]string, 0, len(node.Needs))
		for _, need := range node.Needs {
			needs = append(needs, need.String())
		}
		out = append(out, graphNode{Address: node.Address.String(), Range: node.Range.String(), Needs: needs, Longest: chain.has(node.Address)})
	}
	return out
}

func graphWriter(format string) func(io.Writer, []lang.Node, *appChain) error {
	switch format {
	case "text":
		return writeTextGraph
	case "dot":
		return writeDotGraph
	case "mermaid":
		return writeMermaidGraph
	}
	return nil
}

// writeTextGraph lists each block with what it refers to, and then the longest chain.
func writeTextGraph(out io.Writer, nodes []lang.Node, chain *appChain) error {
	var b strings.Builder
	for _, node := range nodes {
		fmt.Fprintln(&b, node.Address)
		for i, need := range node.Needs {
			branch := "├─"
			if i == len(node.Needs)-1 {
				branch = "└─"
			}
			fmt.Fprintln(&b, branch, need)
		}
	}
	if text := chain.String(); text != "" {
		fmt.Fprintf(&b, "\n%s\n", text)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// modulesOf returns the modules that nodes are in, the root module first.
func modulesOf(nodes []lang.Node) []string {
	modules := []string{""}
	for _, node := range nodes {
		modules = append(modules, node.Address.Module)
	}
	slices.Sort(modules)
	return slices.Compact(modules)
}

// writeDotGraph writes Graphviz's language.
func writeDotGraph(out io.Writer, nodes []lang.Node, chain *appChain) error {
	quote := func(text string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"` }
	var b strings.Builder
	b.WriteString("digraph gantry {\n  rankdir = LR\n  node [shape = box]\n")
	for _, module := range modulesOf(nodes) {
		indent := "  "
		if module != "" {
			fmt.Fprintf(&b, "  subgraph %s {\n    label = %s\n", quote("cluster_"+module), quote(module))
			indent = "    "
		}
		for _, node := range nodes {
			if node.Address.Module == module {
				marked := ""
				if chain.has(node.Address) {
					marked = " [penwidth = 3]"
				}
				fmt.Fprintf(&b, "%s%s%s\n", indent, quote(node.Address.String()), marked)
			}
		}
		if module != "" {
			b.WriteString("  }\n")
		}
	}
	for _, node := range nodes {
		for _, need := range node.Needs {
			marked := ""
			if chain.follows(node.Address, need) {
				marked = " [penwidth = 3]"
			}
			fmt.Fprintf(&b, "  %s -> %s%s\n", quote(node.Address.String()), quote(need.String()), marked)
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// writeMermaidGraph writes a flowchart that forges show in Markdown.
func writeMermaidGraph(out io.Writer, nodes []lang.Node, chain *appChain) error {
	names := map[string]string{}
	for i, node := range nodes {
		names[node.Address.String()] = fmt.Sprintf("n%d", i)
	}
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	text := func(address string) string { return strings.ReplaceAll(address, `"`, "#quot;") }
	for i, module := range modulesOf(nodes) {
		indent := "  "
		if module != "" {
			fmt.Fprintf(&b, "  subgraph m%d[\"%s\"]\n", i, text(module))
			indent = "    "
		}
		for _, node := range nodes {
			if address := node.Address.String(); node.Address.Module == module {
				fmt.Fprintf(&b, "%s%s[\"%s\"]\n", indent, names[address], text(address))
			}
		}
		if module != "" {
			b.WriteString("  end\n")
		}
	}
	for _, node := range nodes {
		for _, need := range node.Needs {
			arrow := "-->"
			if chain.follows(node.Address, need) {
				arrow = "==>"
			}
			fmt.Fprintf(&b, "  %s %s %s\n", names[node.Address.String()], arrow, names[need.String()])
		}
	}
	var marked []string
	for _, node := range nodes {
		if chain.has(node.Address) {
			marked = append(marked, names[node.Address.String()])
		}
	}
	if len(marked) > 0 {
		fmt.Fprintf(&b, "  classDef longest stroke-width:3px\n  class %s longest\n", strings.Join(marked, ","))
	}
	_, err := io.WriteString(out, b.String())
	return err
}
