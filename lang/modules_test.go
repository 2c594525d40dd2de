package lang_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/source"
)

// estateOf is a root module with two clusters, a project and the platform module.
func moduleTree(main string, more map[string]string) map[string]string {
	tree := map[string]string{
		"main.gantry.hcl": main,
		"base.gantry.hcl": `
cluster "eu" {
  server = "https://eu.example.com"
  labels = { tier = "one" }
}
cluster "us" {
  server = "https://us.example.com"
  labels = { tier = "two" }
}
project "production" {}
`,
		"platform/main.gantry.hcl": `
variable "cluster" { type = cluster }
variable "project" { type = project }
variable "replicas" {
  type    = number
  default = 1
}

application "ingress" {
  project = var.project
  source {
    url = "./manifests"
  }
  destination {
    cluster   = var.cluster
    namespace = "ingress-${var.replicas}"
  }
}

application "web" {
  project = var.project
  source {
    objects = []
  }
  destination {
    cluster   = var.cluster
    namespace = application.ingress.namespace
  }
}

output "namespace" { value = application.ingress.namespace }
output "tier"      { value = var.cluster.labels.tier }
`,
	}
	for name, content := range more {
		tree[name] = content
	}
	return tree
}

func evaluateTree(t *testing.T, tree map[string]string, options lang.LoadOptions) (*lang.Config, hcl.Diagnostics) {
	t.Helper()
	options.FS = files(tree)
	module, diags := lang.Load("", options)
	config, more := module.Evaluate(t.Context(), lang.EvalOptions{Reader: fakeReader{tree: repositoryTree()}})
	return config, append(diags, more...)
}

func soundTree(t *testing.T, tree map[string]string, options lang.LoadOptions) *lang.Config {
	t.Helper()
	config, diags := evaluateTree(t, tree, options)
	if diags.HasErrors() {
		t.Fatal(diags.Errs())
	}
	return config
}

func addresses(config *lang.Config) []string {
	var list []string
	for _, a := range config.Applications {
		list = append(list, a.Address.String())
	}
	return list
}

func application(t *testing.T, config *lang.Config, address string) *lang.Application {
	t.Helper()
	for _, a := range config.Applications {
		if a.Address.String() == address {
			return a
		}
	}
	t.Fatalf("there is no %s among %v", address, addresses(config))
	return nil
}

func waitsFor(a *lang.Application) []string {
	var list []string
	for _, d := range a.DependsOn {
		list = append(list, d.Address.String())
	}
	return list
}

func TestModuleForEach(t *testing.T) {
	config := soundTree(t, moduleTree(`
module "platform" {
  source   = "./platform"
  for_each = cluster
  cluster  = each.value
  project  = project.production
  replicas = each.key == "eu" ? 3 : null
}
output "namespaces" { value = { for key, m in module.platform : key => m.namespace } }
output "eu"         { value = module.platform["eu"].tier }
`, nil), lang.LoadOptions{})
	want := []string{
		`module.platform["eu"].application.ingress`, `module.platform["eu"].application.web`,
		`module.platform["us"].application.ingress`, `module.platform["us"].application.web`,
	}
	if got := addresses(config); !slices.Equal(got, want) {
		t.Errorf("applications are %v", got)
	}
	web := application(t, config, `module.platform["eu"].application.web`)
	if got := waitsFor(web); !slices.Equal(got, []string{`module.platform["eu"].application.ingress`}) {
		t.Errorf("it waits for %v", got)
	}
	if web.Name != "platform-eu-web" || web.Destination.Cluster.Name != "eu" || web.Destination.Namespace != "ingress-3" {
		t.Errorf("it is %+v", web)
	}
	ingress := application(t, config, `module.platform["us"].application.ingress`)
	if ingress.Sources[0].URL != "platform/manifests" || ingress.Destination.Namespace != "ingress-1" {
		t.Errorf("it is read from %s to %s", ingress.Sources[0].URL, ingress.Destination.Namespace)
	}
	outputs := map[string]string{}
	for _, o := range config.Outputs {
		outputs[o.Name] = value.Text(o.Value)
	}
	if outputs["namespaces"] != `{ eu = "ingress-3", us = "ingress-1" }` || outputs["eu"] != `"one"` {
		t.Errorf("outputs are %v", outputs)
	}
}

