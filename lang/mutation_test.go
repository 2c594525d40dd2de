package lang_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang"
)

// TestMutations changes tokens of real configurations at random. Whatever comes of
// it, nothing crashes, what is wrong is said, and what is in the Config is whole.
func TestMutations(t *testing.T) {
	sources := [][]byte{[]byte(estate)}
	names, err := filepath.Glob("testdata/diagnostics/*.gantry.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, src)
	}
	rapid.Check(t, func(rt *rapid.T) {
		src := rapid.SampledFrom(sources).Draw(rt, "source")
		tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			at, from := rapid.IntRange(0, len(tokens)-1).Draw(rt, "at"), rapid.IntRange(0, len(tokens)-1).Draw(rt, "from")
			switch rapid.IntRange(0, 3).Draw(rt, "change") {
			case 0: // leave one out
				tokens[at].Bytes = nil
			case 1: // put another in its place
				tokens[at].Bytes = tokens[from].Bytes
			case 2: // put a word in its place
				words := []string{"null", "unknown", "each.value", "cluster", "var.git_token", "{}", "[]", "\"\"", "-1", "1e400", "sensitive(1)", "local.env", "application.ingress", "generator.git.overlays", "toset([])", "*", "true"}
				tokens[at].Bytes = []byte(rapid.SampledFrom(words).Draw(rt, "word"))
			case 3: // swap two
				tokens[at].Bytes, tokens[from].Bytes = tokens[from].Bytes, tokens[at].Bytes
			}
		}
		var changed []byte
		for i, token := range tokens {
			if i > 0 && token.Range.Start.Byte > tokens[i-1].Range.End.Byte {
				changed = append(changed, ' ')
			}
			changed = append(changed, token.Bytes...)
		}
		entries := beside()
		entries["main.gantry.hcl"], entries["ca.pem"] = string(changed), "CA"
		m, diags := lang.Load("", lang.LoadOptions{FS: files(entries), Version: "1.2.3"})
		for _, reader := range []lang.Reader{nil, fakeReader{repositoryTree()}} {
			config, more := m.Evaluate(context.Background(), lang.EvalOptions{Reader: reader})
			check(t, m, config, append(append(hcl.Diagnostics{}, diags...), more...))
			for _, diag := range more {
				if diag.Summary == "Value not known" {
					rt.Fatalf("%v in\n%s", diag, changed)
				}
			}
		}
		if t.Failed() {
			rt.Fatalf("in\n%s", changed)
		}
	})
}
