package lang_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
)

// evaluate loads files and evaluates them, with the fake repository.
func evaluate(t testing.TB, entries map[string]string, args lang.VarArgs) (*lang.Config, hcl.Diagnostics) {
	t.Helper()
	return evaluateWith(t, files(entries), args, fakeReader{repositoryTree()})
}

func evaluateWith(t testing.TB, tree fstest.MapFS, args lang.VarArgs, reader lang.Reader) (*lang.Config, hcl.Diagnostics) {
	t.Helper()
	m, diags := lang.Load("", lang.LoadOptions{FS: tree, Version: "1.2.3-dev"})
	inputs, more := lang.ReadVariables(m, args)
	diags = append(diags, more...)
	config, more := m.Evaluate(context.Background(), lang.EvalOptions{Variables: inputs, Reader: reader})
	return config, append(diags, more...)
}

func mustEvaluate(t testing.TB, text string) *lang.Config {
	t.Helper()
	config, diags := evaluate(t, map[string]string{"main.gantry.hcl": text}, lang.VarArgs{})
	if len(diags) > 0 {
		t.Fatalf("unexpected diagnostics: %v", diags.Errs())
	}
	if len(config.Broken) > 0 || len(config.Deferred) > 0 || config.Incomplete {
		t.Fatalf("not whole: %v %v %v", config.Broken, config.Deferred, config.Incomplete)
	}
	return config
}

func applicationsOf(config *lang.Config) []string {
	var out []string
	for _, application := range config.Applications {
		out = append(out, application.Address.String())
	}
	return out
}

func find(t testing.TB, config *lang.Config, address string) *lang.Application {
	t.Helper()
	for _, application := range config.Applications {
		if application.Address.String() == address {
			return application
		}
	}
	t.Fatalf("no %s among %v", address, applicationsOf(config))
	return nil
}

func dependencies(application *lang.Application) []string {
	var out []string
	for _, dependency := range application.DependsOn {
		out = append(out, dependency.Address.String())
	}
	return out
}

// The same files in the JSON syntax give the same.
func TestJSONSyntax(t *testing.T) {
	text := `{
  "locals": {"tag": "v1"},
  "cluster": {"prod": {"context": "prod", "labels": {"environment": "production"}}},
  "generator": {"list": {"regions": {"elements": [{"key": "eu"}, {"key": "us"}]}}},
  "application": {
    "first": {
      "for_each": "${generator.list.regions}",
      "source": {"path": "first/${each.key}"},
      "destination": {"cluster": "${cluster.prod}"}
    },
    "second": {
      "for_each": "${generator.list.regions}",
      "depends_on": ["application.first[each.key]"],
      "source": [{"objects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"tag": "${local.tag}"}}]}],
      "destination": {"cluster": "${cluster[\"prod\"]}"},
      "sync": {"automated": {}}
    }
  }
}`
	config, diags := evaluate(t, map[string]string{"main.gantry.json": text}, lang.VarArgs{})
	if len(diags) > 0 {
		t.Fatal(diags.Errs())
	}
	second := find(t, config, `application.second["us"]`)
	if diff := cmp.Diff([]string{`application.first["us"]`}, dependencies(second)); diff != "" {
		t.Error(diff)
	}
	if data, _ := second.Sources[0].Objects[0].Get("data", "tag"); data != "v1" || !second.Sync.Automated.Enabled || second.Destination.Cluster.Name != "prod" {
		t.Errorf("got %+v", second)
	}
	if first := find(t, config, `application.first["eu"]`); first.Sources[0].Path != "first/eu" {
		t.Errorf("got %+v", first)
	}
}

