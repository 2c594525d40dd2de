package lang_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
)

func TestRefactoring(t *testing.T) {
	text := `
cluster "prod" { context = "prod" }
application "web" {
  for_each = toset(["a/b"])
  source { path = "x" }
  destination { cluster = cluster.prod }
}
moved {
  from = module.old["k"].application.web
  to   = application.web["a/b"]
}
moved {
  from = application.older
  to   = module.old["k"].application.web
}
removed {
  from    = module.gone
  destroy = false
}
import {
  to        = application.web["a/b"]
  namespace = "web"
  selector  = "app=web"
}
`
	config, diags := evaluate(t, map[string]string{"main.gantry.hcl": text}, lang.VarArgs{})
	if len(diags.Errs()) > 0 || config.Incomplete {
		t.Fatal(diags)
	}
	var got []string
	for _, m := range config.Refactoring.Moved {
		got = append(got, m.From.String()+" -> "+config.Refactoring.Current(m.From).String())
	}
	for _, r := range config.Refactoring.Removed {
		got = append(got, "removed "+r.From.String())
	}
	for _, i := range config.Refactoring.Imports {
		got = append(got, "import "+i.To.String()+" "+i.Namespace+" "+i.Selector)
	}
	want := []string{
		`application.older -> application.web["a/b"]`, `module.old["k"].application.web -> application.web["a/b"]`,
		"removed module.gone", `import application.web["a/b"] web app=web`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The same in JSON, where an address is a string.
func TestRefactoringInJSON(t *testing.T) {
	text := `{
  "moved": [{"from": "application.old", "to": "application.web"}, {"from": "application.b[\"x\"]", "to": "application.c[\"x\"]"}],
  "removed": {"from": "application.c"}
}`
	web := "cluster \"prod\" { context = \"prod\" }\napplication \"web\" {\n  source { path = \"x\" }\n  destination { cluster = cluster.prod }\n}\n"
	config, diags := evaluate(t, map[string]string{"a.gantry.json": text, "b.gantry.hcl": web}, lang.VarArgs{})
	if len(diags) > 0 || len(config.Refactoring.Moved) != 2 || config.Refactoring.Moved[0].From.String() != `application.b["x"]` {
		t.Errorf("got %+v, %v", config.Refactoring, diags)
	}
}

// Contradictions are not followed, and nothing looks as if it had vanished.
func TestContradictoryRefactoring(t *testing.T) {
	for _, text := range []string{
		"moved {\n  from = application.a\n  to = application.b\n}\nmoved {\n  from = application.b\n  to = application.a\n}\n",
		"moved {\n  from = application.web\n  to = application.b\n}\n",
		"removed {\n  from = application.web\n}\n",
		"moved {\n  from = application.b\n  to = application.nowhere\n}\n",
	} {
		web := "cluster \"prod\" { context = \"prod\" }\napplication \"web\" {\n  source { path = \"x\" }\n  destination { cluster = cluster.prod }\n}\n"
		config, diags := evaluate(t, map[string]string{"a.gantry.hcl": text + web}, lang.VarArgs{})
		if !diags.HasErrors() || !config.Incomplete {
			t.Errorf("%s: incomplete is %v, %v", strings.ReplaceAll(text, "\n", " "), config.Incomplete, diags)
		}
	}
}
