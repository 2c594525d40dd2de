package schema

import (
	"fmt"
	"strings"
)

// Markdown renders the reference of a block at the top level, as a section.
func Markdown(b *Block) string { return section(b, 2) }

// Page renders the reference of a block at the top level as a page; or of all
// types of one, each a section below doc.
func Page(doc string, blocks ...*Block) string {
	if len(blocks) == 1 {
		return section(blocks[0], 1)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\n%s\n", blocks[0].Type, doc)
	for _, b := range blocks {
		out.WriteString("\n" + section(b, 2))
	}
	return out.String()
}

// section renders a block below a heading of a level.
func section(b *Block, level int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\n\n%s\n", strings.Repeat("#", level), b.Header(), b.Doc)
	if b.Example != "" {
		fmt.Fprintf(&out, "\n```hcl\n%s\n```\n", b.Example)
	}
	writeArguments(&out, b)
	writeNested(&out, b, level+1, "")
	return out.String()
}

// Header renders how a block begins: `generator "git" "NAME"`. A label in lower
// case that stands for one of several types is said as it is.
func (b *Block) Header() string {
	header := b.Type
	for _, label := range b.Labels {
		if isPlaceholder(label) {
			label = strings.ToUpper(label)
		}
		header += fmt.Sprintf(" %q", label)
	}
	return header
}

// isPlaceholder reports whether a label stands for what the author writes, and is
// not one of several types.
func isPlaceholder(label string) bool { return label == "name" || label == "type" || label == "code" }

func writeNested(out *strings.Builder, b *Block, level int, path string) {
	for _, nested := range b.Blocks {
		inner := path + nested.Header()
		fmt.Fprintf(out, "\n%s %s\n\n%s %s\n", strings.Repeat("#", level), inner, nested.Doc, nested.Count())
		writeArguments(out, nested.Block)
		writeNested(out, nested.Block, level, inner+" › ")
	}
}

// Count says how often a nested block may be written.
func (n Nested) Count() string {
	switch {
	case n.Min == 1 && n.Max == 1:
		return "Required, once."
	case n.Min == 1:
		return "Required, once or more."
	case n.Max == 1:
		return "At most once."
	}
	return "Any number."
}

func writeArguments(out *strings.Builder, b *Block) {
	if len(b.Arguments) == 0 {
		return
	}
	out.WriteString("\n| argument | type | default | |\n|---|---|---|---|\n")
	for _, argument := range b.Arguments {
		fallback := argument.Default
		if argument.Required {
			fallback = "**required**"
		} else if strings.HasPrefix(fallback, `"`) || fallback == "true" || fallback == "false" || strings.Trim(fallback, "0123456789") == "" && fallback != "" {
			fallback = "`" + fallback + "`"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", argument.Name, argument.Type.Name, cell(fallback), cell(argumentDoc(argument)))
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
