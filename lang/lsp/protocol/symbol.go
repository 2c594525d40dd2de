package protocol

import "github.com/gantrycd/gantry/lang/lsp/text"

// SymbolKind says what a symbol is, for its icon.
type SymbolKind int

// The kinds of symbols.
const (
	SymbolNamespace SymbolKind = 3
	SymbolClass     SymbolKind = 5
	SymbolProperty  SymbolKind = 7
	SymbolField     SymbolKind = 8
	SymbolFunction  SymbolKind = 12
	SymbolVariable  SymbolKind = 13
	SymbolConstant  SymbolKind = 14
)

// DocumentSymbol is something that a document has, with what is in it.
type DocumentSymbol struct {
	Name           string           `json:"name"`
	Detail         string           `json:"detail,omitempty"`
	Kind           SymbolKind       `json:"kind"`
	Range          text.Range       `json:"range"`
	SelectionRange text.Range       `json:"selectionRange"`
	Children       []DocumentSymbol `json:"children,omitempty"`
}

// SymbolInformation is something that a workspace has.
type SymbolInformation struct {
	Name          string     `json:"name"`
	Kind          SymbolKind `json:"kind"`
	Location      Location   `json:"location"`
	ContainerName string     `json:"containerName,omitempty"`
}
