package lang_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
)

func TestVariablePrecedence(t *testing.T) {
	text := `
variable "x" {
  type    = object({ n = number, m = optional(number, 7) })
  default = { n = 0 }
}
variable "s" { default = "default" }
`
	all := map[string]string{
		"main.gantry.hcl":   text,
		"gantry.vars.hcl":   "x = { n = 2 }",
		"b.auto.vars.hcl":   "x = { n = 4 }",
		"a.auto.vars.hcl":   "x = { n = 3 }\ns = \"auto\"\nunknown = 1",
		"ignored.vars.hcl":  "x = { n = 99 }",
		"other.gantry.hcl":  "locals {\n  used = [var.x, var.s]\n}\n",
		".hidden.vars.hcl":  "x = { n = 98 }",
		"gantry.vars.json":  "{",
		"c.auto.vars.hcl.x": "{",
	}
	dir := t.TempDir()
	writeFile(t, dir+"/given.hcl", "x = { n = 5 }")
	writeFile(t, dir+"/given.json", `{"x": {"n": 6}}`)
	env := []string{"GANTRY_VAR_x={ n = 1 }", "GANTRY_VAR_unknown=1", "GANTRY_VAR=", "PATH=/bin"}
	without := func(names ...string) map[string]string {
		out := map[string]string{}
		for name, content := range all {
			if !slices.Contains(names, name) {
				out[name] = content
			}
		}
		return out
	}
	tests := []struct {
		entries map[string]string
		args    lang.VarArgs
		value   string
		origin  string
	}{
		{without("gantry.vars.hcl", "a.auto.vars.hcl", "b.auto.vars.hcl"), lang.VarArgs{}, "{ m = 7, n = 0 }", "default"},
		{without("gantry.vars.hcl", "a.auto.vars.hcl", "b.auto.vars.hcl"), lang.VarArgs{Env: env}, "{ m = 7, n = 1 }", "GANTRY_VAR_x"},
		{without("a.auto.vars.hcl", "b.auto.vars.hcl"), lang.VarArgs{Env: env}, "{ m = 7, n = 2 }", "gantry.vars.hcl"},
		{without("b.auto.vars.hcl"), lang.VarArgs{Env: env}, "{ m = 7, n = 3 }", "a.auto.vars.hcl"},
		{all, lang.VarArgs{Env: env}, "{ m = 7, n = 4 }", "b.auto.vars.hcl"},
		{all, lang.VarArgs{Env: env, VarFiles: []string{dir + "/given.hcl"}}, "{ m = 7, n = 5 }", dir + "/given.hcl"},
		{all, lang.VarArgs{Env: env, VarFiles: []string{dir + "/given.hcl", dir + "/given.json"}}, "{ m = 7, n = 6 }", dir + "/given.json"},
		{all, lang.VarArgs{Env: env, VarFiles: []string{dir + "/given.hcl"}, Vars: []string{"x={ n = 8 }", "x={ n = 9, m = 1 }"}}, "{ m = 1, n = 9 }", "--var"},
	}
	for _, test := range tests {
		config, diags := evaluate(t, test.entries, test.args)
		if diags.HasErrors() {
			t.Errorf("%s: %v", test.origin, diags.Errs())
			continue
		}
		got := config.Variables[1]
		if got.Value != test.value || got.Origin != test.origin {
			t.Errorf("got %s from %s, want %s from %s", got.Value, got.Origin, test.value, test.origin)
		}
	}
	_, diags := evaluate(t, all, lang.VarArgs{})
	if len(diags) != 1 || diags[0].Severity != hcl.DiagWarning || diags[0].Subject.Filename != "a.auto.vars.hcl" {
		t.Errorf("a value that no variable takes gives %v", diags)
	}
	_, diags = evaluate(t, all, lang.VarArgs{VarFiles: []string{dir + "/missing.hcl"}, Vars: []string{"x"}})
	if len(diags.Errs()) != 2 {
		t.Errorf("a missing file and a bad option give %v", diags)
	}
}

func TestNullable(t *testing.T) {
	text := `
variable "a" {
  default = "fallback"
}
variable "b" {
  default  = "fallback"
  nullable = true
  type     = string
}
`
	config, diags := evaluate(t, map[string]string{"main.gantry.hcl": text, "gantry.vars.hcl": "a = null\nb = null"}, lang.VarArgs{})
	if diags.HasErrors() || config.Variables[0].Value != `"fallback"` || config.Variables[1].Value != "null" {
		t.Errorf("got %v, %v", config.Variables, diags)
	}
}

func TestUnsetVariables(t *testing.T) {
	tree := files(map[string]string{
		"a.gantry.hcl": "variable \"size\" {\n  type        = number\n  description = \"How big.\"\n}\nvariable \"given\" {}\nvariable \"else\" {\n  default = 1\n}\n",
		"b.gantry.hcl": "variable \"key\" {\n  sensitive = true\n}\n",
	})
	args := lang.VarArgs{Vars: []string{"given=x"}}
	config, diags := evaluateWith(t, tree, args, nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if len(config.Unset) != 2 || config.Unset[0].Name != "size" || config.Unset[0].Type != "number" || config.Unset[0].Description != "How big." ||
		config.Unset[1].Name != "key" || !config.Unset[1].Sensitive {
		t.Errorf("got %+v", config.Unset)
	}
	args.Answers = []string{"size=3", "key=a=b"}
	config, diags = evaluateWith(t, tree, args, nil)
	if diags.HasErrors() || len(config.Unset) > 0 {
		t.Errorf("with answers: %+v, %v", config.Unset, diags)
	}
	for _, v := range config.Variables {
		if v.Name == "size" && (v.Value != "3" || v.Origin != "the answer") {
			t.Errorf("got %+v", v)
		}
	}
}

func TestMistypedTypes(t *testing.T) {
	for text, want := range map[string]string{
		"nmber": "number", "list(strng)": "string", "lst(string)": "list", "object({ a = optional(boll) })": "bool", "quux": "",
	} {
		_, diags := evaluate(t, map[string]string{"main.gantry.hcl": "variable \"v\" {\n  type = " + text + "\n  default = null\n}\nlocals {\n  used = var.v\n}\n"}, lang.VarArgs{})
		if len(diags.Errs()) == 0 {
			t.Errorf("%s is accepted", text)
			continue
		}
		if got := diags[0].Detail; want == "" && strings.Contains(got, "Did you mean") || !strings.Contains(got, "Did you mean \""+want+"\"?") && want != "" {
			t.Errorf("%s gives %q, want a suggestion of %q", text, got, want)
		}
	}
}
