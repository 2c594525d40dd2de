package lsp_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/lsp/lsptest"
)

// estate is a module of two files, sound.
func estate() map[string]string {
	return map[string]string{
		"main.gantry.hcl": `variable "region" {
  type        = string
  description = "Where it runs."
}

variable "sizes" {
  type = object({ small = number, big = optional(number, 9) })
  default = { small = 1 }
}

locals {
  env = {
    staging    = { replicas = 1, auto = true }
    production = { replicas = 3, auto = false }
  }
  name = "web-${var.region}"
}

cluster "prod" {
  context = "prod"
  labels  = { tier = "canary" }
}

project "payments" {
  description = "What takes money."
}
`,
		"apps.gantry.hcl": `generator "list" "services" {
  elements = [{ key = "api", path = "apps/api" }, { key = "web", path = "apps/web" }]
}

application "web" {
  for_each = generator.list.services
  project  = project.payments

  source {
    url  = "https://git.example.com/config"
    path = each.value.path
  }

  destination {
    cluster   = cluster.prod
    namespace = local.name
  }

  labels     = { replicas = "${local.env.production.replicas}", size = tostring(var.sizes.small) }
  depends_on = [application.db]
}

application "db" {
  project = project.payments
  source {
    url  = "https://git.example.com/config"
    path = join("/", ["apps", local.name])
  }
  destination {
    cluster = cluster["prod"]
  }
}
`,
	}
}

func TestSoundModuleHasNoDiagnostics(t *testing.T) {
	e := start(t, estate())
	e.wantProblems(e.open("main.gantry.hcl"))
	e.wantProblems(e.open("apps.gantry.hcl"))
}

// item is a completion.
type item struct {
	Label            string       `json:"label"`
	Detail           string       `json:"detail"`
	Documentation    any          `json:"documentation"`
	InsertTextFormat int          `json:"insertTextFormat"`
	SortText         string       `json:"sortText"`
	TextEdit         lsptest.Edit `json:"textEdit"`
}

type list struct {
	IsIncomplete bool   `json:"isIncomplete"`
	Items        []item `json:"items"`
}

// complete writes a text in place of another, and asks what may follow where it has a
// "|". Afterwards the document is as before.
func (e *editor) complete(path, before, after string) map[string]item {
	e.t.Helper()
	original := e.Text(path)
	at := strings.IndexByte(after, '|')
	e.Replace(path, before, after[:at]+after[at+1:])
	var got list
	e.Must("textDocument/completion", lsptest.At(path, e.Find(path, after[:at]+after[at+1:], at)), &got)
	items := map[string]item{}
	for _, one := range got.Items {
		items[one.Label] = one
	}
	e.SetText(path, original)
	return items
}

func labels(items map[string]item) []string {
	var out []string
	for label := range items {
		out = append(out, label)
	}
	slices.Sort(out)
	return out
}

