package lang_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGenerators(t *testing.T) {
	text := `
cluster "b" {
  context = "b"
  labels  = { environment = "production", tier = "canary" }
}
cluster "a" {
  context     = "a"
  labels      = { environment = "production" }
  annotations = { image = "v1" }
}
cluster "c" { context = "c" }
repository "config" { url = "https://git.example.com/config" }
generator "clusters" "all" {}
generator "clusters" "canary" {
  selector {
    match_expressions {
      key      = "environment"
      operator = "In"
      values   = ["production"]
    }
    match_expressions {
      key      = "tier"
      operator = "Exists"
    }
  }
}
generator "clusters" "others" {
  selector {
    match_expressions {
      key      = "environment"
      operator = "NotIn"
      values   = ["production"]
    }
    match_expressions {
      key      = "tier"
      operator = "DoesNotExist"
    }
  }
}
generator "git" "directories" {
  repository = repository.config
  revision   = "v1"
  directories { path = "**" }
  directories {
    path    = "apps/api/**"
    exclude = true
  }
}
generator "git" "files" {
  repository = repository.config
  files { path = "clusters/**/*.{json,yaml}" }
  files { path = "lists/*" }
}
generator "git" "none" {
  repository = repository.config
  directories { path = "nowhere/*" }
}
generator "list" "strings" { elements = ["x", "y"] }
generator "list" "map" { elements = { k = { n = 1 } } }
generator "list" "more" { elements = [{ key = "p", m = 1 }, { key = "q", m = 2 }] }
generator "matrix" "keyed" { generators = [generator.list.more, generator.list.map, generator.list.single] }
generator "list" "single" { elements = [{ key = "s" }] }
generator "list" "objects" { elements = [{ key = "k", labels = { a = "1" } }, { n = 1, labels = { b = "2" } }] }
generator "matrix" "three" { generators = [generator.list.map, generator.clusters.canary, { z = { y = 1 } }] }
generator "matrix" "empty" { generators = [generator.list.map, generator.git.none] }
generator "list" "each" {
  for_each = toset(["p", "q"])
  elements = ["${each.key}1"]
}
locals {
  tiers    = [for key, item in generator.clusters.all : item.labels.tier == "canary"]
  flat     = generator.list.objects
  file     = generator.git.files["clusters/eu/config.json"]
  combined = generator.matrix.three["k/b/z"]
  nested   = generator.list.each["q"]["q1"]
}
output_of_locals = null
`
	text = strings.Replace(text, "output_of_locals = null\n", `
application "show" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "x" }, data = {
      tiers = jsonencode(local.tiers), flat = jsonencode([for item in local.flat : item.labels]), file = jsonencode(local.file),
      combined = "${local.combined.n}${local.combined.name}${local.combined.y}${local.combined.cluster.labels.tier}", nested = local.nested, key = generator.matrix.keyed["q/k/s"].key
    } }]
  }
  destination { cluster = cluster.a }
}
`, 1)
	config := mustEvaluate(t, text)
	want := map[string][]string{
		"generator.clusters.all":    {"a", "b", "c"},
		"generator.clusters.canary": {"b"},
		"generator.clusters.others": {"c"},
		"generator.git.directories": {"apps", "apps/web", "apps/web/overlays", "apps/web/overlays/production", "apps/web/overlays/staging", "broken", "clusters", "clusters/eu", "clusters/us", "lists"},
		"generator.git.files":       {"clusters/empty.yaml", "clusters/eu/config.json", "clusters/us/config.yaml", "lists/all.yaml#one", "lists/all.yaml#two"},
		"generator.git.none":        {},
		"generator.list.map":        {"k"},
		"generator.list.objects":    {"6e7aabf6b2", "k"},
		"generator.list.strings":    {"x", "y"},
		"generator.list.more":       {"p", "q"},
		"generator.list.single":     {"s"},
		"generator.matrix.keyed":    {"p/k/s", "q/k/s"},
		"generator.matrix.empty":    {},
		"generator.matrix.three":    {"k/b/z"},
		`generator.list.each["p"]`:  {"p1"},
		`generator.list.each["q"]`:  {"q1"},
	}
	got := map[string][]string{}
	for _, generator := range config.Generators {
		got[generator.Address.String()] = generator.Keys()
	}
	if len(got["generator.list.objects"]) == 2 {
		want["generator.list.objects"][0] = got["generator.list.objects"][0] // a hash
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	data, _ := find(t, config, "application.show").Sources[0].Objects[0].Get("data")
	wantData := map[string]any{
		"tiers": "[false,true,false]", "flat": `[{"a":null,"b":"2"},{"a":"1","b":null}]`,
		"file":     `{"path":{"basename":"eu","basename_normalized":"eu","filename":"config.json","filename_normalized":"config.json","path":"clusters/eu","segments":["clusters","eu"]},"replicas":9007199254740993,"tags":["a"]}`,
		"combined": "1b1canary", "nested": "q1", "key": "q/k/s",
	}
	if diff := cmp.Diff(wantData, data); diff != "" {
		t.Error(diff)
	}
	if len(config.Pins) != 2 {
		t.Errorf("two revisions of a repository are read, and pinned as %v", config.Pins)
	}
}
