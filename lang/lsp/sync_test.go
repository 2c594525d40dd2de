package lsp_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/lang/lsp/lsptest"
)

// TestDiagnosticsFollowEdits: what is wrong comes and goes with the keys, in the file
// and in those that refer to it.
func TestDiagnosticsFollowEdits(t *testing.T) {
	e := start(t, estate())
	main, apps := e.open("main.gantry.hcl"), e.open("apps.gantry.hcl")
	e.wantProblems(apps)
	e.Replace(main, "project \"payments\"", "project \"payment\"")
	e.wantProblems(main)
	undeclared := func(p lsptest.Published) bool { return len(p.Diagnostics) == 2 }
	for _, problem := range e.problems(apps, e.WaitDiagnostics(apps, undeclared)) {
		if problem != "project.payments: Reference to undeclared block" {
			t.Errorf("in the other file: %s", problem)
		}
	}
	e.Replace(main, "project \"payment\"", "project \"payments\"")
	e.WaitDiagnostics(apps, func(p lsptest.Published) bool { return len(p.Diagnostics) == 0 })

	// A line is typed, letter by letter.
	const line = "namespace = local.env.staging.replicas\n  "
	at := e.Find(apps, "labels     =", 0)
	for i, c := range line {
		e.Change(apps, lsptest.Edit{Range: lsptest.Range{Start: at, End: at}, NewText: string(c)})
		if at.Character++; c == '\n' {
			at = lsptest.Position{Line: at.Line + 1}
		}
		if i == len("namespace = local.env") {
			if got := e.Diagnostics(apps); len(got) == 0 {
				t.Error("half a line is not reported")
			}
		}
	}
	e.wantProblems(apps, "namespace: Unsupported argument")
	e.Replace(apps, line, "")
	e.wantProblems(apps)
}

// TestSyntaxErrorsHideNothingElsewhere: while a line is half typed, what the file
// declares is not missed in others.
func TestSyntaxErrorsHideNothingElsewhere(t *testing.T) {
	e := start(t, estate())
	main, apps := e.open("main.gantry.hcl"), e.open("apps.gantry.hcl")
	e.wantProblems(apps)
	before := e.Text(main)
	for _, broken := range []string{"locals {\n  env = \"", "locals {{", "}\nlocals {"} {
		e.Replace(main, "locals {\n  env = {", broken)
		if got := e.Diagnostics(main); len(got) == 0 {
			t.Errorf("%q is not reported", broken)
		}
		e.SetText(main, before)
		e.wantProblems(main)
	}
	e.Replace(main, "locals {\n  env = {", "locals {\n  env = \"")
	e.Diagnostics(main)
	if got := e.Diagnostics(apps); len(got) > 0 {
		t.Errorf("in the other file: %+v", got)
	}
	// The names that the broken file declared are still offered.
	if got := strings.Join(labels(e.complete(apps, "namespace = local.name", "namespace = local.|")), " "); got != "env name" {
		t.Errorf("offered: %s", got)
	}
}

// TestUnsavedFiles: open documents count as they are in the editor, and those on disk
// as they are there.
func TestUnsavedFiles(t *testing.T) {
	e := start(t, map[string]string{"a.gantry.hcl": "locals {\n  a = local.b\n}\n"})
	a := e.open("a.gantry.hcl")
	e.wantProblems(a, "local.b: Reference to undeclared block")

	// A new document that is not on disk.
	b := e.path("b.gantry.hcl")
	e.Open(b, "locals {\n  b = local.c\n}\n")
	e.wantProblems(b, "local.c: Reference to undeclared block")
	e.WaitDiagnostics(a, func(p lsptest.Published) bool { return len(p.Diagnostics) == 0 })

	// A file that someone else writes, of which the editor tells.
	e.write("c.gantry.hcl", "locals {\n  c = file(\"c.txt\")\n}\n")
	e.Notify("workspace/didChangeWatchedFiles", map[string]any{"changes": []any{}})
	c := e.path("c.gantry.hcl")
	got := e.WaitDiagnostics(c, func(p lsptest.Published) bool { return len(p.Diagnostics) == 1 })
	if !strings.Contains(got[0].Message, "c.txt") || got[0].Range.Start.Line != 1 {
		t.Errorf("a file that is not open: %+v", got)
	}

	// What an expression reads may be open as well.
	e.Open(e.path("c.txt"), "text")
	e.WaitDiagnostics(c, func(p lsptest.Published) bool { return len(p.Diagnostics) == 0 })

	// It is deleted again.
	if err := os.Remove(c); err != nil {
		t.Fatal(err)
	}
	e.Notify("textDocument/didSave", map[string]any{"textDocument": lsptest.Identifier(a)})
	e.WaitDiagnostics(b, func(p lsptest.Published) bool {
		return len(p.Diagnostics) == 1 && strings.Contains(p.Diagnostics[0].Message, "\"c\"")
	})

	// The new document is closed without being saved: it is gone.
	e.Close(b)
	e.WaitDiagnostics(a, func(p lsptest.Published) bool { return len(p.Diagnostics) == 1 })
	e.WaitDiagnostics(b, func(p lsptest.Published) bool { return len(p.Diagnostics) == 0 })

	// With the last one nothing is said of the module any more.
	e.Close(a)
	e.WaitDiagnostics(a, func(p lsptest.Published) bool { return len(p.Diagnostics) == 0 })
}