// TestCompletion types in many places of a module: what must be offered, and what must
// not.
func TestCompletion(t *testing.T) {
	e := start(t, estate())
	path := e.open("apps.gantry.hcl")
	e.Diagnostics(path)
	const namespace, project, lists = "namespace = local.name", "project  = project.payments", "labels     = {"
	for _, test := range []struct {
		name          string
		before, after string
		want          []string // among what is offered; with "=" first exactly that
		not           []string
	}{
		{"blocks", "application \"db\"", "clu|\napplication \"db\"", []string{"cluster", "application", `generator "git"`, "variable", "locals"}, []string{"source", "labels"}},
		{"arguments", project, project + "\n  na|", []string{"name", "info", "on_destroy", "dynamic", "ignore_differences", "sync", "source"}, []string{"project", "labels", "for_each", "destination", "cluster"}},
		{"nested arguments", "    path = each", "    cha|\n    path = each", []string{"chart", "helm", "kustomize"}, []string{"path", "url", "project"}},
		{"arguments of a type of generator", "  elements =", "  mat|\n  elements =", []string{"for_each", "depends_on"}, []string{"elements", "selector"}},
		{"a reference of the right kind", project, "project = pro|", []string{"project.payments", "local", "var", "join"}, []string{"cluster.prod"}},
		{"names", project, "project = project.|", []string{"=payments"}, nil},
		{"names with a word", "cluster.prod", "cluster.p|", []string{"=prod"}, nil},
		{"variables", namespace, "namespace = var.|", []string{"=region", "sizes"}, nil},
		{"attributes of a value", namespace, "namespace = local.env.|", []string{"=production", "staging"}, nil},
		{"attributes in it", namespace, `namespace = local.env["production"].|`, []string{"=auto", "replicas"}, nil},
		{"attributes by a type", namespace, "namespace = var.sizes.|", []string{"=big", "small"}, nil},
		{"attributes of a block", namespace, "namespace = cluster.prod.|", []string{"=annotations", "labels", "name", "server"}, nil},
		{"labels of a block", namespace, "namespace = cluster.prod.labels.|", []string{"=tier"}, nil},
		{"each", "each.value.path", "each.|", []string{"=key", "value"}, nil},
		{"items of a generator", "each.value.path", "each.value.|", []string{"=key", "path"}, nil},
		{"items in a string", "each.value.path", `"${each.value.|}"`, []string{"=key", "path"}, nil},
		{"generators", "generator.list.services", "generator.|", []string{"git", "list", "matrix", "clusters"}, nil},
		{"generators of a type", "generator.list.services", "generator.list.|", []string{"=services"}, nil},
		{"in a string", namespace, `namespace = "x-${local.|}"`, []string{"=env", "name"}, nil},
		{"in a string that is not closed", namespace, `namespace = "x-${local.|`, []string{"=env", "name"}, nil},
		{"functions", "tostring(var", "jso|(var", []string{"jsonencode", "jsondecode"}, nil},
		{"one of some strings", lists, "on_destroy = \"|\"\n  " + lists, []string{"=confirm", "delete", "orphan"}, nil},
		{"one of some expressions", lists, "on_destroy = |\n  " + lists, []string{`"confirm"`, `"delete"`, `"orphan"`, "local"}, nil},
		{"dependencies", "[application.db]", "[application.|]", []string{"=db"}, nil},
		{"all dependencies", "[application.db]", "[|]", []string{"application.db", "cluster.prod"}, nil},
		{"loops", namespace, "namespace = [for k, v in local.env : v|", []string{"k", "v", "local"}, nil},
		{"a type", lists, "}\nvariable \"x\" {\n  type = |", []string{"string", "list", "object"}, []string{"local"}},
		{"comments", project, "# pro|", []string{"="}, nil},
		{"texts", namespace, `namespace = "loc|"`, []string{"="}, nil},
		{"keys of objects", "{ replicas =", "{ rep| =", []string{"="}, nil},
		{"after a call", namespace, "namespace = join(\"\").|", []string{"="}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			e.t = t
			items := e.complete(path, test.before, test.after)
			if len(test.want) > 0 && strings.HasPrefix(test.want[0], "=") {
				want := strings.Fields(strings.Join(test.want, " ")[1:])
				if diff := cmp.Diff(strings.Join(want, " "), strings.Join(labels(items), " ")); diff != "" {
					t.Errorf("offered (-want +got):\n%s", diff)
				}
				return
			}
			for _, label := range test.want {
				if _, ok := items[label]; !ok {
					t.Errorf("%s is not offered: %q", label, labels(items))
				}
			}
			for _, label := range test.not {
				if _, ok := items[label]; ok {
					t.Errorf("%s is offered", label)
				}
			}
			if test.name == "functions" {
				if got := items["jsonencode"].Detail; got != "jsonencode(val) → string" {
					t.Errorf("the signature is %q", got)
				}
			}
		})
	}
}