func TestModuleOrder(t *testing.T) {
	config := soundTree(t, moduleTree(`
application "database" {
  source {
    objects = []
  }
  destination {
    cluster = cluster.eu
  }
}
module "platform" {
  source     = "./platform"
  cluster    = cluster.eu
  project    = project.production
  depends_on = [application.database]
}
application "after_output" {
  source {
    objects = []
  }
  destination {
    cluster   = cluster.eu
    namespace = module.platform.namespace
  }
}
application "after_all" {
  depends_on = [module.platform]
  source {
    objects = []
  }
  destination {
    cluster = cluster.eu
  }
}
`, nil), lang.LoadOptions{})
	for address, want := range map[string][]string{
		"module.platform.application.ingress": {"application.database"},
		"module.platform.application.web":     {"application.database", "module.platform.application.ingress"},
		"application.after_output":            {"module.platform.application.ingress"},
		"application.after_all":               {"module.platform.application.ingress", "module.platform.application.web"},
	} {
		got := waitsFor(application(t, config, address))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s waits for %v, want %v", address, got, want)
		}
	}
}

// Values go around through two modules: what matters is outputs and variables, not
// modules as a whole.
func TestModulesMayReferToEachOther(t *testing.T) {
	tree := map[string]string{
		"main.gantry.hcl": `
module "a" {
  source = "./echo"
  one    = "x"
  two    = module.b.one
}
module "b" {
  source = "./echo"
  one    = module.a.one
  two    = "y"
}
output "all" { value = "${module.a.two} ${module.b.two}" }
`,
		"echo/echo.gantry.hcl": `
variable "one" {}
variable "two" {}
output "one" { value = var.one }
output "two" { value = var.two }
`,
	}
	config := soundTree(t, tree, lang.LoadOptions{})
	if got := value.Text(config.Outputs[0].Value); got != `"x y"` {
		t.Errorf("it is %s", got)
	}
	tree["main.gantry.hcl"] = `
module "a" {
  source = "./echo"
  one    = module.b.one
  two    = ""
}
module "b" {
  source = "./echo"
  one    = module.a.one
  two    = ""
}
`
	_, diags := evaluateTree(t, tree, lang.LoadOptions{})
	if len(diags.Errs()) != 1 || diags[0].Summary != "Cycle of references" || !strings.Contains(diags[0].Detail, "module.a.var.one") {
		t.Errorf("got %v", diags)
	}
}

func TestNestedModules(t *testing.T) {
	tree := moduleTree(`
module "region" {
  source   = "./region"
  for_each = toset(["north", "south"])
  clusters = cluster
  project  = project.production
}
`, map[string]string{
		"region/region.gantry.hcl": `
variable "clusters" { type = map(cluster) }
variable "project" { type = project }
generator "clusters" "all" {}
module "platform" {
  source   = "../platform"
  for_each = generator.clusters.all
  cluster  = each.value.cluster
  project  = var.project
  lifecycle {
    prevent_destroy = true
  }
}
`,
	})
	config := soundTree(t, tree, lang.LoadOptions{})
	if len(config.Applications) != 8 {
		t.Fatalf("there are %v", addresses(config))
	}
	web := application(t, config, `module.region["north"].module.platform["us"].application.web`)
	if web.Name != "region-north-platform-us-web" || !web.Lifecycle.PreventDestroy {
		t.Errorf("it is %+v", web)
	}
	if got := waitsFor(web); !slices.Equal(got, []string{`module.region["north"].module.platform["us"].application.ingress`}) {
		t.Errorf("it waits for %v", got)
	}
	parsed, err := addr.Parse(web.Address.String())
	if err != nil || parsed != web.Address {
		t.Errorf("the address reads back as %v, %v", parsed, err)
	}
}

// A module sees only the clusters that it is given.
func TestModuleSeesWhatItIsGiven(t *testing.T) {
	tree := moduleTree(`
module "one" {
  source = "./one"
  only   = cluster.us
}
output "names" { value = module.one.names }
`, map[string]string{
		"one/one.gantry.hcl": `
variable "only" { type = cluster }
generator "clusters" "all" {}
output "names" { value = keys(generator.clusters.all) }
`,
	})
	config := soundTree(t, tree, lang.LoadOptions{})
	if got := value.Text(config.Outputs[0].Value); got != `["us"]` {
		t.Errorf("it sees %s", got)
	}
}

