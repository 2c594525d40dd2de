package configtest_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/configtest"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/providers/helm"
	"github.com/gantrycd/gantry/providers/jsonnet"
	"github.com/gantrycd/gantry/providers/kustomize"
	"github.com/gantrycd/gantry/providers/manifests"
)

var update = flag.Bool("update", false, "rewrite what is expected")

// options are those of `gantry test` in the current directory.
func options() configtest.Options {
	return configtest.Options{
		Dir: ".",
		Load: func(files fs.FS) (*lang.Module, hcl.Diagnostics) {
			return lang.Load("", lang.LoadOptions{FS: orHere(files)})
		},
		Variables: func(m *lang.Module) ([]lang.VariableInput, hcl.Diagnostics) {
			return lang.ReadVariables(m, lang.VarArgs{})
		},
		Renderers:   engine.Renderers{Manifests: manifests.New(), Helm: helm.New(), Kustomize: kustomize.New(), Jsonnet: jsonnet.New()},
		APIVersions: helm.DefaultAPIVersions(), Version: "test",
	}
}

func orHere(files fs.FS) fs.FS {
	if files == nil {
		return os.DirFS(".")
	}
	return files
}

// TestGoldens runs the archives of testdata: a configuration with tests, and what
// comes of them. Run with -update to write what does.
func TestGoldens(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(names) < 5 {
		t.Fatalf("only %d archives, %v", len(names), err)
	}
	for _, name := range names {
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := unpack(t, archive)
			files, err := configtest.Find(".")
			if err != nil {
				t.Fatal(err)
			}
			got := text(t, configtest.Execute(t.Context(), options(), files))
			if got == want {
				return
			}
			if !*update {
				t.Fatalf("run with -update if this is right (-want +got):\n%s", cmp.Diff(want, got))
			}
			archive.Files = append(without(archive.Files), txtar.File{Name: "want", Data: []byte(got)})
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// unpack writes an archive's files to the current directory, which it changes to
// one of its own, and returns what is expected.
func unpack(t *testing.T, archive *txtar.Archive) (want string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, file := range archive.Files {
		if file.Name == "want" {
			want = string(file.Data)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file.Name, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return want
}

func without(files []txtar.File) []txtar.File {
	var out []txtar.File
	for _, file := range files {
		if file.Name != "want" {
			out = append(out, file)
		}
	}
	return out
}

// text renders a report without times.
func text(t *testing.T, report *configtest.Report) string {
	t.Helper()
	var out bytes.Buffer
	for _, file := range report.Files {
		fmt.Fprintf(&out, "%s\n", file.Name)
		for _, run := range file.Runs {
			fmt.Fprintf(&out, "  %-7s %s\n", run.Status, run.Name)
		}
		writer := hcl.NewDiagnosticTextWriter(&out, file.Sources, 0, false)
		for _, run := range file.Runs {
			if err := writer.WriteDiagnostics(run.Diagnostics); err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.WriteDiagnostics(file.Diagnostics); err != nil {
			t.Fatal(err)
		}
	}
	counts := report.Counts()
	fmt.Fprintf(&out, "%d passed, %d failed, %d errors, %d skipped\n", counts[configtest.Passed], counts[configtest.Failed], counts[configtest.Errored], counts[configtest.Skipped])
	// txtar files are text: no blanks at the ends of lines.
	lines := strings.Split(out.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// execute runs the tests of some files in a directory of their own.
func execute(ctx context.Context, t *testing.T, change func(*configtest.Options), files map[string]string) *configtest.Report {
	t.Helper()
	archive := &txtar.Archive{}
	for name, content := range files {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(content)})
	}
	unpack(t, archive)
	names, err := configtest.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	if change != nil {
		change(&o)
	}
	return configtest.Execute(ctx, o, names)
}

const simple = `
variable "names" {
  type    = set(string)
  default = ["blue"]
}
cluster "main" {
  kubeconfig = "nowhere"
}
application "web" {
  for_each = var.names
  source {
    objects = [{
      apiVersion = "v1"
      kind       = "ConfigMap"
      metadata   = { name = "web" }
      data       = { team = each.key }
    }]
  }
  destination {
    cluster   = cluster.main
    namespace = each.key
  }
}
`

// A run takes milliseconds, and events tell of each.
func TestEventsAndSelection(t *testing.T) {
	var events []string
	report := execute(t.Context(), t, func(o *configtest.Options) {
		o.Selected = func(run string) bool { return run != "two" }
		o.Started = func(file, run string) { events = append(events, "started "+file+" "+run) }
		o.Done = func(file string, run *configtest.Run) {
			events = append(events, string(run.Status)+" "+file+" "+run.Name)
		}
	}, map[string]string{
		"main.gantry.hcl":         simple,
		"a.gantrytest.hcl":        "run \"one\" {}\nrun \"two\" {}\n",
		"tests/b.gantrytest.hcl":  "run \"three\" {\n  assert {\n    condition = false\n    error_message = \"No.\"\n  }\n}\n",
		"tests/.c.gantrytest.hcl": "run \"hidden\" {}\n",
	})
	want := []string{
		"started a.gantrytest.hcl one", "passed a.gantrytest.hcl one",
		"started tests/b.gantrytest.hcl three", "failed tests/b.gantrytest.hcl three",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
	for _, file := range report.Files {
		for _, run := range file.Runs {
			if run.Duration <= 0 || run.Duration > 2*time.Second {
				t.Errorf("%s took %s", run.Name, run.Duration)
			}
		}
	}
}

// An interruption skips what is left, and says nothing wrong of it.
func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	report := execute(ctx, t, func(o *configtest.Options) {
		o.Done = func(string, *configtest.Run) { cancel() }
	}, map[string]string{
		"main.gantry.hcl":  simple,
		"a.gantrytest.hcl": "run \"one\" {}\nrun \"two\" {}\nrun \"three\" {}\n",
	})
	counts := report.Counts()
	if counts[configtest.Passed] != 1 || counts[configtest.Skipped] != 2 {
		t.Errorf("%v", counts)
	}
	for _, run := range report.Files[0].Runs {
		if len(run.Diagnostics) > 0 {
			t.Errorf("%s: %v", run.Name, run.Diagnostics)
		}
	}
}

func TestJUnit(t *testing.T) {
	report := execute(t.Context(), t, nil, map[string]string{
		"main.gantry.hcl": simple,
		"a.gantrytest.hcl": `run "passes" {}
run "fails <&> \"quoted\"" {
  assert {
    condition     = length(application.web) == 2
    error_message = "Two are expected: \u0001 <b>."
  }
}
run "errors" {
  variables {
    names = 1
  }
}
`,
		"b.gantrytest.hcl": "run {\n",
	})
	var out bytes.Buffer
	if err := configtest.JUnit(&out, report); err != nil {
		t.Fatal(err)
	}
	type problem struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var read struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string   `xml:"name,attr"`
				Time    float64  `xml:"time,attr"`
				Line    int      `xml:"line,attr"`
				Failure *problem `xml:"failure"`
				Error   *problem `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if read.Tests != 4 || read.Failures != 1 || read.Errors != 2 || len(read.Suites) != 2 || len(read.Suites[0].Cases) != 3 {
		t.Fatalf("got %+v", read)
	}
	failed := read.Suites[0].Cases[1]
	if failed.Name != `fails <&> "quoted"` || failed.Line != 2 || failed.Failure == nil ||
		failed.Failure.Message != "Assertion failed: Two are expected:  <b>." ||
		!strings.Contains(failed.Failure.Text, "a.gantrytest.hcl:4,") {
		t.Errorf("got %+v %+v", failed, failed.Failure)
	}
	if read.Suites[1].Cases[0].Error == nil {
		t.Errorf("the file that cannot be read is no error: %s", out.String())
	}
}
