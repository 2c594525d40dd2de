package promote_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gantrycd/gantry/engine/evidence"
	"github.com/gantrycd/gantry/engine/promote"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/source"
)

// evaluate evaluates files as a configuration.
func evaluate(t *testing.T, files map[string]string, over map[string][]byte) (*lang.Config, error) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, content := range over {
		tree[name] = &fstest.MapFile{Data: content}
	}
	module, diags := lang.Load(".", lang.LoadOptions{FS: tree})
	variables, more := lang.ReadVariables(module, lang.VarArgs{})
	diags = append(diags, more...)
	config, evaluated := module.Evaluate(t.Context(), lang.EvalOptions{Variables: variables})
	if diags = append(diags, evaluated...); diags.HasErrors() {
		return nil, diags
	}
	return config, nil
}

// run promotes, and returns the files as they are then.
func run(t *testing.T, files map[string]string, of, from, to string, applied ...source.Pin) (map[string]string, []promote.Change, []promote.Left, error) {
	t.Helper()
	config, err := evaluate(t, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	var address addr.Address
	if of != "" {
		if address, err = addr.Parse(of); err != nil {
			t.Fatal(err)
		}
	}
	pairs, err := promote.Pairs(config, address, from, to)
	if err != nil {
		return nil, nil, nil, err
	}
	var changes []promote.Change
	var left []promote.Left
	for _, pair := range pairs {
		more, stay, err := pair.Choose(applied)
		if err != nil {
			return nil, nil, nil, err
		}
		changes, left = append(changes, more...), append(left, stay...)
	}
	search := &promote.Search{Before: config, Files: map[string][]byte{}, Rules: evidence.RulesDigest, Evaluate: func(_ context.Context, over map[string][]byte) (*lang.Config, error) {
		return evaluate(t, files, over)
	}}
	for name, text := range files {
		search.Files[name] = []byte(text)
	}
	edited, err := search.Edit(t.Context(), changes)
	if err != nil {
		return nil, changes, left, err
	}
	out := maps.Clone(files)
	for name, content := range edited {
		out[name] = string(content)
	}
	return out, changes, left, nil
}

const base = `cluster "main" {
  context = "main"
}
`

// web is an application with two instances, and a source that has some arguments.
func web(each, arguments string) string {
	return base + `
application "web" {
  for_each = ` + each + `
  # This stays: v1.2.0 was the first.
  source {
    url = "https://git.example.com/web.git"
    ` + arguments + `
  }
  destination {
    cluster   = cluster.main
    namespace = "web-${each.key}"
  }
}
`
}

// Wherever a pin is written, only that changes.
func TestEditsWhereItIsWritten(t *testing.T) {
	const both = `toset(["staging", "production"])`
	for _, test := range []struct {
		name        string
		files       map[string]string
		of          string
		was, is, at string // the text that changes, as it is then, and the file
		err         string
		changes     int // 0: one
	}{
		{
			name:  "in what for_each goes over",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = { tag = "v1.3.0" }, production = { tag = "v1.2.0" } }`, `revision = each.value.tag`)},
			was:   `production = { tag = "v1.2.0" }`, is: `production = { tag = "v1.3.0" }`,
		},
		{
			name: "in a local",
			files: map[string]string{"main.gantry.hcl": web(both, `revision = local.versions[each.key]`), "locals.gantry.hcl": `locals {
  versions = {
    staging    = "v1.3.0" # newest
    production =   "v1.2.0" # proven
  }
}
`},
			at: "locals.gantry.hcl", was: `production =   "v1.2.0" # proven`, is: `production =   "v1.3.0" # proven`,
		},
		{
			name: "in a file of variables",
			files: map[string]string{
				"main.gantry.hcl": web(both, `revision = var.versions[each.key]`) + "variable \"versions\" {\n  type = map(string)\n}\n",
				"gantry.vars.hcl": "versions = {\n  production = \"v1.2.0\"\n  staging = \"v1.3.0\"\n}\n",
			},
			at: "gantry.vars.hcl", was: `production = "v1.2.0"`, is: `production = "v1.3.0"`,
		},
		{
			name: "in the default of a variable",
			files: map[string]string{
				"main.gantry.hcl": web(both, `revision = each.key == "production" ? var.proven : var.newest`) + "variable \"proven\" {\n  default = \"v1.2.0\"\n}\nvariable \"newest\" {\n  default = \"v1.3.0\"\n}\n",
			},
			was: "variable \"proven\" {\n  default = \"v1.2.0\"", is: "variable \"proven\" {\n  default = \"v1.3.0\"",
		},
		{
			name: "in a file of YAML",
			files: map[string]string{
				"main.gantry.hcl": web(`yamldecode(file("envs.yaml"))`, `revision = each.value.tag`),
				"envs.yaml":       "staging:\n  tag: v1.3.0\nproduction:\n  tag: v1.2.0  # proven\n",
			},
			at: "envs.yaml", was: "tag: v1.2.0  # proven", is: "tag: v1.3.0  # proven",
		},
		{
			name: "in JSON",
			files: map[string]string{
				"main.gantry.hcl":  web(`local.envs`, `revision = each.value.tag`),
				"envs.gantry.json": `{"locals": {"envs": {"staging": {"tag": "v1.3.0"}, "production": {"tag": "v1.2.0"}}}}`,
			},
			at: "envs.gantry.json", was: `"production": {"tag": "v1.2.0"}`, is: `"production": {"tag": "v1.3.0"}`,
		},
		{
			name:  "the tag of an image in a template",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "v1.3.0", production = "v1.2.0" }`, "kustomize {\n      images = [\"registry.example.com:5000/web:${each.value}\"]\n    }")},
			was:   `production = "v1.2.0"`, is: `production = "v1.3.0"`,
		},
		{
			name:  "a whole image",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "web:v1.3.0", production = "web:v1.2.0" }`, "kustomize {\n      images = [each.value]\n    }")},
			was:   `production = "web:v1.2.0"`, is: `production = "web:v1.3.0"`,
		},
		{
			name:  "a part of a tag",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "1.3.0", production = "1.2.0" }`, `revision = "release-${each.value}"`)},
			was:   `production = "1.2.0"`, is: `production = "1.3.0"`,
		},
		{
			name:  "a value of a chart",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "v1.3.0", production = "v1.2.0" }`, "helm {\n      values = { image = { repository = \"web\", tag = each.value }, replicas = each.key == \"staging\" ? 1 : 3 }\n    }")},
			was:   `production = "v1.2.0"`, is: `production = "v1.3.0"`,
		},
		{
			name:  "a parameter of a chart",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "v1.3.0", production = "v1.2.0" }`, "helm {\n      parameters = { \"image.tag\" = each.value, \"replicas\" = each.key == \"staging\" ? \"1\" : \"3\" }\n    }")},
			was:   `production = "v1.2.0"`, is: `production = "v1.3.0"`,
		},
		{
			name: "of a module's instance",
			files: map[string]string{
				"main.gantry.hcl": base + `module "env" {
  source   = "./env"
  for_each = { staging = "v1.3.0", production = "v1.2.0" }
  cluster  = cluster.main
  tag      = each.value
}
`,
				"env/main.gantry.hcl": `variable "cluster" {
  type = cluster
}
variable "tag" {
  type = string
}
application "web" {
  source {
    url      = "https://git.example.com/web.git"
    revision = var.tag
  }
  destination {
    cluster = var.cluster
  }
}
`,
			},
			of: "module.env.application.web", was: `production = "v1.2.0"`, is: `production = "v1.3.0"`,
		},
		{
			name:  "two inputs, one text",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "v1.3.0", production = "v1.2.0" }`, "revision = each.value\n    kustomize {\n      images = [\"web:${each.value}\"]\n    }")},
			was:   `production = "v1.2.0"`, is: `production = "v1.3.0"`, changes: 2,
		},
		{
			name:  "many others have the same",
			files: map[string]string{"main.gantry.hcl": web(`{ `+many(300)+`, staging = "v1.3.0", production = "v1.2.0" }`, `revision = each.value`)},
			was:   `production = "v1.2.0"`, is: `production = "v1.3.0"`,
		},
		{
			name: "an annotation of a cluster",
			files: map[string]string{"main.gantry.hcl": strings.ReplaceAll(web(`{ staging = cluster.staging, production = cluster.production }`, `revision = each.value.annotations.tag`), "cluster.main", "each.value") + `
cluster "staging" {
  context     = "staging"
  annotations = { tag = "v1.3.0" }
}
cluster "production" {
  context     = "production"
  annotations = { tag = "v1.2.0" }
}
`},
			was: "context     = \"production\"\n  annotations = { tag = \"v1.2.0\" }", is: "context     = \"production\"\n  annotations = { tag = \"v1.3.0\" }",
		},

		// What cannot be.
		{
			name:  "another uses it, too",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "v1.3.0", production = local.proven, canary = local.proven }`, `revision = each.value`) + "locals {\n  proven = \"v1.2.0\"\n}\n"},
			err:   `is written at main.gantry.hcl:18, which source.revision of application.web["canary"] uses, too`,
		},
		{
			name:  "the path goes with it",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "v1.3.0", production = "v1.2.0" }`, "revision = each.value\n    path = \"deploy/${each.key == \"production\" ? each.value : \"v1.3.0\"}\"")},
			err:   `which source.path of application.web["production"] uses, too`,
		},
		{
			name:  "it is computed",
			files: map[string]string{"main.gantry.hcl": web(both, `revision = each.key == "staging" ? "v1.3.0" : join(".", ["v1", "2", "0"])`)},
			err:   "is written in no file of the configuration as one text",
		},
		{
			name: "a rule has it, too",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "v1.3.0", production = local.proven }`, `revision = each.value`) + `locals {
  proven = "v1.2.0"
}
policy "proven" {
  kinds    = ["apps/Deployment"]
  violated = object.metadata.name != local.proven
  message  = "not ${local.proven}"
}
role "release" {
  groups = [local.proven]
  allow {
    actions      = ["get"]
    applications = ["*/*"]
  }
}
`},
			err: "the rules of who may do what",
		},
		{
			name:  "a name that breaks out of its quotes",
			files: map[string]string{"main.gantry.hcl": web(`{ staging = "v1.3.0-${chr}x", production = "v1.2.0" }`, "kustomize {\n      images = [\"web:${each.value}\"]\n    }")},
			err:   "cannot be written for another",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, text := range test.files {
				test.files[name] = strings.ReplaceAll(text, "${chr}", `\"`)
			}
			of, at := test.of, test.at
			if of == "" {
				of = "application.web"
			}
			if at == "" {
				at = "main.gantry.hcl"
			}
			got, changes, _, err := run(t, test.files, of, "staging", "production")
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("%v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(changes) != max(test.changes, 1) {
				t.Errorf("%+v", changes)
			}
			want := maps.Clone(test.files)
			want[at] = strings.Replace(want[at], test.was, test.is, 1)
			if want[at] == test.files[at] {
				t.Fatal("the test changes nothing")
			}
			for name := range want {
				if got[name] != want[name] {
					t.Errorf("%s is\n%s", name, got[name])
				}
			}
			line := 1 + strings.Count(want[at][:strings.Index(want[at], test.is)+strings.Index(test.is, "1.3.0")], "\n")
			for _, change := range changes {
				if change.File != at || change.Line != line {
					t.Errorf("written at %s:%d, want %s:%d", change.File, change.Line, at, line)
				}
			}
		})
	}
}

