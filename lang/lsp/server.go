// Package lsp is a language server for configurations: what an editor asks about
// them in the Language Server Protocol 3.17, over a pair of streams.
//
// A directory is a module. Of each module with an open document the server knows the
// files on disk with the unsaved ones over them; it evaluates modules without the
// outside world, as `gantry validate` does, and never writes a file. What blocks there
// are and what they mean it has from lang alone. Only cmd imports it.
package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/lsp/rpc"
	"github.com/gantrycd/gantry/lang/lsp/text"
)

// Options are what a server is started with.
type Options struct {
	In  io.Reader
	Out io.Writer
	// Log gets what goes wrong in the server itself.
	Log io.Writer
	// Version is gantry's own.
	Version string
	// Modules gives what reads the modules that the module in a directory calls and
	// that are no paths, without asking the outside world; nil where there is nothing.
	Modules func(dir string) lang.ModuleReader
}

// ErrNotShutDown says that the editor ended the server, or went away, without having
// asked it to shut down.
var ErrNotShutDown = errors.New("the editor is gone without a shutdown request")

// Serve serves one editor until it sends exit, goes away, or the context ends.
func Serve(ctx context.Context, options Options) error {
	s := &Server{
		version: options.Version, modulesOf: options.Modules, vocabulary: index.NewVocabulary(lang.Kinds()), functions: map[string]function.Description{},
		encoding: text.UTF16, documents: map[string]*document{}, modules: map[string]*module{}, diagnostics: map[string]map[string]published{}, pending: map[string]bool{},
		changed: make(chan struct{}, 1), log: options.Log,
	}
	for _, f := range function.Describe(os.DirFS(".")) {
		s.functions[f.Name] = f
	}
	s.conn = rpc.NewConn(options.In, options.Out, s.report)
	ctx, stop := context.WithCancel(ctx)
	var analysing sync.WaitGroup
	analysing.Go(func() { s.analyse(ctx) })
	err := s.conn.Serve(ctx, s.handle)
	stop()
	analysing.Wait()
	switch {
	case errors.Is(err, rpc.ErrExit) || errors.Is(err, io.EOF):
		if s.phase != shutDown {
			return ErrNotShutDown
		}
		return nil
	default:
		return fmt.Errorf("talking to the editor: %w", err)
	}
}

// phase is where a server is in its life.
type phase int

const (
	waiting phase = iota // for initialize
	running
	shutDown
)

// Server is a language server for one editor. Its handlers run one after another;
// what is below mu they share with the analysis.
type Server struct {
	version    string
	modulesOf  func(dir string) lang.ModuleReader
	conn       *rpc.Conn
	vocabulary *index.Vocabulary
	functions  map[string]function.Description
	phase      phase
	client     protocol.ClientCapabilities
	changed    chan struct{} // has an element where a module waits to be analysed

	logging sync.Mutex
	log     io.Writer

	mu          sync.Mutex
	encoding    text.Encoding
	folders     []string
	documents   map[string]*document            // by path
	modules     map[string]*module              // by directory
	diagnostics map[string]map[string]published // by file and module
	pending     map[string]bool                 // files whose diagnostics are to be sent once their owners are analysed
}

// report logs what went wrong where nobody can be told.
func (s *Server) report(err error) {
	s.logging.Lock()
	defer s.logging.Unlock()
	fmt.Fprintf(s.log, "gantry lsp: %s\n", err)
}

