package lsp

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/lsp/rpc"
	"github.com/gantrycd/gantry/lang/lsp/text"
)

// document is a file that is open in the editor, as it is there.
type document struct {
	uri     text.URI // as the editor writes it
	version int
	lines   *text.Lines
}

// didOpen takes over a document. One that is no file has no module: nothing is told
// of it.
func (s *Server) didOpen(p protocol.DidOpenParams) (any, error) {
	path, err := p.TextDocument.URI.Path()
	if err != nil {
		return nil, nil //nolint:nilerr // the editor may open what it likes
	}
	s.documents[path] = &document{
		uri: p.TextDocument.URI, version: p.TextDocument.Version, lines: text.Index([]byte(p.TextDocument.Text)),
	}
	if index.KindOf(path) != index.Other {
		s.module(filepath.Dir(path))
	}
	s.touch(path)
	return nil, nil
}

func (s *Server) didChange(p protocol.DidChangeParams) (any, error) {
	path, err := p.TextDocument.URI.Path()
	if err != nil {
		return nil, nil //nolint:nilerr // as for didOpen
	}
	open := s.documents[path]
	if open == nil {
		return nil, fmt.Errorf("%s was changed, but is not open", path)
	}
	open.version, open.lines = p.TextDocument.Version, open.lines.Apply(p.ContentChanges, s.encoding)
	s.touch(path)
	return nil, nil
}

func (s *Server) didSave(p protocol.DocumentParams) (any, error) {
	if path, err := p.TextDocument.URI.Path(); err == nil {
		s.touch(path)
	}
	return nil, nil
}

// didClose goes back to the file on disk. A module without open documents is
// forgotten, and with it its diagnostics.
func (s *Server) didClose(p protocol.DocumentParams) (any, error) {
	path, err := p.TextDocument.URI.Path()
	if err != nil {
		return nil, nil //nolint:nilerr // as for didOpen
	}
	delete(s.documents, path)
	s.touch(path)
	dir := filepath.Dir(path)
	if s.isOpen(dir) {
		return nil, nil
	}
	if m := s.modules[dir]; m != nil {
		s.setMade(m, nil)
		delete(s.modules, dir)
	}
	return nil, s.publish(dir, nil)
}

// didChangeFiles looks at every module again: their files are cheap to compare.
func (s *Server) didChangeFiles() {
	for _, m := range s.modules {
		s.touch(filepath.Join(m.dir, "any.gantry.hcl"))
	}
}

func (s *Server) didChangeFolders(p protocol.DidChangeFoldersParams) (any, error) {
	for _, folder := range p.Event.Removed {
		if path, err := folder.URI.Path(); err == nil {
			s.folders = slices.DeleteFunc(s.folders, func(f string) bool { return f == path })
		}
	}
	s.addFolders(p.Event.Added)
	return nil, nil
}

func (s *Server) addFolders(folders []protocol.Folder) {
	for _, folder := range folders {
		if path, err := folder.URI.Path(); err == nil && !slices.Contains(s.folders, path) {
			s.folders = append(s.folders, path)
		}
	}
}

// uri returns how the editor calls a file.
func (s *Server) uri(path string) text.URI {
	if open := s.documents[path]; open != nil {
		return open.uri
	}
	return text.FileURI(path)
}

// at returns the file and the offset that a request is about. The file is nil where
// it is none of gantry's.
func (s *Server) at(p protocol.PositionParams) (*index.File, int, error) {
	file, err := s.file(p.TextDocument.URI)
	if file == nil {
		return nil, 0, err
	}
	return file, file.Lines.Offset(p.Position, s.encoding), nil
}

// file returns the file of a request; nil where it is none of gantry's.
func (s *Server) file(uri text.URI) (*index.File, error) {
	path, err := uri.Path()
	if err != nil || index.KindOf(path) == index.Other {
		return nil, nil //nolint:nilerr // a document that is no file
	}
	m := s.module(filepath.Dir(path))
	m.read(s)
	if file := m.files[path]; file != nil {
		return file, nil
	}
	return nil, rpc.Errorf(rpc.InvalidParams, "%s is not open, and cannot be read", path)
}

// rangeOf returns where some bytes of a file are, as the editor counts.
func (s *Server) rangeOf(file *index.File, span index.Span) text.Range {
	return file.Lines.Range(span.Start, span.End, s.encoding)
}

func (s *Server) locationOf(file *index.File, span index.Span) protocol.Location {
	return protocol.Location{URI: s.uri(file.Path), Range: s.rangeOf(file, span)}
}
