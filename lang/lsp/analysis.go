package lsp

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/overlay"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// debounce is how long after a change a module is analysed, so that what is typed at
// once is looked at once.
const debounce = 2 * time.Millisecond

// analyse analyses modules that changed until the context ends.
func (s *Server) analyse(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(debounce):
		}
		for more := true; more && ctx.Err() == nil; {
			more = s.analyseNext(ctx)
		}
	}
}

// analyseNext analyses one module that changed, and reports whether there was one.
// What came to nothing because the module changed meanwhile is dropped.
func (s *Server) analyseNext(ctx context.Context) (more bool) {
	s.mu.Lock()
	m := s.nextDirty()
	if m == nil {
		s.mu.Unlock()
		return false
	}
	defer func() {
		if cause := recover(); cause != nil {
			s.mu.Lock()
			m.stop = nil
			s.mu.Unlock()
			s.report(fmt.Errorf("analysing: panic: %v\n%s", cause, debug.Stack()))
		}
	}()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	m.dirty, m.stop, m.meanwhile = false, stop, nil
	m.read(s)
	taken := s.snapshot(m)
	s.mu.Unlock()

	found := taken.analyse(ctx, s)

	s.mu.Lock()
	defer s.mu.Unlock()
	m.stop = nil
	if ctx.Err() != nil || s.modules[m.dir] != m {
		return true
	}
	known := m.calls
	m.calls = found.calls
	if slices.ContainsFunc(m.meanwhile, m.reads) {
		m.calls = append(known, found.calls...) // what has changed may not be called any more
		m.dirty = true
		return true
	}
	if found.scope != nil && (m.scope == nil || !taken.broken()) {
		m.scope = found.scope // of what is broken, values are not known
	}
	s.setMade(m, found.made)
	if err := s.publish(m.dir, s.byFile(taken, found.diags)); err != nil {
		s.report(err)
	}
	return true
}

// nextDirty returns a module that has changed and of which a document is open.
func (s *Server) nextDirty() *module {
	for _, dir := range schema.SortedKeys(s.modules) {
		m := s.modules[dir]
		if !m.dirty {
			continue
		}
		if s.isOpen(dir) {
			return m
		}
		m.dirty = false
	}
	return nil
}

// isOpen reports whether a document of a module is open.
func (s *Server) isOpen(dir string) bool {
	for path := range s.documents {
		if filepath.Dir(path) == dir && index.KindOf(path) != index.Other {
			return true
		}
	}
	return false
}

// snapshot is a module at one time. Nothing in it changes.
type snapshot struct {
	dir       string
	files     map[string]*index.File
	documents map[string]*document // all that are open, by path
}

func (s *Server) snapshot(m *module) snapshot {
	taken := snapshot{dir: m.dir, files: maps.Clone(m.files), documents: make(map[string]*document, len(s.documents))}
	for path, open := range s.documents {
		copied := *open
		taken.documents[path] = &copied
	}
	return taken
}

// analysis is what a snapshot came to.
type analysis struct {
	diags hcl.Diagnostics
	scope *lang.Scope // nil where there is no configuration
	calls []string
	made  []string
}

// analyse finds all that is wrong with the module.
func (t snapshot) analyse(ctx context.Context, s *Server) analysis {
	var found analysis
	configured := false
	for _, path := range schema.SortedKeys(t.files) {
		if index.KindOf(path) == index.Configuration {
			configured = true
		} else {
			found.diags = append(found.diags, t.files[path].Diags...)
		}
	}
	if !configured {
		return found
	}
	contents := make(map[string][]byte, len(t.documents))
	for path, open := range t.documents {
		contents[path] = open.lines.Bytes
	}
	over := overlay.New(contents)
	defer over.Close()
	scope, diags := t.evaluate(ctx, over, s)
	for _, diag := range diags {
		if diag.Summary != undeclared || !t.broken() {
			found.diags = append(found.diags, diag)
		}
	}
	found.scope, found.calls = scope, over.Opened()
	if scope != nil {
		found.made = scope.Modules()
	}
	return found
}

// broken reports whether a file of the configuration has syntax errors.
func (t snapshot) broken() bool {
	for path, file := range t.files {
		if index.KindOf(path) == index.Configuration && file.Diags.HasErrors() {
			return true
		}
	}
	return false
}

// undeclared is the summary of diagnostics about names that may be declared where a
// file could not be read for the line that is being typed in it.
const undeclared = "Reference to undeclared block"

func (t snapshot) evaluate(ctx context.Context, over *overlay.Layers, s *Server) (*lang.Scope, hcl.Diagnostics) {
	files, err := over.Open(t.dir)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read configuration", Detail: err.Error()}}
	}
	options := lang.LoadOptions{FS: files, Version: s.version, Parse: t.parse, OpenDir: over.Open, Context: ctx}
	if s.modulesOf != nil {
		options.Modules = s.modulesOf(t.dir)
	}
	m, diags := lang.Load(t.dir, options)
	if ctx.Err() != nil {
		return nil, nil
	}
	inputs, more := lang.ReadVariables(m, lang.VarArgs{})
	diags = append(diags, more...)
	_, scope, more := m.EvaluateScope(ctx, lang.EvalOptions{Variables: inputs})
	return scope, append(diags, more...)
}

// parse parses a file, if it has not been already.
func (t snapshot) parse(src []byte, filename string) (*hcl.File, hcl.Diagnostics) {
	file := t.files[filename]
	if file == nil || string(file.Lines.Bytes) != string(src) {
		return syntax.Parse(src, filename)
	}
	diags := make(hcl.Diagnostics, len(file.Diags))
	for i, diag := range file.Diags {
		copied := *diag
		diags[i] = &copied
	}
	return file.HCL, diags
}
