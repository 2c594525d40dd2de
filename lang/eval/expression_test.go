package eval_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/syntax"
	"github.com/gantrycd/gantry/lang/value"
)

const configuration = `
variable "replicas" {
  default = 2
}
variable "token" {
  default   = "hunter2"
  sensitive = true
}
locals {
  doubled = var.replicas * 2
}
cluster "eu" {
  server = "https://eu.example.com"
  labels = { tier = "one" }
}
generator "clusters" "all" {}
generator "git" "apps" {
  url = "https://git.example.com/apps"
  directories {
    path = "*"
  }
}
application "web" {
  for_each = generator.git.apps
  source {
    objects = []
  }
  destination {
    cluster   = cluster.eu
    namespace = each.key
  }
}
`

func scope(t *testing.T, options lang.EvalOptions) (*lang.Config, *lang.Scope) {
	t.Helper()
	module, diags := lang.Load("", lang.LoadOptions{FS: fstest.MapFS{"main.gantry.hcl": {Data: []byte(configuration)}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	config, scope, diags := module.EvaluateScope(t.Context(), options)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return config, scope
}

func ask(t *testing.T, s *lang.Scope, text string, extra eval.Extra) (cty.Value, hcl.Diagnostics) {
	t.Helper()
	expr, diags := syntax.ParseExpression([]byte(text), "asked", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return s.Evaluate(expr, extra)
}

func TestScope(t *testing.T) {
	_, s := scope(t, lang.EvalOptions{})
	extra := eval.Extra{Variables: map[string]cty.Value{"answer": cty.NumberIntVal(42)}}
	for text, want := range map[string]string{
		"1 + 1":                               "2",
		"local.doubled + answer":              "46",
		"cluster.eu.labels.tier":              `"one"`,
		`cluster["eu"].name`:                  `"eu"`,
		"[for c in cluster : upper(c.name)]":  `["EU"]`,
		"keys(generator.clusters.all)":        `["eu"]`,
		"var.token":                           "(sensitive)",
		"{ a = var.token, b = var.replicas }": "{ a = (sensitive), b = 2 }",
		"generator.git.apps":                  "(unknown)",
		"cluster.eu":                          "cluster.eu",
	} {
		v, diags := ask(t, s, text, extra)
		if diags.HasErrors() {
			t.Errorf("%s: %v", text, diags)
		} else if got := value.Text(v); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"local.double":           "Did you mean local.doubled?",
		"cluster.eu.labels.teir": "Did you mean \"tier\"?",
		"each.key":               "has no for_each",
		"nothing":                "nothing called \"nothing\"",
		"upperr(\"x\")":          "Did you mean \"upper\"?",
	} {
		_, diags := ask(t, s, text, extra)
		if !diags.HasErrors() || !strings.Contains(diags[0].Detail, want) {
			t.Errorf("%s says %v, want %s", text, diags, want)
		}
	}
}

func TestFixtures(t *testing.T) {
	config, s := scope(t, lang.EvalOptions{Fixtures: &lang.Fixtures{
		Arguments: func(a addr.Address) map[string]cty.Value {
			if a.Kind == "cluster" {
				return map[string]cty.Value{"labels": cty.ObjectVal(map[string]cty.Value{"tier": cty.StringVal("two")})}
			}
			return nil
		},
		Items: func(a addr.Address) (cty.Value, bool) {
			return cty.ObjectVal(map[string]cty.Value{"one": cty.EmptyObjectVal, "two": cty.EmptyObjectVal}), a.Type == "git"
		},
	}})
	if len(config.Applications) != 2 || config.Applications[1].Address.Key != "two" {
		t.Errorf("applications are %v", config.Applications)
	}
	for text, want := range map[string]string{
		"cluster.eu.labels.tier":           `"two"`,
		"cluster.eu.server":                `"https://eu.example.com"`,
		"keys(generator.git.apps)":         `["one", "two"]`,
		"application.web[\"two\"].name":    `"web-two"`,
		"generator.clusters.all.eu.labels": `{ tier = "two" }`,
	} {
		v, diags := ask(t, s, text, eval.Extra{})
		if diags.HasErrors() || value.Text(v) != want {
			t.Errorf("%s is %s %v, want %s", text, value.Text(v), diags, want)
		}
	}
	if labels := config.Clusters[0].Labels["tier"]; labels != "two" {
		t.Errorf("the cluster has the label %q", labels)
	}
}
