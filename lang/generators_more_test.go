package lang_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/source"
)

// generatorNamed returns a generator by its address.
func generatorNamed(t *testing.T, config *lang.Config, address string) *lang.Generator {
	t.Helper()
	for _, g := range config.Generators {
		if g.Address.String() == address {
			return g
		}
	}
	t.Fatalf("there is no %s", address)
	return nil
}

// itemTexts renders items by their keys.
func itemTexts(items []generate.Item) map[string]string {
	out := map[string]string{}
	for _, item := range items {
		out[item.Key] = value.Text(item.Value)
	}
	return out
}

// A generator that uses values of another, as the second one of Argo CD's matrix
// does, has that as its for_each; flatmap joins them.
func TestNestedGenerators(t *testing.T) {
	config := mustEvaluate(t, `
cluster "eu" {
  context = "eu"
  labels  = { folder = "clusters" }
}
cluster "us" {
  context = "us"
  labels  = { folder = "lists" }
}
repository "config" { url = "https://git.example.com/config" }
generator "clusters" "all" {}
generator "git" "of_each" {
  for_each   = generator.clusters.all
  repository = repository.config
  files { path = "${each.value.labels.folder}/*.yaml" }
}
generator "list" "joined" {
  elements    = flatmap(generator.clusters.all, generator.git.of_each)
  max_items   = 10
  max_removed = "50%"
}
application "web" {
  for_each = flatmap(generator.clusters.all, generator.git.of_each)
  name     = dns_label("web-${each.key}")
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = dns_label(each.value.path.filename) } }]
  }
  destination {
    cluster   = each.value.cluster
    namespace = "web"
  }
}
application "pairs" {
  for_each = product(generator.list.tiers, generator.list.sizes)
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = each.value.tier, annotations = { size = each.value.size } } }]
  }
  destination {
    cluster   = cluster.eu
    namespace = "pairs"
  }
}
generator "list" "tiers" { elements = { a = { tier = "one" } } }
generator "list" "sizes" { elements = { s = { size = "small" }, l = { size = "large" } } }
`)
	want := []string{"eu/clusters/empty.yaml", "us/lists/all.yaml#one", "us/lists/all.yaml#two"}
	joined := generatorNamed(t, config, "generator.list.joined")
	if diff := cmp.Diff(want, joined.Keys()); diff != "" {
		t.Error(diff)
	}
	if joined.MaxRemoved.String() != "50%" {
		t.Errorf("max_removed is %q", joined.MaxRemoved)
	}
	var applications []string
	for _, app := range config.Applications {
		applications = append(applications, app.Address.String()+" "+app.Destination.Cluster.Name)
	}
	if diff := cmp.Diff([]string{
		`application.pairs["a/l"] eu`, `application.pairs["a/s"] eu`,
		`application.web["eu/clusters/empty.yaml"] eu`, `application.web["us/lists/all.yaml#one"] us`, `application.web["us/lists/all.yaml#two"] us`,
	}, applications); diff != "" {
		t.Error(diff)
	}
	git := addr.Address{Kind: "generator", Type: "git", Name: "of_each"}
	if diff := cmp.Diff([]addr.Address{addr.Application("web")}, config.MadeOf(git.Instance("eu"))); diff != "" {
		t.Error(diff)
	}
	if reads := generatorNamed(t, config, `generator.git.of_each["eu"]`).Reads; len(reads) != 1 || reads[0].Type != source.Git || reads[0].Resolved == "" {
		t.Errorf("reads are %v", reads)
	}
}

func TestMergeGenerator(t *testing.T) {
	config := mustEvaluate(t, `
cluster "eu" {
  context = "eu"
  labels  = { tier = "one", region = "eu" }
}
cluster "us" { context = "us" }
generator "clusters" "all" {}
generator "list" "overrides" {
  elements = [{ name = "us", labels = { tier = "two" }, size = 3 }, { name = "gone", size = 1 }]
}
generator "merge" "both" {
  generators = [generator.clusters.all, generator.list.overrides, { x = { name = "eu", size = 1 } }]
  keys       = ["name"]
}
`)
	want := map[string]string{
		"eu": `{ annotations = {}, cluster = cluster.eu, labels = { region = "eu", tier = "one" }, name = "eu", server = null, size = 1 }`,
		"us": `{ annotations = {}, cluster = cluster.us, labels = { region = null, tier = "two" }, name = "us", server = null, size = 3 }`,
	}
	if diff := cmp.Diff(want, itemTexts(generatorNamed(t, config, "generator.merge.both").Items)); diff != "" {
		t.Error(diff)
	}
}