// What cannot be told of a module is broken, never gone.
func TestBrokenModules(t *testing.T) {
	for name, c := range map[string]struct {
		main, module string
		broken       []string
	}{
		"call": {
			main:   "module \"platform\" {\n  source = \"./platform\"\n  for_each = local.nothing\n  cluster = cluster.eu\n  project = project.production\n}\n",
			broken: []string{"module.platform.application.ingress", "module.platform.application.web"},
		},
		"argument": {
			main:   "module \"platform\" {\n  source = \"./platform\"\n  cluster = cluster.eu\n  project = project.production\n  replicas = \"many\"\n}\n",
			broken: []string{"module.platform.application.ingress", "module.platform.application.web"},
		},
		"source": {
			main:   "module \"platform\" {\n  source = \"./nowhere\"\n  cluster = cluster.eu\n}\n",
			broken: []string{"module.platform"},
		},
		"syntax": {
			main:   "module \"platform\" {\n  source = \"./other\"\n}\n",
			module: "application \"x\" {\n  source {\n",
			broken: []string{"module.platform"},
		},
		"one of the instances": {
			main:   "module \"platform\" {\n  source = \"./platform\"\n  for_each = { a = \"1\", b = \"x\" }\n  cluster = cluster.eu\n  project = project.production\n  replicas = each.value\n}\n",
			broken: []string{`module.platform["b"].application.ingress`, `module.platform["b"].application.web`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, diags := evaluateTree(t, moduleTree(c.main, map[string]string{"other/other.gantry.hcl": c.module}), lang.LoadOptions{})
			if !diags.HasErrors() {
				t.Fatal("there are no errors")
			}
			var broken []string
			for _, b := range config.Broken {
				broken = append(broken, b.Address.String())
			}
			for _, want := range c.broken {
				if !slices.Contains(broken, want) {
					t.Errorf("%s is not among the broken ones, %v, deferred %v: %v", want, broken, config.Deferred, diags)
				}
			}
			for _, a := range config.Applications {
				if slices.Contains(c.broken, a.Address.String()) {
					t.Errorf("%s is there", a.Address)
				}
			}
		})
	}
}

// fakeModules has one module at every source.
type fakeModules struct{ asked []string }

func (r *fakeModules) ReadModule(_ context.Context, from lang.ModuleSource) (fs.FS, source.Pin, error) {
	r.asked = append(r.asked, from.String())
	pin := source.Pin{Location: from.Requested(), Resolved: "abc"}
	switch from.Subdir {
	case "outer":
		return files(map[string]string{"outer.gantry.hcl": "module \"inner\" {\n  source = \"../inner\"\n}\noutput \"v\" { value = module.inner.v }\n"}), pin, nil
	case "inner":
		return files(map[string]string{"inner.gantry.hcl": "output \"v\" { value = file(\"text\") }\n", "text": "deep"}), pin, nil
	}
	return nil, source.Pin{}, errors.New("it is not there")
}

func TestRemoteModules(t *testing.T) {
	const main = `
module "outer" { source = "git::https://git.example.com/modules.git//outer?ref=v1" }
output "v" { value = module.outer.v }
`
	reader := &fakeModules{}
	config := soundTree(t, map[string]string{"main.gantry.hcl": main}, lang.LoadOptions{Modules: reader})
	if got := value.Text(config.Outputs[0].Value); got != `"deep"` || len(reader.asked) != 2 || len(config.Pins) == 0 {
		t.Errorf("it is %s, read from %v, pins %v", got, reader.asked, config.Pins)
	}
	_, diags := evaluateTree(t, map[string]string{"main.gantry.hcl": main}, lang.LoadOptions{})
	if len(diags.Errs()) != 1 || diags[0].Summary != "Module not available" {
		t.Errorf("got %v", diags)
	}
	broken := strings.Replace(main, "//outer", "//lost", 1)
	_, diags = evaluateTree(t, map[string]string{"main.gantry.hcl": broken}, lang.LoadOptions{Modules: reader})
	if len(diags.Errs()) != 1 || !strings.Contains(diags[0].Detail, "it is not there") {
		t.Errorf("got %v", diags)
	}
}