func many(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("other%d = %q", i, "v1.2.0"))
	}
	return strings.Join(out, ", ")
}

// What moves is promoted as what it came to, and what follows a branch stays.
func TestRevisions(t *testing.T) {
	commit := strings.Repeat("a", 40)
	pin := func(revision string) source.Pin {
		return source.Pin{Location: source.Location{Type: source.Git, URL: "https://git.example.com/web.git", Revision: revision}, Resolved: commit}
	}
	for _, test := range []struct {
		from, to string
		applied  []source.Pin
		want     string // of production; empty is as it is
		left     string
		err      string
	}{
		{from: "main", to: strings.Repeat("b", 40), applied: []source.Pin{pin("main")}, want: commit},
		{from: "1.*", to: "v1.0.0", applied: []source.Pin{pin("1.*")}, want: commit},
		{from: "v1.1.0", to: "v1.0.0", want: "v1.1.0"},
		{from: "main", to: "v1.0.0", err: "not recorded what that came to"},
		{from: "main", to: "v1.0.0", applied: []source.Pin{pin("other")}, err: "not recorded what that came to"},
		{from: "main", to: "production", applied: []source.Pin{pin("main")}, left: "which is no pin"},
		{from: "main", to: "main", applied: []source.Pin{pin("main")}},
		{from: "v1.0.0", to: "v1.0.0"},
	} {
		t.Run(test.from+" to "+test.to, func(t *testing.T) {
			files := map[string]string{"main.gantry.hcl": web(`{ staging = "`+test.from+`", production = "`+test.to+`" }`, `revision = each.value`)}
			got, _, left, err := run(t, files, "application.web", "staging", "production", test.applied...)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := test.to
			if test.want != "" {
				want = test.want
			}
			if !strings.Contains(got["main.gantry.hcl"], `production = "`+want+`"`) || !strings.Contains(got["main.gantry.hcl"], `staging = "`+test.from+`"`) {
				t.Error(got["main.gantry.hcl"])
			}
			if (test.left == "") != (len(left) == 0) || test.left != "" && !strings.Contains(left[0].Why, test.left) {
				t.Errorf("%+v", left)
			}
		})
	}
}

