package lsp

import (
	"path/filepath"
	"slices"

	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/schema"
)

// owners returns the modules whose analyses tell what is wrong with a file, sorted.
//
// A module that others call is told of as they call it, not as if it were a
// configuration of its own: much that is an error there is none here, and what is wrong
// in both would be told twice. Of those that call each other, the outermost tells. A
// module that nobody who is known makes an instance of tells of itself. What is no
// configuration is everyone's who has something about it.
func (s *Server) owners(path string) []string {
	dir := filepath.Dir(path)
	all := schema.SortedKeys(s.modules)
	has := func(owner string) bool { return len(s.diagnostics[path][owner]) > 0 }
	if index.KindOf(path) != index.Configuration {
		return slices.DeleteFunc(all, func(owner string) bool { return !has(owner) && owner != dir })
	}
	var callers []string
	for _, owner := range all {
		if owner != dir && slices.Contains(s.modules[owner].made, dir) {
			callers = append(callers, owner)
		}
	}
	outermost := slices.DeleteFunc(slices.Clone(callers), func(inner string) bool {
		return slices.ContainsFunc(callers, func(outer string) bool {
			return outer != inner && slices.Contains(s.modules[outer].made, inner)
		})
	})
	switch {
	case len(outermost) > 0:
		return outermost
	case len(callers) > 0: // which call each other
		return callers
	case s.isOpen(dir):
		return []string{dir}
	}
	return slices.DeleteFunc(all, func(owner string) bool { return !has(owner) })
}

// setMade takes over of which modules one has instances. Files may have other owners
// then.
func (s *Server) setMade(m *module, made []string) {
	if slices.Equal(m.made, made) {
		return
	}
	m.made = made
	for path := range s.diagnostics {
		s.pending[path] = true
	}
}

// waits reports whether a module is going to be analysed anew.
func (s *Server) waits(dir string) bool {
	m := s.modules[dir]
	return m != nil && (m.stop != nil || m.dirty && s.isOpen(dir))
}
