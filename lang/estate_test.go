package lang_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

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
  tag = var.image_tag
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
    prune_last               = false
    prune_propagation_policy = "background"
    force                    = true
    replace                  = true
    validate                 = false
    allow_empty              = true
    skip_dry_run_on_missing_resource = true
    fail_on_shared_resource  = true
    timeout {
      kinds = ["Job", "batch/*"]
      after = "30m"
    }
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
	want := lang.Application{
		Address: addr.Application("ingress").Instance("edge-eu"), Name: "ingress-edge-eu",
		Labels: map[string]string{"tier": "edge"}, Info: map[string]string{"runbook": "https://wiki.example.com/ingress"},
		OnDestroy: "orphan", HistoryLimit: 3,
		Sync: lang.Sync{
			Automated: &lang.Automated{Enabled: true, Prune: true, SelfHeal: true},
			Retry:     &lang.Retry{Limit: 3, Backoff: 5 * time.Second, Factor: 2, MaxDuration: 3 * time.Minute},
			Prune:     "false", CreateNamespace: true, NamespaceLabels: map[string]string{"a": "b"}, PruneInWaves: true,
			PrunePropagationPolicy: "background", Force: true,
			Replace: true, NoValidation: true, SkipDryRunOnMissingResource: true, FailOnSharedResource: true, AllowEmpty: true,
			Timeouts:  []lang.Timeout{{Kinds: []string{"Job", "batch/*"}, After: 30 * time.Minute}},
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
