package lang_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang"
)

// TestAdviceInJSON holds messages about JSON files to the JSON syntax, and to
// suggestions that they have as the native syntax has them.
func TestAdviceInJSON(t *testing.T) {
	for name, test := range map[string]struct{ text, want, not string }{
		"a reference as text": {
			`{"application": {"web": {"destination": {"cluster": "eu"}}}}`, `write "${cluster.NAME}".`, "without quotes",
		},
		"a constant": {`{"cluster": {"eu": {}}}`, `or "in_cluster": true`, "in_cluster ="},
		"a misspelt argument": {
			`{"cluster": {"eu": {"contxt": "a"}}}`, `An argument or block named "contxt" is not expected here. Did you mean "context"?`, "Extraneous",
		},
		"a misspelt block": {`{"aplication": {"web": {}}}`, `Did you mean "application"?`, "Extraneous"},
		"an unknown argument": {
			`{"application": {"web": {"wobble": 1}}}`, "In an application block there may be the arguments annotations, depends_on,", "Extraneous",
		},
		"count": {`{"application": {"web": {"count": 2}}}`, "There is no count:", "Extraneous"},
	} {
		m, diags := lang.Load("", lang.LoadOptions{FS: files(map[string]string{"main.gantry.json": test.text})})
		_, more := m.Evaluate(context.Background(), lang.EvalOptions{})
		var said strings.Builder
		for _, diag := range append(diags, more...) {
			said.WriteString(text(diag) + "\n")
		}
		if !strings.Contains(said.String(), test.want) || strings.Contains(said.String(), test.not) {
			t.Errorf("%s: want %q and not %q in:\n%s", name, test.want, test.not, said.String())
		}
	}
}
