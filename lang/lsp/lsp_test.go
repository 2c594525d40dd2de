package lsp_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lsp"
	"github.com/gantrycd/gantry/lang/lsp/lsptest"
)

// editor is an editor with a workspace and a server in this process.
type editor struct {
	*lsptest.Client
	t      testing.TB
	dir    string
	served chan error
	log    *strings.Builder
}

// everything is what a modern editor can do.
var everything = map[string]any{
	"workspace": map[string]any{"workspaceEdit": map[string]any{"documentChanges": true}, "didChangeWatchedFiles": map[string]any{"dynamicRegistration": true}},
	"textDocument": map[string]any{
		"completion":     map[string]any{"completionItem": map[string]any{"snippetSupport": true}},
		"documentSymbol": map[string]any{"hierarchicalDocumentSymbolSupport": true},
	},
}

// connect starts a server that nothing was said to.
func connect(t testing.TB) *editor {
	t.Helper()
	return connectWith(t, nil)
}

func connectWith(t testing.TB, modules func(dir string) lang.ModuleReader) *editor {
	t.Helper()
	serverIn, in := io.Pipe()
	out, serverOut := io.Pipe()
	e := &editor{Client: lsptest.Connect(t, in, out), t: t, dir: t.TempDir(), served: make(chan error, 1), log: &strings.Builder{}}
	go func() {
		e.served <- lsp.Serve(context.Background(), lsp.Options{In: serverIn, Out: serverOut, Log: e.log, Version: "1.2.3", Modules: modules})
		serverOut.Close()
	}()
	t.Cleanup(func() {
		e.HangUp()
		e.WaitEnd()
		if e.log.Len() > 0 {
			t.Errorf("the server reports:\n%s", e.log)
		}
	})
	return e
}

// start starts a server for a workspace that has some files.
func start(t testing.TB, files map[string]string) *editor {
	t.Helper()
	e := connect(t)
	for name, content := range files {
		e.write(name, content)
	}
	e.Initialize(everything, e.dir)
	return e
}

// startHeld is start with a server whose analyses can be held up.
func startHeld(t testing.TB, files map[string]string) (*editor, *holder) {
	t.Helper()
	held := &holder{held: map[string]hold{}}
	e := connectWith(t, held.modules)
	t.Cleanup(held.releaseAll)
	for name, content := range files {
		e.write(name, content)
	}
	e.Initialize(everything, e.dir)
	return e, held
}

// holder holds up the analyses of modules at their start.
type holder struct {
	mu   sync.Mutex
	held map[string]hold // by directory
}

type hold struct{ arrived, released chan struct{} }

// hold has the next analysis of a module wait until it is released.
func (h *holder) hold(dir string) (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := hold{arrived: make(chan struct{}), released: make(chan struct{})}
	h.held[dir] = next
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		close(next.released)
		delete(h.held, dir)
	}
}

// wait waits until the analysis has begun that is held.
func (h *holder) wait(dir string) {
	h.mu.Lock()
	next := h.held[dir]
	h.mu.Unlock()
	<-next.arrived
}

func (h *holder) releaseAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for dir, next := range h.held {
		close(next.released)
		delete(h.held, dir)
	}
}

func (h *holder) modules(dir string) lang.ModuleReader {
	h.mu.Lock()
	next, ok := h.held[dir]
	h.mu.Unlock()
	if ok {
		select {
		case <-next.arrived:
		default:
			close(next.arrived)
		}
		<-next.released
	}
	return nil
}

func (e *editor) path(name string) string { return filepath.Join(e.dir, filepath.FromSlash(name)) }

func (e *editor) write(name, content string) {
	e.t.Helper()
	path := e.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		e.t.Fatal(err)
	}
}

// open opens a file of the workspace as it is on disk.
func (e *editor) open(name string) string {
	e.t.Helper()
	content, err := os.ReadFile(e.path(name))
	if err != nil {
		e.t.Fatal(err)
	}
	e.Open(e.path(name), string(content))
	return e.path(name)
}

// problems renders diagnostics as "line:text: message", where text is what they are
// about.
func (e *editor) problems(path string, diags []lsptest.Diagnostic) []string {
	var out []string
	for _, d := range diags {
		summary, _, _ := strings.Cut(d.Message, ". ")
		out = append(out, e.TextAt(path, d.Range)+": "+summary)
	}
	return out
}

func (e *editor) wantProblems(path string, want ...string) {
	e.t.Helper()
	if diff := cmp.Diff(want, e.problems(path, e.Diagnostics(path))); diff != "" {
		e.t.Errorf("diagnostics of %s (-want +got):\n%s", filepath.Base(path), diff)
	}
}

func (e *editor) end(want error) {
	e.t.Helper()
	select {
	case err := <-e.served:
		if !errors.Is(err, want) {
			e.t.Errorf("the server ended with %v, expected %v", err, want)
		}
	case <-time.After(30 * time.Second):
		e.t.Fatal("the server has not ended")
	}
}