func TestCompletionInserts(t *testing.T) {
	e := start(t, map[string]string{"a.gantry.hcl": "cluster \"prod\" {\n  context = \"x\"\n}\n"})
	path := e.open("a.gantry.hcl")
	for _, test := range []struct{ before, place, label, want string }{
		{"proj", "proj", "project", "project \"${1:name}\" {\n  $0\n}"},
		{"clus", "clus", "application", "application \"${1:name}\" {\n  source {\n    $0\n  }\n  destination {\n    cluster = $2\n  }\n}"},
		{"generator \"\" \"x\" {}", "generator \"", "git", "generator \"git\" \"x\" {}"},
		{"cluster \"a\" {\n  insec\n}", "insec", "insecure", "cluster \"a\" {\n  insecure = ${1|true,false|}\n}"},
		{"cluster \"a\" {\n  insec = true\n}", "insec", "insecure", "cluster \"a\" {\n  insecure = true\n}"},
		{"cluster \"a\" {\n  auth {\n    exec {\n      api\n    }\n  }\n}", "api", "api_version", "cluster \"a\" {\n  auth {\n    exec {\n      api_version = \"${1|client.authentication.k8s.io/v1,client.authentication.k8s.io/v1beta1|}\"\n    }\n  }\n}"},
		{"locals {\n  a = le\n}", "le", "length", "locals {\n  a = length($1)\n}"},
		{"application \"a\" {\n  dynamic \"\" {\n}\n}", "dynamic \"", "source", "application \"a\" {\n  dynamic \"source\" {\n}\n}"},
		{"application \"a\" {\n  dynamic \"source\" {\n    content {\n      pat\n    }\n}\n}", "pat", "path", "application \"a\" {\n  dynamic \"source\" {\n    content {\n      path = \"$1\"\n    }\n}\n}"},
		{"variable \"a\" {\n  type = li\n}", "li", "list", "variable \"a\" {\n  type = list($1)\n}"},
	} {
		e.SetText(path, test.before)
		var got list
		e.Must("textDocument/completion", lsptest.At(path, e.Find(path, test.place, len(test.place))), &got)
		i := slices.IndexFunc(got.Items, func(one item) bool { return one.Label == test.label })
		if i < 0 {
			t.Errorf("%q: %s is not offered", test.before, test.label)
			continue
		}
		e.ApplyEdits(path, []lsptest.Edit{got.Items[i].TextEdit})
		if diff := cmp.Diff(test.want, e.Text(path)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.before, diff)
		}
	}
}

// TestCompletionWithoutSnippets: an editor that knows no snippets gets plain text.
func TestCompletionWithoutSnippets(t *testing.T) {
	e := connect(t)
	e.Initialize(map[string]any{})
	path := e.path("a.gantry.hcl")
	e.Open(path, "cluster \"a\" {\n  cont\n}\nloc")
	for place, want := range map[string]string{"cont": "context = ", "loc": "locals"} {
		var got list
		e.Must("textDocument/completion", lsptest.At(path, e.Find(path, place, len(place))), &got)
		texts := []string{}
		for _, one := range got.Items {
			if one.InsertTextFormat != 1 {
				t.Fatalf("%s is a snippet", one.Label)
			}
			texts = append(texts, one.TextEdit.NewText)
		}
		if !slices.Contains(texts, want) {
			t.Errorf("%q is not offered: %q", want, texts)
		}
	}
}

func TestCompletionOfWhatIsMissing(t *testing.T) {
	e := start(t, map[string]string{"a.gantry.hcl": "locals {\n  a = var.size + var.count + generator.list.x\n}\nvariable \"count\" {}\nvariable \"\" {}\n"})
	path := e.open("a.gantry.hcl")
	items := e.complete(path, "variable \"\"", "variable \"|\"")
	if diff := cmp.Diff([]string{"size"}, labels(items)); diff != "" {
		t.Errorf("offered (-want +got):\n%s", diff)
	}
}

func TestCompletionOfVariableValues(t *testing.T) {
	files := estate()
	files["gantry.vars.hcl"] = "region = \"eu\"\nsi\n"
	e := start(t, files)
	path := e.open("gantry.vars.hcl")
	items := e.complete(path, "si\n", "s|\n")
	if diff := cmp.Diff([]string{"sizes"}, labels(items)); diff != "" {
		t.Errorf("offered (-want +got):\n%s", diff)
	}
}

type hover struct {
	Contents struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	} `json:"contents"`
	Range lsptest.Range `json:"range"`
}

