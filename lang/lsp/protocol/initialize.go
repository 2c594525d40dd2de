package protocol

import "github.com/gantrycd/gantry/lang/lsp/text"

// InitializeParams is the parameter of initialize.
type InitializeParams struct {
	RootURI          text.URI           `json:"rootUri"`
	WorkspaceFolders []Folder           `json:"workspaceFolders"`
	Capabilities     ClientCapabilities `json:"capabilities"`
}

// ClientCapabilities are what an editor can do, of what makes a difference.
type ClientCapabilities struct {
	General struct {
		PositionEncodings []text.Encoding `json:"positionEncodings"`
	} `json:"general"`
	Workspace struct {
		WorkspaceEdit struct {
			DocumentChanges bool `json:"documentChanges"`
		} `json:"workspaceEdit"`
		DidChangeWatchedFiles struct {
			DynamicRegistration bool `json:"dynamicRegistration"`
		} `json:"didChangeWatchedFiles"`
	} `json:"workspace"`
	TextDocument struct {
		Completion struct {
			CompletionItem struct {
				SnippetSupport bool `json:"snippetSupport"`
			} `json:"completionItem"`
		} `json:"completion"`
		DocumentSymbol struct {
			HierarchicalDocumentSymbolSupport bool `json:"hierarchicalDocumentSymbolSupport"`
		} `json:"documentSymbol"`
	} `json:"textDocument"`
}

// InitializeResult is the answer to initialize.
type InitializeResult struct {
	Capabilities ServerCapabilities `json:"capabilities"`
	ServerInfo   ServerInfo         `json:"serverInfo"`
}

// ServerInfo names the server.
type ServerInfo struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// ServerCapabilities are what gantry can do.
type ServerCapabilities struct {
	PositionEncoding           text.Encoding         `json:"positionEncoding"`
	TextDocumentSync           SyncOptions           `json:"textDocumentSync"`
	CompletionProvider         CompletionOptions     `json:"completionProvider"`
	HoverProvider              bool                  `json:"hoverProvider"`
	DefinitionProvider         bool                  `json:"definitionProvider"`
	ReferencesProvider         bool                  `json:"referencesProvider"`
	DocumentHighlightProvider  bool                  `json:"documentHighlightProvider"`
	DocumentSymbolProvider     bool                  `json:"documentSymbolProvider"`
	WorkspaceSymbolProvider    bool                  `json:"workspaceSymbolProvider"`
	DocumentFormattingProvider bool                  `json:"documentFormattingProvider"`
	RenameProvider             RenameOptions         `json:"renameProvider"`
	Workspace                  WorkspaceCapabilities `json:"workspace"`
}

// SyncKind says how changes of a document are sent.
type SyncKind int

// SyncIncremental is changes as edits.
const SyncIncremental SyncKind = 2

// SyncOptions say what is to be sent about documents.
type SyncOptions struct {
	OpenClose bool     `json:"openClose"`
	Change    SyncKind `json:"change"`
	Save      bool     `json:"save"`
}

// CompletionOptions say when completion is asked for besides in words.
type CompletionOptions struct {
	TriggerCharacters []string `json:"triggerCharacters"`
}

// RenameOptions say how renaming goes.
type RenameOptions struct {
	PrepareProvider bool `json:"prepareProvider"`
}

// WorkspaceCapabilities are what gantry can do with workspaces.
type WorkspaceCapabilities struct {
	WorkspaceFolders FolderCapabilities `json:"workspaceFolders"`
}

// FolderCapabilities are what gantry can do with the folders of a workspace.
type FolderCapabilities struct {
	Supported           bool `json:"supported"`
	ChangeNotifications bool `json:"changeNotifications"`
}

// RegistrationParams is the parameter of client/registerCapability.
type RegistrationParams struct {
	Registrations []Registration `json:"registrations"`
}

// Registration asks an editor for something more.
type Registration struct {
	ID              string `json:"id"`
	Method          string `json:"method"`
	RegisterOptions any    `json:"registerOptions"`
}

// WatchOptions say which files' changes an editor is to tell of.
type WatchOptions struct {
	Watchers []Watcher `json:"watchers"`
}

// Watcher is a pattern of files.
type Watcher struct {
	GlobPattern string `json:"globPattern"`
}
