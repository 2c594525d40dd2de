package affected_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/enginetest"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME\ndata:\n  a: b\n"

func named(name string) string { return strings.ReplaceAll(configMap, "NAME", name) }

// pinned is a repository elsewhere, and its commit.
func pinned(t *testing.T) (url, commit string) {
	t.Helper()
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.MkdirAll(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "all.yaml"), []byte(named("elsewhere")), 0o644); err != nil {
		t.Fatal(err)
	}
	url = enginetest.Repository(t, elsewhere)
	return url, strings.Fields(enginetest.Git(t, elsewhere, "ls-remote", url, "HEAD"))[0]
}

// estate is a configuration with an application of each kind, in a directory.
func estate(dir, url, commit string) map[string]string {
	app := func(name, rest string) string {
		return "application \"" + name + "\" {\n" + rest + "\n  destination {\n    cluster   = cluster.main\n    namespace = \"" + name + "\"\n  }\n}\n"
	}
	return map[string]string{
		"main.gantry.hcl": `
variable "tier" {
  default = "front"
}
locals {
  color = "blue"
}
cluster "main" {
  context = "main"
}
cluster "other" {
  context = "other"
}
project "shop" {
  description = "shop"
}
generator "git" "folders" {
  repository = repository.own
  directories {
    path = "gen/*"
  }
}
repository "own" {
  url = "file://` + filepath.ToSlash(dir) + `"
}
repository "elsewhere" {
  url = "` + url + `"
}
module "svc" {
  source = "./modules/svc"
  cluster = cluster.main
}
` + app("plain", "  source {\n    path = \"./apps/plain\"\n  }") +
			app("values", "  source {\n    path = \"./apps/chart\"\n    helm {\n      value_files = [\"values/prod.yaml\"]\n    }\n  }") +
			app("kustom", "  source {\n    repository = repository.own\n    path       = \"apps/kustom\"\n  }") +
			app("jsonnet", "  source {\n    repository = repository.own\n    path       = \"apps/jsonnet\"\n    jsonnet {\n      libraries = [\"lib\"]\n    }\n  }") +
			app("linked", "  source {\n    repository = repository.own\n    path       = \"apps/linked\"\n  }") +
			app("labelled", "  labels = { tier = var.tier }\n  source {\n    objects = [yamldecode(<<EOT\n"+named("labelled")+"EOT\n    )]\n  }") +
			app("colored", "  info = { color = local.color }\n  project = project.shop\n  source {\n    path = \"./apps/plain\"\n  }") +
			app("pinned", "  source {\n    repository = repository.elsewhere\n    revision   = \""+commit+"\"\n  }") +
			app("after", "  depends_on = [application.plain]\n  source {\n    path = \"./apps/after\"\n  }") +
			"application \"each\" {\n  for_each = generator.git.folders\n  source {\n    repository = repository.own\n    path = each.key\n  }\n  destination {\n    cluster = cluster.other\n    namespace = \"each\"\n  }\n}\n",
		"modules/svc/main.gantry.hcl":      "variable \"cluster\" {}\napplication \"inner\" {\n  source {\n    objects = [yamldecode(<<EOT\n" + named("inner") + "EOT\n    )]\n  }\n  destination {\n    cluster   = var.cluster\n    namespace = \"inner\"\n  }\n}\n",
		"apps/plain/cm.yaml":               named("plain"),
		"apps/after/cm.yaml":               named("after"),
		"apps/chart/Chart.yaml":            "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
		"apps/chart/values/prod.yaml":      "a: b\n",
		"apps/chart/templates/cm.yaml":     strings.ReplaceAll(named("chart"), "a: b", "a: {{ .Values.a }}"),
		"apps/chart/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"apps/kustom/kustomization.yaml":   "resources:\n- ../../shared/base\n",
		"shared/base/kustomization.yaml":   "resources:\n- cm.yaml\n",
		"shared/base/cm.yaml":              named("kustom"),
		"apps/jsonnet/main.jsonnet":        "local n = import 'name.libsonnet';\n{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: n } }\n",
		"lib/name.libsonnet":               "'jsonnet'\n",
		"shared/link/cm.yaml":              named("linked"),
		"gen/one/cm.yaml":                  named("one"),
		"gen/two/cm.yaml":                  named("two"),
		"README.md":                        "nobody reads it\n",
	}
}