// TestFilesDeletedBehindOpenDocuments: what is open stays, whatever happens on disk.
func TestFilesDeletedBehindOpenDocuments(t *testing.T) {
	e := start(t, estate())
	main := e.open("main.gantry.hcl")
	e.wantProblems(main)
	if err := os.RemoveAll(e.dir); err != nil {
		t.Fatal(err)
	}
	e.Replace(main, "name = \"web", "name = local.x\n  other = \"web")
	e.wantProblems(main, "local.x: Reference to undeclared block")
	var symbols []symbol
	e.Must("textDocument/documentSymbol", map[string]any{"textDocument": lsptest.Identifier(main)}, &symbols)
	if len(symbols) != 5 {
		t.Errorf("%d symbols", len(symbols))
	}
}

// TestModulesAreApart: each directory is a module of its own.
func TestModulesAreApart(t *testing.T) {
	e := start(t, map[string]string{
		"one/a.gantry.hcl": "locals {\n  a = 1\n  b = local.c\n}\n",
		"two/a.gantry.hcl": "locals {\n  c = 1\n  b = local.a\n}\n",
	})
	one, two := e.open("one/a.gantry.hcl"), e.open("two/a.gantry.hcl")
	e.wantProblems(one, "local.c: Reference to undeclared block")
	e.wantProblems(two, "local.a: Reference to undeclared block")
	var got []lsptest.Location
	e.Must("textDocument/definition", lsptest.At(one, e.Find(one, "local.c", 6)), &got)
	if len(got) > 0 {
		t.Errorf("defined in %+v", got)
	}
}

// TestHostileFiles: the server says what is too much, in time, and lives.
func TestHostileFiles(t *testing.T) {
	for name, content := range map[string]string{
		"brackets":    "a = " + strings.Repeat("[", 200_000),
		"parentheses": "a = " + strings.Repeat("(", 200_000),
		"templates":   "a = " + strings.Repeat("\"${", 100_000),
		"operators":   "a = " + strings.Repeat("!", 200_000),
		"blocks":      strings.Repeat("a {\n", 50_000),
		"quotes":      strings.Repeat("a = \"\n", 30_000),
		"heredocs":    strings.Repeat("a = <<E\n${\n", 20_000),
		"nothing":     strings.Repeat("\x00", 10_000),
		"too large":   strings.Repeat("# text\n", 1_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, nil)
			path := e.path("a.gantry.hcl")
			e.Open(path, "")
			e.SetText(path, content)
			if got := e.Diagnostics(path); len(got) == 0 {
				t.Error("nothing is wrong")
			}
			began := time.Now()
			end := lsptest.Position{Line: strings.Count(content, "\n"), Character: len(content) - strings.LastIndexByte(content, '\n') - 1}
			for _, method := range []string{"completion", "hover", "definition", "prepareRename", "documentHighlight"} {
				e.Must("textDocument/"+method, lsptest.At(path, end), nil)
			}
			for _, method := range []string{"documentSymbol", "formatting"} {
				e.Must("textDocument/"+method, map[string]any{"textDocument": lsptest.Identifier(path), "options": map[string]any{}}, nil)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %s", took)
			}
			e.SetText(path, "locals {\n  a = 1\n}\n")
			e.wantProblems(path)
		})
	}
}

