package lang_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
)

// A secret that was given for a variable is in no diagnostic, whatever is wrong
// with it and wherever it came from.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "hunter2"
	declare := func(ty, more string) string {
		return "variable \"s\" {\n  type      = " + ty + "\n  sensitive = true\n" + more + "}\n"
	}
	uses := `
locals {
  bad_number = var.s + 1
  bad_call   = parseint(var.s, 10)
  bad_key    = { for x in [1, 2] : var.s => x }
  bad_index  = { a = 1 }[var.s]
  bad_call2  = file(var.s)
  template   = "${jsondecode("{${var.s}")}"
  indirect   = parseint(local.copy, 10)
  copy       = upper(var.s)
}
cluster "c" {
  context = var.s
}
generator "list" "l" {
  elements = [{ key = var.s }]
}
application "a" {
  for_each = toset([var.s])
  name     = var.s
  source {
    path = var.s
    helm {
      values = { a = var.s, b = 1e999 }
    }
  }
  destination {
    cluster = cluster.c
  }
  depends_on = [application.b[var.s]]
}
application "b" {
  source {
    objects = [{ apiVersion = "v1", kind = "Secret", metadata = { name = var.s }, stringData = { a = var.s, b = 1e999 } }]
  }
  destination {
    cluster   = cluster.c
    namespace = var.s
  }
}
`
	validation := "  validation {\n    condition     = length(var.s) > 100\n    error_message = \"not ${var.s}\"\n  }\n"
	tests := map[string]struct {
		text  string
		vars  string // gantry.vars.hcl
		args  lang.VarArgs
		wrong bool // the value itself
	}{
		"uses":              {text: declare("string", "") + uses, vars: `s = "` + secret + `"`},
		"validation":        {text: declare("string", validation), vars: `s = "` + secret + `"`, wrong: true},
		"type, in a file":   {text: declare("list(number)", ""), vars: `s = "` + secret + `"`, wrong: true},
		"syntax, in a file": {text: declare("string", ""), vars: `s = "` + secret + `"" x`, wrong: true},
		"call, in a file":   {text: declare("string", ""), vars: `s = nothing("` + secret + `")`, wrong: true},
		"type, in env":      {text: declare("number", ""), args: lang.VarArgs{Env: []string{"GANTRY_VAR_s=" + secret}}, wrong: true},
		"syntax, in env":    {text: declare("number", ""), args: lang.VarArgs{Env: []string{"GANTRY_VAR_s=" + secret + "["}}, wrong: true},
		"type, in --var":    {text: declare("list(number)", ""), args: lang.VarArgs{Vars: []string{`s="` + secret + `"`}}, wrong: true},
		"object, in --var":  {text: declare("map(number)", ""), args: lang.VarArgs{Vars: []string{`s={ a = "` + secret + `" }`}}, wrong: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			entries := map[string]string{"main.gantry.hcl": test.text}
			if test.vars != "" {
				entries["gantry.vars.hcl"] = test.vars
			}
			m, diags := lang.Load("", lang.LoadOptions{FS: files(entries)})
			inputs, more := lang.ReadVariables(m, test.args)
			diags = append(diags, more...)
			config, more := m.Evaluate(context.Background(), lang.EvalOptions{Variables: inputs, Reader: fakeReader{repositoryTree()}})
			diags = append(diags, more...)
			if !diags.HasErrors() {
				t.Error("expected errors")
			}
			var shown bytes.Buffer
			if err := hcl.NewDiagnosticTextWriter(&shown, m.Files(), 200, false).WriteDiagnostics(diags); err != nil {
				t.Fatal(err)
			}
			if text := strings.ToLower(shown.String()); strings.Contains(text, secret) {
				t.Errorf("the secret is shown:\n%s", shown.String())
			}
			for _, variable := range config.Variables {
				if strings.Contains(variable.Value, secret) {
					t.Errorf("the Config shows %s", variable.Value)
				}
			}
			if len(config.Applications) > 0 {
				t.Errorf("applications are made of it: %v", applicationsOf(config))
			}
		})
	}
}
