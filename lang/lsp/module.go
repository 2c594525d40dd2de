package lsp

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/text"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// module is a directory of which documents are open, or were asked about.
type module struct {
	dir   string
	files map[string]*index.File // by path
	disk  map[string]stamp       // of the files that are as they are on disk
	sound map[string]*index.File // as the files last were without syntax errors

	dirty bool               // it is to be analysed
	stop  context.CancelFunc // ends its analysis; nil where there is none
	// scope is what the last analysis came to; nil before the first.
	scope *lang.Scope
	calls []string // the directories that the last analysis read: its own, and those of the modules that it calls
	made  []string // those of the modules that it calls and that it has an instance of
	// meanwhile are the files that changed while it was being analysed: only then is it
	// told which of them it reads.
	meanwhile []string
}

// stamp tells whether a file on disk has changed.
type stamp struct {
	modified time.Time
	size     int64
}

// module returns the module of a directory.
func (s *Server) module(dir string) *module {
	m := s.modules[dir]
	if m == nil {
		m = &module{dir: dir, files: map[string]*index.File{}, disk: map[string]stamp{}, sound: map[string]*index.File{}}
		s.modules[dir] = m
	}
	return m
}

// touch has the modules that a file is in, or below, or that call a module that it is
// in or below, analysed anew.
func (s *Server) touch(path string) {
	for _, m := range s.modules {
		if m.stop != nil {
			m.meanwhile = append(m.meanwhile, path)
		}
		if !m.reads(path) {
			continue
		}
		m.dirty = true
		if m.stop != nil {
			m.stop()
		}
	}
	select {
	case s.changed <- struct{}{}:
	default: // it is going to look anyway
	}
}

// reads reports whether the module may read a file, as far as is known.
func (m *module) reads(path string) bool {
	return isBelow(path, m.dir) || slices.ContainsFunc(m.calls, func(dir string) bool { return isBelow(path, dir) })
}

func isBelow(path, dir string) bool {
	relative, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(relative)
}

// read brings the module's files up to date: those that changed are parsed.
func (m *module) read(s *Server) {
	present := map[string]bool{}
	for path, open := range s.documents {
		if filepath.Dir(path) != m.dir || index.KindOf(path) == index.Other {
			continue
		}
		present[path] = true
		delete(m.disk, path)
		if known := m.files[path]; known == nil || known.Lines != open.lines {
			m.add(index.Parse(path, open.lines, s.vocabulary, known))
		}
	}
	entries, _ := os.ReadDir(m.dir) // a directory that is not there has open documents alone
	for _, entry := range entries {
		path := filepath.Join(m.dir, entry.Name())
		if entry.IsDir() || present[path] || index.KindOf(path) == index.Other {
			continue
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		now := stamp{modified: info.ModTime(), size: info.Size()}
		present[path] = true
		if then, ok := m.disk[path]; ok && then == now && m.files[path] != nil {
			continue
		}
		content, err := readBounded(path)
		if err != nil {
			s.report(err)
			delete(present, path)
			continue
		}
		m.disk[path] = now
		m.add(index.Parse(path, text.Index(content), s.vocabulary, m.files[path]))
	}
	for path := range m.files {
		if !present[path] {
			delete(m.files, path)
			delete(m.disk, path)
			delete(m.sound, path)
		}
	}
}

func (m *module) add(file *index.File) {
	m.files[file.Path] = file
	if !file.Diags.HasErrors() {
		m.sound[file.Path] = file
	}
}

// readBounded reads a file, of one that is too large to be parsed only so much that
// this can be told.
func readBounded(path string) (content []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return io.ReadAll(io.LimitReader(file, syntax.MaxSize+1))
}

// all returns the module's files, sorted by path.
func (m *module) all() []*index.File {
	files := make([]*index.File, 0, len(m.files))
	for _, path := range schema.SortedKeys(m.files) {
		files = append(files, m.files[path])
	}
	return files
}

// declared is a declaration and the file that has it.
type declared struct {
	index.Declaration
	file *index.File
}

// declarations returns what the module declares. Of a file with syntax errors that
// is also what it declared when it had none, at last.
func (m *module) declarations() []declared {
	var all []declared
	for _, file := range m.all() {
		seen := map[addr.Address]bool{}
		for _, d := range file.Declarations {
			seen[d.Address] = true
			all = append(all, declared{d, file})
		}
		before := m.sound[file.Path]
		if before == nil || before == file {
			continue
		}
		for _, d := range before.Declarations {
			if !seen[d.Address] {
				all = append(all, declared{d, before})
			}
		}
	}
	return all
}

// find returns the declarations of an address, of which there should be one.
func (m *module) find(a addr.Address) []declared {
	return slices.DeleteFunc(m.declarations(), func(d declared) bool { return !d.Referable || d.Address != a })
}

// missing returns what is referred to and not declared, of what has a root, sorted.
func (m *module) missing(root string) []addr.Address {
	have := map[addr.Address]bool{}
	for _, d := range m.declarations() {
		have[d.Address] = true
	}
	var found []addr.Address
	for _, file := range m.files {
		for _, r := range file.References {
			if root != "" && r.Address.Kind == root && !have[r.Address] {
				have[r.Address] = true
				found = append(found, r.Address)
			}
		}
	}
	slices.SortFunc(found, addr.Address.Compare)
	return found
}
