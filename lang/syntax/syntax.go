// Package syntax reads HCL and HCL's JSON syntax from sources that nobody
// vouches for, and formats it.
//
// The parsers it calls recurse without bound, and Go cannot recover from a stack
// overflow. So every text is measured first, in one pass that does not recurse, and
// refused where it is too large or nested too deeply. It knows no block.
package syntax

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

// Bounds of what is parsed. People's files are far below them.
const (
	MaxSize      = 5 << 20 // bytes of one file
	MaxDepth     = 256     // brackets, strings, templates and blocks within each other
	MaxOperators = 10_000  // operators, indexes and attributes in one expression
)

// IsJSON tells by a file's name whether it is in the JSON syntax.
func IsJSON(filename string) bool { return strings.HasSuffix(filename, ".json") }

// Parse reads a file. The file it returns is never nil, and has the source even
// where nothing could be parsed, so that diagnostics can show it.
func Parse(src []byte, filename string) (*hcl.File, hcl.Diagnostics) {
	file, diags := parse(src, filename)
	if file == nil || file.Body == nil {
		file = &hcl.File{Body: hcl.EmptyBody(), Bytes: src}
	}
	return file, diags
}

func parse(src []byte, filename string) (*hcl.File, hcl.Diagnostics) {
	if IsJSON(filename) {
		if diags := Check(src, filename); diags.HasErrors() {
			return nil, diags
		}
		return hcljson.Parse(src, filename)
	}
	items, diags := Split(src, filename)
	if diags.HasErrors() {
		return nil, diags
	}
	Each(len(items), func(i int) { items[i] = items[i].Parse(filename) })
	return Join(src, filename, items)
}

// ParseExpression reads one expression of native syntax; filename and start are
// where its text is.
func ParseExpression(src []byte, filename string, start hcl.Pos) (hcl.Expression, hcl.Diagnostics) {
	if problem := measureNative(src, false); problem != nil {
		return nil, hcl.Diagnostics{problem.diagnostic(src, filename)}
	}
	return hclsyntax.ParseExpression(src, filename, start)
}

// ParseTemplate reads a template, such as a file for templatefile.
func ParseTemplate(src []byte, filename string) (hclsyntax.Expression, hcl.Diagnostics) {
	return ParseTemplateAt(src, filename, hcl.InitialPos)
}

// ParseTemplateAt reads a template; filename and start are where its text is.
func ParseTemplateAt(src []byte, filename string, start hcl.Pos) (hclsyntax.Expression, hcl.Diagnostics) {
	if problem := measureNative(src, true); problem != nil {
		return nil, hcl.Diagnostics{problem.diagnostic(src, filename)}
	}
	return hclsyntax.ParseTemplate(src, filename, start)
}

// Check refuses a file that is too large or nested too deeply to be parsed.
func Check(src []byte, filename string) hcl.Diagnostics {
	if diags := checkSize(src, filename); diags.HasErrors() {
		return diags
	}
	measure := measureJSON
	if !IsJSON(filename) {
		measure = func(src []byte) *excess { return measureNative(src, false) }
	}
	if problem := measure(src); problem != nil {
		return hcl.Diagnostics{problem.diagnostic(src, filename)}
	}
	return nil
}

func checkSize(src []byte, filename string) hcl.Diagnostics {
	if len(src) <= MaxSize {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagError,
		Summary:  "File too large",
		Detail:   fmt.Sprintf("The file has %d bytes; a file of configuration may have up to %d. Split it into several files: all files of a directory are read as one.", len(src), MaxSize),
		Subject:  &hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos},
	}}
}

// Format returns a file in the canonical style. A file with syntax errors is
// not formatted: the diagnostics say where they are.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	_, diags := Parse(src, filename)
	if diags.HasErrors() {
		return nil, diags
	}
	if !IsJSON(filename) {
		return hclwrite.Format(src), nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(src), "", "  "); err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Invalid JSON",
			Detail:   fmt.Sprintf("The file cannot be formatted: %s.", err),
			Subject:  &hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// excess is what is too much in a text, and where.
type excess struct {
	offset  int
	summary string
	detail  string
}

func tooDeep(offset int) *excess {
	return &excess{
		offset:  offset,
		summary: "Nested too deeply",
		detail:  fmt.Sprintf("Brackets, strings, templates and blocks may be nested up to %d deep. Give the inner parts names in a locals block.", MaxDepth),
	}
}

func tooLong(offset int) *excess {
	return &excess{
		offset:  offset,
		summary: "Expression too long",
		detail:  fmt.Sprintf("One expression may have up to %d operators. Split it into several, in a locals block.", MaxOperators),
	}
}

func (e *excess) diagnostic(src []byte, filename string) *hcl.Diagnostic {
	before := src[:e.offset]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	start := hcl.Pos{
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: e.offset - lineStart + 1,
		Byte:   e.offset,
	}
	end := start
	if e.offset < len(src) {
		end.Byte++
		end.Column++
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  e.summary,
		Detail:   e.detail,
		Subject:  &hcl.Range{Filename: filename, Start: start, End: end},
	}
}