// handle handles one request or notification.
func (s *Server) handle(ctx context.Context, method string, params json.RawMessage) (any, error) {
	isExit := method == "exit"
	switch {
	case isExit:
		return nil, rpc.ErrExit
	case s.phase == waiting && method != "initialize":
		return nil, rpc.Errorf(rpc.ServerNotInitialized, "%s came before initialize", method)
	case s.phase == shutDown:
		return nil, rpc.Errorf(rpc.InvalidRequest, "%s came after shutdown", method)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch method {
	case "initialize":
		return call(params, s.initialize)
	case "initialized":
		return nil, s.watchFiles()
	case "shutdown":
		s.phase = shutDown
		return nil, nil
	case "textDocument/didOpen":
		return call(params, s.didOpen)
	case "textDocument/didChange":
		return call(params, s.didChange)
	case "textDocument/didSave":
		return call(params, s.didSave)
	case "textDocument/didClose":
		return call(params, s.didClose)
	case "workspace/didChangeWatchedFiles":
		s.didChangeFiles()
		return nil, nil
	case "workspace/didChangeWorkspaceFolders":
		return call(params, s.didChangeFolders)
	case "textDocument/completion":
		return call(params, s.completion)
	case "textDocument/hover":
		return call(params, s.hover)
	case "textDocument/definition":
		return call(params, s.definition)
	case "textDocument/references":
		return call(params, s.references)
	case "textDocument/documentHighlight":
		return call(params, s.highlight)
	case "textDocument/prepareRename":
		return call(params, s.prepareRename)
	case "textDocument/rename":
		return call(params, s.rename)
	case "textDocument/formatting":
		return call(params, s.formatting)
	case "textDocument/documentSymbol":
		return call(params, s.documentSymbols)
	case "workspace/symbol":
		return call(params, func(p protocol.WorkspaceSymbolParams) (any, error) { return s.workspaceSymbols(ctx, p) })
	}
	if len(method) > 2 && method[:2] == "$/" || method == "workspace/didChangeConfiguration" {
		return nil, optional(method)
	}
	return nil, rpc.Errorf(rpc.MethodNotFound, "there is no method %q", method)
}

// optional says nothing of notifications that a server may pass over, and refuses
// requests of that form, as the protocol has it.
func optional(method string) error {
	if method == "$/setTrace" || method == "workspace/didChangeConfiguration" {
		return nil
	}
	return rpc.Errorf(rpc.MethodNotFound, "there is no method %q", method)
}

// call decodes the parameters for a handler.
func call[P any](params json.RawMessage, handler func(P) (any, error)) (any, error) {
	decoded, err := rpc.Decode[P](params)
	if err != nil {
		return nil, err
	}
	return handler(decoded)
}

// initialize agrees with the editor about what both can do.
func (s *Server) initialize(p protocol.InitializeParams) (any, error) {
	if s.phase != waiting {
		return nil, rpc.Errorf(rpc.InvalidRequest, "initialize came twice")
	}
	s.phase, s.client = running, p.Capabilities
	for _, encoding := range p.Capabilities.General.PositionEncodings {
		if encoding == text.UTF8 {
			s.encoding = text.UTF8
		}
	}
	folders := p.WorkspaceFolders
	if len(folders) == 0 && p.RootURI != "" {
		folders = []protocol.Folder{{URI: p.RootURI}}
	}
	s.addFolders(folders)
	return protocol.InitializeResult{
		ServerInfo: protocol.ServerInfo{Name: "gantry", Version: s.version},
		Capabilities: protocol.ServerCapabilities{
			PositionEncoding:   s.encoding,
			TextDocumentSync:   protocol.SyncOptions{OpenClose: true, Change: protocol.SyncIncremental, Save: true},
			CompletionProvider: protocol.CompletionOptions{TriggerCharacters: []string{".", ":", "\"", "{"}},
			HoverProvider:      true, DefinitionProvider: true, ReferencesProvider: true, DocumentHighlightProvider: true,
			DocumentSymbolProvider: true, WorkspaceSymbolProvider: true, DocumentFormattingProvider: true,
			RenameProvider: protocol.RenameOptions{PrepareProvider: true},
			Workspace:      protocol.WorkspaceCapabilities{WorkspaceFolders: protocol.FolderCapabilities{Supported: true, ChangeNotifications: true}},
		},
	}, nil
}

// watchFiles asks the editor to tell of files that others change.
func (s *Server) watchFiles() error {
	if !s.client.Workspace.DidChangeWatchedFiles.DynamicRegistration {
		return nil
	}
	return s.conn.Request("client/registerCapability", protocol.RegistrationParams{Registrations: []protocol.Registration{{
		ID: "files", Method: "workspace/didChangeWatchedFiles",
		RegisterOptions: protocol.WatchOptions{Watchers: []protocol.Watcher{{GlobPattern: "**/*.{gantry.hcl,gantry.json,gantrytest.hcl,vars.hcl}"}}},
	}}})
}
