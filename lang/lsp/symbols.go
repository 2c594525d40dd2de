package lsp

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/schema"
)

// maxSymbols and maxFolders bound what is looked for in a workspace.
const (
	maxSymbols = 1000
	maxFolders = 10_000
)

// documentSymbols lists what a file has: its blocks, and what is in them.
func (s *Server) documentSymbols(p protocol.DocumentParams) (any, error) {
	file, err := s.file(p.TextDocument.URI)
	if file == nil {
		return nil, err
	}
	symbols := []protocol.DocumentSymbol{}
	if body := file.Native(); body != nil {
		symbols = append(symbols, s.bodySymbols(file, body)...)
	} else {
		for _, d := range file.Declarations {
			symbols = append(symbols, protocol.DocumentSymbol{
				Name: addressText(d.Address), Kind: symbolKind(d.Type), Range: s.rangeOf(file, d.Whole), SelectionRange: s.rangeOf(file, d.Name),
			})
		}
	}
	if s.client.TextDocument.DocumentSymbol.HierarchicalDocumentSymbolSupport {
		return symbols, nil
	}
	flat := []protocol.SymbolInformation{}
	return s.flatten(flat, file, symbols, ""), nil
}

// flatten lists symbols for editors that know no tree of them.
func (s *Server) flatten(into []protocol.SymbolInformation, file *index.File, symbols []protocol.DocumentSymbol, container string) []protocol.SymbolInformation {
	for _, symbol := range symbols {
		into = append(into, protocol.SymbolInformation{
			Name: symbol.Name, Kind: symbol.Kind, ContainerName: container,
			Location: protocol.Location{URI: s.uri(file.Path), Range: symbol.Range},
		})
		into = s.flatten(into, file, symbol.Children, symbol.Name)
	}
	return into
}

// bodySymbols lists the blocks and arguments of a body in the order of the file.
func (s *Server) bodySymbols(file *index.File, body *hclsyntax.Body) []protocol.DocumentSymbol {
	type entry struct {
		start  int
		symbol protocol.DocumentSymbol
	}
	var entries []entry
	for _, block := range body.Blocks {
		whole := index.Span{Start: block.TypeRange.Start.Byte, End: max(block.CloseBraceRange.End.Byte, block.OpenBraceRange.End.Byte)}
		entries = append(entries, entry{whole.Start, protocol.DocumentSymbol{
			Name: strings.Join(append([]string{block.Type}, block.Labels...), " "), Kind: symbolKind(block.Type),
			Range: s.rangeOf(file, whole), SelectionRange: s.rangeOf(file, index.SpanOf(block.DefRange())),
			Children: s.bodySymbols(file, block.Body),
		}})
	}
	for name, attribute := range body.Attributes {
		entries = append(entries, entry{attribute.SrcRange.Start.Byte, protocol.DocumentSymbol{
			Name: name, Kind: protocol.SymbolProperty,
			Range: s.rangeOf(file, index.SpanOf(attribute.SrcRange)), SelectionRange: s.rangeOf(file, index.SpanOf(attribute.NameRange)),
		}})
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.start - b.start })
	symbols := make([]protocol.DocumentSymbol, len(entries))
	for i, e := range entries {
		symbols[i] = e.symbol
	}
	return symbols
}

func symbolKind(blockType string) protocol.SymbolKind {
	switch blockType {
	case "variable":
		return protocol.SymbolVariable
	case "locals", "output":
		return protocol.SymbolConstant
	case "function":
		return protocol.SymbolFunction
	case "module":
		return protocol.SymbolNamespace
	}
	return protocol.SymbolClass
}

// workspaceSymbols finds what the modules below the workspace's folders, and those of
// open documents, declare.
func (s *Server) workspaceSymbols(ctx context.Context, p protocol.WorkspaceSymbolParams) (any, error) {
	for _, dir := range s.moduleFolders(ctx) {
		s.module(dir)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	symbols := []protocol.SymbolInformation{}
	query := strings.ToLower(p.Query)
	for _, dir := range schema.SortedKeys(s.modules) {
		m := s.modules[dir]
		m.read(s)
		for _, file := range m.all() {
			for _, d := range file.Declarations {
				if !matches(strings.ToLower(addressText(d.Address)), query) {
					continue
				}
				if len(symbols) == maxSymbols {
					return symbols, nil
				}
				symbols = append(symbols, protocol.SymbolInformation{
					Name: addressText(d.Address), Kind: symbolKind(d.Type), Location: s.locationOf(file, d.Header), ContainerName: filepath.Base(dir),
				})
			}
		}
	}
	return symbols, nil
}

// matches reports whether a text has the characters of a query in their order, as
// editors expect of such a search.
func matches(text, query string) bool {
	for _, r := range query {
		i := strings.IndexRune(text, r)
		if i < 0 {
			return false
		}
		text = text[i+len(string(r)):]
	}
	return true
}

// moduleFolders finds the directories with files of gantry's below the workspace's
// folders.
func (s *Server) moduleFolders(ctx context.Context) []string {
	var found []string
	seen := 0
	for _, folder := range s.folders {
		_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return fs.SkipAll
			case err != nil:
				return nil //nolint:nilerr // what cannot be read has no symbols
			case entry.IsDir():
				if name := entry.Name(); path != folder && (strings.HasPrefix(name, ".") || name == "node_modules") {
					return fs.SkipDir
				}
				if seen++; seen > maxFolders {
					return fs.SkipAll
				}
			case index.KindOf(path) != index.Other:
				if dir := filepath.Dir(path); !slices.Contains(found, dir) {
					found = append(found, dir)
				}
			}
			return nil
		})
	}
	return found
}
