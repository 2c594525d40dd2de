package lang_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang"
	langfunction "github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
)

const preamble = `<!-- Generated from the declarations that the decoder uses: go test ./lang -run TestReference -update -->

# The language

Configuration is HCL 2, in files ` + "`*.gantry.hcl`" + `, or HCL's JSON syntax in files
` + "`*.gantry.json`" + `. All files of a directory are read as one, in any order. This page
lists every block and argument.

References between blocks are written as ` + "`cluster.production`" + `,
` + "`generator.git.overlays`" + `, ` + "`local.name`" + ` or ` + "`var.name`" + `, without quotes. They decide what
is evaluated first; a cycle is an error. ` + "`cluster`" + `, ` + "`repository`" + ` and ` + "`project`" + ` alone
are all blocks of the kind by name; ` + "`cluster[\"production\"]`" + ` is one of them. A block
with ` + "`for_each`" + ` is an object of its instances: ` + "`application.payments[\"eu\"]`" + `.

An argument that is null is as one that is not written.

Sensitive values (of variables that say so, and from ` + "`sensitive(...)`" + `) are never
shown. They may be used where the tables say so; anywhere else they are an error.
`

// TestReference holds docs/language.md to the declarations.
func TestReference(t *testing.T) {
	var out strings.Builder
	out.WriteString(preamble)
	for _, block := range lang.Blocks() {
		out.WriteString("\n" + schema.Markdown(block))
	}
	out.WriteString("\n## Functions\n\nAll are pure: no clock, no randomness, no environment, no network. Files are read\nonly below the configuration's directory.\n")
	for _, group := range langfunction.Table(os.DirFS(".")) {
		fmt.Fprintf(&out, "\n### %s\n\n| function | |\n|---|---|\n", group.Name)
		for _, name := range schema.SortedKeys(group.Functions) {
			f := group.Functions[name]
			fmt.Fprintf(&out, "| `%s(%s)` | %s |\n", name, signature(f), description(name, f))
		}
	}
	path := filepath.Join("..", "docs", "language.md")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out.String(), string(have)); diff != "" {
		t.Errorf("docs/language.md is not current; run go test ./lang -run TestReference -update (-want +have):\n%s", diff)
	}
}

func signature(f function.Function) string {
	var names []string
	for _, param := range f.Params() {
		names = append(names, param.Name)
	}
	if param := f.VarParam(); param != nil {
		names = append(names, param.Name+"...")
	}
	return strings.Join(names, ", ")
}

func description(name string, f function.Function) string {
	text := f.Description()
	switch name {
	case "try":
		text = "Returns the first of its arguments that can be evaluated without an error."
	case "can":
		text = "Tells whether its argument can be evaluated without an error."
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\n", " "), "|", `\|`)
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
		names = append(names, nested.Type)
		checkDeclaration(t, path+" "+nested.Type, nested.Block)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%s has a name twice: %v", path, names)
	}
}
