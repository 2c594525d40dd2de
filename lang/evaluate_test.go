package lang_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
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

const estate = `
gantry {
  required_version = ">= 0.1"
  backend "local" { path = "state" }
}

variable "image_tag" {
  type    = string
  default = "v2.4.1"
}

variable "git_token" {
  default   = "hunter2"
  sensitive = true
}

locals {
  env = {
    staging    = { replicas = 1 }
    production = { replicas = 3 }
  }
}

cluster "staging" {
  kubeconfig = "~/.kube/config"
  context    = "staging"
  labels     = { environment = "staging" }
}

cluster "edge" {
  for_each       = toset(["edge-eu", "edge-us"])
  server         = "https://${each.key}.example.com"
  ca_certificate = file("ca.pem")
  auth {
    exec {
      command = "aws"
      args    = ["token", each.key]
      env     = { AWS_REGION = "eu" }
    }
  }
  labels      = { environment = "production", region = trimprefix(each.key, "edge-") }
  annotations = { image-tag = "v3" }
}

repository "config" {
  url      = "https://git.example.com/config"
  revision = "main"
  auth { token = var.git_token }
}

repository "charts" {
  url = "https://charts.example.com"
}

project "production" {
  description  = "Production"
  repositories = ["https://git.example.com/*"]
  destination {
    clusters   = [cluster.staging, "edge-*"]
    namespaces = ["*"]
  }
  cluster_resources { allow = ["Namespace"] }
  namespace_resources { deny = ["ResourceQuota"] }
}

generator "clusters" "production" {
  selector { match_labels = { environment = "production" } }
}

generator "git" "overlays" {
  repository = repository.config
  directories { path = "apps/*/overlays/*" }
  directories {
    path    = "apps/*/overlays/staging"
    exclude = true
  }
}

generator "matrix" "all" {
  generators = [generator.clusters.production, generator.git.overlays]
}

application "service" {
  for_each = generator.matrix.all
  name     = dns_label("${each.value.path.segments[1]}-${each.value.name}")
  project  = project.production

  source {
    repository = repository.config
    path       = each.value.path.path
    kustomize {
      images   = ["web:${each.value.annotations.image-tag}"]
      replicas = { web = local.env.production.replicas }
      patches {
        patch = "x"
        target { kind = "Deployment" }
        options = { allowNameChange = true }
      }
    }
  }

  destination {
    cluster   = each.value.cluster
    namespace = "web"
  }

  depends_on = [application.ingress[each.value.name]]
}

application "ingress" {
  for_each = generator.clusters.production
  project  = project.production

  source {
    repository = repository.config
    ref        = "values"
  }
  source {
    repository = repository.charts
    chart      = "ingress"
    revision   = "4.11.*"
    helm {
      release_name = "ingress"
      value_files  = ["$values/prod.yaml"]
      values       = { replicas = local.env.production.replicas, big = 9007199254740993, half = 0.5, password = var.git_token, none = null }
      parameters   = { "image.tag" = "v1" }
      string_parameters = { "port" = 80 }
    }
  }

  destination {
    cluster   = cluster[each.key]
    namespace = "ingress"
  }

  sync {
    automated {
      prune     = true
      self_heal = true
    }
    retry { limit = 3 }
    managed_namespace_metadata { labels = { a = "b" } }
    create_namespace         = true
    prune                    = false
    prune_last               = true
    prune_propagation_policy = "background"
    replace                  = true
    apply_out_of_sync_only   = true
    respect_ignore_differences = true
    conflicts                = "take_over"
    health_timeout           = "10m"
  }

  ignore_differences {
    group               = "apps"
    kind                = "Deployment"
    json_pointers       = ["/spec/replicas"]
    jq_path_expressions = [".spec.template.spec.containers[] | select(.name == \"proxy\")"]
    field_managers      = ["kube-controller-manager"]
  }

  lifecycle {
    prevent_destroy = true
    update          = false
  }
  labels                 = { tier = "edge" }
  info                   = { runbook = "https://wiki.example.com/ingress" }
  on_destroy             = "orphan"
  revision_history_limit = 3
}

application "banner" {
  source {
    objects = [{
      apiVersion = "v1"
      kind       = "Secret"
      metadata   = { name = "banner", labels = { after = application.ingress["edge-eu"].name } }
      stringData = { token = "x-${var.git_token}" }
    }]
  }
  source {
    path = "./manifests"
    directory { recurse = true }
  }
  destination { cluster = cluster.staging }
}
`