// Only what is a pin is promoted: replicas, names and secrets are not.
func TestWhatIsNoPinStays(t *testing.T) {
	files := map[string]string{"main.gantry.hcl": web(`{
    staging    = { tag = "v2", replicas = 1, version = "1", host = "staging.example.com", repository = "a" }
    production = { tag = "v1", replicas = 3, version = "1", host = "example.com", repository = "b" }
  }`, `helm {
      values = {
        image       = { repository = each.value.repository, tag = each.value.tag }
        replicas    = each.value.replicas
        host        = each.value.host
        apiVersion  = each.value.host
        conversion  = each.value.host
        passwordTag = sensitive(each.value.host)
        sidecar     = { image = "registry.example.com/${each.value.repository}/side@sha256:${each.value.tag}" }
      }
    }`)}
	got, changes, left, err := run(t, files, "application.web", "staging", "production")
	if err != nil {
		t.Fatal(err)
	}
	var inputs []string
	for _, c := range changes {
		inputs = append(inputs, c.Input)
	}
	if want := []string{"source.helm.values.image.tag", "source.helm.values.sidecar.image"}; !slices.Equal(inputs, want) || len(left) != 0 {
		t.Errorf("%q, %+v", inputs, left)
	}
	if want := strings.Replace(files["main.gantry.hcl"], `production = { tag = "v1"`, `production = { tag = "v2"`, 1); got["main.gantry.hcl"] != want {
		t.Error(got["main.gantry.hcl"])
	}
}

