package argocd_test

import (
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

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

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
			checkLoads(t, result)
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

// absent are blocks of the language that lang does not have yet: what is made of
// them is not checked.
var absent = []string{"role", "credentials", "notifier", "trigger", "rollout", "sync_window", "notify"}

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
		if diag.Severity != hcl.DiagError || isAbsent(diag) {
			continue
		}
		t.Errorf("%s", diag.Error())
	}
}

func isAbsent(diag *hcl.Diagnostic) bool {
	return slices.ContainsFunc(absent, func(block string) bool {
		return strings.Contains(diag.Detail, `"`+block+`"`) && diag.Summary == "Unsupported block type"
	})
}

func evaluate(tree fstest.MapFS) hcl.Diagnostics {
	module, diags := lang.Load("", lang.LoadOptions{FS: tree})
	variables, more := lang.ReadVariables(module, lang.VarArgs{})
	diags = append(diags, more...)
	_, more = module.Evaluate(context.Background(), lang.EvalOptions{Variables: variables})
	return append(diags, more...)
}