// code returns the code of the server's error.
func code(err error) int {
	var known *lsptest.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return 0
}

func TestLifecycle(t *testing.T) {
	e := connect(t)
	if err := e.Call("textDocument/hover", lsptest.At(e.path("a.gantry.hcl"), lsptest.Position{}), nil); code(err) != -32002 {
		t.Errorf("a request before initialize: %v", err)
	}
	result := e.Initialize(everything, e.dir)
	want := map[string]any{"name": "gantry", "version": "1.2.3"}
	if diff := cmp.Diff(want, result["serverInfo"]); diff != "" {
		t.Errorf("server (-want +got):\n%s", diff)
	}
	capabilities := result["capabilities"].(map[string]any)
	if got := capabilities["positionEncoding"]; got != "utf-16" {
		t.Errorf("the encoding is %v", got)
	}
	if err := e.Call("initialize", map[string]any{}, nil); code(err) != -32600 {
		t.Errorf("initialize twice: %v", err)
	}
	if err := e.Call("textDocument/unknown", nil, nil); code(err) != -32601 {
		t.Errorf("an unknown method: %v", err)
	}
	if err := e.Call("textDocument/hover", map[string]any{"position": "here"}, nil); code(err) != -32602 {
		t.Errorf("wrong parameters: %v", err)
	}
	e.Notify("$/setTrace", map[string]any{"value": "off"})
	var null any = 1
	e.Must("shutdown", nil, &null)
	if null != nil {
		t.Errorf("shutdown was answered with %v", null)
	}
	if err := e.Call("textDocument/hover", lsptest.At(e.path("a.gantry.hcl"), lsptest.Position{}), nil); code(err) != -32600 {
		t.Errorf("a request after shutdown: %v", err)
	}
	e.Notify("exit", nil)
	e.end(nil)
	if registered := e.Received("client/registerCapability"); len(registered) != 1 || !strings.Contains(string(registered[0].Params), "didChangeWatchedFiles") {
		t.Errorf("registered: %s", registered)
	}
}

func TestExitWithoutShutdown(t *testing.T) {
	e := start(t, nil)
	e.Notify("exit", nil)
	e.end(lsp.ErrNotShutDown)
}

func TestEditorGoesAway(t *testing.T) {
	e := start(t, nil)
	e.HangUp()
	e.end(lsp.ErrNotShutDown)
}

func TestEditorGoesAwayAfterShutdown(t *testing.T) {
	e := start(t, nil)
	e.Must("shutdown", nil, nil)
	e.HangUp()
	e.end(nil)
}

// TestEncodings: the same place is named in the units that were agreed upon.
func TestEncodings(t *testing.T) {
	for encoding, want := range map[string]int{"utf-16": 14, "utf-8": 16} {
		t.Run(encoding, func(t *testing.T) {
			e := connect(t)
			result := e.Initialize(map[string]any{"general": map[string]any{"positionEncodings": []string{"utf-16", encoding}}}, e.dir)
			if got := result["capabilities"].(map[string]any)["positionEncoding"]; got != encoding {
				t.Fatalf("the encoding is %v", got)
			}
			e.Open(e.path("a.gantry.hcl"), "locals {\n  a = \"😀${x}\"\n}\n")
			diags := e.Diagnostics(e.path("a.gantry.hcl"))
			if len(diags) != 1 || diags[0].Range.Start.Line != 1 || diags[0].Range.Start.Character != want-3 {
				t.Errorf("diagnostics: %+v, expected at %d", diags, want-3)
			}
		})
	}
}

func TestCancelledRequest(t *testing.T) {
	e := start(t, nil)
	// The server reads ahead of what it handles, so that the cancellation is seen before
	// the last of many requests is begun.
	var waits []func(any) error
	var last int
	for range 200 {
		id, wait := e.Begin("workspace/symbol", map[string]any{"query": ""})
		waits, last = append(waits, wait), id
	}
	e.Notify("$/cancelRequest", map[string]any{"id": last})
	cancelled := 0
	for _, wait := range waits {
		if err := wait(nil); code(err) == -32800 {
			cancelled++
		} else if err != nil {
			t.Errorf("a request that was not cancelled: %v", err)
		}
	}
	if cancelled > 1 {
		t.Errorf("%d requests were cancelled", cancelled)
	}
	e.Must("workspace/symbol", map[string]any{"query": ""}, nil)
}

func TestMalformedMessages(t *testing.T) {
	e := start(t, nil)
	contents := []string{"{", "[]", "null", `{"jsonrpc":"2.0"}`, `"x"`, "\xff"}
	for _, content := range contents {
		e.Write("Content-Length: " + strconv.Itoa(len(content)) + "\r\n\r\n" + content)
	}
	e.Must("workspace/symbol", map[string]any{"query": ""}, nil)
	refused := 0
	for _, m := range e.Received("") {
		if m.Error != nil && string(m.ID) == "null" {
			refused++
		}
	}
	if refused != len(contents) {
		t.Errorf("%d of %d malformed messages were refused", refused, len(contents))
	}
}