func TestPairs(t *testing.T) {
	config, err := evaluate(t, map[string]string{"main.gantry.hcl": `cluster "staging" {
  context = "s"
}
cluster "production" {
  context = "p"
}
locals {
  clusters = { staging = cluster.staging, production = cluster.production }
}
application "web" {
  for_each = { "staging/eu" = cluster.staging, "staging/us" = cluster.staging, "production/eu" = cluster.production, "production/us" = cluster.production, "staging/asia" = cluster.staging }
  source {
    path = "."
  }
  destination {
    cluster = each.value
  }
}
application "db" {
  for_each = { one = cluster.staging, two = cluster.production }
  source {
    path = "."
  }
  destination {
    cluster = each.value
  }
}
application "old" {
  source {
    path = "."
  }
  destination {
    cluster = cluster.staging
  }
}
`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ of, from, to, want, err string }{
		{of: "application.db", from: "one", to: "two", want: `application.db["one"] application.db["two"]`},
		{of: "application.db", from: "staging", to: "production", want: `application.db["one"] application.db["two"]`},
		{from: "application.old", to: `application.db["two"]`, want: `application.old application.db["two"]`},
		{of: `application.web["staging/eu"]`, from: "staging", to: "production", want: `application.web["staging/eu"] application.web["production/eu"]`},
		{of: "application.web", from: "eu", to: "us", want: `application.web["production/eu"] application.web["production/us"], application.web["staging/eu"] application.web["staging/us"]`},
		{of: "application.web", from: "staging", to: "production", err: `application.web["production/asia"]`},
		{of: "application.wev", from: "a", to: "b", err: "Did you mean application.web?"},
		{of: "application.db", from: "one", to: "too", err: `application.db["too"]`},
		{of: "application.db", from: "on", to: "two", err: `did you mean "one"?`},
		{of: "application.db", from: "one", to: "one", err: "both where from and where to"},
		{from: "staging", to: "production", err: "say which application is promoted"},
		{from: "application.old", to: "application.new", err: "no such application"},
	} {
		var of addr.Address
		if test.of != "" {
			if of, err = addr.Parse(test.of); err != nil {
				t.Fatal(err)
			}
		}
		pairs, err := promote.Pairs(config, of, test.from, test.to)
		var got []string
		for _, p := range pairs {
			if err == nil {
				got = append(got, p.From.Address.String()+" "+p.To.Address.String())
			}
		}
		if strings.Join(got, ", ") != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s from %s to %s: %q, %v", test.of, test.from, test.to, got, err)
		}
	}
}

// Whoever interrupts is not made to wait for all that could be tried.
func TestASearchIsInterrupted(t *testing.T) {
	config, err := evaluate(t, map[string]string{"main.gantry.hcl": web(`{ staging = "v2", production = "v1" }`, "kustomize {\n      images = [\"web:${each.value}\"]\n    }")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := promote.Pairs(config, addr.Application("web"), "staging", "production")
	if err != nil {
		t.Fatal(err)
	}
	changes, _, err := pairs[0].Choose(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	search := &promote.Search{Before: config, Files: map[string][]byte{"x": []byte("v1 v1 v1")}, Rules: evidence.RulesDigest, Evaluate: func(context.Context, map[string][]byte) (*lang.Config, error) {
		return config, nil
	}}
	if _, err := search.Edit(ctx, changes); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
