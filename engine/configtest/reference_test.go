package configtest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/engine/configtest"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

const referencePage = "../../docs/language/tests.md"

const referencePreamble = `<!-- Generated from the declarations that the decoder uses: go test ./engine/configtest -run Reference -update -->

# Tests

Tests of a configuration are in files ` + "`*.gantrytest.hcl`" + `, in its directory or in the
folder ` + "`tests`" + ` below. [Testing](../testing.md) says how to write them; this page lists
every block and argument.

## Functions

In conditions there are all [functions](functions.md) of the language, and these.

| function | result | |
|---|---|---|
`

// TestReference holds docs/language/tests.md to the declarations.
func TestReference(t *testing.T) {
	var out strings.Builder
	out.WriteString(referencePreamble)
	for _, f := range configtest.Functions() {
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", f.Signature(), f.Result, f.Doc)
	}
	for _, block := range configtest.Blocks() {
		out.WriteString("\n" + schema.Markdown(block))
	}
	if *update {
		if err := os.WriteFile(referencePage, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out.String(), string(have)); diff != "" {
		t.Errorf("docs/language/tests.md is not current; run go test ./engine/configtest -run Reference -update (-want +have):\n%s", diff)
	}
}

// Every block has an example, in the canonical style, that a file of tests may have.
func TestDeclarations(t *testing.T) {
	for _, block := range configtest.Blocks() {
		formatted, diags := syntax.Format([]byte(block.Example+"\n"), "example.gantrytest.hcl")
		if diags.HasErrors() || string(formatted) != block.Example+"\n" {
			t.Errorf("the example of %s is not formatted: %v", block.Header(), diags)
		}
		file, diags := hclsyntax.ParseConfig([]byte(block.Example), "", hcl.InitialPos)
		if diags.HasErrors() || len(file.Body.(*hclsyntax.Body).Blocks) != 1 || file.Body.(*hclsyntax.Body).Blocks[0].Type != block.Type {
			t.Errorf("the example of %s does not show it", block.Header())
		}
		report := execute(t.Context(), t, func(o *configtest.Options) { o.Selected = func(string) bool { return false } }, map[string]string{
			"main.gantry.hcl": simple, "example.gantrytest.hcl": block.Example + "\nrun \"other\" {}\n",
		})
		if report.Files[0].Diagnostics.HasErrors() {
			t.Errorf("the example of %s is not valid: %v", block.Header(), report.Files[0].Diagnostics)
		}
	}
}
