package lsp

import (
	"bytes"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/lsp/rpc"
	"github.com/gantrycd/gantry/lang/lsp/text"
	"github.com/gantrycd/gantry/lang/schema"
)

// prepareRename says what of a place can be renamed.
func (s *Server) prepareRename(p protocol.PositionParams) (any, error) {
	file, target, err := s.renamed(p)
	if file == nil {
		return nil, err
	}
	return protocol.PreparedRename{Range: s.rangeOf(file, target.name), Placeholder: target.address.Name}, nil
}

// renamed returns what a place names, if it is declared in the module. The file is nil
// where there is nothing to rename.
func (s *Server) renamed(p protocol.PositionParams) (*index.File, named, error) {
	file, offset, err := s.at(p)
	if file == nil {
		return nil, named{}, err
	}
	target, ok := namedAt(file, offset)
	if !ok {
		return nil, named{}, nil
	}
	m := s.moduleOf(file)
	if !slices.ContainsFunc(m.places(target.address), func(found place) bool { return found.declares }) {
		return nil, named{}, rpc.Errorf(rpc.RequestFailed, "%s is not declared in this module, so that it cannot be renamed", addressText(target.address))
	}
	return file, target, nil
}

// rename renames a variable, a local value or a block with a name, and all that refers
// to it in its module. It refuses where it could not do all of that.
func (s *Server) rename(p protocol.RenameParams) (any, error) {
	file, target, err := s.renamed(p.PositionParams)
	if file == nil {
		return nil, err
	}
	m := s.moduleOf(file)
	if !hclsyntax.ValidIdentifier(p.NewName) {
		return nil, rpc.Errorf(rpc.RequestFailed, "%q cannot be a name: it must start with a letter or \"_\" and have only letters, digits, \"_\" and \"-\"", p.NewName)
	}
	clash := target.address
	clash.Name = p.NewName
	if clash == target.address {
		return protocol.WorkspaceEdit{}, nil
	}
	for _, d := range m.declarations() {
		if d.Address == clash {
			return nil, rpc.Errorf(rpc.RequestFailed, "%s is declared already, in %s", addressText(clash), filepath.Base(d.file.Path))
		}
	}
	for _, other := range m.all() {
		if other.Diags.HasErrors() {
			return nil, rpc.Errorf(rpc.RequestFailed, "%s has syntax errors, so that references to %s may not be found in it; mend them first", filepath.Base(other.Path), addressText(target.address))
		}
	}
	if other := m.callsInJSON(target.address); other != nil {
		return nil, rpc.Errorf(rpc.RequestFailed, "%s seems to be called in %s, where calls cannot be found; rename it there first", addressText(target.address), filepath.Base(other.Path))
	}
	edits := map[*index.File][]protocol.TextEdit{}
	for _, found := range m.places(target.address) {
		if !found.plain {
			at := s.rangeOf(found.file, found.name).Start
			return nil, rpc.Errorf(rpc.RequestFailed, "%s is referred to at %s:%d in a way that cannot be replaced; rename it there first", addressText(target.address), filepath.Base(found.file.Path), at.Line+1)
		}
		edits[found.file] = append(edits[found.file], protocol.TextEdit{Range: s.rangeOf(found.file, found.name), NewText: p.NewName})
	}
	if target.address.Kind == "application" || target.address.Kind == "module" {
		err = s.conn.Notify("window/showMessage", protocol.MessageParams{
			Type:    protocol.MessageWarning,
			Message: "An address is an identity: to what was applied, " + clash.String() + " is new and " + target.address.String() + " is gone. Unless that is meant, add moved { from = " + target.address.String() + ", to = " + clash.String() + " } before the next plan.",
		})
	}
	return s.workspaceEdit(edits), err
}

// callsInJSON returns a file in JSON syntax in which a function may be called.
func (m *module) callsInJSON(a addr.Address) *index.File {
	for _, file := range m.all() {
		if a.Kind == index.Function && file.Native() == nil && bytes.Contains(file.Lines.Bytes, []byte(addressText(a))) {
			return file
		}
	}
	return nil
}

// workspaceEdit puts the edits of several files together.
func (s *Server) workspaceEdit(edits map[*index.File][]protocol.TextEdit) protocol.WorkspaceEdit {
	byPath := map[string][]protocol.TextEdit{}
	for file, list := range edits {
		byPath[file.Path] = list
	}
	var edit protocol.WorkspaceEdit
	for _, path := range schema.SortedKeys(byPath) {
		if !s.client.Workspace.WorkspaceEdit.DocumentChanges {
			if edit.Changes == nil {
				edit.Changes = map[text.URI][]protocol.TextEdit{}
			}
			edit.Changes[s.uri(path)] = byPath[path]
			continue
		}
		document := protocol.VersionedDocument{URI: s.uri(path)}
		if open := s.documents[path]; open != nil {
			document.Version = &open.version
		}
		edit.DocumentChanges = append(edit.DocumentChanges, protocol.DocumentEdit{TextDocument: document, Edits: byPath[path]})
	}
	return edit
}
