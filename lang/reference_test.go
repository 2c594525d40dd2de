package lang_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang"
	langfunction "github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
)

const languageFolder = "../docs/language"

const generated = "<!-- Generated from the declarations that the decoder uses: go test ./lang -run Reference -update -->\n\n"

const preamble = `# The language

Configuration is HCL 2, in files ` + "`*.gantry.hcl`" + `, or HCL's JSON syntax in files
` + "`*.gantry.json`" + `. All files of a directory are read as one, in any order.

References between blocks are written as ` + "`cluster.production`" + `,
` + "`generator.git.overlays`" + `, ` + "`local.name`" + ` or ` + "`var.name`" + `, without quotes. They decide what
is evaluated first; a cycle is an error. ` + "`cluster`" + `, ` + "`repository`" + ` and ` + "`project`" + ` alone
are all blocks of the kind by name; ` + "`cluster[\"production\"]`" + ` is one of them. A block
with ` + "`for_each`" + ` is an object of its instances: ` + "`application.payments[\"eu\"]`" + `.

An argument that is null is as one that is not written.

A ` + "`dynamic`" + ` block makes nested blocks of the elements of a list, set, map or object,
in any block that takes nested ones:

` + "```hcl" + `
dynamic "source" {
  for_each = var.charts
  content {
    url   = source.value.url
    chart = source.key
  }
}
` + "```" + `

In ` + "`content`" + `, ` + "`source.key`" + ` and ` + "`source.value`" + ` are the element; ` + "`iterator = name`" + ` gives
them another name. Blocks that have a label get it from ` + "`labels = [source.key]`" + `.
Dynamic blocks may be in each other's content. How many blocks there must and may be
is asked of what they make.

Sensitive values (of variables that say so, and from ` + "`sensitive(...)`" + `) are never
shown. They may be used where the tables say so; anywhere else they are an error.

` + "`gantry schema`" + ` shows the same on the command line, and with ` + "`--json`" + ` as data.

## Blocks

| block | what it is |
|---|---|
`

const functionsPreamble = `# Functions

All are pure: no clock, no randomness, no environment, no network. Files are read
only below the configuration's directory.
`

// referencePages makes the pages of docs/language by their names: a page per
// block, one of the functions, and the index.
func referencePages() map[string]string {
	pages := map[string]string{"functions.md": functionsPage(), "late.md": latePage()}
	var order []string
	blocks := map[string][]*schema.Block{}
	for _, block := range lang.Blocks() {
		if blocks[block.Type] == nil {
			order = append(order, block.Type)
		}
		blocks[block.Type] = append(blocks[block.Type], block)
	}
	index := generated + preamble
	for _, name := range order {
		of := blocks[name]
		doc := of[0].Doc
		header := of[0].Header()
		if len(of) > 1 {
			doc = fmt.Sprintf("There are these types of %s:\n", name)
			for _, block := range of {
				doc += fmt.Sprintf("\n- [%s](#%s): %s", block.Labels[0], slug(block.Header()), schema.FirstSentence(block.Doc))
			}
			header = fmt.Sprintf("%s \"TYPE\" \"NAME\"", name)
		}
		pages[name+".md"] = generated + schema.Page(doc, of...)
		summary := schema.FirstSentence(of[0].Doc)
		if len(of) > 1 {
			var types []string
			for _, block := range of {
				types = append(types, "`"+block.Labels[0]+"`")
			}
			summary = "One of " + strings.Join(types, ", ") + "."
		}
		index += fmt.Sprintf("| [`%s`](%s.md) | %s |\n", header, name, strings.ReplaceAll(summary, "|", `\|`))
	}
	pages["README.md"] = index + "\n## More\n\n- [Functions](functions.md)\n- [Expressions that are evaluated case by case](late.md)\n- [Files of tests](tests.md), `*.gantrytest.hcl`\n"
	return pages
}

