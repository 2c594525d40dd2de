package lang_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
)

// What is broken costs itself and what needs it, and never looks as though it
// were not declared.
func TestFailuresAreIsolated(t *testing.T) {
	common := `
cluster "prod" { context = "prod" }
application "fine" {
  source { path = "x" }
  destination { cluster = cluster.prod }
}
`
	application := func(name, arguments, cluster string) string {
		return fmt.Sprintf("application %q {\n  %s\n  source { path = \"x\" }\n  destination { cluster = %s }\n}\n", name, arguments, cluster)
	}
	tests := map[string]struct {
		text       string
		broken     []string
		also       []string // applications beside application.fine
		incomplete bool
		errors     int
	}{
		"an argument": {
			text: application("bad", `name = "A"`, "cluster.prod"), broken: []string{"application.bad"}, errors: 1,
		},
		"an unknown argument": {
			text: application("bad", `nam = "a"`, "cluster.prod"), broken: []string{"application.bad"}, errors: 1,
		},
		"one instance": {
			text:   application("bad", `for_each = toset(["a", "b"])`+"\n  name = each.key == \"a\" ? \"A\" : \"b\"", "cluster.prod"),
			broken: []string{`application.bad["a"]`}, also: []string{`application.bad["b"]`}, errors: 1,
		},
		"its cluster": {
			text:   `cluster "bad" {}` + "\n" + application("bad", "", "cluster.bad"),
			broken: []string{"application.bad"}, errors: 1,
		},
		"its generator": {
			text:   `generator "git" "bad" {` + "\n  url = \"https://unreachable.example.com\"\n  directories { path = \"*\" }\n}\n" + application("bad", "for_each = generator.git.bad", "cluster.prod"),
			broken: []string{"application.bad"}, errors: 1,
		},
		"a generator of its generator": {
			text: `generator "git" "bad" {` + "\n  url = \"https://unreachable.example.com\"\n  directories { path = \"*\" }\n}\n" +
				"generator \"list\" \"l\" { elements = [{ key = \"a\" }] }\ngenerator \"matrix\" \"m\" { generators = [generator.list.l, generator.git.bad] }\n" +
				application("bad", "for_each = generator.matrix.m", "cluster.prod"),
			broken: []string{"application.bad"}, errors: 1,
		},
		"a cluster that its generator would have given": {
			text:   "cluster \"bad\" { labels = { a = \"b\" } }\ngenerator \"clusters\" \"all\" {}\n" + application("bad", "for_each = generator.clusters.all", "each.value.cluster"),
			broken: []string{"application.bad"}, errors: 1,
		},
		"a local value": {
			text:   "locals {\n  bad = upper()\n  more = local.bad\n}\n" + application("bad", "name = local.more", "cluster.prod"),
			broken: []string{"application.bad"}, errors: 1,
		},
		"a reference": {
			text: application("bad", "name = local.bad", "cluster.prod"), broken: []string{"application.bad"}, errors: 1,
		},
		"a cycle": {
			text:   application("a", "depends_on = [application.b]", "cluster.prod") + application("b", "depends_on = [application.a]", "cluster.prod"),
			broken: []string{"application.a", "application.b"}, errors: 1,
		},
		"what it depends on": {
			text:   application("bad", `name = "A"`, "cluster.prod") + application("after", "depends_on = [application.bad]", "cluster.prod"),
			broken: []string{"application.bad"}, also: []string{"application.after"}, errors: 1,
		},
		"what it takes an attribute of": {
			text:   application("bad", `name = "A"`, "cluster.prod") + application("after", "name = application.bad.name", "cluster.prod"),
			broken: []string{"application.after", "application.bad"}, errors: 1,
		},
		"a name that is taken": {
			text: application("bad", `name = "same"`, "cluster.prod") + application("same", "", "cluster.prod"), broken: []string{"application.bad", "application.same"}, errors: 1,
		},
		"an address that is taken": {
			text: application("bad", "", "cluster.prod") + application("bad", "", "cluster.prod"), broken: []string{"application.bad"}, errors: 1,
		},
		"a block that is misspelt": {
			text: "aplication \"bad\" {}\n", incomplete: true, errors: 1,
		},
		"a variable": {
			text:   "variable \"bad\" {}\n" + application("bad", "name = var.bad", "cluster.prod"),
			broken: []string{"application.bad"}, errors: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config, diags := evaluate(t, map[string]string{"a.gantry.hcl": common, "b.gantry.hcl": test.text}, lang.VarArgs{})
			if len(diags.Errs()) != test.errors {
				t.Errorf("got %d errors, want %d: %v", len(diags.Errs()), test.errors, diags.Errs())
			}
			var broken []string
			for _, b := range config.Broken {
				broken = append(broken, b.Address.String())
				if b.Range.Empty() {
					t.Errorf("%s has no range", b.Address)
				}
			}
			want := append([]string{"application.fine"}, test.also...)
			slices.Sort(want)
			if diff := cmp.Diff(want, applicationsOf(config)); diff != "" {
				t.Error("applications:", diff)
			}
			if diff := cmp.Diff(test.broken, broken); diff != "" {
				t.Error("broken:", diff)
			}
			if config.Incomplete != test.incomplete || len(config.Deferred) > 0 {
				t.Errorf("incomplete %v, deferred %v", config.Incomplete, config.Deferred)
			}
		})
	}
}

