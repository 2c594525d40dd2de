package template_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/lang/argocd/template"
	"github.com/gantrycd/gantry/lang/function"
)

// items is a scope in which every parameter that is there is below each.value.
type items map[string]any

func (s items) Field(path []string) (template.Text, error) {
	if len(path) == 0 {
		return nil, errors.New("everything")
	}
	return template.Expression(template.Path("each.value", path...)), nil
}

func (s items) Flat(name string) (template.Text, error) {
	if _, ok := s[name]; !ok {
		return nil, errors.New("no parameter")
	}
	return template.Expression(template.Path("each.value", name)), nil
}

// evaluate returns what a text is with some parameters.
func evaluate(t *testing.T, text template.Text, parameters map[string]any) (string, error) {
	t.Helper()
	raw, err := json.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	ty, err := ctyjson.ImpliedType(raw)
	if err != nil {
		t.Fatal(err)
	}
	value, err := ctyjson.Unmarshal(raw, ty)
	if err != nil {
		t.Fatal(err)
	}
	parsed, diags := hclsyntax.ParseExpression([]byte(text.Quoted()), "", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", text.Quoted(), diags)
	}
	got, diags := parsed.Value(&hcl.EvalContext{
		Functions: function.Functions(fstest.MapFS{}),
		Variables: map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"value": value})},
	})
	if diags.HasErrors() {
		return "", diags
	}
	if got.IsNull() {
		return "", errors.New("null")
	}
	out, err := convert.Convert(got, cty.String)
	if err != nil {
		return "", err
	}
	return out.AsString(), nil
}

// TestConformance holds what templates are translated to against what Argo CD
// makes of them: the same text, or a problem that says there is no counterpart.
func TestConformance(t *testing.T) {
	type testCase struct {
		Fast map[string]any `json:"fasttemplateParams"`
		Go   map[string]any `json:"goTemplateParams"`

		Template, Expected, Error string
		GoTemplate                bool
	}
	cases := conformance.Cases[testCase](t, "generators/render_cases.jsonl")
	tally := conformance.Count(t, conformance.Templates)
	fixture, cases := cases[0], cases[1:] // the first line is what they render
	for _, c := range cases {
		parameters, translate := fixture.Fast, template.Fast
		if c.GoTemplate {
			parameters, translate = fixture.Go, template.Go
		}
		result := translate(c.Template, items(parameters))
		if len(result.Problems) > 0 {
			tally.Differ("a template without a counterpart is told of by the importer, with the place: people write it in HCL")
			continue
		}
		got, err := evaluate(t, result.Text, parameters)
		switch {
		case c.Error != "" && err != nil, err == nil && got == c.Expected && c.Error == "":
			tally.Agree()
		case err != nil && strings.Contains(c.Expected, "<no value>"):
			tally.Differ("what is missing, or null in a text, is an error, not the text <no value>")
		case err == nil && strings.Contains(c.Template, "default") && strings.Contains(c.Error, "map has no entry"):
			tally.Differ("a default stands in for what is missing; with Argo CD's option that what is missing is an error, it is one before the default")
		default:
			tally.Fail("%s: %s is %q (%v), Argo CD has %q %s", c.Template, result.Text.Quoted(), got, err, c.Expected, c.Error)
		}
	}
}

