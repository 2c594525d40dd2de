package console_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/console"
	"github.com/gantrycd/gantry/lang/function"
)

const configuration = `
variable "replicas" {
  default = 2
}
variable "token" {
  default   = "hunter2"
  sensitive = true
}
locals {
  teams   = { blue = { size = 1 }, green = { size = 2 } }
  text    = "one\ntwo\n"
  version = "1.0"
}
cluster "eu" {
  server = "https://eu.example.com"
  labels = { environment = "production", region = "eu" }
}
generator "git" "apps" {
  url = "https://git.example.com/apps"
  directories {
    path = "*"
  }
}
`

func session(t *testing.T) *console.Session {
	t.Helper()
	module, diags := lang.Load("", lang.LoadOptions{FS: fstest.MapFS{"main.gantry.hcl": {Data: []byte(configuration)}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	config, scope, diags := module.EvaluateScope(t.Context(), lang.EvalOptions{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return console.New(scope, config.Graph, function.Describe(os.DirFS(".")))
}

func TestEvaluate(t *testing.T) {
	s := session(t)
	for text, want := range map[string]string{
		"1 + 1":              "2",
		"local.teams":        "{ blue = { size = 1 }, green = { size = 2 } }",
		"local.text":         "<<EOT\none\ntwo\nEOT",
		"var.token":          "(sensitive)",
		"[var.token, 1]":     "[(sensitive), 1]",
		"generator.git.apps": "(unknown)",
		"[cluster.eu]":       "[cluster.eu]",
		"\"a\\\"b\"":         `"a\"b"`,
		"toset([\"x\"])":     `["x"]`,
		"{ for k, v in local.teams : k => v.size\n}": "{ blue = 1, green = 2 }",
		"cluster.eu": "# cluster.eu\n{\n  annotations = {}\n  labels = { environment = \"production\", region = \"eu\" }\n  name = \"eu\"\n  server = \"https://eu.example.com\"\n}",
	} {
		v, diags := s.Evaluate(text)
		if diags.HasErrors() {
			t.Errorf("%s: %v", text, diags)
			continue
		}
		got := console.Format(v)
		if text == "cluster.eu" { // other attributes may come
			for _, line := range strings.Split(want, "\n") {
				if !strings.Contains(got, line) {
					t.Errorf("%s is %s, without %s", text, got, line)
				}
			}
			continue
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"local.temas": "Did you mean local.teams?",
		"1 +":         "",
		"each.key":    "has no for_each",
	} {
		_, diags := s.Evaluate(text)
		if !diags.HasErrors() || !strings.Contains(diags[0].Detail, want) {
			t.Errorf("%s says %v, want %s", text, diags, want)
		}
		if subject := diags[0].Subject; subject != nil && s.Files()[subject.Filename] == nil {
			t.Errorf("%s: %s cannot be shown", text, subject.Filename)
		}
	}
}

// A long value is shown over several lines, and is the same value when it is read
// again.
func TestFormatReadsBack(t *testing.T) {
	s := session(t)
	long := `{ list = [for i in range(30) : { number = i, "odd key" = "value ${i}" }], empty = {}, nothing = null }`
	v, diags := s.Evaluate(long)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	shown := console.Format(v)
	if strings.Count(shown, "\n") < 30 {
		t.Errorf("shown on %d lines", strings.Count(shown, "\n"))
	}
	for _, line := range strings.Split(shown, "\n") {
		if len(line) > 90 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
	again, diags := s.Evaluate(shown)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, shown)
	}
	if !again.RawEquals(v) {
		t.Errorf("read again it is %#v, was %#v", again, v)
	}
}

func TestJSON(t *testing.T) {
	s := session(t)
	v, diags := s.Evaluate(`{ "a/b" = [var.token, 1.5, null], late = generator.git.apps, cluster = cluster.eu }`)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	plain, sensitive, unknown := console.JSON(v)
	want := map[string]any{"a/b": []any{"(sensitive)", 1.5, nil}, "late": nil, "cluster": "cluster.eu"}
	if diff := cmp.Diff(want, plain); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/a~1b/0"}, sensitive); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/late"}, unknown); diff != "" {
		t.Error(diff)
	}
	v, _ = s.Evaluate("cluster.eu")
	plain, _, _ = console.JSON(v)
	if m, ok := plain.(map[string]any); !ok || m["name"] != "eu" || m["@"] != nil {
		t.Errorf("got %v", plain)
	}
}

func TestIncomplete(t *testing.T) {
	for text, want := range map[string]bool{
		"1 + 1": false, "1 +": true, "[1,": true, "{": true, "{ a = 1 }": false, "f(": true, "f(x)": false,
		"\"${": true, "\"${a}\"": false, "<<EOT\nx\n": true, "<<EOT\nx\nEOT\n": false, "a ? b :": true, "a ?": true,
		"local.": true, "": false, "]": false, "\"open": false, "[for x in y : # comment\n": true,
		"local.teams # comment [": false,
	} {
		if got := console.Incomplete(text); got != want {
			t.Errorf("Incomplete(%q) = %t", text, got)
		}
	}
}

func TestSplit(t *testing.T) {
	got := console.Split("1 + 1\n\n# a comment\n[\n  1,\n  2,\n]\nlocal.teams\n<<EOT\nx\nEOT\n{ a =\n")
	want := []string{"1 + 1", "[\n  1,\n  2,\n]", "local.teams", "<<EOT\nx\nEOT", "{ a ="}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestComplete(t *testing.T) {
	s := session(t)
	for text, want := range map[string][]string{
		"loc":                    {"local"},
		"var.":                   {"var.replicas", "var.token"},
		"1 + var.r":              {"var.replicas"},
		"local.te":               {"local.teams", "local.text"},
		"local.teams.":           {"local.teams.blue", "local.teams.green"},
		"local.teams[\"blue\"].": {"local.teams[\"blue\"].size"},
		"cluster.eu.labels.":     {"cluster.eu.labels.environment", "cluster.eu.labels.region"},
		"generator.":             {"generator.git"},
		"generator.git.":         {"generator.git.apps"},
		"length(local.v":         {"local.version"},
		"jsone":                  {"jsonencode("},
		"nothing.":               nil,
		"\"local.":               nil,
		"\"${local.v":            {"local.version"},
		"":                       nil,
		"1 + ":                   nil,
	} {
		start, got := s.Complete(text)
		if text == "cluster.eu.labels." || want != nil || got != nil {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q: %s", text, diff)
			}
		}
		if len(got) > 0 && !strings.HasPrefix(console.Common(got), text[start:]) {
			t.Errorf("%q: %q does not begin with what was typed", text, console.Common(got))
		}
	}
}

func TestCommon(t *testing.T) {
	for want, candidates := range map[string][]string{
		"": nil, "a": {"a"}, "local.te": {"local.teams", "local.text"}, "x": {"xä", "xö"},
	} {
		if got := console.Common(candidates); got != want {
			t.Errorf("Common(%v) = %q", candidates, got)
		}
	}
}

func FuzzConsole(f *testing.F) {
	for _, seed := range []string{"1 + 1", "local.", "{ a = [", "\"${", "<<EOT\n", "var.token[0]", "f::g(", "local.teams[\"blue\"]."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := session(t)
		console.Incomplete(text)
		for _, part := range console.Split(text) {
			v, diags := s.Evaluate(part)
			if !diags.HasErrors() {
				if shown := console.Format(v); strings.Contains(shown, "hunter2") && !strings.Contains(text, "hunter2") && !strings.Contains(text, "nonsensitive") {
					t.Errorf("%q shows %s", part, shown)
				}
				console.JSON(v)
			}
		}
		s.Complete(text)
	})
}
