package lang_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata and docs")

// fakeReader has one repository.
type fakeReader struct{ tree fs.FS }

func (r fakeReader) Read(_ context.Context, location source.Location) (fs.FS, source.Pin, error) {
	if strings.Contains(location.URL, "unreachable") {
		return nil, source.Pin{}, errors.New("no such host")
	}
	return r.tree, source.Pin{Location: location, Resolved: "0123456789012345678901234567890123456789"}, nil
}

func files(entries map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, content := range entries {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return tree
}

// repositoryTree is what the fake repository holds.
func repositoryTree() fs.FS {
	return files(map[string]string{
		"apps/web/kustomization.yaml":                     "",
		"apps/web/overlays/production/kustomization.yaml": "",
		"apps/web/overlays/staging/kustomization.yaml":    "",
		"apps/api/overlays/production/kustomization.yaml": "",
		"apps/.hidden/x.yaml":                             "",
		".git/config":                                     "",
		"clusters/eu/config.json":                         `{"replicas": 9007199254740993, "tags": ["a"]}`,
		"clusters/us/config.yaml":                         "replicas: 2\n",
		"clusters/empty.yaml":                             "",
		"lists/all.yaml":                                  "- key: one\n  n: 1\n- key: two\n  n: 2\n",
		"broken/1-twice.yaml":                             "a: 1\nb: 2\na: 3\n",
		"broken/2-string.yaml":                            "just text\n",
		"broken/3-documents.yaml":                         "a: 1\n---\nb: 2\n",
		"broken/4-path.json":                              `{"path": "x"}`,
		"broken/5-list.json":                              `[1]`,
		"broken/6-syntax.json":                            `{"a": `,
	})
}

// beside are files beside every case.
func beside() map[string]string {
	return map[string]string{
		"binary":        "\xff\xfe",
		"apps/x":        "",
		"template.txt":  "Hello ${name}, from\n${nobody}\n",
		"broken.txt":    "Hello\n${upper(",
		"recursive.txt": "${templatefile(\"recursive.txt\", {})}",
		"modules/service/service.gantry.hcl": `
variable "name" {
  type = string
  validation {
    condition     = var.name != ""
    error_message = "A service needs a name."
  }
}
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
output "namespace" { value = application.web.namespace }
`,
		"modules/typed/typed.gantry.hcl": `
variable "settings" {
  type = object({ name = string, cluster = cluster, namespace = optional(string) })
}
variable "plain" {
  type = object({ name = string, replicas = optional(number, 1), limit = optional(object({ cpu = optional(string) })) })
}
locals {
  used = [var.settings.name, var.plain.name]
}
`,
		"modules/grants/grants.gantry.hcl": "cluster \"own\" {\n  context = \"own\"\n}\nproject \"own\" {}\nlocals {\n  c = cluster.eu\n}\n",
		"modules/itself/itself.gantry.hcl": "module \"again\" {\n  source = \"../itself\"\n}\n",
	}
}

// TestDiagnostics holds the diagnostics of every file in testdata/diagnostics to
// the comments in it: carets below the range, the summary and the detail.
func TestDiagnostics(t *testing.T) {
	names, err := filepath.Glob("testdata/diagnostics/*.gantry.*")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	distinct := map[string]bool{}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				// Inserting comments moves what messages say about lines.
				for range 2 {
					want = annotate(t, name, want)
				}
				if err := os.WriteFile(name, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want), string(annotate(t, name, want))); diff != "" {
				t.Errorf("diagnostics differ from the comments (-want +got):\n%s", diff)
			}
			for _, line := range strings.Split(string(want), "\n") {
				if isExpectation(line) {
					distinct[strings.TrimLeft(line, "#! ^")] = true
				}
			}
		})
	}
	if len(distinct) < 150 {
		t.Errorf("there are %d distinct diagnostics, want at least 150", len(distinct))
	}
}

