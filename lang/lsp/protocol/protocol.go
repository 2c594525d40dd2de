// Package protocol holds the messages of the Language Server Protocol 3.17 that
// gantry speaks, as data. It does nothing with them. Only lang/lsp imports it.
package protocol

import "github.com/gantrycd/gantry/lang/lsp/text"

// TextDocument names a document.
type TextDocument struct {
	URI text.URI `json:"uri"`
}

// VersionedDocument is a document as it was after some change. The version is
// missing where the document is not open.
type VersionedDocument struct {
	URI     text.URI `json:"uri"`
	Version *int     `json:"version"`
}

// DidOpenParams is the parameter of textDocument/didOpen.
type DidOpenParams struct {
	TextDocument struct {
		URI     text.URI `json:"uri"`
		Version int      `json:"version"`
		Text    string   `json:"text"`
	} `json:"textDocument"`
}

// DidChangeParams is the parameter of textDocument/didChange.
type DidChangeParams struct {
	TextDocument struct {
		URI     text.URI `json:"uri"`
		Version int      `json:"version"`
	} `json:"textDocument"`
	ContentChanges []text.Change `json:"contentChanges"`
}

// DocumentParams is the parameter of what concerns a whole document.
type DocumentParams struct {
	TextDocument TextDocument `json:"textDocument"`
}

// PositionParams is the parameter of what concerns a place in a document.
type PositionParams struct {
	TextDocument TextDocument  `json:"textDocument"`
	Position     text.Position `json:"position"`
}

// ReferenceParams is the parameter of textDocument/references.
type ReferenceParams struct {
	PositionParams
	Context struct {
		IncludeDeclaration bool `json:"includeDeclaration"`
	} `json:"context"`
}

// RenameParams is the parameter of textDocument/rename.
type RenameParams struct {
	PositionParams
	NewName string `json:"newName"`
}

// WorkspaceSymbolParams is the parameter of workspace/symbol.
type WorkspaceSymbolParams struct {
	Query string `json:"query"`
}

// Folder is a folder of the workspace.
type Folder struct {
	URI  text.URI `json:"uri"`
	Name string   `json:"name"`
}

// DidChangeFoldersParams is the parameter of workspace/didChangeWorkspaceFolders.
type DidChangeFoldersParams struct {
	Event struct {
		Added   []Folder `json:"added"`
		Removed []Folder `json:"removed"`
	} `json:"event"`
}

// Location is a range of a document.
type Location struct {
	URI   text.URI   `json:"uri"`
	Range text.Range `json:"range"`
}

// Severity says how bad a diagnostic is.
type Severity int

// The severities of diagnostics.
const (
	SeverityError   Severity = 1
	SeverityWarning Severity = 2
)

// Diagnostic is something that is wrong with a document.
type Diagnostic struct {
	Range    text.Range `json:"range"`
	Severity Severity   `json:"severity"`
	Source   string     `json:"source"`
	Message  string     `json:"message"`
}

// PublishDiagnosticsParams are all diagnostics of one document.
type PublishDiagnosticsParams struct {
	URI         text.URI     `json:"uri"`
	Version     *int         `json:"version,omitempty"`
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// MarkupContent is text for people.
type MarkupContent struct {
	Kind  string `json:"kind"` // "markdown" or "plaintext"
	Value string `json:"value"`
}

// Hover is what is shown of what the pointer is on.
type Hover struct {
	Contents MarkupContent `json:"contents"`
	Range    text.Range    `json:"range"`
}

// TextEdit replaces a range of a document.
type TextEdit struct {
	Range   text.Range `json:"range"`
	NewText string     `json:"newText"`
}

// DocumentEdit is the edits of one document.
type DocumentEdit struct {
	TextDocument VersionedDocument `json:"textDocument"`
	Edits        []TextEdit        `json:"edits"`
}

// WorkspaceEdit is edits of several documents: by version for clients that can do
// that, else by URI.
type WorkspaceEdit struct {
	Changes         map[text.URI][]TextEdit `json:"changes,omitempty"`
	DocumentChanges []DocumentEdit          `json:"documentChanges,omitempty"`
}

// PreparedRename is what can be renamed, and how it is called.
type PreparedRename struct {
	Range       text.Range `json:"range"`
	Placeholder string     `json:"placeholder"`
}

// HighlightKind says how a place uses what is highlighted.
type HighlightKind int

// The kinds of highlights.
const (
	HighlightRead  HighlightKind = 2
	HighlightWrite HighlightKind = 3
)

// Highlight is one place of what the cursor is on.
type Highlight struct {
	Range text.Range    `json:"range"`
	Kind  HighlightKind `json:"kind"`
}

// MessageType says how much a message matters.
type MessageType int

// The types of messages.
const (
	MessageError   MessageType = 1
	MessageWarning MessageType = 2
)

// MessageParams is the parameter of window/showMessage and window/logMessage.
type MessageParams struct {
	Type    MessageType `json:"type"`
	Message string      `json:"message"`
}
