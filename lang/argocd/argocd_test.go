package argocd_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	goyaml "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/argocd"
	"github.com/gantrycd/gantry/lang/syntax"
)

var update = flag.Bool("update", false, "rewrite what is expected")

// TestGolden imports every folder of testdata: in holds the YAML, out the files that
// are made of it, and the report.
func TestGolden(t *testing.T) {
	cases, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if !c.IsDir() || c.Name() == "fuzz" {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			result := argocd.Import(readFiles(t, filepath.Join("testdata", c.Name(), "in")))
			got := map[string]string{"report.txt": reportText(result)}
			for _, file := range result.Files {
				got[file.Name] = string(file.Data)
			}
			golden(t, filepath.Join("testdata", c.Name(), "out"), got)
			if c.Name() != "broken" && c.Name() != "mistyped" { // what is missing there is reported, and must be added
				checkLoads(t, result)
			}
		})
	}
}

func readFiles(t *testing.T, dir string) []argocd.File {
	t.Helper()
	var files []argocd.File
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files = append(files, argocd.File{Name: filepath.ToSlash(name), Data: text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func reportText(result *argocd.Result) string {
	var b strings.Builder
	for _, f := range result.Findings {
		fmt.Fprintf(&b, "%s:%d: %s: %s %s\n    %s\n", f.File, f.Line, f.Level, f.Object, f.Path, f.Text)
	}
	return b.String()
}

func golden(t *testing.T, dir string, got map[string]string) {
	t.Helper()
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range got {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		want[entry.Name()] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run go test ./lang/argocd -update, and look at what changes\n%s", diff)
	}
}

// checkLoads holds that the configuration is formatted, and evaluates without
// errors.
func checkLoads(t *testing.T, result *argocd.Result) {
	t.Helper()
	tree := fstest.MapFS{}
	for _, file := range result.Files {
		formatted, diags := syntax.Format(file.Data, file.Name)
		if diags.HasErrors() {
			t.Fatalf("%s: %v\n%s", file.Name, diags, file.Data)
		}
		if diff := cmp.Diff(string(formatted), string(file.Data)); diff != "" {
			t.Errorf("%s is not formatted:\n%s", file.Name, diff)
		}
		tree[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	if len(tree) == 0 {
		return
	}
	for _, diag := range evaluate(tree) {
		if diag.Severity != hcl.DiagError {
			continue
		}
		t.Errorf("%s", diag.Error())
	}
}

func evaluate(tree fstest.MapFS) hcl.Diagnostics {
	_, diags := configOf(tree)
	return diags
}

func configOf(tree fstest.MapFS) (*lang.Config, hcl.Diagnostics) {
	module, diags := lang.Load("", lang.LoadOptions{FS: tree})
	variables, more := lang.ReadVariables(module, lang.VarArgs{})
	diags = append(diags, more...)
	config, more := module.Evaluate(context.Background(), lang.EvalOptions{Variables: variables})
	return config, append(diags, more...)
}

// valuesOf returns the Helm values of the only application.
func valuesOf(t *testing.T, tree fstest.MapFS) map[string]any {
	t.Helper()
	config, diags := configOf(tree)
	if len(diags) > 0 && diags[0].Summary == "Invalid Helm values" {
		t.Skip("a number that Kubernetes cannot hold, which is told")
	}
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, tree["applications.gantry.hcl"].Data)
	}
	if len(config.Applications) != 1 {
		t.Fatalf("there are %d applications", len(config.Applications))
	}
	helm := config.Applications[0].Sources[0].Helm
	if helm == nil || helm.Values == nil {
		return map[string]any{}
	}
	return helm.Values
}

// TestCredentials holds that no credential of the test data comes out, be it in
// what is written or in the report.
func TestCredentials(t *testing.T) {
	for _, c := range []string{"secrets", "project"} {
		files := readFiles(t, filepath.Join("testdata", c, "in"))
		held := 0
		for _, file := range files {
			held += bytes.Count(file.Data, []byte("hunter2"))
		}
		if held < 2 {
			t.Fatalf("%s holds %d credentials", c, held)
		}
		result := argocd.Import(files)
		for _, file := range append(result.Files, argocd.File{Name: "report", Data: []byte(reportText(result))}) {
			if bytes.Contains(file.Data, []byte("hunter2")) {
				t.Errorf("%s of %s holds a credential:\n%s", file.Name, c, file.Data)
			}
		}
	}
}

// TestRealWorld imports a repository of examples that nobody here wrote. Its
// Applications are made by a chart, which is told; rendered, they are imported.
func TestRealWorld(t *testing.T) {
	dir := os.Getenv("GANTRY_REALWORLD")
	if dir == "" {
		dir = filepath.Join("..", "shared", "realworld")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", dir)
	}
	dir = filepath.Join(dir, "argocd-example-apps")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("real configurations are not here: %v", err)
	}
	result := argocd.Import(yamlFiles(readFiles(t, dir)))
	if len(result.Files) != 0 || result.Count(argocd.NotRead) != 0 {
		t.Errorf("nothing of it is an Application as it stands, but got %d files and\n%s", len(result.Files), reportText(result))
	}
	if !strings.Contains(reportText(result), "apps/templates/applications.yaml:1: left_out:") || !strings.Contains(reportText(result), "helm template apps | gantry import argocd -") {
		t.Errorf("it is not told how to go on:\n%s", reportText(result))
	}
	rendered := renderApplications(t, dir)
	result = argocd.Import([]argocd.File{{Name: "-", Data: rendered}})
	if got := result.Imported["Application"]; got != 14 {
		t.Errorf("%d applications are imported, not 14", got)
	}
	if got := result.Count(argocd.LeftOut); got != 3 {
		t.Errorf("three have plugins, but %d things are left out:\n%s", got, reportText(result))
	}
	checkLoads(t, result)
}

func yamlFiles(files []argocd.File) []argocd.File {
	return slices.DeleteFunc(files, func(f argocd.File) bool {
		return !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(f.Name))
	})
}

// renderApplications renders the chart that makes the Applications, as Helm does.
func renderApplications(t *testing.T, dir string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "apps", "templates", "applications.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "apps", "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(raw, &values); err != nil {
		t.Fatal(err)
	}
	functions := sprig.TxtFuncMap()
	functions["toYaml"] = func(v any) (string, error) {
		out, err := yaml.Marshal(v)
		return strings.TrimSuffix(string(out), "\n"), err
	}
	parsed, err := template.New("applications").Funcs(functions).Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, map[string]any{"Values": values}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestComments holds that every comment of the test data is in what is written, or
// in the report; but for those beside credentials, and in what is left out whole.
func TestComments(t *testing.T) {
	for _, c := range []string{"guide", "application", "project", "sets", "children"} {
		files := readFiles(t, filepath.Join("testdata", c, "in"))
		result := argocd.Import(files)
		out := reportText(result)
		for _, file := range result.Files {
			out += string(file.Data)
		}
		count := 0
		for _, file := range files {
			for _, comment := range commentsOf(t, file.Data) {
				count++
				if !strings.Contains(out, comment) {
					t.Errorf("%s/%s: the comment %q is lost", c, file.Name, comment)
				}
			}
		}
		t.Logf("%s: %d comments", c, count)
	}
}

func commentsOf(t *testing.T, text []byte) []string {
	t.Helper()
	var out []string
	var walk func(n *goyaml.Node)
	walk = func(n *goyaml.Node) {
		for _, comment := range []string{n.HeadComment, n.LineComment, n.FootComment} {
			for _, line := range strings.Split(comment, "\n") {
				if line = strings.TrimSpace(strings.TrimLeft(line, "# ")); line != "" {
					out = append(out, line)
				}
			}
		}
		for _, inner := range n.Content {
			walk(inner)
		}
	}
	decoder := goyaml.NewDecoder(bytes.NewReader(text))
	for {
		var document goyaml.Node
		if err := decoder.Decode(&document); err != nil {
			return out
		}
		walk(&document)
	}
}

// BenchmarkImport imports 5,000 Applications of one file.
func BenchmarkImport(b *testing.B) {
	var text bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&text, "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: app-%d}\nspec:\n  project: p%d\n  source: {repoURL: 'https://github.com/example/r%d', path: a, targetRevision: main}\n  destination: {name: c%d, namespace: x}\n---\n", i, i%50, i%100, i%20)
	}
	files := []argocd.File{{Name: "many.yaml", Data: text.Bytes()}}
	for b.Loop() {
		if got := argocd.Import(files).Imported["Application"]; got != 5000 {
			b.Fatalf("%d applications are imported", got)
		}
	}
}
