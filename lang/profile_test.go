package lang_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
)

const profiled = `
cluster "prod" { context = "prod" }
cluster "other" { context = "other" }
project "p" {}

profile "base" {
  project = project.p
  source { path = "common" }
  destination {
    cluster   = cluster.prod
    namespace = "base"
  }
  sync {
    create_namespace = true
    conflicts        = "take_over"
    automated { prune = true }
    retry { limit = 1 }
  }
  ignore_differences {
    kind          = "Deployment"
    json_pointers = ["/spec/replicas"]
  }
  labels     = { team = "a", tier = "b" }
  on_destroy = "orphan"
  revision_history_limit = 3
  depends_on = [application.first]
}

profile "careful" {
  for_each = toset(["eu"])
  sync {
    conflicts = "fail"
    automated { self_heal = true }
    retry { backoff = "1m" }
  }
  lifecycle { prevent_destroy = true }
  labels = merge(profile.base.labels, { region = each.key })
}

application "first" {
  source { path = "first" }
  destination { cluster = cluster.prod }
}

application "web" {
  profiles = [profile.base, profile.careful["eu"]]
  source { path = "web" }
  destination { namespace = "web" }
  sync { prune = false }
  ignore_differences {
    kind          = "Service"
    json_pointers = ["/spec/clusterIP"]
  }
  on_destroy = "delete"
}

application "bare" {
  profiles = [profile.base]
}
`

func TestProfiles(t *testing.T) {
	config := mustEvaluate(t, profiled)
	web := find(t, config, "application.web")
	wantSync := lang.Sync{
		CreateNamespace: true, Conflicts: "fail", Prune: "false", Automated: &lang.Automated{Enabled: true, Prune: true, SelfHeal: true},
		Retry: &lang.Retry{Limit: 1, Backoff: time.Minute, Factor: 2, MaxDuration: 3 * time.Minute}, Range: web.Sync.Range,
	}
	if diff := cmp.Diff(wantSync, web.Sync); diff != "" {
		t.Error(diff)
	}
	if web.Destination.Cluster.Name != "prod" || web.Destination.Namespace != "web" || web.Project.Name != "p" || !web.Lifecycle.PreventDestroy || web.OnDestroy != "delete" || web.HistoryLimit != 3 {
		t.Errorf("got %+v", web)
	}
	if diff := cmp.Diff(map[string]string{"team": "a", "tier": "b", "region": "eu"}, web.Labels); diff != "" {
		t.Error(diff)
	}
	if len(web.Sources) != 2 || web.Sources[0].Path != "common" || web.Sources[1].Path != "web" {
		t.Errorf("sources are %v", web.Sources)
	}
	if len(web.IgnoreDifferences) != 2 || web.IgnoreDifferences[0].Kind != "Deployment" || web.IgnoreDifferences[1].Kind != "Service" {
		t.Errorf("ignored are %v", web.IgnoreDifferences)
	}
	bare := find(t, config, "application.bare")
	if bare.Name != "bare" || bare.Destination.Namespace != "base" || bare.OnDestroy != "orphan" || bare.Sources[0].Path != "common" {
		t.Errorf("got %+v", bare)
	}
	// What a profile refers to, those who have it refer to, too.
	for _, application := range []*lang.Application{web, bare} {
		if diff := cmp.Diff([]string{"application.first"}, dependencies(application)); diff != "" {
			t.Error(application.Address, diff)
		}
	}
	// Diagnostics of a later stage point at what was written.
	if got := web.Sources[0].Range.Start.Line; got != strings.Count(profiled[:strings.Index(profiled, `source { path = "common" }`)], "\n")+1 {
		t.Errorf("the profile's source is at line %d", got)
	}
}

// What cannot be told of a profile cannot be told of its applications, and they
// have not vanished.
func TestProfileUnknown(t *testing.T) {
	text := strings.Replace(profiled, `project = project.p`, "project = project.p\n  info = { a = var.later }", 1) + "variable \"later\" { type = string }\n"
	config, diags := evaluateWith(t, files(map[string]string{"main.gantry.hcl": text}), lang.VarArgs{}, nil)
	if len(diags) > 0 || len(config.Deferred) != 2 || len(config.Broken) > 0 {
		t.Errorf("got %v, deferred %v, broken %v", diags, config.Deferred, config.Broken)
	}
	text = strings.Replace(profiled, `json_pointers = ["/spec/replicas"]`, `json_pointers = ["spec"]`, 1)
	config, diags = evaluate(t, map[string]string{"main.gantry.hcl": text}, lang.VarArgs{})
	if len(diags.Errs()) != 1 || len(config.Broken) != 2 || len(config.Applications) != 1 {
		t.Errorf("got %v, broken %v", diags.Errs(), config.Broken)
	}
}

func TestDynamicBlocks(t *testing.T) {
	config := mustEvaluate(t, `
cluster "prod" { context = "prod" }
generator "list" "charts" {
  elements = [{ key = "a", path = "x" }, { key = "b", path = "y" }]
}
application "first" {
  source { path = "first" }
  destination { cluster = cluster.prod }
}
application "web" {
  for_each = toset(["one", "two"])
  dynamic "source" {
    for_each = generator.list.charts
    content {
      path = "${each.key}/${source.key}/${source.value.path}/${application.first.name}"
      dynamic "helm" {
        for_each = source.key == "a" ? ["x"] : []
        content { release_name = helm.value }
      }
    }
  }
  destination { cluster = cluster.prod }
  dynamic "sync" {
    for_each = [true]
    iterator = s
    content { create_namespace = s.value }
  }
}
`)
	two := find(t, config, `application.web["two"]`)
	if len(two.Sources) != 2 || two.Sources[0].Path != "two/a/x/first" || two.Sources[0].Helm.ReleaseName != "x" || two.Sources[1].Path != "two/b/y/first" || two.Sources[1].Helm != nil || !two.Sync.CreateNamespace {
		t.Errorf("got %+v", two)
	}
	if diff := cmp.Diff([]string{"application.first"}, dependencies(two)); diff != "" {
		t.Error(diff)
	}
}

// Without the outside world it is not known which blocks there are; what is wrong
// in them is still told.
func TestDynamicDeferred(t *testing.T) {
	text := `
cluster "prod" { context = "prod" }
variable "sources" { type = list(string) }
application "web" {
  dynamic "source" {
    for_each = var.sources
    content { path = source.value }
  }
  destination { cluster = cluster.prod }
}
`
	config, diags := evaluateWith(t, files(map[string]string{"main.gantry.hcl": text}), lang.VarArgs{}, nil)
	if len(diags) > 0 || len(config.Deferred) != 1 {
		t.Errorf("got %v, deferred %v", diags, config.Deferred)
	}
	config, diags = evaluateWith(t, files(map[string]string{"main.gantry.hcl": text}), lang.VarArgs{Vars: []string{`sources=["a","b"]`}}, nil)
	if len(diags) > 0 || len(find(t, config, "application.web").Sources) != 2 {
		t.Errorf("got %v", diags)
	}
}