func TestModuleThatCallsItself(t *testing.T) {
	_, diags := evaluateTree(t, map[string]string{
		"main.gantry.hcl": "module \"a\" {\n  source = \"./a\"\n}\n",
		"a/a.gantry.hcl":  "module \"b\" {\n  source = \"../b\"\n}\n",
		"b/b.gantry.hcl":  "module \"a\" {\n  source = \"../a\"\n}\n",
	}, lang.LoadOptions{})
	if len(diags.Errs()) != 1 || diags[0].Summary != "Module calls itself" || !strings.Contains(diags[0].Detail, "module.a.module.b.module.a") {
		t.Errorf("got %v", diags.Errs())
	}
}

func TestFunctions(t *testing.T) {
	config := soundTree(t, map[string]string{"main.gantry.hcl": `
function "image" {
  params = [name, tag]
  result = "registry.example.com/${fn::clean(name)}:${tag}"
}
function "clean" {
  params = [text]
  result = lower(trimspace(text))
}
function "all" {
  params         = [separator]
  variadic_param = rest
  result         = join(separator, rest)
}
variable "token" {
  default   = "x"
  sensitive = true
}
output "image" { value = fn::image(" Web ", "1.2") }
output "all"   { value = fn::all("-", "a", "b") }
output "token" {
  value     = fn::clean(var.token)
  sensitive = true
}
`}, lang.LoadOptions{})
	want := map[string]string{"image": `"registry.example.com/web:1.2"`, "all": `"a-b"`, "token": "(sensitive)"}
	for _, o := range config.Outputs {
		if got := value.Text(o.Value); got != want[o.Name] {
			t.Errorf("%s is %s", o.Name, got)
		}
	}
}