func TestPluginGenerator(t *testing.T) {
	config := mustEvaluate(t, `
generator "plugin" "full" {
  url     = "https://plugin.example.com/"
  token   = sensitive("hunter2")
  input   = { label = "x" }
  timeout = "5s"
}
generator "plugin" "plain" {
  url = "https://plugin.example.com/api/v1/getparams.execute"
  key = "name"
}
generator "plugin" "empty" { url = "https://empty.example.com" }
`)
	want := map[string]string{
		"a": `{ deep = { n = 9007199254740993 }, key = "a", name = "one" }`,
		"b": `{ asked = "{\"applicationSetName\":\"full\",\"input\":{\"parameters\":{\"label\":\"x\"}}}", at = "https://plugin.example.com/api/v1/getparams.execute", key = "b", name = "two", timeout = "5s", token = "hunter2" }`,
	}
	full := generatorNamed(t, config, "generator.plugin.full")
	if diff := cmp.Diff(want, itemTexts(full.Items)); diff != "" {
		t.Error(diff)
	}
	plain := generatorNamed(t, config, "generator.plugin.plain")
	if diff := cmp.Diff([]string{"one", "two"}, plain.Keys()); diff != "" {
		t.Error(diff)
	}
	if items := generatorNamed(t, config, "generator.plugin.empty").Items; len(items) != 0 {
		t.Errorf("an empty answer gives %v", items)
	}
	// What was asked and answered is pinned; two questions are two pins.
	if len(config.Pins) != 3 || full.Reads[0].Type != source.Plugin || full.Reads[0].Digest == "" || full.Reads[0].Key() == plain.Reads[0].Key() {
		t.Errorf("pins are %v", config.Pins)
	}
}

func TestDecisionGenerator(t *testing.T) {
	config := mustEvaluate(t, `
cluster "hub" { context = "hub" }
cluster "a" {
  context = "a"
  labels  = { tier = "one" }
}
cluster "b" { context = "b" }
generator "cluster_decision_resource" "selected" {
  cluster     = cluster.hub
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
  selector {
    match_labels = { placement = "web" }
  }
}
generator "cluster_decision_resource" "named" {
  cluster     = cluster.hub
  api_version = "example.com/v1"
  kind        = "Decision"
  namespace   = "gantry"
  name        = "one"
  status_list = "others"
}
`)
	want := map[string]string{
		"a": `{ annotations = {}, cluster = cluster.a, decision = { clusterName = "a", score = 7 }, labels = { tier = "one" }, name = "a", server = null }`,
		"b": `{ annotations = {}, cluster = cluster.b, decision = { clusterName = "b", score = 7 }, labels = { tier = null }, name = "b", server = null }`,
	}
	selected := generatorNamed(t, config, "generator.cluster_decision_resource.selected")
	if diff := cmp.Diff(want, itemTexts(selected.Items)); diff != "" {
		t.Error(diff)
	}
	if keys := generatorNamed(t, config, "generator.cluster_decision_resource.named").Keys(); !cmp.Equal(keys, []string{"a"}) {
		t.Errorf("keys are %v", keys)
	}
	if len(config.Pins) != 2 || selected.Reads[0].URL != "hub/cluster.open-cluster-management.io/v1beta1/PlacementDecision" || selected.Reads[0].Revision != "placement=web" {
		t.Errorf("pins are %v", config.Pins)
	}
}

func TestClusterNames(t *testing.T) {
	config := mustEvaluate(t, `
cluster "prod_eu" { context = "a" }
cluster "prod_us" { context = "b" }
cluster "dev" { context = "c" }
generator "clusters" "globs" { names = ["prod_*", "!prod_us"] }
generator "clusters" "given" { names = [cluster.dev, "prod_us"] }
generator "clusters" "none" { names = [] }
`)
	for name, want := range map[string][]string{"globs": {"prod_eu"}, "given": {"dev", "prod_us"}, "none": {}} {
		if got := generatorNamed(t, config, "generator.clusters."+name).Keys(); !cmp.Equal(got, want) {
			t.Errorf("%s gives %v, want %v", name, got, want)
		}
	}
}