// TestGo holds translations that people see, and their problems.
func TestGo(t *testing.T) {
	for _, c := range []struct{ template, want, problem string }{
		{`{{.name}}-x`, `"${each.value.name}-x"`, ""},
		{`$${{.name}}`, `"$\u0024${each.value.name}"`, ""},
		{`a "${b}" \`, `"a \"$${b}\" \\"`, ""},
		{`{{ .metadata.labels.env | default "dev" }}`, `"${coalesce(try(each.value.metadata.labels.env, null), "dev")}"`, ""},
		{`{{ index .metadata.labels "a/b" }}`, `"${each.value.metadata.labels["a/b"]}"`, ""},
		{`{{ (index .list 0).name }}`, `"${each.value.list[0].name}"`, ""},
		{`{{ $x := lower .name }}{{ $x }}`, `"${lower(each.value.name)}"`, ""},
		{`{{ if and (eq .a "x") (not (hasPrefix "y" .b)) }}1{{ else if eq .c "z" }}2{{ end }}`, `"${((each.value.a == "x") && !startswith(each.value.b, "y")) ? "1" : "${(each.value.c == "z") ? "2" : ""}"}"`, ""},
		{`{{ hasKey .labels "x" }}`, `"${(try(each.value.labels.x, null) != null)}"`, ""},
		{`{{ dig "a" "b" "none" . }}`, `"${try(each.value.a.b, "none")}"`, ""},
		{`{{ printf "%s-%d" .a 1 }}`, `"${format("%s-%d", each.value.a, 1)}"`, ""},
		{`{{ printf "%05.1f" .a }}`, "", "verbs"},
		{`{{ or .a "b" }}`, "", "counts as true"},
		{`{{ if .a }}x{{ end }}`, "", "counts as true"},
		{`{{ replace "/a/" "b" .c }}`, "", "regular expression"},
		{`{{ trunc -3 .a }}`, "", "from the end"},
		{`{{ range .list }}x{{ end }}`, "", "for expressions"},
		{`{{ env "HOME" }}`, "", "function env"},
		{`{{ .a`, "", "cannot be read"},
		{`{{ . }}`, "", "everything"},
		{`{{ lower }}`, "", "takes 1 arguments, not 0"},
		{`{{ eq .a "x" "y" }}`, `"${contains(["x", "y"], each.value.a)}"`, ""},
		{`{{ toYaml .a }}{{/* gone */}}`, `"${yamlencode(each.value.a)}"`, ""},
		{`{{ .a | quote }}`, `"\"${each.value.a}\""`, ""},
	} {
		result := template.Go(c.template, items{})
		if c.problem != "" {
			if len(result.Problems) == 0 || !strings.Contains(result.Problems[0].Error(), c.problem) {
				t.Errorf("%s: got %v, want a problem with %q", c.template, result.Problems, c.problem)
			}
			continue
		}
		if len(result.Problems) > 0 || result.Text.Quoted() != c.want {
			t.Errorf("%s: got %s %v, want %s", c.template, result.Text.Quoted(), result.Problems, c.want)
		}
	}
}

func TestFast(t *testing.T) {
	parameters := items{"name": 1, "path[0]": 1}
	for _, c := range []struct {
		template, want string
		problems       int
	}{
		{"{{name}}-{{ name }}", `"${each.value.name}-${each.value.name}"`, 0},
		{"{{path[0]}}", `"${each.value["path[0]"]}"`, 0},
		{"{{missing}} {{name", `"TODO{{missing}} {{name"`, 1},
		{"${x} {{name}}", `"$${x} ${each.value.name}"`, 0},
	} {
		result := template.Fast(c.template, parameters)
		if result.Text.Quoted() != c.want || len(result.Problems) != c.problems {
			t.Errorf("%s: got %s %v, want %s", c.template, result.Text.Quoted(), result.Problems, c.want)
		}
	}
}

// FuzzGo: whatever the template, what comes out is an HCL expression.
func FuzzGo(f *testing.F) {
	for _, seed := range []string{"{{.a}}", `{{if eq .a "b"}}$%{{else}}{{.c | lower}}{{end}}`, "${x}{{.y}}%{z}", `{{index .a 1 "x"}}`, `{{$x := .a}}{{$x}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 || strings.Count(text, "(") > 50 {
			return
		}
		for _, result := range []template.Result{template.Go(text, items{}), template.Fast(text, items{"a": 1})} {
			if _, diags := hclsyntax.ParseExpression([]byte(result.Text.Quoted()), "", hcl.InitialPos); diags.HasErrors() {
				t.Fatalf("%q: %s: %v", text, result.Text.Quoted(), diags)
			}
			if result.Text.IsLiteral() {
				continue
			}
			if _, diags := hclsyntax.ParseExpression([]byte(result.Text.Expr()), "", hcl.InitialPos); diags.HasErrors() {
				t.Fatalf("%q: %s: %v", text, result.Text.Expr(), diags)
			}
		}
	})
}