func TestHover(t *testing.T) {
	e := start(t, estate())
	path := e.open("apps.gantry.hcl")
	e.Diagnostics(path)
	for _, test := range []struct {
		place string
		at    int
		text  string // what it is about
		want  []string
	}{
		{"generator \"list\"", 2, "generator", []string{"```hcl\ngenerator \"list\" \"NAME\"\n```"}},
		{"\"list\" \"services\"", 3, "\"list\"", []string{"generator \"list\""}},
		{"for_each", 3, "for_each", []string{"Makes an instance of the block"}},
		{"namespace =", 3, "namespace", []string{"namespace = (DNS label)", "Default"}},
		{"local.name\n", 8, "local.name", []string{"Type: `string`"}},
		{"local.env.production", 7, "local.env", []string{"Type: `object({production = object({auto = bool, replicas = number}), staging =", "Value: `{ production = { auto = false, replicas = 3 },"}},
		{"local.env.production.replicas", 24, "local.env.production.replicas", []string{"Type: `number`", "Value: `3`"}},
		{"var.sizes.small", 6, "var.sizes", []string{"Type: `object({big = number, small = number})`"}},
		{"each.value.path", 12, "each.value.path", []string{"Type: `string`"}},
		{"tostring(", 3, "tostring", []string{"tostring(v) → string"}},
		{"join(", 1, "join", []string{"join(separator, lists...) → string", "- `separator` string"}},
		{"project.payments\n\n  source", 10, "project.payments", []string{"Type: `project`"}},
		{"\"db\" {", 2, "db", []string{"```hcl\napplication.db\n```", "Type: `application`"}},
	} {
		var got *hover
		e.Must("textDocument/hover", lsptest.At(path, e.Find(path, test.place, test.at)), &got)
		if got == nil {
			t.Errorf("%s: nothing is shown", test.place)
			continue
		}
		if about := e.TextAt(path, got.Range); about != test.text {
			t.Errorf("%s: it is about %q, expected %q", test.place, about, test.text)
		}
		for _, want := range test.want {
			if !strings.Contains(got.Contents.Value, want) {
				t.Errorf("%s: %q is not in\n%s", test.place, want, got.Contents.Value)
			}
		}
	}
	var nothing *hover
	e.Must("textDocument/hover", lsptest.At(path, lsptest.Position{Line: 3}), &nothing)
	if nothing != nil {
		t.Errorf("an empty line: %+v", nothing)
	}
}

// TestHoverShowsNoSecrets: the value of a sensitive variable is not shown, nor what is
// made of it.
func TestHoverShowsNoSecrets(t *testing.T) {
	e := start(t, map[string]string{"a.gantry.hcl": "variable \"token\" {\n  type      = string\n  default   = \"hunter2\"\n  sensitive = true\n}\nlocals {\n  made = { a = \"x-${var.token}\" }\n  used = local.made.a\n}\n"})
	path := e.open("a.gantry.hcl")
	e.Diagnostics(path)
	for _, place := range []string{"var.token", "local.made", "local.made.a"} {
		var got hover
		e.Must("textDocument/hover", lsptest.At(path, e.Find(path, place, len(place)-1)), &got)
		if !strings.Contains(got.Contents.Value, "Type:") || strings.Contains(got.Contents.Value, "hunter2") {
			t.Errorf("%s: %s", place, got.Contents.Value)
		}
	}
	for label, one := range e.complete(path, "local.made.a", "local.made.|") {
		if strings.Contains(one.Detail, "hunter2") {
			t.Errorf("%s: %s", label, one.Detail)
		}
	}
}

// texts renders locations as "file:line: text".
func (e *editor) texts(locations []lsptest.Location) []string {
	out := []string{}
	for _, l := range locations {
		path := strings.TrimPrefix(l.URI, "file://")
		name := strings.TrimPrefix(path, e.dir+"/")
		out = append(out, name+":"+itoa(l.Range.Start.Line+1)+": "+e.TextAt(path, l.Range))
	}
	return out
}

func itoa(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}