func evaluateEstate(t *testing.T) *lang.Config {
	t.Helper()
	config, diags := evaluate(t, map[string]string{"main.gantry.hcl": estate, "ca.pem": "CA"}, lang.VarArgs{})
	if len(diags) > 0 {
		t.Fatalf("unexpected diagnostics: %v", diags.Errs())
	}
	return config
}

func TestEstate(t *testing.T) {
	config := evaluateEstate(t)
	want := []string{
		"application.banner",
		`application.ingress["edge-eu"]`,
		`application.ingress["edge-us"]`,
		`application.service["edge-eu/apps/api/overlays/production"]`,
		`application.service["edge-eu/apps/web/overlays/production"]`,
		`application.service["edge-us/apps/api/overlays/production"]`,
		`application.service["edge-us/apps/web/overlays/production"]`,
	}
	if diff := cmp.Diff(want, applicationsOf(config)); diff != "" {
		t.Fatal(diff)
	}
	if len(config.Pins) != 1 || config.Pins[0].Revision != "main" || config.Pins[0].Resolved == "" {
		t.Errorf("pins are %v", config.Pins)
	}
	if got := config.Settings.Backend; got.Type != "local" || got.Arguments["path"] != "state" {
		t.Errorf("backend is %v", got)
	}
	if config.Variables[0].Value != object.Redacted || config.Variables[0].Type != "any" || config.Variables[1].Type != "string" {
		t.Errorf("variables are %v", config.Variables)
	}
}

func TestEstateService(t *testing.T) {
	config := evaluateEstate(t)
	service := find(t, config, `application.service["edge-us/apps/web/overlays/production"]`)
	if service.Name != "web-edge-us" || service.Project != config.Projects[0] || service.Destination.Cluster.Name != "edge-us" || service.Destination.Namespace != "web" {
		t.Errorf("got %+v", service)
	}
	if diff := cmp.Diff([]string{`application.ingress["edge-us"]`}, dependencies(service)); diff != "" {
		t.Error(diff)
	}
	want := source.Spec{
		Location: source.Location{
			Type: source.Git, URL: "https://git.example.com/config", Revision: "main", Auth: &source.Auth{Token: "hunter2"},
		},
		Path: "apps/web/overlays/production",
		Kustomize: &source.Kustomize{
			Images: []string{"web:v3"}, Replicas: []source.KustomizeReplica{{Name: "web", Count: 3}},
			Patches: []source.KustomizePatch{{Patch: "x", Target: &source.KustomizeTarget{Kind: "Deployment"}, Options: map[string]bool{"allowNameChange": true}}},
		},
	}
	if diff := cmp.Diff(want, service.Sources[0].Spec); diff != "" {
		t.Error(diff)
	}
	if got := service.Sources[0].Repository.String(); got != "repository.config" {
		t.Errorf("repository is %s", got)
	}
}