func newEstate(t *testing.T, url, commit string) *repo {
	t.Helper()
	r := newRepo(t, func(dir string) map[string]string {
		if err := os.MkdirAll(filepath.Join(dir, "apps/linked"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../shared/link/cm.yaml", filepath.Join(dir, "apps/linked/cm.yaml")); err != nil {
			t.Fatal(err)
		}
		return estate(dir, url, commit)
	})
	return r
}

// TestWhatAChangeTouches is a table of the ways in which a change can touch an application.
func TestWhatAChangeTouches(t *testing.T) {
	const all = "after colored each[\"gen/one\"] each[\"gen/two\"] jsonnet kustom labelled linked pinned plain values module.svc.application.inner"
	replace := func(file, from, to string) func(*testing.T, *repo) {
		return func(t *testing.T, r *repo) {
			t.Helper()
			text, err := os.ReadFile(filepath.Join(r.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), from) {
				t.Fatalf("%s has no %q", file, from)
			}
			r.Write(t, map[string]string{file: strings.Replace(string(text), from, to, 1)})
		}
	}
	write := func(file, text string) func(*testing.T, *repo) {
		return func(t *testing.T, r *repo) { r.Write(t, map[string]string{file: text}) }
	}
	remove := func(file string) func(*testing.T, *repo) {
		return func(t *testing.T, r *repo) { r.edit(t, edit{file: nil}) }
	}
	const main = "main.gantry.hcl"
	tests := []struct {
		name   string
		change func(*testing.T, *repo)
		want   string
	}{
		{"nothing", func(*testing.T, *repo) {}, ""},
		{"a file that nobody reads", write("README.md", "changed\n"), ""},
		{"a file that is new and nobody reads", write("docs/new.md", "new\n"), ""},
		{"its file", replace("apps/after/cm.yaml", "a: b", "a: c"), "after"},
		{"a file of two", replace("apps/plain/cm.yaml", "a: b", "a: c"), "colored plain"},
		{"a file more", write("apps/after/more.yaml", named("more")), "after"},
		{"a file less", remove("apps/plain/cm.yaml"), "colored plain"},
		{"a file that is not committed, and ignored", func(t *testing.T, r *repo) {
			r.Write(t, map[string]string{".git/info/exclude": "ignored.yaml\n", "apps/after/ignored.yaml": named("ignored")})
		}, "after"},
		{"the mode of a file alone", func(t *testing.T, r *repo) {
			if err := os.Chmod(filepath.Join(r.Dir, "apps/plain/cm.yaml"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"a base outside of its path", replace("shared/base/cm.yaml", "a: b", "a: c"), "kustom"},
		{"a file of values in another folder", write("apps/chart/values/prod.yaml", "a: c\n"), "values"},
		{"a chart that it depends on", write("apps/chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.1\n"), "values"},
		{"a library", write("lib/name.libsonnet", "'another'\n"), "jsonnet"},
		{"what a link leads to", replace("shared/link/cm.yaml", "a: b", "a: c"), "linked"},
		{"where a link leads", func(t *testing.T, r *repo) {
			link := filepath.Join(r.Dir, "apps/linked/cm.yaml")
			if err := os.Remove(link); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("../../apps/plain/cm.yaml", link); err != nil {
				t.Fatal(err)
			}
		}, "linked"},
		{"its block", replace(main, `namespace = "after"`, `namespace = "later"`), "after"},
		{"a comment", replace(main, `variable "tier"`, "# moved down\nvariable \"tier\""), ""},
		{"a file of a module", replace("modules/svc/main.gantry.hcl", "a: b", "a: c"), "module.svc.application.inner"},
		{"a local value", replace(main, `color = "blue"`, `color = "green"`), "colored"},
		{"the default of a variable", replace(main, `default = "front"`, `default = "back"`), "labelled"},
		{"a file of variables", write("gantry.vars.hcl", "tier = \"back\"\n"), "labelled"},
		{"a project", replace(main, `description = "shop"`, `description = "shops"`), "colored"},
		{"a cluster", replace(main, `context = "other"`, `context = "others"`), `each["gen/one"] each["gen/two"]`},
		{"a cluster's labels", replace(main, "  context = \"other\"\n", "  context = \"other\"\n  labels = { a = \"b\" }\n"), `each["gen/one"] each["gen/two"]`},
		{"a health block", write("health.gantry.hcl", "health \"example.com/Database\" {\n  healthy = condition(\"Ready\").status == \"True\"\n}\n"), all},
		{"a policy", write("policy.gantry.hcl", "policy \"named\" {\n  kinds = [\"ConfigMap\"]\n  violated = object.metadata.name == \"x\"\n}\n"), all},
		{"another name", replace(main, `application "labelled"`, `application "renamed"`), "renamed"},
		{"what it waits for", func(t *testing.T, r *repo) {
			replace(main, "  depends_on = [application.plain]\n", "")(t, r)
		}, "after"},
		{"a pin", replace(main, "revision   = \"", "revision   = \"main\" # "), "pinned"},
		{"an application more", write("more.gantry.hcl", "application \"more\" {\n  source {\n    path = \"./apps/plain\"\n  }\n  destination {\n    cluster = cluster.main\n  }\n}\n"), "more"},
		{"a folder of a generator", write("gen/three/cm.yaml", named("three")), ""},
		{"a file of a generated one", replace("gen/one/cm.yaml", "a: b", "a: c"), `each["gen/one"]`},
		{"an import", write("import.gantry.hcl", "import {\n  to = application.plain\n  namespace = \"plain\"\n  selector = \"app=plain\"\n}\n"), "plain"},
	}
	url, commit := pinned(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newEstate(t, url, commit)
			test.change(t, r)
			found, config := r.find(t)
			if got := touched(found); got != test.want {
				t.Errorf("got  %s\nwant %s\n%v", got, test.want, found.Touched)
			}
			if len(found.Touched)+len(found.Others) != len(config.Applications) {
				t.Errorf("%d touched and %d others of %d", len(found.Touched), len(found.Others), len(config.Applications))
			}
		})
	}
}