// TestStrangeDocuments: what is no file of gantry's is left alone.
func TestStrangeDocuments(t *testing.T) {
	e := start(t, nil)
	for _, uri := range []string{"untitled:Untitled-1", "git:/a.gantry.hcl?HEAD", lsptest.URI(e.path("a.txt")), "%%"} {
		e.Notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "version": 1, "text": "a = "}})
		e.Notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": uri, "version": 2}, "contentChanges": []map[string]any{{"text": "b"}}})
		var got any = 1
		e.Must("textDocument/hover", map[string]any{"textDocument": map[string]any{"uri": uri}, "position": lsptest.Position{}}, &got)
		if got != nil {
			t.Errorf("%s: %v", uri, got)
		}
		e.Notify("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": uri}})
	}
	if err := e.Call("textDocument/hover", lsptest.At(e.path("gone.gantry.hcl"), lsptest.Position{}), nil); code(err) != -32602 {
		t.Errorf("a file that is not there: %v", err)
	}
	if n := len(e.Received("textDocument/publishDiagnostics")); n > 0 {
		t.Errorf("%d diagnostics", n)
	}
}

// TestFilesOfValuesAndTests: they are checked as far as they can be.
func TestFilesOfValuesAndTests(t *testing.T) {
	e := start(t, map[string]string{"a.gantry.hcl": "variable \"size\" {\n  type = number\n}\nlocals {\n  a = var.size\n}\n"})
	vars := e.path("gantry.vars.hcl")
	e.Open(vars, "size = \"many\"\n")
	e.wantProblems(vars, "\"many\": Invalid value for variable")
	e.SetText(vars, "sise = 1\n")
	e.wantProblems(vars, "sise: Value for undeclared variable")
	e.SetText(vars, "size = \n")
	e.wantProblems(vars, "\n: Invalid expression")
	e.SetText(vars, "size = 1\n")
	e.wantProblems(vars)
	var got []lsptest.Location
	e.Must("textDocument/definition", lsptest.At(vars, lsptest.Position{}), &got)
	if len(got) != 1 || got[0].URI != lsptest.URI(e.path("a.gantry.hcl")) {
		t.Errorf("the variable is defined in %+v", got)
	}
	test := e.path("a.gantrytest.hcl")
	e.Open(test, "a {\n")
	if diags := e.Diagnostics(test); len(diags) == 0 {
		t.Error("a syntax error of a test is not reported")
	}
}

// TestModulesThatAreCalled: a module is analysed as it is called, with the unsaved
// documents of those that it calls.
func TestModulesThatAreCalled(t *testing.T) {
	e := start(t, map[string]string{
		"root/main.gantry.hcl":    "module \"inner\" {\n  source = \"./inner\"\n  size   = 1\n}\nmodule \"beside\" {\n  source = \"../beside\"\n}\nlocals {\n  a = module.inner.twice\n}\n",
		"root/inner/a.gantry.hcl": "variable \"size\" {\n  type = number\n}\noutput \"twice\" {\n  value = var.size * 2\n}\n",
		"beside/a.gantry.hcl":     "locals {\n  x = 1\n}\n",
		"far/main.gantry.hcl":     "module \"far\" {\n  source = \"https://git.example.com/far.git\"\n}\n",
	})
	root := e.open("root/main.gantry.hcl")
	e.wantProblems(root)
	inner := e.open("root/inner/a.gantry.hcl")
	e.wantProblems(inner)
	e.Replace(inner, "output \"twice\"", "output \"double\"")
	e.WaitDiagnostics(root, func(p lsptest.Published) bool {
		return len(p.Diagnostics) == 1 && e.TextAt(root, p.Diagnostics[0].Range) == "module.inner.twice"
	})
	e.Replace(inner, "output \"double\"", "output \"twice\"")
	e.WaitDiagnostics(root, func(p lsptest.Published) bool { return len(p.Diagnostics) == 0 })

	beside := e.open("beside/a.gantry.hcl")
	e.wantProblems(beside)
	e.Replace(beside, "x = 1", "x = 1\n  y = local.z")
	e.WaitDiagnostics(beside, func(p lsptest.Published) bool { return len(p.Diagnostics) == 1 })
	e.Replace(beside, "\n  y = local.z", "")
	e.WaitDiagnostics(beside, func(p lsptest.Published) bool { return len(p.Diagnostics) == 0 })

	far := e.open("far/main.gantry.hcl")
	if got := e.Diagnostics(far); len(got) != 1 || !strings.Contains(got[0].Message, "git.example.com") {
		t.Errorf("a module that is not there: %+v", got)
	}
}