// TestModuleFaults holds what a review of modules found.
func TestModuleFaults(t *testing.T) {
	const service = `
variable "name" {}
variable "cluster" { type = cluster }
application "web" {
  source {
    objects = []
  }
  destination {
    cluster   = var.cluster
    namespace = var.name
  }
}
output "name" { value = application.web.namespace }
`
	const base = "cluster \"eu\" {\n  server = \"https://eu.example.com\"\n}\n"
	app := func(name, more string) string {
		return "application \"" + name + "\" {\n  source {\n    objects = []\n  }\n  destination {\n    cluster = cluster.eu\n  }\n" + more + "}\n"
	}
	tree := func(main string) map[string]string {
		return map[string]string{"main.gantry.hcl": base + main, "service/s.gantry.hcl": service}
	}
	t.Run("no instances", func(t *testing.T) {
		config := soundTree(t, tree(`
module "m" {
  source   = "./service"
  for_each = {}
  name     = each.key
  cluster  = cluster.eu
}
output "all" { value = { for key, m in module.m : key => m.name } }
`), lang.LoadOptions{})
		if got := value.Text(config.Outputs[0].Value); got != "{}" {
			t.Errorf("it is %s", got)
		}
	})
	t.Run("duplicates", func(t *testing.T) {
		config, _ := evaluateTree(t, tree(app("web", "  for_each = toset([\"a\"])\n")+app("web", "  for_each = toset([\"b\"])\n")), lang.LoadOptions{})
		covered := slices.ContainsFunc(config.Broken, func(b lang.Broken) bool {
			return b.Address.Covers(addr.Application("web").Instance("b"))
		})
		if !covered {
			t.Errorf("the instances of the second are lost: %v", config.Broken)
		}
	})
	t.Run("edges", func(t *testing.T) {
		config := soundTree(t, tree(app("db", "  for_each = toset([\"a\", \"b\"])\n")+`
locals {
  first = "a"
  db    = application.db["b"].name
}
module "each" {
  source   = "./service"
  for_each = { x = application.db["a"].namespace }
  name     = each.value
  cluster  = cluster.eu
}
module "after" {
  source     = "./service"
  name       = "after"
  cluster    = cluster.eu
  depends_on = [local.db]
}
cluster "late" {
  server     = "https://late.example.com"
  depends_on = [module.after]
}
application "computed" {
  depends_on = [application.db[local.first]]
  source {
    objects = []
  }
  destination {
    cluster = cluster.late
  }
}
application "shadowed" {
  for_each = toset(["a"])
  source {
    objects = []
  }
  destination {
    cluster = cluster.eu
  }
  info = { names = join(",", [for each in [{ key = "b" }] : application.db[each.key].name]) }
}
`), lang.LoadOptions{})
		for address, want := range map[string]string{
			`module.each["x"].application.web`: `application.db["a"]`,
			"module.after.application.web":     `application.db["b"]`,
			"application.computed":             `application.db["a"]`,
			`application.shadowed["a"]`:        `application.db["b"]`,
		} {
			if got := waitsFor(application(t, config, address)); !slices.Contains(got, want) {
				t.Errorf("%s waits for %v, not for %s", address, got, want)
			}
		}
		if got := waitsFor(application(t, config, "application.computed")); !slices.Contains(got, "module.after.application.web") {
			t.Errorf("what a cluster depends on is lost: %v", got)
		}
	})
	t.Run("only the instance that is meant", func(t *testing.T) {
		config := soundTree(t, tree(`
module "one" {
  source   = "./service"
  for_each = toset(["a", "b"])
  name     = each.key
  cluster  = cluster.eu
}
module "two" {
  source   = "./service"
  for_each = toset(["a", "b"])
  name     = module.one[each.key].name
  cluster  = cluster.eu
}
application "web" {
  for_each = toset(["a", "b"])
  source {
    objects = []
  }
  destination {
    cluster   = cluster.eu
    namespace = module.one[each.key].name
  }
}
`), lang.LoadOptions{})
		want := []string{`module.one["a"].application.web`}
		for _, address := range []string{`module.two["a"].application.web`, `application.web["a"]`} {
			if got := waitsFor(application(t, config, address)); !slices.Equal(got, want) {
				t.Errorf("%s waits for %v", address, got)
			}
		}
	})
	t.Run("cycle through all clusters", func(t *testing.T) {
		_, diags := evaluateTree(t, tree("cluster \"a\" {\n  for_each = toset([\"x\"])\n  server = \"https://a.example.com\"\n  labels = { n = cluster.zz.name }\n}\n"+app("web", "")), lang.LoadOptions{})
		if !diags.HasErrors() {
			t.Error("there are no errors")
		}
	})
	t.Run("sensitive parts of inputs", func(t *testing.T) {
		config := soundTree(t, map[string]string{
			"main.gantry.hcl": base + "module \"m\" {\n  source = \"./m\"\n  c = sensitive({ a = sensitive({ b = cluster.eu }) })\n}\n",
			"m/m.gantry.hcl":  "variable \"c\" {\n  type = map(map(cluster))\n}\nlocals {\n  x = var.c\n}\n",
		}, lang.LoadOptions{})
		if len(config.Broken) > 0 {
			t.Error(config.Broken)
		}
	})
	t.Run("sensitive key", func(t *testing.T) {
		_, diags := evaluateTree(t, tree(app("db", "  for_each = toset([\"a\"])\n")+app("web", "  for_each = { x = sensitive(\"hunter2\") }\n  depends_on = [application.db[each.value]]\n")), lang.LoadOptions{})
		if !diags.HasErrors() || strings.Contains(diags.Error(), "hunter2") {
			t.Errorf("got %v", diags)
		}
	})
	t.Run("functions", func(t *testing.T) {
		_, diags := evaluateTree(t, map[string]string{
			"f.gantry.json":   `{"function": {"a": {"params": ["x"], "result": "${fn::a(x)}"}}}`,
			"main.gantry.hcl": "locals {\n  v = fn::a(1)\n}\nfunction \"b\" {\n  params = [x]\n  result = fn::a(x)\n}\noutput \"o\" { value = fn::b(1) }\n",
		}, lang.LoadOptions{})
		if !diags.HasErrors() || strings.Contains(diags.Error(), "bug in gantry") {
			t.Errorf("got %v", diags)
		}
		var chain strings.Builder
		chain.WriteString("function \"f0\" {\n  params = [x]\n  result = x\n}\n")
		for i := range 40 {
			chain.WriteString("function \"f" + strconv.Itoa(i+1) + "\" {\n  params = [x]\n  result = fn::f" + strconv.Itoa(i) + "(x)\n}\n")
		}
		config := soundTree(t, map[string]string{"main.gantry.hcl": chain.String() + "output \"o\" { value = fn::f40(7) }\n"}, lang.LoadOptions{})
		if got := value.Text(config.Outputs[0].Value); got != "7" {
			t.Errorf("it is %s", got)
		}
	})
}
