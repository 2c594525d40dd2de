package configdiff_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/configdiff"
)

const base = `
cluster "main" {
  context = "main"
  labels  = { tier = "one" }
}
generator "list" "made" {
  elements = [{ key = "a", n = 1 }, { key = "b", n = 1 }, { key = "c", n = 1 }]
}
locals {
  %s
  made = { for k, v in generator.list.made : k => v }
}
application "made" {
  for_each = local.made
  labels   = { n = each.value.n }
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "x", annotations = { l = cluster.main.labels.tier } }, data = { n = "${each.value.n}" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "made"
  }
}
application "unrelated" {
  source {
    objects = []
  }
  destination {
    cluster   = cluster.main
    namespace = %q
  }
}
`

func evaluate(t *testing.T, text string) (*lang.Config, hcl.Diagnostics) {
	t.Helper()
	m, diags := lang.Load("", lang.LoadOptions{FS: fstest.MapFS{"main.gantry.hcl": &fstest.MapFile{Data: []byte(text)}}})
	config, more := m.Evaluate(t.Context(), lang.EvalOptions{})
	return config, append(diags, more...)
}

func mustEvaluate(t *testing.T, text string) *lang.Config {
	t.Helper()
	config, diags := evaluate(t, text)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return config
}

var made = addr.Address{Kind: "generator", Type: "list", Name: "made"}

// show renders a difference in lines.
func show(d configdiff.Difference) []string {
	var out []string
	for _, item := range d.Items {
		out = append(out, fmt.Sprintf("%s %s %s", item.Kind, item.Generator, item.Key))
	}
	for _, app := range d.Applications {
		out = append(out, fmt.Sprintf("%s %s %v", app.Kind, app.Address, app.Arguments))
	}
	return out
}

func TestGenerator(t *testing.T) {
	before := mustEvaluate(t, fmt.Sprintf(base, "", "x"))
	for name, test := range map[string]struct {
		after string
		want  []string
	}{
		"the same elsewhere": {fmt.Sprintf(base, "moved = 1", "another"), nil},
		"items": {
			replaced(t, `{ key = "b", n = 1 }, { key = "c", n = 1 }`, `{ key = "b", n = 2 }, { key = "d", n = 1 }`), []string{
				"changed generator.list.made b", "removed generator.list.made c", "added generator.list.made d",
				`changed application.made["b"] [labels sources]`, `removed application.made["c"] []`, `added application.made["d"] []`,
			},
		},
		"an argument": {replaced(t, `namespace = "made"`, `namespace = "other"`), []string{
			`changed application.made["a"] [destination]`, `changed application.made["b"] [destination]`, `changed application.made["c"] [destination]`,
		}},
		"the generator goes": {replaced(t, "for k, v in generator.list.made", "for k, v in {}"), []string{
			`removed application.made["a"] []`, `removed application.made["b"] []`, `removed application.made["c"] []`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, show(configdiff.Generator(before, mustEvaluate(t, test.after), made))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What cannot be evaluated is not removed.
func TestBrokenIsNotRemoved(t *testing.T) {
	before := mustEvaluate(t, fmt.Sprintf(base, "", "x"))
	for _, text := range []string{
		replaced(t, `{ key = "b", n = 1 }`, `{ key = "a", n = 1 }`),
		replaced(t, `elements = [`, `elements = [nothing.`),
		replaced(t, `"v1"`, `each.value.nothing`),
	} {
		after, diags := evaluate(t, text)
		if !diags.HasErrors() {
			t.Fatal("nothing is broken")
		}
		if got := show(configdiff.Generator(before, after, made)); got != nil {
			t.Errorf("got %v", got)
		}
	}
}

func TestInstances(t *testing.T) {
	each := `generator "list" "made" {
  for_each = toset([%s])
  elements = ["${each.key}1"]
}
`
	before, after := mustEvaluate(t, fmt.Sprintf(each, `"a", "b"`)), mustEvaluate(t, fmt.Sprintf(each, `"b", "c"`))
	want := []string{`removed generator.list.made["a"] a1`, `added generator.list.made["c"] c1`}
	if diff := cmp.Diff(want, show(configdiff.Generator(before, after, made))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[1:], show(configdiff.Generator(before, after, made.Instance("c")))); diff != "" {
		t.Error(diff)
	}
}

func replaced(t *testing.T, old, with string) string {
	t.Helper()
	text := fmt.Sprintf(base, "", "x")
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not there", old)
	}
	return strings.Replace(text, old, with, 1)
}