func isExpectation(line string) bool {
	trimmed := strings.TrimLeft(strings.TrimPrefix(line, "#"), " ")
	return strings.HasPrefix(line, "#!") || strings.HasPrefix(line, "#") && strings.HasPrefix(trimmed, "^")
}

// annotate evaluates a case and returns it with the diagnostics as comments.
func annotate(t *testing.T, path string, src []byte) []byte {
	t.Helper()
	diags := evaluateCase(t, filepath.Base(path), src)
	byLine := map[int][]*hcl.Diagnostic{}
	var without []*hcl.Diagnostic
	for _, diag := range diags {
		if diag.Subject == nil || diag.Subject.Filename != filepath.Base(path) {
			without = append(without, diag)
			continue
		}
		byLine[diag.Subject.Start.Line] = append(byLine[diag.Subject.Start.Line], diag)
	}
	var out bytes.Buffer
	lines := strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")
	for i, line := range lines {
		if isExpectation(line) {
			continue
		}
		out.WriteString(line + "\n")
		for _, diag := range byLine[i+1] {
			out.WriteString(carets(*diag.Subject, line) + " " + text(diag) + "\n")
		}
	}
	for _, diag := range without {
		out.WriteString("#! " + text(diag) + "\n")
	}
	return out.Bytes()
}

// carets marks a range on the line below it. A range that starts in the first
// column starts at the comment's own sign; one that ends on a later line is
// marked to the end of its first.
func carets(r hcl.Range, line string) string {
	end := r.End.Column
	if r.End.Line != r.Start.Line {
		end = len([]rune(line)) + 1
	}
	width := max(end-r.Start.Column, 1)
	if r.Start.Column == 1 {
		return "#" + strings.Repeat("^", max(width-1, 1))
	}
	return "#" + strings.Repeat(" ", r.Start.Column-2) + strings.Repeat("^", width)
}

func text(diag *hcl.Diagnostic) string {
	severity := ""
	if diag.Severity == hcl.DiagWarning {
		severity = "warning: "
	}
	return severity + diag.Summary + ": " + strings.ReplaceAll(diag.Detail, "\n", "\\n")
}

func evaluateCase(t *testing.T, name string, src []byte) hcl.Diagnostics {
	t.Helper()
	tree := files(beside())
	tree[name] = &fstest.MapFile{Data: src}
	m, diags := lang.Load("", lang.LoadOptions{FS: tree, Version: "1.2.3"})
	var args lang.VarArgs
	options := lang.EvalOptions{Reader: fakeReader{repositoryTree()}}
	for _, line := range strings.Split(string(src), "\n") {
		directive, ok := strings.CutPrefix(line, "#: ")
		switch {
		case !ok:
		case strings.HasPrefix(directive, "var "):
			args.Vars = append(args.Vars, strings.TrimPrefix(directive, "var "))
		case directive == "no reader":
			options.Reader = nil
		default:
			t.Fatalf("unknown directive %q", directive)
		}
	}
	inputs, more := lang.ReadVariables(m, args)
	diags = append(diags, more...)
	options.Variables = inputs
	_, more = m.Evaluate(context.Background(), options)
	diags = append(diags, more...)
	showAll(t, m, diags)
	return diags
}

// showAll renders the diagnostics as people see them, which must neither fail nor
// show a secret.
func showAll(t *testing.T, m *lang.Module, diags hcl.Diagnostics) {
	t.Helper()
	var shown bytes.Buffer
	if err := hcl.NewDiagnosticTextWriter(&shown, m.Files(), 100, false).WriteDiagnostics(diags); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(shown.String(), "\n") {
		if strings.Contains(strings.ToLower(line), "hunter2") && !strings.Contains(line, "#: var") {
			t.Errorf("a secret is shown: %s", line)
		}
	}
	for _, diag := range diags {
		if diag.Summary == "" || diag.Detail == "" || strings.HasSuffix(diag.Summary, ".") || strings.HasSuffix(diag.Detail, "..") || strings.HasSuffix(diag.Detail, "?.") {
			t.Errorf("not as messages should be: %s", fmt.Sprint(diag))
		}
	}
}
