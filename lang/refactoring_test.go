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

// What moves to a module that is not declared would be destroyed, like what moves to
// such an application; where not all instances are known, nothing is said.
func TestMovedToUndeclared(t *testing.T) {
	const (
		web   = "application \"web\" {\n  source { path = \"x\" }\n  destination { cluster = cluster.prod }\n}\n"
		prod  = "cluster \"prod\" { context = \"prod\" }\n"
		b     = "module \"b\" {\n  source = \"./inner\"\n  cluster = cluster.prod\n}\n"
		keyed = "module \"b\" {\n  for_each = toset([\"eu\"])\n  source = \"./inner\"\n  cluster = cluster.prod\n}\n"
		inner = "variable \"cluster\" { type = cluster }\napplication \"web\" {\n  source { objects = [] }\n  destination { cluster = var.cluster }\n}\n"
		late  = "module \"b\" {\n  for_each = local.nope\n  source = \"./inner\"\n  cluster = cluster.prod\n}\n"
	)
	for name, test := range map[string]struct{ text, wrong string }{
		"declared":           {b + moved("module.a", "module.b"), ""},
		"instance":           {keyed + moved("module.a", `module.b["eu"]`), ""},
		"to an own instance": {keyed + moved("module.b", `module.b["eu"]`), ""},
		"typo":               {b + moved("module.a", "module.c"), "No module.c is declared in this configuration. Did you mean module.b? What is moved there would be destroyed. If that is meant, say so with a removed block."},
		"key":                {keyed + moved("module.a", `module.b["us"]`), `No module.b["us"] is declared`},
		"chain":              {b + moved("module.a", "module.c") + moved("module.c", "module.b"), ""},
		"chain to typo":      {b + moved("module.a", "module.c") + moved("module.c", "module.d"), "No module.d is declared"},
		"through a module":   {b + moved("application.old", "module.c.application.web") + moved("module.c", "module.b"), ""},
		"removed":            {b + moved("module.a", "module.c") + "removed {\n  from = module.c\n}\n", ""},
		"taken apart":        {b + web + moved("module.a", "module.c") + moved("module.c.application.web", "application.web"), ""},
		"no applications":    {"module \"c\" { source = \"./empty\" }\n" + moved("module.a", "module.c"), ""},
		"unknown instances":  {late + moved("module.a", `module.b["k"]`), "-"},
		"of unknown, typo":   {late + moved("module.a", `module.b["k"].module.c`), `No module.b["k"].module.c is declared`},
		"in unknown":         {late + moved("application.old", `module.b["k"].application.web`), "-"},
		"in unknown, typo":   {late + moved("application.old", `module.b["k"].application.wep`), `No module.b["k"].application.wep is declared`},
	} {
		t.Run(name, func(t *testing.T) {
			config, diags := evaluate(t, map[string]string{"a.gantry.hcl": test.text + prod, "inner/a.gantry.hcl": inner, "empty/a.gantry.hcl": "locals {}\n"}, lang.VarArgs{})
			var got []string
			for _, diag := range diags.Errs() {
				if text := diag.Error(); !strings.Contains(text, "\"nope\"") {
					got = append(got, text)
				}
			}
			switch test.wrong {
			case "", "-":
				if len(got) > 0 || test.wrong == "" && config.Incomplete {
					t.Error(got)
				}
			default:
				if len(got) != 1 || !strings.Contains(got[0], test.wrong) || !config.Incomplete {
					t.Errorf("incomplete is %v, got %q", config.Incomplete, got)
				}
			}
		})
	}
}

func moved(from, to string) string {
	return "moved {\n  from = " + from + "\n  to = " + to + "\n}\n"
}

// A block that says what becomes of what is gone, and is wrong, does not pass for one
// that is not there.
func TestBrokenRefactoring(t *testing.T) {
	for _, text := range []string{
		"removed {\n  from = application.gone\n  destroy = flase\n}\n",
		"removed {\n  from = \"application.gone\"\n}\n",
		"moved {\n  from = application.gone\n  too = application.web\n}\n",
		"moved {\n  from = application.gone\n  to = module.m\n}\n",
	} {
		config, diags := evaluate(t, map[string]string{"a.gantry.hcl": text}, lang.VarArgs{})
		if !diags.HasErrors() || !config.Incomplete {
			t.Errorf("%s: incomplete is %v, %v", strings.ReplaceAll(text, "\n", " "), config.Incomplete, diags)
		}
	}
}
