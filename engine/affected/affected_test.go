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
generator "git" "settings" {
  repository = repository.own
  files {
    path = "settings/*.yaml"
  }
}
generator "list" "regions" {
  elements = { eu = { region = "eu" }, us = { region = "us" } }
}
generator "matrix" "grid" {
  generators = [generator.git.settings, generator.list.regions]
}
rollout "moved" {
  applications = application.grid
  step {
    max_update = 1
  }
}
function "loud" {
  params = [text]
  result = upper(text)
}
profile "kept" {
  revision_history_limit = 5
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
			app("locked", "  source {\n    repository = repository.elsewhere\n    revision   = \"main\"\n  }") +
			app("after", "  depends_on = [application.plain]\n  source {\n    path = \"./apps/after\"\n  }") +
			app("reads", "  info = {\n    text = file(\"data/text.txt\")\n    filled = templatefile(\"data/filled.tpl\", { a = fn::loud(\"b\") })\n    names = join(\" \", sort(fileset(\"data/set\", \"*\")))\n  }\n  source {\n    path = \"./apps/reads\"\n  }") +
			app("profiled", "  profiles = [profile.kept]\n  source {\n    path = \"./apps/profiled\"\n  }") +
			"application \"grid\" {\n  for_each = generator.matrix.grid\n  info = { size = each.value.size }\n  source {\n    path = \"./apps/grid\"\n  }\n  destination {\n    cluster = cluster.other\n    namespace = dns_label(each.key)\n  }\n}\n" +
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
		"apps/reads/cm.yaml":               named("reads"),
		"apps/profiled/cm.yaml":            named("profiled"),
		"apps/grid/cm.yaml":                named("grid"),
		"settings/a.yaml":                  "size: small\n",
		"data/text.txt":                    "text",
		"data/filled.tpl":                  "filled with ${a}",
		"data/set/one":                     "",
		".gantry.lock.hcl":                 "lock_branches = true\n\nrepository \"" + url + "\" \"main\" {\n  revision = \"" + commit + "\"\n}\n",
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
	const (
		grid = "grid[\"settings/a.yaml/eu\"] grid[\"settings/a.yaml/us\"]"
		all  = "after colored each[\"gen/one\"] each[\"gen/two\"] " + grid + " jsonnet kustom labelled linked locked pinned plain profiled reads values module.svc.application.inner"
	)
	rename := func(from, to string) func(*testing.T, *repo) {
		return func(t *testing.T, r *repo) {
			t.Helper()
			to := filepath.Join(r.Dir, to)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(r.Dir, from), to); err != nil {
				t.Fatal(err)
			}
		}
	}
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
	committed := func(change func(*testing.T, *repo)) func(*testing.T, *repo) {
		return func(t *testing.T, r *repo) {
			t.Helper()
			change(t, r)
			base := r.base
			r.commit(t)
			r.base = base
		}
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
		{"a cluster", replace(main, `context = "other"`, `context = "others"`), `each["gen/one"] each["gen/two"] ` + grid},
		{"a cluster's labels", replace(main, "  context = \"other\"\n", "  context = \"other\"\n  labels = { a = \"b\" }\n"), `each["gen/one"] each["gen/two"] ` + grid},
		{"a health block", write("health.gantry.hcl", "health \"example.com/Database\" {\n  healthy = condition(\"Ready\").status == \"True\"\n}\n"), all},
		{"a policy", write("policy.gantry.hcl", "policy \"named\" {\n  kinds = [\"ConfigMap\"]\n  violated = object.metadata.name == \"x\"\n}\n"), all},
		{"another name", replace(main, `application "labelled"`, `application "renamed"`), "renamed"},
		{"what it waits for", func(t *testing.T, r *repo) {
			replace(main, "  depends_on = [application.plain]\n", "")(t, r)
		}, "after"},
		{"a pin", replace(main, "revision   = \"", "revision   = \"main\" # "), "pinned"},
		{"a lock", replace(".gantry.lock.hcl", "revision = \"", "revision = \""+strings.Repeat("0", 39)+"1\" # "), "locked"},
		{"no lock any more", remove(".gantry.lock.hcl"), "locked"},
		{"a lock of something else", replace(".gantry.lock.hcl", "\n\nrepository", "\n\nrepository \"https://example.com/x\" \"main\" {\n  revision = \""+strings.Repeat("0", 40)+"\"\n}\n\nrepository"), ""},
		{"an application more", write("more.gantry.hcl", "application \"more\" {\n  source {\n    path = \"./apps/plain\"\n  }\n  destination {\n    cluster = cluster.main\n  }\n}\n"), "more"},
		{"a folder of a generator", write("gen/three/cm.yaml", named("three")), ""},
		{"a file of a generated one", replace("gen/one/cm.yaml", "a: b", "a: c"), `each["gen/one"]`},
		{"an import", write("import.gantry.hcl", "import {\n  to = application.plain\n  namespace = \"plain\"\n  selector = \"app=plain\"\n}\n"), "plain"},
		{"a file that file reads", write("data/text.txt", "other"), "reads"},
		{"a template that is filled in", write("data/filled.tpl", "filled again with ${a}"), "reads"},
		{"a file more of a set", write("data/set/two", ""), "reads"},
		{"a file of a set that is only listed", write("data/set/one", "changed"), ""},
		{"a function", replace(main, "upper(text)", "lower(text)"), "reads"},
		{"a profile", replace(main, "revision_history_limit = 5", "revision_history_limit = 6"), "profiled"},
		{"a file that a generator reads", write("settings/a.yaml", "size: large\n"), ""},
		{"a file that a generator reads, committed", committed(write("settings/a.yaml", "size: large\n")), grid},
		{"a folder of a generator, committed", committed(write("gen/three/cm.yaml", named("three"))), `each["gen/three"]`},
		{"an element of a list", replace(main, `us = { region = "us" }`, `asia = { region = "asia" }`), `grid["settings/a.yaml/asia"]`},
		{"a step of a rollout", replace(main, "max_update = 1", "max_update = 2"), grid},
		{"a rollout less", replace(main, "rollout \"moved\" {\n  applications = application.grid\n  step {\n    max_update = 1\n  }\n}\n", ""), grid},
		{"who must sign", replace(main, "repository \"elsewhere\" {\n", "repository \"elsewhere\" {\n  verify {\n    ssh_keys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBJ3LHOYcsGEnAHPgcBiKqCOxrgMfmTZOIR+YP8NR/lk\"]\n  }\n"), all},
		{"a project's window", replace(main, "  description = \"shop\"\n", "  description = \"shop\"\n  sync_window {\n    kind     = \"deny\"\n    schedule = \"0 9 * * *\"\n    duration = \"1h\"\n    applications = [\"*\"]\n  }\n"), "colored"},
		{"a block that moves", write("moved.gantry.hcl", "moved {\n  from = application.flat\n  to   = application.plain\n}\n"), "plain"},
		{"a block that removes what is gone", write("removed.gantry.hcl", "removed {\n  from    = application.gone\n  destroy = false\n}\n"), ""},
		{"an application less", replace(main, `application "after"`, `application "afterwards"`), "afterwards"},
		{"the name of its file", rename("apps/after/cm.yaml", "apps/after/other.yaml"), "after"},
		{"the case of its file's name", rename("apps/after/cm.yaml", "apps/after/CM.yaml"), "after"},
		{"a file that goes elsewhere, where nobody reads it", rename("README.md", "docs/README.md"), ""},
		{"a file that comes from one to another", rename("apps/plain/cm.yaml", "apps/after/plain.yaml"), "after colored plain"},
		{"a folder in place of a file", func(t *testing.T, r *repo) {
			remove("shared/link/cm.yaml")(t, r)
			r.Write(t, map[string]string{"shared/link/cm.yaml/cm.yaml": named("linked")})
		}, "linked"},
		{"a link in place of a file", func(t *testing.T, r *repo) {
			remove("apps/after/cm.yaml")(t, r)
			if err := os.Symlink("../plain/cm.yaml", filepath.Join(r.Dir, "apps/after/cm.yaml")); err != nil {
				t.Fatal(err)
			}
		}, "after"},
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
