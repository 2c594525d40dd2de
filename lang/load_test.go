package lang_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/syntax"
)

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoadFromDisk(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/a.gantry.hcl", "locals {\n  x = file(\"in/f.txt\")\n  y = local.z\n}\n")
	writeFile(t, dir+"/b.gantry.json", `{"locals": {"z": 1}}`)
	writeFile(t, dir+"/.c.gantry.hcl", "not read")
	writeFile(t, dir+"/in/d.gantry.hcl", "not read either")
	writeFile(t, dir+"/in/f.txt", "text")
	m, diags := lang.Load(dir, lang.LoadOptions{})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if _, diags = m.Evaluate(context.Background(), lang.EvalOptions{}); len(diags) > 0 {
		t.Fatal(diags)
	}
	if len(m.Files()) != 2 || m.Files()[filepath.Join(dir, "a.gantry.hcl")] == nil || m.Dir() != dir {
		t.Errorf("files are %v", m.Files())
	}
}

func TestFilesCannotLeaveTheModule(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/secret", "hunter2")
	writeFile(t, dir+"/module/a.gantry.hcl", "locals {\n  a = file(\"link\")\n  b = fileset(\".\", \"**\")\n  c = file(\"dir/secret\")\n}\n")
	for link, to := range map[string]string{"link": "../secret", "dir": ".."} {
		if err := os.Symlink(to, dir+"/module/"+link); err != nil {
			t.Fatal(err)
		}
	}
	m, diags := lang.Load(dir+"/module", lang.LoadOptions{})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	_, diags = m.Evaluate(context.Background(), lang.EvalOptions{})
	if len(diags.Errs()) != 2 || strings.Contains(diags.Error(), "hunter2") {
		t.Errorf("got %v", diags.Errs())
	}
}

func TestLoadReports(t *testing.T) {
	large := fstest.MapFS{"a.gantry.hcl": &fstest.MapFile{Data: make([]byte, syntax.MaxSize+1)}}
	directory := fstest.MapFS{"a.gantry.hcl": &fstest.MapFile{Mode: os.ModeSymlink, Data: []byte("nowhere")}}
	tests := map[string]struct {
		dir     string
		options lang.LoadOptions
		want    string
	}{
		"no directory": {dir: "/does/not/exist", want: "Cannot read configuration"},
		"no files":     {dir: t.TempDir(), want: "No configuration files"},
		"too large":    {options: lang.LoadOptions{FS: large}, want: "File too large"},
		"no file":      {options: lang.LoadOptions{FS: directory}, want: "Cannot read configuration"},
	}
	for name, test := range tests {
		m, diags := lang.Load(test.dir, test.options)
		if len(diags) == 0 || diags[0].Summary != test.want {
			t.Errorf("%s: got %v", name, diags)
		}
		if config, _ := m.Evaluate(context.Background(), lang.EvalOptions{}); !config.Incomplete || config.Settings.Backend.Type != lang.UnknownBackend {
			t.Errorf("%s: the Config looks whole", name)
		}
	}
}

func TestRefusesDeepFilesQuickly(t *testing.T) {
	tree := files(map[string]string{
		"a.gantry.hcl":  "locals {\n  a = " + strings.Repeat("[", 200_000) + "\n}\n",
		"b.gantry.json": `{"locals": {"b": "${` + strings.Repeat("(", 200_000) + `}"}}`,
		"c.gantry.hcl":  "locals {\n  c = 1\n}\n",
		"vars.hcl":      "x = " + strings.Repeat("!", 200_000) + "true",
	})
	m, diags := lang.Load("", lang.LoadOptions{FS: tree})
	if len(diags) != 2 || diags[0].Summary != "Nested too deeply" || diags[1].Summary != "Nested too deeply" {
		t.Errorf("got %v", diags)
	}
	if config, diags := m.Evaluate(context.Background(), lang.EvalOptions{}); diags.HasErrors() || !config.Incomplete {
		t.Errorf("got %v", diags)
	}
}