// A file with a syntax error hides what is in it, so that nothing of it may look
// as though it had vanished.
func TestSyntaxErrorHidesNothing(t *testing.T) {
	config, diags := evaluate(t, map[string]string{
		"a.gantry.hcl": "cluster \"prod\" { context = \"prod\" }\napplication \"fine\" {\n  source { path = \"x\" }\n  destination { cluster = cluster.prod }\n}\n",
		"b.gantry.hcl": "application \"hidden\" {\n  source { path = \"x\" }\n  destination { cluster = cluster.prod }\n}\nlocals { a = [ }\n",
	}, lang.VarArgs{})
	if !diags.HasErrors() || !config.Incomplete {
		t.Errorf("incomplete is %v, diagnostics %v", config.Incomplete, diags)
	}
	if diff := cmp.Diff([]string{"application.fine"}, applicationsOf(config)); diff != "" {
		t.Error(diff)
	}
	if len(config.Broken) != 1 || config.Broken[0].Address.String() != "application.hidden" {
		t.Errorf("broken are %v", config.Broken)
	}
}

// Without the outside world, what depends on it is deferred, and still checked.
func TestWithoutReader(t *testing.T) {
	text := estate + `
variable "needed" {
  type = string
}
application "waits" {
  name = var.needed
  source { path = "x" }
  destination { cluster = cluster.staging }
}
`
	tree := files(map[string]string{"main.gantry.hcl": text, "ca.pem": "CA"})
	config, diags := evaluateWith(t, tree, lang.VarArgs{}, nil)
	if len(diags) > 0 {
		t.Fatal(diags.Errs())
	}
	if diff := cmp.Diff([]string{"application.banner", `application.ingress["edge-eu"]`, `application.ingress["edge-us"]`}, applicationsOf(config)); diff != "" {
		t.Error(diff)
	}
	var deferred []string
	for _, a := range config.Deferred {
		deferred = append(deferred, a.String())
	}
	if diff := cmp.Diff([]string{"application.service", "application.waits"}, deferred); diff != "" || len(config.Broken) > 0 {
		t.Error(diff, config.Broken)
	}
	broken := strings.Replace(text, `namespace = "web"`, `namespace = "Web"`, 1)
	config, diags = evaluateWith(t, files(map[string]string{"main.gantry.hcl": broken, "ca.pem": "CA"}), lang.VarArgs{}, nil)
	if len(diags.Errs()) != 1 || len(config.Broken) != 1 || config.Broken[0].Address.String() != "application.service" {
		t.Errorf("got %v, broken %v", diags.Errs(), config.Broken)
	}
}