// TestOneOwnerTells: what is wrong in a module is told once, as it is called where a
// caller is known, whichever of the two was analysed first, and as if it were a
// configuration of its own where none makes an instance of it.
func TestOneOwnerTells(t *testing.T) {
	const called, alone, nobody = "source = \"./inner\"", "No local value \"z\" is declared in this configuration.", "for_each = {}\n  source = \"./inner\""
	inModule := strings.Replace(alone, "configuration", "module", 1)
	e, held := startHeld(t, map[string]string{
		"main.gantry.hcl":         "module \"inner\" {\n  " + called + "\n}\n",
		"inner/a.gantry.hcl":      "module \"deep\" {\n  source = \"./deep\"\n}\n",
		"inner/deep/a.gantry.hcl": "locals {\n  y = local.z\n}\n",
	})
	told := func(path, want string) {
		t.Helper()
		got := e.WaitDiagnostics(path, func(p lsptest.Published) bool {
			return len(p.Diagnostics) > 1 || len(p.Diagnostics) == 1 && strings.Contains(p.Diagnostics[0].Message, want)
		})
		if len(got) != 1 {
			t.Errorf("%d diagnostics, wanted %q alone: %+v", len(got), want, got)
		}
	}
	deep := e.open("inner/deep/a.gantry.hcl")
	told(deep, alone)

	// Its callers are opened, the inner one first.
	e.open("inner/a.gantry.hcl")
	told(deep, inModule)
	root := e.open("main.gantry.hcl")
	e.wantProblems(root)
	told(deep, inModule)

	// While the root module is analysed, the called one has changed and was analysed:
	// what the root module's analysis is to find is of before that.
	release := held.hold(e.dir)
	e.Replace(root, "module", "# It is called.\nmodule")
	held.wait(e.dir)
	e.Replace(deep, "local.z", "1")
	release()
	e.wantProblems(deep)
	release = held.hold(e.dir)
	e.Replace(deep, "y = 1", "y = local.z")
	held.wait(e.dir)
	release()
	told(deep, inModule)

	// It is not called any more, then called no times, then called again.
	e.SetText(root, "locals {\n  a = 1\n}\n")
	told(deep, inModule) // by the module between
	e.Close(e.path("inner/a.gantry.hcl"))
	told(deep, alone)
	e.SetText(root, "module \"inner\" {\n  "+nobody+"\n}\n")
	e.Diagnostics(root)
	told(deep, alone)
	e.SetText(root, "module \"inner\" {\n  "+called+"\n}\n")
	told(deep, inModule)

	// The caller is closed: nobody calls it who is known.
	e.Close(root)
	e.WaitDiagnostics(deep, func(p lsptest.Published) bool {
		return len(p.Diagnostics) == 1 && strings.Contains(p.Diagnostics[0].Message, alone)
	})
}

// TestOpenedWhileItsCallerIsAnalysed: the first analysis of a caller, which has not yet
// told what it calls, began before the called module was opened with unsaved changes.
// What it finds in the file on disk is never shown over them.
func TestOpenedWhileItsCallerIsAnalysed(t *testing.T) {
	e, held := startHeld(t, map[string]string{
		"main.gantry.hcl":    "module \"inner\" {\n  source = \"./inner\"\n}\n",
		"inner/a.gantry.hcl": "locals {\n  y = local.z\n}\n",
	})
	release := held.hold(e.dir)
	e.open("main.gantry.hcl")
	held.wait(e.dir)
	inner := e.path("inner/a.gantry.hcl")
	e.Open(inner, "locals {\n  y = 1\n}\n")
	e.Must("textDocument/documentSymbol", map[string]any{"textDocument": lsptest.Identifier(inner)}, nil) // it has been opened
	release()
	e.wantProblems(inner)
	e.Replace(inner, "1", "local.x")
	e.wantProblems(inner, "local.x: Reference to undeclared block")
	for _, m := range e.Received("textDocument/publishDiagnostics") {
		if strings.Contains(string(m.Params), "\\\"z\\\"") {
			t.Errorf("shown: %s", m.Params)
		}
	}
}
