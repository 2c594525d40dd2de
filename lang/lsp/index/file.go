package index

import (
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/lsp/text"
	"github.com/gantrycd/gantry/lang/syntax"
)

// Span is some bytes of a file.
type Span struct{ Start, End int }

// Has reports whether an offset is in a span, or at its end.
func (s Span) Has(offset int) bool { return s.Start <= offset && offset <= s.End }

// SpanOf returns the bytes of a range.
func SpanOf(r hcl.Range) Span { return Span{Start: r.Start.Byte, End: r.End.Byte} }

// Declaration is a block or a local value that is declared.
type Declaration struct {
	Address addr.Address // without a key; of kind and name alone where nothing refers to it
	// Type is the type of the block: "variable", "locals".
	Type string
	// Referable says that references can be to it.
	Referable bool
	Name      Span // its name, without quotes
	Header    Span
	Whole     Span
	Doc       string // its description, where one is written out
}

// Reference is a place that refers to a block by name.
type Reference struct {
	Address addr.Address // without a key
	Name    Span         // the last word of the address, without quotes
	Whole   Span         // the address
	// Plain says that the name stands in the file as it is, so that it can be replaced.
	Plain bool
}

// File is a file of a module, parsed. It is not changed once it was made.
type File struct {
	Path  string
	Lines *text.Lines
	HCL   *hcl.File
	Diags hcl.Diagnostics // of its syntax

	Declarations []Declaration // in the order in which they are written
	References   []Reference   // likewise

	parts map[string]*part // by their texts
}

// Kind is what a file is to its module.
type Kind int

// The kinds of files.
const (
	Other         Kind = iota // no file of gantry's
	Configuration             // blocks
	Values                    // values of variables
	Test                      // tests
)

// KindOf tells by a file's name what it is.
func KindOf(path string) Kind {
	name := filepath.Base(path)
	switch {
	case strings.HasPrefix(name, "."):
		return Other
	case strings.HasSuffix(name, ".gantry.hcl"), strings.HasSuffix(name, ".gantry.json"):
		return Configuration
	case strings.HasSuffix(name, ".vars.hcl"):
		return Values
	case strings.HasSuffix(name, ".gantrytest.hcl"):
		return Test
	}
	return Other
}

// Parse reads a file. Of what it was before, which may be nil, it takes what is still
// the same.
func Parse(path string, lines *text.Lines, vocabulary *Vocabulary, before *File) *File {
	f := &File{Path: path, Lines: lines}
	if !syntax.IsJSON(path) {
		f.parseParts(vocabulary, before)
		return f
	}
	f.HCL, f.Diags = syntax.Parse(lines.Bytes, path)
	if KindOf(path) == Configuration {
		r := &reader{file: f, vocabulary: vocabulary}
		r.json(f.HCL.Body)
		f.Declarations, f.References = r.declarations, r.references
	}
	return f
}

// Native returns the file's body in native syntax; nil for JSON.
func (f *File) Native() *hclsyntax.Body {
	body, _ := f.HCL.Body.(*hclsyntax.Body)
	return body
}

// Text returns the text of some bytes.
func (f *File) Text(s Span) string {
	if s.Start < 0 || s.End > len(f.Lines.Bytes) || s.Start > s.End {
		return ""
	}
	return string(f.Lines.Bytes[s.Start:s.End])
}

// DeclarationAt returns what is declared by the name at an offset.
func (f *File) DeclarationAt(offset int) (Declaration, bool) {
	for _, d := range f.Declarations {
		if d.Name.Has(offset) {
			return d, true
		}
	}
	return Declaration{}, false
}

// ReferenceAt returns the reference at an offset.
func (f *File) ReferenceAt(offset int) (Reference, bool) {
	for _, r := range f.References {
		if r.Whole.Has(offset) {
			return r, true
		}
	}
	return Reference{}, false
}
