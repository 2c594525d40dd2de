package configdiff_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/configdiff"
)

const governed = `
cluster "main" {
  context = "main"
}
locals {
  limit = 3
  words = ["a", "b"]
}
application "web" {
  labels = { tier = "canary" }
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "web" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
}
rollout "web" {
  applications = application.web
  step {
    match = app.labels.tier == "canary"
  }
  step {
    max_update = 1
  }
}
policy "named" {
  kinds    = ["ConfigMap"]
  violated = length(object.metadata.name) > local.limit
}
health "example.com/Database" {
  healthy = condition("Ready").status == "True"
}
`

// TestSame compares what is written otherwise, and what means something else.
func TestSame(t *testing.T) {
	type parts struct{ policies, health, rollouts bool }
	tests := []struct {
		name, old, with string
		want            parts // what is the same
	}{
		{"nothing", "", "", parts{true, true, true}},
		{"further down", "cluster \"main\"", "# a comment\n\n\ncluster \"main\"", parts{true, true, true}},
		{"a value that an expression uses", "limit = 3", "limit = 4", parts{false, true, true}},
		{"a value that none uses", `["a", "b"]`, `["b", "a"]`, parts{true, true, true}},
		{"an expression", `> local.limit`, `>= local.limit`, parts{false, true, true}},
		{"a list", `kinds    = ["ConfigMap"]`, `kinds    = ["ConfigMap", "Secret"]`, parts{false, true, true}},
		{"one more", `health "example.com/Database"`, "health \"example.com/Cache\" {\n  healthy = true\n}\nhealth \"example.com/Database\"", parts{true, false, true}},
		{"a condition", `condition("Ready").status == "True"`, `condition("Ready").status != "False"`, parts{true, false, true}},
		{"a step", `app.labels.tier == "canary"`, `app.labels.tier == "first"`, parts{true, true, false}},
	}
	before := mustEvaluate(t, governed)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(governed, test.old) {
				t.Fatalf("there is no %q", test.old)
			}
			after := mustEvaluate(t, strings.Replace(governed, test.old, test.with, 1))
			for _, sides := range [][2]*lang.Config{{before, after}, {after, before}} {
				got := parts{
					configdiff.Same(sides[0].Policies, sides[1].Policies), configdiff.Same(sides[0].Health, sides[1].Health), configdiff.Same(sides[0].Rollouts, sides[1].Rollouts),
				}
				if got != test.want {
					t.Errorf("%+v", got)
				}
			}
		})
	}
}

// TestSameOfValues has the shapes that values come in.
func TestSameOfValues(t *testing.T) {
	type inner struct{ hidden []string }
	one, other := &inner{[]string{"a"}}, &inner{[]string{"a"}}
	for name, got := range map[string]bool{
		"nil":                      configdiff.Same[*inner](nil, nil),
		"equal behind pointers":    configdiff.Same(one, other),
		"maps in whichever order":  configdiff.Same(map[string]any{"a": 1, "b": []any{"x"}}, map[string]any{"b": []any{"x"}, "a": 1}),
		"another kind of number":   !configdiff.Same[any](1, 1.0),
		"one of them nil":          !configdiff.Same(one, nil),
		"what is hidden":           !configdiff.Same(one, &inner{[]string{"b"}}),
		"a key more":               !configdiff.Same(map[string]int{"a": 1}, map[string]int{"a": 1, "b": 0}),
		"another key of no value":  !configdiff.Same(map[string]int{"a": 0}, map[string]int{"b": 0}),
		"another order of a list":  !configdiff.Same([]string{"a", "b"}, []string{"b", "a"}),
		"an interface with no one": !configdiff.Same[any](nil, 0),
	} {
		if !got {
			t.Error(name)
		}
	}
}
