package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/lsp/lsptest"
)

// startLSP starts the real program as an editor does. wait waits for its end and
// returns its exit code.
func startLSP(t *testing.T, dir string, args ...string) (editor *lsptest.Client, wait func() int) {
	t.Helper()
	command := exec.Command(program(t), append([]string{"lsp"}, args...)...)
	command.Dir = dir
	command.Stderr = &strings.Builder{}
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	editor = lsptest.Connect(t, in, out)
	return editor, func() int {
		t.Helper()
		editor.WaitEnd()
		err := command.Wait()
		var exited *exec.ExitError
		if err != nil && !errors.As(err, &exited) {
			t.Fatal(err)
		}
		if logged := command.Stderr.(*strings.Builder).String(); logged != "" {
			t.Errorf("the server says:\n%s", logged)
		}
		return command.ProcessState.ExitCode()
	}
}

// TestLSP: an editor's session with the real program, by way of each thing that it
// does. lang/lsp tests each in depth.
func TestLSP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"main.gantry.hcl": "cluster \"prod\" {\n  context = \"prod\"\n}\n\nlocals {\n  space = \"web\"\n}\n",
		"app.gantry.hcl":  "application \"web\" {\n  source {\n    url = \"https://git.example.com/x\"\n  }\n  destination {\n    cluster   = cluster.prod\n    namespace = local.space\n  }\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	app, main := filepath.Join(dir, "app.gantry.hcl"), filepath.Join(dir, "main.gantry.hcl")
	read := func(path string) string {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}

	editor, wait := startLSP(t, dir, "--stdio")
	editor.Initialize(map[string]any{}, dir)
	editor.Open(app, read(app))
	if diags := editor.Diagnostics(app); len(diags) > 0 {
		t.Errorf("diagnostics of what is sound: %+v", diags)
	}

	// A name is mistyped, and mended.
	editor.Replace(app, "local.space", "local.spice")
	diags := editor.Diagnostics(app)
	if len(diags) != 1 || editor.TextAt(app, diags[0].Range) != "local.spice" || !strings.Contains(diags[0].Message, "Did you mean local.space?") {
		t.Errorf("diagnostics of a mistyped name: %+v", diags)
	}
	editor.Replace(app, "local.spice", "local.")
	var completed struct {
		Items []struct{ Label string }
	}
	editor.Must("textDocument/completion", lsptest.At(app, editor.Find(app, "local.", len("local."))), &completed)
	if len(completed.Items) != 1 || completed.Items[0].Label != "space" {
		t.Errorf("completion: %+v", completed)
	}
	editor.Replace(app, "local.", "local.space")
	if diags := editor.Diagnostics(app); len(diags) > 0 {
		t.Errorf("diagnostics of what was mended: %+v", diags)
	}

	place := lsptest.At(app, editor.Find(app, "local.space", len("local.s")))
	var hovered struct{ Contents struct{ Value string } }
	editor.Must("textDocument/hover", place, &hovered)
	if !strings.Contains(hovered.Contents.Value, "Value: `\"web\"`") {
		t.Errorf("hover: %+v", hovered)
	}
	var defined []lsptest.Location
	editor.Must("textDocument/definition", place, &defined)
	if len(defined) != 1 || defined[0].URI != lsptest.URI(main) || defined[0].Range.Start.Line != 5 {
		t.Errorf("definition: %+v", defined)
	}
	place["context"] = map[string]bool{"includeDeclaration": true}
	var referred []lsptest.Location
	editor.Must("textDocument/references", place, &referred)
	if len(referred) != 2 {
		t.Errorf("references: %+v", referred)
	}
	place["newName"] = "namespace"
	var renamed struct{ Changes map[string][]lsptest.Edit }
	editor.Must("textDocument/rename", place, &renamed)
	if len(renamed.Changes) != 2 {
		t.Errorf("rename: %+v", renamed)
	}
	editor.ApplyEdits(app, renamed.Changes[lsptest.URI(app)])
	if !strings.Contains(editor.Text(app), "local.namespace\n") {
		t.Errorf("after renaming:\n%s", editor.Text(app))
	}
	var formatted []lsptest.Edit
	editor.Replace(app, "cluster   = cluster.prod", "cluster = cluster.prod")
	editor.Must("textDocument/formatting", map[string]any{"textDocument": lsptest.Identifier(app), "options": map[string]any{}}, &formatted)
	editor.ApplyEdits(app, formatted)
	if !strings.Contains(editor.Text(app), "cluster   = cluster.prod") {
		t.Errorf("after formatting:\n%s", editor.Text(app))
	}
	for method, params := range map[string]any{
		"textDocument/documentSymbol": map[string]any{"textDocument": lsptest.Identifier(app)},
		"workspace/symbol":            map[string]any{"query": "web"},
	} {
		var symbols []any
		editor.Must(method, params, &symbols)
		if len(symbols) == 0 {
			t.Errorf("%s finds nothing", method)
		}
	}

	editor.Must("shutdown", nil, nil)
	editor.Notify("exit", nil)
	if code := wait(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}

// TestLSPExitCodes: what becomes of a server whose editor does not say goodbye.
func TestLSPExitCodes(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*lsptest.Client){
		"exit without shutdown": func(editor *lsptest.Client) { editor.Notify("exit", nil) },
		"the editor is gone":    func(editor *lsptest.Client) { editor.HangUp() },
	} {
		t.Run(name, func(t *testing.T) {
			editor, wait := startLSP(t, t.TempDir())
			editor.Initialize(map[string]any{})
			leave(editor)
			if code := wait(); code != exitError {
				t.Errorf("the exit code is %d", code)
			}
		})
	}
}
