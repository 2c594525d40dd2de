package schema

import (
	"fmt"
	"strings"
)

// textWidth is where Text wraps.
const textWidth = 96

// Text renders the reference of a block for a terminal.
func Text(b *Block) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n%s", b.Header(), wrap(b.Doc, ""))
	if b.Example != "" {
		fmt.Fprintf(&out, "\n  %s\n", strings.ReplaceAll(strings.ReplaceAll(b.Example, "\n", "\n  "), "\n  \n", "\n\n"))
	}
	writeText(&out, b, "")
	return out.String()
}

func writeText(out *strings.Builder, b *Block, indent string) {
	for _, argument := range b.Arguments {
		about := argument.Type.Name
		switch {
		case argument.Required:
			about += ", required"
		case argument.Default != "":
			about += ", default " + argument.Default
		}
		fmt.Fprintf(out, "\n%s%s  (%s)\n%s", indent, argument.Name, about, wrap(argumentDoc(argument), indent+"    "))
	}
	for _, nested := range b.Blocks {
		fmt.Fprintf(out, "\n%s%s {}\n%s", indent, nested.Header(), wrap(nested.Doc+" "+nested.Count(), indent+"    "))
		writeText(out, nested.Block, indent+"    ")
	}
}

// argumentDoc is all that is said of an argument.
func argumentDoc(argument Argument) string {
	doc := argument.Doc
	if len(argument.OneOf) > 0 {
		doc += " One of `\"" + strings.Join(argument.OneOf, "\"`, `\"") + "\"`."
	}
	if argument.Sensitive {
		doc += " May be sensitive."
	}
	return doc
}

// wrap breaks a text into indented lines, paragraph by paragraph.
func wrap(text, indent string) string {
	var out strings.Builder
	for _, paragraph := range strings.Split(text, "\n") {
		line := indent
		for _, word := range strings.Fields(paragraph) {
			if len(line) > len(indent) && len(line)+1+len(word) > textWidth {
				out.WriteString(line + "\n")
				line = indent
			}
			if len(line) > len(indent) {
				line += " "
			}
			line += word
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// FirstSentence returns the first sentence of a text, for lists.
func FirstSentence(text string) string {
	for i := range text {
		if text[i] == '.' && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n') {
			return text[:i+1]
		}
	}
	return text
}
