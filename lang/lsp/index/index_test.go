package index_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/text"
)

// describe renders what a file declares and refers to: the address, and what stands
// where its name is.
func describe(f *index.File) []string {
	at := func(s index.Span) string { return string(f.Lines.Bytes[s.Start:s.End]) }
	var out []string
	for _, d := range f.Declarations {
		line := fmt.Sprintf("declares %s %q", d.Address, at(d.Name))
		if d.Doc != "" {
			line += " " + d.Doc
		}
		out = append(out, line)
	}
	for _, r := range f.References {
		line := fmt.Sprintf("refers %s %q in %q", r.Address, at(r.Name), at(r.Whole))
		if !r.Plain {
			line += " not plain"
		}
		out = append(out, line)
	}
	return out
}

func TestFiles(t *testing.T) {
	vocabulary := index.NewVocabulary(lang.Kinds())
	for _, test := range []struct {
		name, path, src string
		want            []string
	}{
		{"declarations", "a.gantry.hcl", "variable \"v\" {\n  description = \"A value.\"\n}\nlocals {\n  l = 1\n}\ngenerator \"git\" \"g\" {}\ngantry {}\ncluster c {}\nunknown \"x\" {}\ngenerator \"git\" {}\n", []string{
			`declares var.v "v" A value.`, `declares local.l "l"`, `declares generator.git.g "g"`, `declares cluster.c "c"`,
		}},
		{"references", "a.gantry.hcl", "locals {\n  a = [var.x, local.b.c, generator.git.g[\"k\"].d, cluster[\"p\"], \"${project.q}\"]\n}\n", []string{
			`declares local.a "a"`, `refers var.x "x" in "var.x"`, `refers local.b "b" in "local.b"`, `refers generator.git.g "g" in "generator.git.g"`,
			`refers cluster.p "p" in "cluster[\"p"`, `refers project.q "q" in "project.q"`,
		}},
		{"what is none", "a.gantry.hcl", "locals {\n  a = [for var in [1] : var.x]\n  b = { var = 1, local : 2 }\n  c = cluster\n  d = generator.git\n  e = each.value\n  f = local[var.n]\n  g = \"local.x\"\n}\n", []string{
			`declares local.a "a"`, `declares local.b "b"`, `declares local.c "c"`, `declares local.d "d"`, `declares local.e "e"`, `declares local.f "f"`, `declares local.g "g"`,
			`refers var.n "n" in "var.n"`,
		}},
		{"dependencies and nested blocks", "a.gantry.hcl", "application \"a\" {\n  depends_on = [application.b, application.c[each.key]]\n  source {\n    path = local.p\n    helm {\n      values = { a = local.q }\n    }\n  }\n}\n", []string{
			`declares application.a "a"`, `refers application.b "b" in "application.b"`, `refers application.c "c" in "application.c"`, `refers local.p "p" in "local.p"`, `refers local.q "q" in "local.q"`,
		}},
		{"names that are written otherwise", "a.gantry.hcl", "locals {\n  a = cluster[\"\\u0070\"]\n  b = local . c\n}\n", []string{
			`declares local.a "a"`, `declares local.b "b"`, `refers cluster.p "\\" in "cluster[\"\\" not plain`, `refers local.c "c" in "local . c"`,
		}},
		{"broken lines", "a.gantry.hcl", "locals {\n  a = local.\n  b = local.c\n}\ncluster \"x\" {\n", []string{
			`declares local.a "a"`, `declares local.b "b"`, `declares cluster.x "x"`, `refers local.c "c" in "local.c"`,
		}},
		{"JSON", "a.gantry.json", `{"locals": {"l": "${var.x}"}, "variable": {"x": {}}, "application": {"a": {"depends_on": ["application.b"], "source": {"path": "\t${local.l}"}}}}`, []string{
			`declares local.l "l"`, `declares var.x "x"`, `declares application.a "a"`,
			`refers var.x "x" in "var.x"`, `refers application.b "b" in "application.b"`, `refers local.l "." in "{local." not plain`,
		}},
		{"values of variables", "x.auto.vars.hcl", "a = 1\nb = local.x\n", []string{`refers var.a "a" in "a"`, `refers var.b "b" in "b"`}},
		{"tests", "x.gantrytest.hcl", "run \"x\" {\n  assert = application.a\n}\n", []string{`refers application.a "a" in "application.a"`}},
		{"nothing", "a.gantry.hcl", "", nil},
		{"no JSON", "a.gantry.json", "{", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := index.Parse("/m/"+test.path, text.Index([]byte(test.src)), vocabulary, nil)
			if diff := cmp.Diff(test.want, describe(file)); diff != "" {
				t.Errorf("index (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	for name, want := range map[string]index.Kind{
		"a.gantry.hcl": index.Configuration, "a.gantry.json": index.Configuration, "a.gantrytest.hcl": index.Test,
		"gantry.vars.hcl": index.Values, "x.auto.vars.hcl": index.Values, "main.hcl": index.Other, ".a.gantry.hcl": index.Other, "gantry.hcl": index.Other,
	} {
		if got := index.KindOf("/m/" + name); got != want {
			t.Errorf("%s is %d, expected %d", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("application \"a\" {\n  depends_on = [application.b]\n}\n", false)
	f.Add(`{"locals": {"l": "${var.x}"}}`, true)
	vocabulary := index.NewVocabulary(lang.Kinds())
	f.Fuzz(func(t *testing.T, src string, json bool) {
		path := "/m/a.gantry.hcl"
		if json {
			path = "/m/a.gantry.json"
		}
		file := index.Parse(path, text.Index([]byte(src)), vocabulary, nil)
		for _, r := range file.References {
			if r.Plain && (r.Name.Start < 0 || r.Name.End > len(src) || !strings.HasSuffix(src[:r.Name.End], r.Address.Name)) {
				t.Errorf("%+v is not in the file", r)
			}
		}
	})
}
