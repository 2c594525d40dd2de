package lsp

import (
	"bytes"

	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/lsp/text"
	"github.com/gantrycd/gantry/lang/syntax"
)

// formatting brings a file to the canonical style, as `gantry fmt` does. A file with
// syntax errors stays as it is; its diagnostics say why.
func (s *Server) formatting(p protocol.DocumentParams) (any, error) {
	file, err := s.file(p.TextDocument.URI)
	if file == nil {
		return nil, err
	}
	formatted, diags := syntax.Format(file.Lines.Bytes, file.Path)
	if diags.HasErrors() {
		return nil, nil
	}
	edits := []protocol.TextEdit{}
	if edit, ok := difference(file.Lines, formatted, s.encoding); ok {
		edits = append(edits, edit)
	}
	return edits, nil
}

// difference returns the smallest edit of whole lines that makes one text the other:
// what is before and after it keeps its cursors and marks.
func difference(before *text.Lines, after []byte, encoding text.Encoding) (protocol.TextEdit, bool) {
	old := before.Bytes
	if bytes.Equal(old, after) {
		return protocol.TextEdit{}, false
	}
	start := 0
	for start < len(old) && start < len(after) && old[start] == after[start] {
		start++
	}
	start = bytes.LastIndexByte(old[:start], '\n') + 1
	tail := 0
	for tail < len(old)-start && tail < len(after)-start && old[len(old)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	// What is kept at the end begins after a line's end, in both.
	if skip := bytes.IndexByte(old[len(old)-tail:], '\n'); skip >= 0 {
		tail -= skip + 1
	} else {
		tail = 0
	}
	return protocol.TextEdit{
		Range:   before.Range(start, len(old)-tail, encoding),
		NewText: string(after[start : len(after)-tail]),
	}, true
}
