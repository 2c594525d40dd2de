package lsp

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/lang/schema"
)

// argumentSnippet is an argument as it is written, with a place to go to, which has a
// number.
func argumentSnippet(argument schema.Argument, place int) string {
	return argument.Name + " = " + placeholder(argument, place)
}

func placeholder(argument schema.Argument, place int) string {
	name := argument.Type.Name
	switch {
	case len(argument.OneOf) > 0:
		return fmt.Sprintf("\"${%d|%s|}\"", place, strings.Join(argument.OneOf, ","))
	case name == schema.Bool.Name:
		return fmt.Sprintf("${%d|true,false|}", place)
	case name == schema.String.Name, name == schema.Duration.Name, name == schema.DNSLabel.Name:
		return fmt.Sprintf("\"$%d\"", place)
	case strings.HasPrefix(name, "list of "):
		return fmt.Sprintf("[$%d]", place)
	case strings.HasPrefix(name, "map of "), name == schema.Object.Name:
		return fmt.Sprintf("{\n  $%d\n}", place)
	}
	return fmt.Sprintf("$%d", place)
}

// blockSnippet is a block as it is written: with all that it must have.
func blockSnippet(declared *schema.Block) string {
	w := &snippetWriter{}
	w.block(declared, "")
	return w.out.String()
}

// snippetWriter numbers the places of a snippet.
type snippetWriter struct {
	out   strings.Builder
	place int
	ended bool // the place where the cursor ends is written
}

func (w *snippetWriter) block(declared *schema.Block, indent string) {
	w.out.WriteString(indent + declared.Type)
	for i, label := range declared.Labels {
		if isType := i == 0 && len(declared.Labels) == 2; isType {
			fmt.Fprintf(&w.out, " %q", label)
			continue
		}
		w.place++
		fmt.Fprintf(&w.out, " \"${%d:%s}\"", w.place, label)
	}
	w.out.WriteString(" {\n")
	inner := indent + "  "
	for _, argument := range declared.Arguments {
		if argument.Required {
			w.place++
			w.out.WriteString(inner + strings.ReplaceAll(argumentSnippet(argument, w.place), "\n", "\n"+inner) + "\n")
		}
	}
	for _, nested := range declared.Blocks {
		if nested.Min > 0 {
			w.block(nested.Block, inner)
			w.out.WriteString("\n")
		}
	}
	if !w.ended {
		w.ended = true
		w.out.WriteString(inner + "$0\n")
	}
	w.out.WriteString(indent + "}")
}