func TestEstateIngress(t *testing.T) {
	config := evaluateEstate(t)
	ingress := find(t, config, `application.ingress["edge-eu"]`)
	if ingress.Sources[0].Ref != "values" || ingress.Sources[0].Path != "" {
		t.Errorf("the first source is %+v", ingress.Sources[0])
	}
	no := false
	want := lang.Application{
		Address: addr.Application("ingress").Instance("edge-eu"), Name: "ingress-edge-eu",
		Labels: map[string]string{"tier": "edge"}, Info: map[string]string{"runbook": "https://wiki.example.com/ingress"},
		OnDestroy: "orphan", HistoryLimit: 3,
		Sync: lang.Sync{
			Automated: &lang.Automated{Enabled: true, Prune: true, SelfHeal: true},
			Retry:     &lang.Retry{Limit: 3, Backoff: 5 * time.Second, Factor: 2, MaxDuration: 3 * time.Minute},
			Prune:     &no, CreateNamespace: true, NamespaceLabels: map[string]string{"a": "b"}, PruneLast: true,
			PrunePropagationPolicy: "background", Replace: true, ApplyOutOfSyncOnly: true, RespectIgnoreDifference: true,
			Conflicts: "take_over", HealthTimeout: 10 * time.Minute, Range: ingress.Sync.Range,
		},
		IgnoreDifferences: []lang.IgnoreDifference{{
			Group: "apps", Kind: "Deployment", JSONPointers: []string{"/spec/replicas"},
			JQPathExpressions: []string{`.spec.template.spec.containers[] | select(.name == "proxy")`},
			FieldManagers:     []string{"kube-controller-manager"}, Range: ingress.IgnoreDifferences[0].Range,
		}},
		Lifecycle: lang.Lifecycle{PreventDestroy: true, NoUpdate: true},
		Project:   ingress.Project, Sources: ingress.Sources, Destination: ingress.Destination, Range: ingress.Range,
	}
	if diff := cmp.Diff(want, *ingress, cmp.AllowUnexported(lang.Repository{})); diff != "" {
		t.Error(diff)
	}
	chart := source.Spec{
		Location: source.Location{Type: source.Helm, URL: "https://charts.example.com", Revision: "4.11.*", Chart: "ingress"},
		Helm: &source.HelmOptions{
			ReleaseName: "ingress", ValueFiles: []string{"$values/prod.yaml"},
			Values:     map[string]any{"replicas": int64(3), "big": int64(9007199254740993), "half": 0.5, "password": "hunter2", "none": nil},
			Parameters: []source.HelmParameter{{Name: "image.tag", Value: "v1"}, {Name: "port", Value: "80", ForceString: true}},
		},
	}
	if diff := cmp.Diff(chart, ingress.Sources[1].Spec); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/helm/values/password"}, ingress.Sources[1].SensitivePaths); diff != "" {
		t.Error(diff)
	}
}

func TestEstateRest(t *testing.T) {
	config := evaluateEstate(t)
	banner := find(t, config, "application.banner")
	if diff := cmp.Diff([]string{`application.ingress["edge-eu"]`}, dependencies(banner)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/objects/0/stringData/token"}, banner.Sources[0].SensitivePaths); diff != "" {
		t.Error(diff)
	}
	made := banner.Sources[0].Objects[0]
	if token, _ := made.Get("stringData", "token"); token != "x-hunter2" || made.Labels()["after"] != "ingress-edge-eu" {
		t.Errorf("the object is %v", made)
	}
	beside := source.Spec{
		Location: source.Location{Type: source.Directory, URL: "."}, Path: "manifests", Manifests: &source.Manifests{Recurse: true},
	}
	if diff := cmp.Diff(beside, banner.Sources[1].Spec); diff != "" {
		t.Error(diff)
	}
	edge := config.Clusters[0]
	connection := target.Connection{
		Server: "https://edge-eu.example.com", CAData: "CA",
		Exec: &target.Exec{Command: "aws", Args: []string{"token", "edge-eu"}, Env: map[string]string{"AWS_REGION": "eu"}},
	}
	if diff := cmp.Diff(connection, edge.Connection); diff != "" || edge.Address.String() != `cluster.edge["edge-eu"]` {
		t.Errorf("%s: %s", edge.Address, diff)
	}
	project := config.Projects[0]
	if diff := cmp.Diff([]string{"staging", "edge-*"}, project.Destinations[0].Clusters); diff != "" {
		t.Error(diff)
	}
	if project.ClusterResources.Allow[0] != "Namespace" || project.NamespaceResources.Allow != nil || project.NamespaceResources.Deny[0] != "ResourceQuota" {
		t.Errorf("got %+v", project)
	}
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
		"other.gantry.hcl":  "",
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
		got[generator.Address.String()] = generator.Keys
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
		"file":     `{"path":{"basename":"eu","filename":"config.json","path":"clusters/eu","segments":["clusters","eu"]},"replicas":9007199254740993,"tags":["a"]}`,
		"combined": "1b1canary", "nested": "q1", "key": "q/k/s",
	}
	if diff := cmp.Diff(wantData, data); diff != "" {
		t.Error(diff)
	}
	if len(config.Pins) != 2 {
		t.Errorf("two revisions of a repository are read, and pinned as %v", config.Pins)
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