func TestDefinition(t *testing.T) {
	e := start(t, estate())
	path := e.open("apps.gantry.hcl")
	e.open("main.gantry.hcl")
	for _, test := range []struct {
		place string
		at    int
		want  []string
	}{
		{"project.payments", 12, []string{"main.gantry.hcl:24: payments"}},
		{"local.name", 1, []string{"main.gantry.hcl:16: name"}},
		{"local.env.production", 7, []string{"main.gantry.hcl:12: env"}},
		{"generator.list.services", 20, []string{"apps.gantry.hcl:1: services"}},
		{"cluster[\"prod\"]", 10, []string{"main.gantry.hcl:19: prod"}},
		{"var.sizes", 5, []string{"main.gantry.hcl:6: sizes"}},
		{"each.value.path", 7, []string{"apps.gantry.hcl:6: for_each"}},
		{"application.db", 13, []string{"apps.gantry.hcl:23: db"}},
		{"join", 1, []string{}},
	} {
		var got []lsptest.Location
		e.Must("textDocument/definition", lsptest.At(path, e.Find(path, test.place, test.at)), &got)
		if diff := cmp.Diff(test.want, e.texts(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.place, diff)
		}
	}
}

func TestReferencesAndHighlights(t *testing.T) {
	files := estate()
	files["more.gantry.json"] = `{"locals": {"copy": "x-${local.name}"}, "application": {"j": {"depends_on": ["application.db"]}}}`
	e := start(t, files)
	main, apps := e.open("main.gantry.hcl"), e.open("apps.gantry.hcl")
	e.open("more.gantry.json")
	all := []string{"apps.gantry.hcl:16: name", "apps.gantry.hcl:27: name", "main.gantry.hcl:16: name", "more.gantry.json:1: name"}
	var got []lsptest.Location
	at := lsptest.At(main, e.Find(main, "name = \"web", 1))
	at["context"] = map[string]bool{"includeDeclaration": true}
	e.Must("textDocument/references", at, &got)
	if diff := cmp.Diff(all, e.texts(got)); diff != "" {
		t.Errorf("with the declaration (-want +got):\n%s", diff)
	}
	at["context"] = map[string]bool{"includeDeclaration": false}
	e.Must("textDocument/references", at, &got)
	if diff := cmp.Diff(slices.Delete(slices.Clone(all), 2, 3), e.texts(got)); diff != "" {
		t.Errorf("without the declaration (-want +got):\n%s", diff)
	}
	var highlights []struct {
		Range lsptest.Range `json:"range"`
		Kind  int           `json:"kind"`
	}
	e.Must("textDocument/documentHighlight", lsptest.At(apps, e.Find(apps, "application.db", 13)), &highlights)
	var kinds []string
	for _, h := range highlights {
		kinds = append(kinds, itoa(h.Range.Start.Line+1)+":"+itoa(h.Kind))
	}
	if diff := cmp.Diff([]string{"20:2", "23:3"}, kinds); diff != "" {
		t.Errorf("highlights (-want +got):\n%s", diff)
	}
	at = lsptest.At(apps, e.Find(apps, "application \"db\"", 14))
	at["context"] = map[string]bool{"includeDeclaration": false}
	e.Must("textDocument/references", at, &got)
	if diff := cmp.Diff([]string{"apps.gantry.hcl:20: db", "more.gantry.json:1: db"}, e.texts(got)); diff != "" {
		t.Errorf("an application (-want +got):\n%s", diff)
	}
}

type workspaceEdit struct {
	Changes         map[string][]lsptest.Edit `json:"changes"`
	DocumentChanges []struct {
		TextDocument struct {
			URI     string `json:"uri"`
			Version *int   `json:"version"`
		} `json:"textDocument"`
		Edits []lsptest.Edit `json:"edits"`
	} `json:"documentChanges"`
}

func (e *editor) rename(path string, at lsptest.Position, name string) (workspaceEdit, error) {
	params := lsptest.At(path, at)
	params["newName"] = name
	var edit workspaceEdit
	err := e.Call("textDocument/rename", params, &edit)
	return edit, err
}