func functionsPage() string {
	var out strings.Builder
	out.WriteString(generated + functionsPreamble)
	group := ""
	for _, f := range langfunction.Describe(os.DirFS(".")) {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&out, "\n## %s\n\n| function | result | |\n|---|---|---|\n", group)
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", f.Signature(), f.Result, strings.ReplaceAll(f.Doc, "|", `\|`))
	}
	return out.String()
}

var notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// slug is how a heading is linked to.
func slug(heading string) string {
	return strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// TestReference holds docs/language to the declarations.
func TestReference(t *testing.T) {
	want := referencePages()
	if *update {
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(languageFolder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range want {
		have, err := os.ReadFile(filepath.Join(languageFolder, name))
		if err != nil {
			t.Errorf("%v: run go test ./lang -run Reference -update", err)
			continue
		}
		if diff := cmp.Diff(text, string(have)); diff != "" {
			t.Errorf("docs/language/%s is not current; run go test ./lang -run Reference -update (-want +have):\n%s", name, diff)
		}
	}
	files, err := os.ReadDir(languageFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := want[file.Name()]; !ok && file.Name() != "tests.md" { // of engine/configtest
			t.Errorf("docs/language/%s is of no block; remove it", file.Name())
		}
	}
}

// Every block of the language is in the reference, on the page of its type.
func TestReferenceHasEveryBlock(t *testing.T) {
	pages := referencePages()
	for _, block := range lang.Blocks() {
		page := pages[block.Type+".md"]
		if !strings.Contains(page, "# "+block.Header()+"\n") || !strings.Contains(pages["README.md"], "("+block.Type+".md)") {
			t.Errorf("%s is not in the reference", block.Header())
		}
		for _, argument := range block.Arguments {
			if !strings.Contains(page, "| `"+argument.Name+"` | "+argument.Type.Name+" |") {
				t.Errorf("the argument %s of %s is not in the reference", argument.Name, block.Header())
			}
		}
	}
}

// Every block has an example, which is valid and in the canonical style; every
// argument and block says what it is for.
func TestDeclarations(t *testing.T) {
	for _, block := range lang.Blocks() {
		formatted, diags := lang.Format([]byte(block.Example+"\n"), "example.gantry.hcl")
		if diags.HasErrors() || block.Example == "" || string(formatted) != block.Example+"\n" {
			t.Errorf("the example of %s is not formatted: %v", block.Header(), diags)
			continue
		}
		file, _ := hclsyntax.ParseConfig([]byte(block.Example), "", hcl.InitialPos)
		shown := false
		for _, written := range file.Body.(*hclsyntax.Body).Blocks {
			if written.Type != block.Type || block.Free {
				shown = shown || block.Free
				continue
			}
			shown = true
			if _, diags := schema.Parse(written.AsHCLBlock(), block); diags.HasErrors() {
				t.Errorf("the example of %s is not valid: %v", block.Header(), diags)
			}
		}
		if !shown {
			t.Errorf("the example of %s does not show it", block.Header())
		}
		checkDeclaration(t, block.Header(), block)
	}
}

func checkDeclaration(t *testing.T, path string, block *schema.Block) {
	t.Helper()
	isSentence := func(what, text string) {
		if !strings.HasSuffix(text, ".") || strings.HasPrefix(text, strings.ToLower(text[:1])) && text[0] != '`' {
			t.Errorf("%s: %q is no sentence", what, text)
		}
	}
	isSentence(path, block.Doc)
	var names []string
	for _, argument := range block.Arguments {
		isSentence(path+" "+argument.Name, argument.Doc)
		names = append(names, argument.Name)
		if argument.Required && argument.Default != "" {
			t.Errorf("%s %s is required and has a default", path, argument.Name)
		}
	}
	for _, nested := range block.Blocks {
		names = append(names, nested.Header())
		checkDeclaration(t, path+" "+nested.Type, nested.Block)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%s has a name twice: %v", path, names)
	}
}
