package lsp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/lsp/text"
	"github.com/gantrycd/gantry/lang/schema"
)

// maxDiagnostics bounds what is sent about one file.
const maxDiagnostics = 1000

// published is what was sent about a file because of one module.
type published []protocol.Diagnostic

// byFile turns diagnostics into those of each file. What is about no place is shown
// at the start of the module's first file.
func (s *Server) byFile(t snapshot, diags hcl.Diagnostics) map[string]published {
	found := map[string]published{}
	paths := schema.SortedKeys(t.files)
	for _, diag := range diags {
		converted := protocol.Diagnostic{Severity: protocol.SeverityError, Source: "gantry", Message: diag.Summary + ". " + diag.Detail}
		if diag.Severity == hcl.DiagWarning {
			converted.Severity = protocol.SeverityWarning
		}
		path := paths[0]
		if diag.Subject != nil {
			named, ok := t.locate(diag.Subject.Filename)
			if ok {
				path = named
				converted.Range = s.subject(t, path, *diag.Subject)
			} else {
				converted.Message += fmt.Sprintf(" (%s)", diag.Subject)
			}
		}
		if len(found[path]) < maxDiagnostics && !slices.Contains(found[path], converted) {
			found[path] = append(found[path], converted)
		}
	}
	return found
}

// locate returns the path of a file that a diagnostic is about; false where it is none
// on this machine, such as one of a module from elsewhere.
func (t snapshot) locate(filename string) (string, bool) {
	if !filepath.IsAbs(filename) {
		filename = filepath.Join(t.dir, filename)
	}
	if t.files[filename] != nil || t.documents[filename] != nil {
		return filename, true
	}
	_, err := os.Stat(filename)
	return filename, err == nil
}

// subject returns where a diagnostic is. Of a file that is neither the module's own nor
// open, HCL's columns stand in for the editor's.
func (s *Server) subject(t snapshot, path string, r hcl.Range) text.Range {
	if file := t.files[path]; file != nil {
		return file.Lines.Range(r.Start.Byte, r.End.Byte, s.encoding)
	}
	if open := t.documents[path]; open != nil {
		return open.lines.Range(r.Start.Byte, r.End.Byte, s.encoding)
	}
	position := func(p hcl.Pos) text.Position {
		return text.Position{Line: max(p.Line-1, 0), Character: max(p.Column-1, 0)}
	}
	return text.Range{Start: position(r.Start), End: position(r.End)}
}

// publish takes over what a module's analysis found, and sends the diagnostics of every
// file that has or had some by it, and of those that are open. A file whose owner is
// yet to be analysed has its turn then.
func (s *Server) publish(dir string, found map[string]published) error {
	for path, modules := range s.diagnostics {
		if len(modules[dir]) > 0 {
			s.pending[path] = true
			delete(modules, dir)
		}
		if len(modules) == 0 {
			delete(s.diagnostics, path)
		}
	}
	for path, diags := range found {
		s.pending[path] = true
		if s.diagnostics[path] == nil {
			s.diagnostics[path] = map[string]published{}
		}
		s.diagnostics[path][dir] = diags
	}
	for path := range s.documents {
		if filepath.Dir(path) == dir {
			s.pending[path] = true
		}
	}
	for _, path := range schema.SortedKeys(s.pending) {
		owners := s.owners(path)
		if slices.ContainsFunc(owners, func(owner string) bool { return s.waits(owner) }) {
			continue
		}
		delete(s.pending, path)
		if err := s.send(path, owners); err != nil {
			return err
		}
	}
	return nil
}

// send sends what is known of a file by the modules that own it.
func (s *Server) send(path string, owners []string) error {
	params := protocol.PublishDiagnosticsParams{URI: s.uri(path), Diagnostics: []protocol.Diagnostic{}}
	if open := s.documents[path]; open != nil {
		params.Version = &open.version
	}
	for _, owner := range owners {
		for _, diag := range s.diagnostics[path][owner] {
			if !slices.Contains(params.Diagnostics, diag) {
				params.Diagnostics = append(params.Diagnostics, diag)
			}
		}
	}
	return s.conn.Notify("textDocument/publishDiagnostics", params)
}