func TestRename(t *testing.T) {
	for _, test := range []struct {
		name, place string
		at          int
		to          string
		want        map[string][2]string // by file: a text, and what it becomes
	}{
		{"a local value", "name = \"web", 1, "title", map[string][2]string{
			"main.gantry.hcl": {"name = \"web-", "title = \"web-"}, "apps.gantry.hcl": {"local.name", "local.title"}, "more.gantry.json": {"${local.name}", "${local.title}"},
		}},
		{"a variable", "\"region\"", 3, "place", map[string][2]string{
			"main.gantry.hcl": {"region", "place"}, "gantry.vars.hcl": {"region", "place"},
		}},
		{"a cluster", "\"prod\" {", 2, "eu-1", map[string][2]string{
			"main.gantry.hcl": {"cluster \"prod\"", "cluster \"eu-1\""}, "apps.gantry.hcl": {"cluster.prod\n", "cluster.eu-1\n"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := estate()
			files["more.gantry.json"] = `{"locals": {"copy": "x-${local.name}"}}`
			files["gantry.vars.hcl"] = "region = \"eu\"\n"
			e := start(t, files)
			for name := range files {
				e.open(name)
			}
			main := e.path("main.gantry.hcl")
			var prepared struct {
				Range       lsptest.Range `json:"range"`
				Placeholder string        `json:"placeholder"`
			}
			e.Must("textDocument/prepareRename", lsptest.At(main, e.Find(main, test.place, test.at)), &prepared)
			if e.TextAt(main, prepared.Range) != prepared.Placeholder || prepared.Placeholder == "" {
				t.Errorf("prepared: %+v", prepared)
			}
			before := map[string]string{}
			for name := range files {
				before[name] = e.Text(e.path(name))
			}
			edit, err := e.rename(main, e.Find(main, test.place, test.at), test.to)
			if err != nil {
				t.Fatal(err)
			}
			for _, change := range edit.DocumentChanges {
				if change.TextDocument.Version == nil || *change.TextDocument.Version != 1 {
					t.Errorf("%s has the version %v", change.TextDocument.URI, change.TextDocument.Version)
				}
				e.ApplyEdits(strings.TrimPrefix(change.TextDocument.URI, "file://"), change.Edits)
			}
			for name := range files {
				want := before[name]
				if replaced, ok := test.want[name]; ok {
					want = strings.ReplaceAll(want, replaced[0], replaced[1])
					if test.name == "a cluster" {
						want = strings.ReplaceAll(want, "cluster[\"prod\"]", "cluster[\"eu-1\"]")
					}
				}
				if diff := cmp.Diff(want, e.Text(e.path(name))); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			if test.name != "a local value" { // "title" stays, as JSON takes its alignment
				e.wantProblems(main)
			}
		})
	}
}

func TestRenameRefuses(t *testing.T) {
	e := start(t, estate())
	main, apps := e.open("main.gantry.hcl"), e.open("apps.gantry.hcl")
	for _, test := range []struct{ place, to, want string }{
		{"local.name", "1x", "cannot be a name"},
		{"local.name", "", "cannot be a name"},
		{"local.name", "a b", "cannot be a name"},
		{"local.name", "env", "local.env is declared already, in main.gantry.hcl"},
		{"application.db", "web", "application.web is declared already"},
	} {
		_, err := e.rename(apps, e.Find(apps, test.place, len(test.place)-1), test.to)
		if code(err) != -32803 || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s to %q: %v", test.place, test.to, err)
		}
	}
	if edit, err := e.rename(apps, e.Find(apps, "local.name", 8), "name"); err != nil || len(edit.DocumentChanges) > 0 {
		t.Errorf("the same name: %+v, %v", edit, err)
	}
	if err := e.Call("textDocument/prepareRename", lsptest.At(apps, e.Find(apps, "join(", 1)), nil); err != nil {
		t.Errorf("a function: %v", err)
	}
	e.Replace(main, "cluster \"prod\" {", "cluster \"prod\" {{")
	if _, err := e.rename(apps, e.Find(apps, "local.name", 8), "title"); err == nil || !strings.Contains(err.Error(), "main.gantry.hcl has syntax errors") {
		t.Errorf("with syntax errors: %v", err)
	}
	e.Replace(main, "cluster \"prod\" {{", "cluster \"prod\" {")
	e.Replace(apps, "local.name", "local.nothing")
	if err := e.Call("textDocument/prepareRename", lsptest.At(apps, e.Find(apps, "local.nothing", 8)), nil); err == nil || !strings.Contains(err.Error(), "not declared") {
		t.Errorf("what is not declared: %v", err)
	}
}

// TestRenameOfApplications warns: an address is an identity.
func TestRenameOfApplications(t *testing.T) {
	e := start(t, estate())
	apps := e.open("apps.gantry.hcl")
	if _, err := e.rename(apps, e.Find(apps, "application.db", 13), "database"); err != nil {
		t.Fatal(err)
	}
	shown := e.Received("window/showMessage")
	if len(shown) != 1 || !strings.Contains(string(shown[0].Params), "moved { from = application.db, to = application.database }") {
		t.Errorf("shown: %s", shown)
	}
}

// TestRenameForOldEditors: without versions, edits come by document.
func TestRenameForOldEditors(t *testing.T) {
	e := connect(t)
	e.Initialize(map[string]any{}, e.dir)
	path := e.path("a.gantry.hcl")
	e.Open(path, "locals {\n  a = 1\n  b = local.a\n}\n")
	edit, err := e.rename(path, e.Find(path, "a = 1", 0), "c")
	if err != nil {
		t.Fatal(err)
	}
	e.ApplyEdits(path, edit.Changes[lsptest.URI(path)])
	if want := "locals {\n  c = 1\n  b = local.c\n}\n"; e.Text(path) != want {
		t.Errorf("the text is %q", e.Text(path))
	}
}

func TestFormatting(t *testing.T) {
	e := start(t, nil)
	for _, test := range []struct{ name, before, want string }{
		{"a.gantry.hcl", "# ä😀\nlocals {\na=1\n  bcd = 2\n}\n# end\n", "# ä😀\nlocals {\n  a   = 1\n  bcd = 2\n}\n# end\n"},
		{"b.gantry.hcl", "locals {\n  a = 1\n}\n", "locals {\n  a = 1\n}\n"},
		{"c.gantry.hcl", "a=1", "a = 1"},
		{"d.gantry.hcl", "a = {\n", "a = {\n"},
		{"e.gantry.json", "{\"locals\":{\"a\":1}}", "{\n  \"locals\": {\n    \"a\": 1\n  }\n}\n"},
		{"gantry.vars.hcl", "a=1\nbc=2\n", "a  = 1\nbc = 2\n"},
		{"f.gantrytest.hcl", "a   =   1\n\n\n", "a = 1\n\n\n"},
	} {
		path := e.path(test.name)
		e.Open(path, test.before)
		var edits []lsptest.Edit
		e.Must("textDocument/formatting", map[string]any{"textDocument": lsptest.Identifier(path), "options": map[string]any{"tabSize": 2}}, &edits)
		if len(edits) > 1 || test.before == test.want && len(edits) > 0 {
			t.Errorf("%s: %d edits", test.name, len(edits))
		}
		e.ApplyEdits(path, edits)
		if diff := cmp.Diff(test.want, e.Text(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

type symbol struct {
	Name           string        `json:"name"`
	Kind           int           `json:"kind"`
	Range          lsptest.Range `json:"range"`
	SelectionRange lsptest.Range `json:"selectionRange"`
	Children       []symbol      `json:"children"`
	ContainerName  string        `json:"containerName"`
	Location       lsptest.Location
}

func TestDocumentSymbols(t *testing.T) {
	e := start(t, estate())
	path := e.open("apps.gantry.hcl")
	var got []symbol
	e.Must("textDocument/documentSymbol", map[string]any{"textDocument": lsptest.Identifier(path)}, &got)
	var names []string
	var walk func(symbols []symbol, indent string)
	walk = func(symbols []symbol, indent string) {
		for _, s := range symbols {
			names = append(names, indent+s.Name)
			if text := e.TextAt(path, s.Range); !strings.Contains(text, e.TextAt(path, s.SelectionRange)) {
				t.Errorf("%s: its name is not in it", s.Name)
			}
			walk(s.Children, indent+"  ")
		}
	}
	walk(got[:2], "")
	want := []string{
		"generator list services", "  elements",
		"application web", "  for_each", "  project", "  source", "    url", "    path", "  destination", "    cluster", "    namespace", "  labels", "  depends_on",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("symbols (-want +got):\n%s", diff)
	}
	if whole := e.TextAt(path, got[0].Range); !strings.HasPrefix(whole, "generator") || !strings.HasSuffix(whole, "}") {
		t.Errorf("the generator is %q", whole)
	}
}

func TestWorkspaceSymbols(t *testing.T) {
	files := estate()
	files["platform/a.gantry.hcl"] = "variable \"nested_thing\" {}\n"
	files["node_modules/x/a.gantry.hcl"] = "variable \"nested_not\" {}\n"
	e := start(t, files)
	e.write("other/b.gantry.hcl", "")
	search := func(query string) []string {
		var got []symbol
		e.Must("workspace/symbol", map[string]any{"query": query}, &got)
		names := []string{}
		for _, s := range got {
			names = append(names, s.Name)
		}
		return names
	}
	for query, want := range map[string][]string{
		"nested": {"var.nested_thing"},
		"appdb":  {"application.db"},
		"REGION": {"var.region"},
		"zzz":    {},
	} {
		if diff := cmp.Diff(want, search(query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	second := t.TempDir()
	if err := os.WriteFile(second+"/x.gantry.hcl", []byte("locals {\n  elsewhere = 1\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e.Notify("workspace/didChangeWorkspaceFolders", map[string]any{"event": map[string]any{"added": []map[string]string{{"uri": lsptest.URI(second), "name": "second"}}, "removed": []any{}}})
	if diff := cmp.Diff([]string{"local.elsewhere"}, search("elsewhere")); diff != "" {
		t.Errorf("a folder that was added (-want +got):\n%s", diff)
	}
}

// TestFunctionsOfTheModule: functions that are written in the language are completed,
// shown, found and renamed.
func TestFunctionsOfTheModule(t *testing.T) {
	e := start(t, map[string]string{
		"a.gantry.hcl": "function \"image\" {\n  params = [name]\n  result = \"registry.example.com/${name}\"\n}\nlocals {\n  a = fn::image(\"x\")\n  b = [fn::image(\"y\")]\n}\n",
	})
	path := e.open("a.gantry.hcl")
	e.wantProblems(path)
	if got := labels(e.complete(path, "fn::image(\"x\")", "fn::|")); !slices.Equal(got, []string{"image"}) {
		t.Errorf("offered: %q", got)
	}
	if got := labels(e.complete(path, "a = fn::image(\"x\")", "a = im|")); !slices.Contains(got, "fn::image") {
		t.Errorf("offered: %q", got)
	}
	at := lsptest.At(path, e.Find(path, "fn::image", 5))
	var shown hover
	e.Must("textDocument/hover", at, &shown)
	if !strings.Contains(shown.Contents.Value, "params = [name]") {
		t.Errorf("shown: %s", shown.Contents.Value)
	}
	var found []lsptest.Location
	e.Must("textDocument/definition", at, &found)
	if diff := cmp.Diff([]string{"a.gantry.hcl:1: image"}, e.texts(found)); diff != "" {
		t.Errorf("definition (-want +got):\n%s", diff)
	}
	edit, err := e.rename(path, e.Find(path, "\"image\"", 2), "picture")
	if err != nil || len(edit.DocumentChanges) != 1 {
		t.Fatalf("%+v, %v", edit, err)
	}
	e.ApplyEdits(path, edit.DocumentChanges[0].Edits)
	if n := strings.Count(e.Text(path), "fn::picture("); n != 2 || strings.Contains(e.Text(path), "image") {
		t.Errorf("renamed:\n%s", e.Text(path))
	}
	e.wantProblems(path)
	json := e.path("b.gantry.json")
	e.Open(json, `{"locals": {"c": "${fn::picture("z")}"}}`)
	if _, err := e.rename(path, e.Find(path, "\"picture\"", 2), "image"); err == nil || !strings.Contains(err.Error(), "b.gantry.json") {
		t.Errorf("with a call in JSON: %v", err)
	}
}
