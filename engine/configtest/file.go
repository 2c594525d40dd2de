package configtest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// testFile is a file of tests, parsed.
type testFile struct {
	name      string
	file      *hcl.File
	variables []*hcl.Attribute
	fixtures  []*fixture
	runs      []*testRun
}

// testRun is one run block.
type testRun struct {
	name      string
	header    hcl.Range
	variables []*hcl.Attribute
	fixtures  []*fixture
	parsed    *schema.Parsed
}

// fixture is one fixture block.
type fixture struct {
	kind, name string
	header     hcl.Range
	label      hcl.Range // of the name
	parsed     *schema.Parsed
	used       atomic.Bool // sources are opened side by side
}

// parse reads a file of tests. The file is never nil.
func parse(src []byte, name string) (*testFile, hcl.Diagnostics) {
	out := &testFile{name: name}
	var diags hcl.Diagnostics
	out.file, diags = syntax.Parse(src, name)
	content, more := out.file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "run", LabelNames: []string{"name"}},
		{Type: "variables"},
		{Type: "fixture", LabelNames: []string{"type", "name"}},
	}})
	for _, diag := range more {
		if strings.HasPrefix(diag.Summary, "Unsupported ") && !strings.Contains(diag.Detail, "Did you mean") {
			diag.Detail += " In a file of tests there may be the blocks run, variables and fixture."
		}
	}
	diags = append(diags, more...)
	if content == nil {
		return out, diags
	}
	first := map[string]hcl.Range{}
	var variables *hcl.Block
	for _, block := range content.Blocks {
		switch block.Type {
		case "variables":
			diags = append(diags, once(block, &variables)...)
			attributes, more := attributesOf(block.Body)
			out.variables, diags = append(out.variables, attributes...), append(diags, more...)
		case "fixture":
			made, more := parseFixture(block)
			diags = append(diags, more...)
			if made != nil {
				diags = append(diags, addFixture(&out.fixtures, made)...)
			}
		case "run":
			run, more := parseRun(block)
			diags = append(diags, more...)
			if at, ok := first[run.name]; ok {
				diags = append(diags, duplicate(block, fmt.Sprintf("Another run is called %q, at %s. Reports could not tell them apart; rename one of them.", run.name, at)))
			}
			first[run.name] = block.DefRange
			out.runs = append(out.runs, run)
		}
	}
	if len(out.runs) == 0 && !diags.HasErrors() {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "File without tests",
			Detail:  "There is no run block in the file, so that it tests nothing.",
			Subject: &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
		})
	}
	return out, diags
}

func parseRun(block *hcl.Block) (*testRun, hcl.Diagnostics) {
	run := &testRun{name: block.Labels[0], header: block.DefRange}
	content, _, diags := block.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "variables"}, {Type: "fixture", LabelNames: []string{"type", "name"}},
	}})
	var variables *hcl.Block
	for _, inner := range content.Blocks {
		if inner.Type == "variables" {
			diags = append(diags, once(inner, &variables)...)
			attributes, more := attributesOf(inner.Body)
			run.variables, diags = append(run.variables, attributes...), append(diags, more...)
			continue
		}
		made, more := parseFixture(inner)
		diags = append(diags, more...)
		if made != nil {
			diags = append(diags, addFixture(&run.fixtures, made)...)
		}
	}
	remaining := *block
	if body, ok := block.Body.(*hclsyntax.Body); ok {
		rest := *body
		rest.Blocks = slices.DeleteFunc(slices.Clone(body.Blocks), func(b *hclsyntax.Block) bool { return b.Type == "variables" || b.Type == "fixture" })
		remaining.Body = &rest
	}
	parsed, more := schema.Parse(&remaining, runBlock())
	run.parsed = parsed
	if strings.TrimSpace(run.name) == "" {
		more = append(more, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Invalid name", Detail: "A run needs a name, which says what it shows.", Subject: block.LabelRanges[0].Ptr(),
		})
	}
	return run, append(diags, more...)
}

func parseFixture(block *hcl.Block) (*fixture, hcl.Diagnostics) {
	kind := block.Labels[0]
	var types []string
	for _, declared := range fixtureBlocks() {
		if declared.Labels[0] != kind {
			types = append(types, declared.Labels[0])
			continue
		}
		labelled := *block
		labelled.Labels = block.Labels[1:]
		parsed, diags := schema.Parse(&labelled, declared)
		return &fixture{kind: kind, name: block.Labels[1], header: block.DefRange, label: block.LabelRanges[1], parsed: parsed}, diags
	}
	detail := fmt.Sprintf("There is no fixture of type %q; the types are %s.", kind, schema.List(types, "and"))
	if near := schema.Suggest(kind, types); near != "" {
		detail += fmt.Sprintf(" Did you mean %q?", near)
	}
	return nil, hcl.Diagnostics{{
		Severity: hcl.DiagError, Summary: "Unknown type label", Detail: detail, Subject: block.LabelRanges[0].Ptr(), Context: block.DefRange.Ptr(),
	}}
}

// addFixture adds a fixture to those of a file or run. There may be several of a
// source, for its revisions and charts.
func addFixture(fixtures *[]*fixture, f *fixture) hcl.Diagnostics {
	for _, other := range *fixtures {
		if f.kind != fixtureSource && other.kind == f.kind && other.name == f.name {
			return hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: "Duplicate declaration",
				Detail:  fmt.Sprintf("There is a fixture for the %s %q already, at %s. Put the arguments of both into one.", f.kind, f.name, other.header),
				Subject: f.header.Ptr(),
			}}
		}
	}
	*fixtures = append(*fixtures, f)
	return nil
}

// once reports a second block of a type.
func once(block *hcl.Block, first **hcl.Block) hcl.Diagnostics {
	if *first == nil {
		*first = block
		return nil
	}
	return hcl.Diagnostics{duplicate(block, fmt.Sprintf("There may be one %s block, and the first is at %s. Put the values of both into one.", block.Type, (*first).DefRange))}
}

func duplicate(block *hcl.Block, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Duplicate block", Detail: detail, Subject: block.DefRange.Ptr()}
}

// attributesOf returns the attributes of a body in the order in which they are
// written.
func attributesOf(body hcl.Body) ([]*hcl.Attribute, hcl.Diagnostics) {
	attributes, diags := body.JustAttributes()
	out := make([]*hcl.Attribute, 0, len(attributes))
	for _, attribute := range attributes {
		out = append(out, attribute)
	}
	slices.SortFunc(out, func(a, b *hcl.Attribute) int { return a.NameRange.Start.Byte - b.NameRange.Start.Byte })
	return out, diags
}
