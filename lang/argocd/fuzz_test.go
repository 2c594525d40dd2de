package argocd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/lang/argocd"
	"github.com/gantrycd/gantry/lang/syntax"
)

// FuzzImport: whatever the YAML, nothing panics, what is written is HCL in the
// canonical style that can be evaluated, it is the same each time, and every line of
// the report is in the file.
func FuzzImport(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("testdata", "*", "in", "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		for _, document := range strings.Split(string(text), "\n---\n") {
			f.Add([]byte(document))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 || strings.Count(string(text), "*") > 100 {
			return // what takes long to expand
		}
		files := []argocd.File{{Name: "in.yaml", Data: text}}
		result := argocd.Import(files)
		if diff := cmp.Diff(result, argocd.Import(files)); diff != "" {
			t.Fatalf("not the same twice:\n%s", diff)
		}
		tree := fstest.MapFS{}
		for _, file := range result.Files {
			formatted, diags := syntax.Format(file.Data, file.Name)
			if diags.HasErrors() {
				t.Fatalf("%v\n%s", diags, file.Data)
			}
			if diff := cmp.Diff(string(formatted), string(file.Data)); diff != "" {
				t.Fatalf("not formatted:\n%s", diff)
			}
			tree[file.Name] = &fstest.MapFile{Data: file.Data}
		}
		if len(tree) > 0 {
			_ = evaluate(tree) // that it ends is what counts
		}
		lines := strings.Count(string(text), "\n") + 1
		for _, finding := range result.Findings {
			if finding.Line < 1 || finding.Line > lines+1 {
				t.Fatalf("line %d of %d: %s", finding.Line, lines, finding.Text)
			}
		}
	})
}

// FuzzHelmValues: the values of a chart, written as a text, come out as Helm would
// have read them, or are said not to.
func FuzzHelmValues(f *testing.F) {
	for _, seed := range []string{
		"a: 1\nb: [x, y, yes, 'no']\n", "a: {b: c}\n# end\n", "big: 9007199254740993\nf: 1.50\ne: 1e3\n", "a: |\n  x\n   y\n\n",
		"a: \"${b} %{c}\"\n", "x: &a {y: 1}\nz: *a\nw: {<<: *a, k: 2}\n", "a: 0777\nb: 0x1f\nc: 1_000\nd: 0o7\n", "a: 2020-01-01\n", "a: ~\nb:\n", "true: 1\n1: 2\n",
		"a: \"\\u0000\\u2028\\t\"\n", "for: 1\nnull: 2\n", "a.b/c: \"x\\ny\\n\"\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 || strings.Count(text, "*") > 20 {
			return
		}
		application := map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": "a"},
			"spec": map[string]any{
				"source":      map[string]any{"repoURL": "https://charts.example.com", "chart": "a", "helm": map[string]any{"values": text}},
				"destination": map[string]any{"name": "x"},
			},
		}
		document, err := json.Marshal(application)
		if err != nil {
			t.Fatal(err)
		}
		var carried struct {
			Spec struct {
				Source struct{ Helm struct{ Values string } }
			}
		}
		if err := json.Unmarshal(document, &carried); err != nil || carried.Spec.Source.Helm.Values != text {
			return // not UTF-8
		}
		var want any
		wantErr := yaml.UnmarshalStrict([]byte(text), &want)
		result := argocd.Import([]argocd.File{{Name: "in.yaml", Data: document}})
		if result.Count(argocd.NotRead) > 0 {
			return // it is said
		}
		if wantErr != nil {
			return // Helm refuses it; we read more
		}
		tree := fstest.MapFS{}
		for _, file := range result.Files {
			tree[file.Name] = &fstest.MapFile{Data: file.Data}
		}
		got := valuesOf(t, tree)
		if m, ok := want.(map[string]any); !ok || len(m) == 0 {
			want = map[string]any{}
		}
		if diff := cmp.Diff(canonical(t, want), canonical(t, got)); diff != "" {
			t.Fatalf("the values of %q:\n%s\n%s", text, diff, tree["applications.gantry.hcl"].Data)
		}
	})
}

// canonical is a value as JSON, its numbers as Helm has them: of float64.
func canonical(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var floats any
	if err := json.Unmarshal(text, &floats); err != nil {
		t.Fatal(err)
	}
	text, err = json.Marshal(floats)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