// References order applications, whatever they go through.
func TestDependencies(t *testing.T) {
	config := mustEvaluate(t, `
cluster "prod" { context = "prod" }
locals {
  name  = application.db["a"].name
  again = local.name
  all   = [for key, db in application.db : db.namespace]
}
application "db" {
  for_each = toset(["a", "b"])
  source { path = each.key }
  destination {
    cluster   = cluster.prod
    namespace = "db"
  }
}
application "attribute" {
  labels = { db = application.db["b"].name }
  source { path = "x" }
  destination { cluster = cluster.prod }
}
application "key" {
  for_each = toset(["a", "b"])
  labels   = { db = application.db[each.key].name, self = each.key }
  source { path = "x" }
  destination { cluster = cluster.prod }
}
application "through" {
  labels = { db = local.again }
  source { path = "x" }
  destination { cluster = cluster.prod }
}
application "every" {
  labels = { db = join(",", local.all) }
  source { path = "x" }
  destination { cluster = cluster.prod }
}
application "block" {
  depends_on = [application.db, cluster.prod, application.key["a"]]
  source { path = "x" }
  destination { cluster = cluster.prod }
}
application "for" {
  labels = { for key, db in application.db : key => db.name }
  source { path = "x" }
  destination { cluster = cluster.prod }
}
application "nothing" {
  source { path = "x" }
  destination { cluster = cluster.prod }
}
`)
	want := map[string][]string{
		`application.db["a"]`:   nil,
		`application.db["b"]`:   nil,
		"application.attribute": {`application.db["b"]`},
		`application.key["a"]`:  {`application.db["a"]`},
		`application.key["b"]`:  {`application.db["b"]`},
		"application.through":   {`application.db["a"]`},
		"application.every":     {`application.db["a"]`, `application.db["b"]`},
		"application.block":     {`application.db["a"]`, `application.db["b"]`, `application.key["a"]`},
		"application.for":       {`application.db["a"]`, `application.db["b"]`},
		"application.nothing":   nil,
	}
	got := map[string][]string{}
	for _, application := range config.Applications {
		got[application.Address.String()] = dependencies(application)
		for _, dependency := range application.DependsOn {
			if dependency.Range.Empty() {
				t.Errorf("%s has a dependency without a range", application.Address)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var edges []string
	for _, node := range config.Graph {
		edges = append(edges, fmt.Sprintf("%s: %v", node.Address, node.Needs))
	}
	if !slices.Contains(edges, "local.again: [local.name]") || !slices.Contains(edges, "application.block: [application.db application.key cluster.prod]") {
		t.Errorf("the graph is %v", edges)
	}
}

func TestDigest(t *testing.T) {
	text := "variable \"x\" { default = 1 }\nlocals { a = file(\"f\") }\n"
	digest := func(entries map[string]string, vars ...string) string {
		config, diags := evaluate(t, entries, lang.VarArgs{Vars: vars})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return config.Digest
	}
	base := digest(map[string]string{"a.gantry.hcl": text, "f": "1"})
	if again := digest(map[string]string{"a.gantry.hcl": text, "f": "1", "unread": "x"}); again != base {
		t.Error("what is not read changes the digest")
	}
	if digest(map[string]string{"a.gantry.hcl": text + "#", "f": "1"}) == base {
		t.Error("the files do not change the digest")
	}
	if digest(map[string]string{"a.gantry.hcl": text, "f": "2"}) == base {
		t.Error("what functions read does not change the digest")
	}
	if digest(map[string]string{"a.gantry.hcl": text, "f": "1"}, "x=2") == base {
		t.Error("variables do not change the digest")
	}
	secret := "variable \"x\" {\n  sensitive = true\n}\n"
	if digest(map[string]string{"a.gantry.hcl": secret}, "x=1") != digest(map[string]string{"a.gantry.hcl": secret}, "x=2") {
		t.Error("the digest tells sensitive values apart")
	}
	if digest(map[string]string{"a.gantry.hcl": text, "f": "1", "gantry.vars.hcl": "x = 1"}) != base {
		t.Error("where a value comes from changes the digest")
	}
}

// The Config is the same whenever it is evaluated.
func TestDeterministic(t *testing.T) {
	first := evaluateEstate(t)
	for range 5 {
		if diff := cmp.Diff(first, evaluateEstate(t), cmp.AllowUnexported(lang.Repository{})); diff != "" {
			t.Fatal("two evaluations differ", diff)
		}
	}
}

func TestLocations(t *testing.T) {
	tests := []struct {
		arguments string
		want      source.Location
		path      string
	}{
		{`path = "./x/../y"`, source.Location{Type: source.Directory, URL: "."}, "y"},
		{`path = "."`, source.Location{Type: source.Directory, URL: "."}, ""},
		{"url = \"../up/\"\n    path = \"x\"", source.Location{Type: source.Directory, URL: "../up"}, "x"},
		{`url = "/srv/manifests"`, source.Location{Type: source.Directory, URL: "/srv/manifests"}, ""},
		{`url = "https://git.example.com/a.git"`, source.Location{Type: source.Git, URL: "https://git.example.com/a.git"}, ""},
		{`url = "git@git.example.com:a/b.git"`, source.Location{Type: source.Git, URL: "git@git.example.com:a/b.git"}, ""},
		{`url = "ssh://git@git.example.com/a"`, source.Location{Type: source.Git, URL: "ssh://git@git.example.com/a"}, ""},
		{`url = "file:///srv/a.git"`, source.Location{Type: source.Git, URL: "file:///srv/a.git"}, ""},
		{"url = \"https://charts.example.com\"\n    chart = \"c\"\n    revision = \"1.x\"", source.Location{Type: source.Helm, URL: "https://charts.example.com", Chart: "c", Revision: "1.x"}, ""},
		{"url = \"oci://registry.example.com/c\"\n    revision = \"1.0.0\"", source.Location{Type: source.OCI, URL: "oci://registry.example.com/c", Revision: "1.0.0"}, ""},
		{"repository = repository.helm\n    chart = \"c\"", source.Location{Type: source.Helm, URL: "https://charts.example.com", Chart: "c"}, ""},
		{"repository = repository.git\n    revision = \"v1\"", source.Location{Type: source.Git, URL: "https://git.example.com/a", Revision: "v1"}, ""},
		{"repository = repository.said\n    chart = \"c\"", source.Location{Type: source.Helm, URL: "http://charts.example.com", Chart: "c", Auth: &source.Auth{Insecure: true}}, ""},
	}
	for _, test := range tests {
		config := mustEvaluate(t, `
cluster "prod" { context = "prod" }
repository "helm" { url = "https://charts.example.com" }
repository "git" {
  url      = "https://git.example.com/a"
  revision = "main"
}
repository "said" {
  type     = "helm"
  url      = "http://charts.example.com"
  insecure = true
}
application "a" {
  source {
    `+test.arguments+`
  }
  destination { cluster = cluster.prod }
}
`)
		got := config.Applications[0].Sources[0]
		if diff := cmp.Diff(test.want, got.Location); diff != "" || got.Path != test.path {
			t.Errorf("%s: path %q, %s", test.arguments, got.Path, diff)
		}
	}
}

func TestCancelled(t *testing.T) {
	m, _ := lang.Load("", lang.LoadOptions{FS: files(map[string]string{"a.gantry.hcl": estate, "ca.pem": ""})})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	config, diags := m.Evaluate(ctx, lang.EvalOptions{})
	if !diags.HasErrors() || !config.Incomplete {
		t.Error("an evaluation that was stopped looks whole")
	}
}
