package lang_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
)

// FuzzEvaluate loads and evaluates any file: nothing may crash, every diagnostic
// has words and can be shown, and an application that has errors is not in the
// Config as though it had none.
func FuzzEvaluate(f *testing.F) {
	f.Add([]byte(estate), false)
	names, err := filepath.Glob("testdata/diagnostics/*.gantry.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, false)
	}
	f.Add([]byte(`{"locals": {"a": "${local.b}"}, "application": {"x": {"source": {"path": "x"}, "depends_on": ["application.y[each.key]"]}}}`), true)
	f.Fuzz(func(t *testing.T, src []byte, isJSON bool) {
		name := "fuzz.gantry.hcl"
		if isJSON {
			name = "fuzz.gantry.json"
		}
		entries := beside()
		entries[name] = string(src)
		entries["gantry.vars.hcl"] = "number = 1\n"
		m, diags := lang.Load("", lang.LoadOptions{FS: files(entries), Version: "1.2.3"})
		inputs, more := lang.ReadVariables(m, lang.VarArgs{Env: []string{"GANTRY_VAR_x=" + string(src)}})
		diags = append(diags, more...)
		for _, reader := range []lang.Reader{nil, fakeReader{repositoryTree()}} {
			config, more := m.Evaluate(context.Background(), lang.EvalOptions{Reader: reader, Variables: inputs})
			all := append(append(hcl.Diagnostics{}, diags...), more...)
			check(t, m, config, all)
		}
	})
}

func check(t *testing.T, m *lang.Module, config *lang.Config, diags hcl.Diagnostics) {
	t.Helper()
	for _, diag := range diags {
		if diag.Summary == "" || diag.Severity == hcl.DiagInvalid {
			t.Errorf("a diagnostic says nothing: %#v", diag)
		}
	}
	var shown bytes.Buffer
	if err := hcl.NewDiagnosticTextWriter(&shown, m.Files(), 80, false).WriteDiagnostics(diags); err != nil {
		t.Error(err)
	}
	if (len(config.Broken) > 0 || config.Incomplete) && !diags.HasErrors() {
		t.Errorf("broken are %v, incomplete is %v, and no one is told why", config.Broken, config.Incomplete)
	}
	broken := map[string]bool{}
	for _, b := range config.Broken {
		broken[b.Address.String()] = true
	}
	for _, application := range config.Applications {
		if broken[application.Address.String()] || broken[application.Address.Block().String()] {
			t.Errorf("%s is broken and whole", application.Address)
		}
		if application.Destination.Cluster == nil || application.Name == "" || len(application.Sources) == 0 {
			t.Errorf("%s is not whole: %+v", application.Address, application)
		}
	}
}
