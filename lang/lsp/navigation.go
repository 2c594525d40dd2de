package lsp

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/protocol"
)

// named is the block that a place names: where it is declared, or refers to it.
type named struct {
	address addr.Address
	name    index.Span // of the place
}

// namedAt returns what block a place names.
func namedAt(file *index.File, offset int) (named, bool) {
	if d, ok := file.DeclarationAt(offset); ok {
		return named{address: d.Address, name: d.Name}, true
	}
	if r, ok := file.ReferenceAt(offset); ok {
		return named{address: r.Address, name: r.Name}, true
	}
	return named{}, false
}

// addressText renders an address as it is written where it is referred to.
func addressText(a addr.Address) string {
	if a.Kind == index.Function {
		return index.Function + "::" + a.Name
	}
	return a.String()
}

// moduleOf returns the module of a file that a request was about.
func (s *Server) moduleOf(file *index.File) *module { return s.module(filepath.Dir(file.Path)) }

// definition says where what a place refers to is declared.
func (s *Server) definition(p protocol.PositionParams) (any, error) {
	file, offset, err := s.at(p)
	if file == nil {
		return nil, err
	}
	if forEach, ok := eachAt(file, offset); ok {
		return []protocol.Location{s.locationOf(file, forEach)}, nil
	}
	target, ok := namedAt(file, offset)
	if !ok {
		return nil, nil
	}
	locations := []protocol.Location{}
	for _, d := range s.moduleOf(file).find(target.address) {
		locations = append(locations, s.locationOf(d.file, d.Name))
	}
	return locations, nil
}

// eachAt returns the for_each argument that gives a place's each.key or each.value.
func eachAt(file *index.File, offset int) (index.Span, bool) {
	block := blockAt(file, offset)
	if block == nil || block.Body.Attributes["for_each"] == nil {
		return index.Span{}, false
	}
	for _, traversal := range variables(block) {
		if traversal.RootName() == "each" && index.SpanOf(traversal.SourceRange()).Has(offset) {
			return index.SpanOf(block.Body.Attributes["for_each"].NameRange), true
		}
	}
	return index.Span{}, false
}

// place is one place that names a block.
type place struct {
	file     *index.File
	name     index.Span
	declares bool
	plain    bool // the name stands there as it is
}

// places returns where a block is named, file by file, in order.
func (m *module) places(a addr.Address) []place {
	var found []place
	for _, file := range m.all() {
		for _, d := range file.Declarations {
			if d.Address == a {
				found = append(found, place{file: file, name: d.Name, declares: true, plain: true})
			}
		}
		for _, r := range file.References {
			if r.Address == a {
				found = append(found, place{file: file, name: r.Name, plain: r.Plain})
			}
		}
	}
	return found
}

// references lists where what a place names is used.
func (s *Server) references(p protocol.ReferenceParams) (any, error) {
	file, offset, err := s.at(p.PositionParams)
	if file == nil {
		return nil, err
	}
	target, ok := namedAt(file, offset)
	if !ok {
		return nil, nil
	}
	locations := []protocol.Location{}
	for _, found := range s.moduleOf(file).places(target.address) {
		if !found.declares || p.Context.IncludeDeclaration {
			locations = append(locations, s.locationOf(found.file, found.name))
		}
	}
	return locations, nil
}

// highlight lists where what a place names is in its own file.
func (s *Server) highlight(p protocol.PositionParams) (any, error) {
	file, offset, err := s.at(p)
	if file == nil {
		return nil, err
	}
	target, ok := namedAt(file, offset)
	if !ok {
		return nil, nil
	}
	highlights := []protocol.Highlight{}
	for _, found := range s.moduleOf(file).places(target.address) {
		if found.file != file {
			continue
		}
		kind := protocol.HighlightRead
		if found.declares {
			kind = protocol.HighlightWrite
		}
		highlights = append(highlights, protocol.Highlight{Range: s.rangeOf(file, found.name), Kind: kind})
	}
	slices.SortFunc(highlights, func(a, b protocol.Highlight) int {
		return cmp.Or(cmp.Compare(a.Range.Start.Line, b.Range.Start.Line), cmp.Compare(a.Range.Start.Character, b.Range.Start.Character))
	})
	return highlights, nil
}
