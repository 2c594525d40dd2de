package syntax

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Item is a part of a file in native syntax that is parsed by itself: up to the end of
// a block at the top level, with what comes before it. What is wrong in one item leaves
// the others as they are. It is not changed once it was parsed.
type Item struct {
	Text  []byte
	Start hcl.Pos
	// Body is what was parsed of it, nil before.
	Body  *hclsyntax.Body
	Diags hcl.Diagnostics
}

// Split divides a file in native syntax into its items, of which there is at least
// one. There are none where it is refused.
func Split(src []byte, filename string) ([]Item, hcl.Diagnostics) {
	if diags := checkSize(src, filename); diags.HasErrors() {
		return nil, diags
	}
	ends, problem := measureFile(src)
	if problem != nil {
		return nil, hcl.Diagnostics{problem.diagnostic(src, filename)}
	}
	items := make([]Item, 0, len(ends)+1)
	start := hcl.InitialPos
	for _, end := range ends {
		item := Item{Text: src[start.Byte:end], Start: start}
		items = append(items, item)
		start = hcl.Pos{Byte: end, Line: start.Line + bytes.Count(item.Text, []byte("\n")), Column: 1}
	}
	if start.Byte < len(src) || len(items) == 0 {
		items = append(items, Item{Text: src[start.Byte:], Start: start})
	}
	return items, nil
}

// Parse returns the item parsed.
func (i Item) Parse(filename string) Item {
	file, diags := hclsyntax.ParseConfig(i.Text, filename, i.Start)
	i.Body, i.Diags = file.Body.(*hclsyntax.Body), diags
	return i
}

// Join makes a file of its items, which were parsed. The diagnostics are copies.
func Join(src []byte, filename string, items []Item) (*hcl.File, hcl.Diagnostics) {
	file, _ := hclsyntax.ParseConfig(nil, filename, hcl.InitialPos)
	file.Bytes = src
	body := file.Body.(*hclsyntax.Body)
	var diags hcl.Diagnostics
	for _, item := range items {
		body.Blocks = append(body.Blocks, item.Body.Blocks...)
		for name, attribute := range item.Body.Attributes {
			if body.Attributes[name] != nil { // all that is to say of it, HCL says
				return hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
			}
			body.Attributes[name] = attribute
		}
		for _, diag := range item.Diags {
			copied := *diag
			diags = append(diags, &copied)
		}
	}
	if len(items) > 0 {
		last := items[len(items)-1].Body
		body.SrcRange = hcl.RangeBetween(items[0].Body.SrcRange, last.SrcRange)
		body.EndRange = last.EndRange
	}
	return file, once(diags, "Invalid multi-line string")
}

// once keeps the first of the diagnostics with a summary: after a string that is
// not closed, HCL finds that every line of the file is in it.
func once(diags hcl.Diagnostics, summary string) hcl.Diagnostics {
	seen := false
	return slices.DeleteFunc(diags, func(diag *hcl.Diagnostic) bool {
		again := seen && diag.Summary == summary
		seen = seen || diag.Summary == summary
		return again
	})
}
