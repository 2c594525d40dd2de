package lsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/lsp/cursor"
	"github.com/gantrycd/gantry/lang/lsp/index"
	"github.com/gantrycd/gantry/lang/lsp/protocol"
	"github.com/gantrycd/gantry/lang/schema"
)

// maxItems bounds how much is offered at once. Where there is more, the editor asks
// again when more of the word is written.
const maxItems = 1000

// proposals are what may be written at a place.
type proposals struct {
	*Server
	module   *module
	file     *index.File
	at       cursor.Cursor
	offset   int
	snippets bool
	alone    bool // nothing follows on the line
	items    []protocol.CompletionItem
}

// completion lists what may be written at a place.
func (s *Server) completion(p protocol.PositionParams) (any, error) {
	file, offset, err := s.at(p)
	if file == nil || file.Native() == nil {
		return nil, err
	}
	c := &proposals{
		Server: s, module: s.moduleOf(file), file: file, offset: offset,
		at:       cursor.At(file.Lines.Bytes, blockBefore(file, offset), offset),
		snippets: s.client.TextDocument.Completion.CompletionItem.SnippetSupport,
		alone:    endsHere(file.Lines.Bytes[offset:]),
	}
	switch kind := index.KindOf(file.Path); {
	case kind == index.Values:
		c.variables()
	case kind == index.Test && c.at.Place != cursor.Expression:
	case c.at.Place == cursor.Item:
		c.item()
	case c.at.Place == cursor.Label:
		c.label()
	case c.at.Place == cursor.Text:
		c.text()
	case c.at.Place == cursor.Expression:
		c.expression()
	}
	return c.list(), nil
}

// endsHere reports whether nothing but blanks is left of a line.
func endsHere(rest []byte) bool {
	line, _, _ := strings.Cut(string(rest[:min(len(rest), 1000)]), "\n")
	return strings.TrimSpace(line) == ""
}

// list returns the proposals; of very many those that begin with the word.
func (c *proposals) list() protocol.CompletionList {
	incomplete := len(c.items) > maxItems
	if incomplete {
		word := strings.ToLower(c.at.Word)
		c.items = slices.DeleteFunc(c.items, func(item protocol.CompletionItem) bool {
			return !strings.HasPrefix(strings.ToLower(item.Label), word)
		})
		c.items = c.items[:min(len(c.items), maxItems)]
	}
	if c.items == nil {
		c.items = []protocol.CompletionItem{}
	}
	return protocol.CompletionList{IsIncomplete: incomplete, Items: c.items}
}

// proposal is one thing that may be written.
type proposal struct {
	label   string
	kind    protocol.CompletionKind
	detail  string
	doc     string
	text    string // what is written, if not the label
	snippet string // likewise, for editors that know snippets
	last    bool   // after those that are more likely
}

func (c *proposals) add(p proposal) {
	item := protocol.CompletionItem{
		Label: p.label, Kind: p.kind, Detail: shown(p.detail, 120), InsertTextFormat: protocol.InsertPlain,
		SortText: "1" + p.label,
		TextEdit: protocol.TextEdit{Range: c.rangeOf(c.file, index.Span{Start: c.at.Start, End: c.offset}), NewText: p.label},
	}
	if p.last {
		item.SortText = "2" + p.label
	}
	if p.text != "" {
		item.TextEdit.NewText = p.text
	}
	if p.snippet != "" && c.snippets {
		item.TextEdit.NewText, item.InsertTextFormat, item.InsertTextMode = p.snippet, protocol.InsertSnippet, protocol.AdjustIndentation
	}
	if p.doc != "" {
		item.Documentation = &protocol.MarkupContent{Kind: "markdown", Value: p.doc}
	}
	c.items = append(c.items, item)
}

// headers are the blocks around the place.
func (c *proposals) headers() []header {
	path := make([]header, len(c.at.Blocks))
	for i, block := range c.at.Blocks {
		path[i] = header{block.Type, block.Labels}
	}
	return path
}

// variables offers names of variables, of which a file of values sets some.
func (c *proposals) variables() {
	if c.at.Place != cursor.Item || len(c.at.Blocks) > 0 {
		return
	}
	set := map[string]bool{}
	for _, ref := range c.file.References {
		set[ref.Address.Name] = !ref.Name.Has(c.offset)
	}
	for _, d := range c.module.declarations() {
		if d.Address.Kind == "var" && !set[d.Address.Name] {
			c.add(proposal{label: d.Address.Name, kind: protocol.CompletionVariable, doc: d.Doc, text: c.assigned(d.Address.Name, " = ")})
		}
	}
}

// assigned is the name of an argument, with what follows it unless that is there.
func (c *proposals) assigned(name, rest string) string {
	if !c.alone {
		return name
	}
	return name + rest
}

// item offers blocks and arguments.
func (c *proposals) item() {
	if len(c.at.Blocks) == 0 {
		for _, blockType := range c.vocabulary.Types() {
			c.topLevel(blockType)
		}
		return
	}
	declared := c.declarationOf(c.headers())
	if declared == nil || declared.Free {
		return
	}
	written := c.at.Blocks[len(c.at.Blocks)-1].Items
	for _, argument := range declared.Arguments {
		if written[argument.Name] > 0 {
			continue
		}
		p := proposal{
			label: argument.Name, kind: protocol.CompletionProperty, detail: argument.Type.Name, doc: argumentDoc(argument),
			text: c.assigned(argument.Name, " = "), last: !argument.Required,
		}
		if c.alone {
			p.snippet = argumentSnippet(argument, 1)
		}
		c.add(p)
	}
	for _, nested := range declared.Blocks {
		if nested.Max == 0 || written[nested.Type] < nested.Max {
			c.block(nested.Block, nested.Min == 0 || written[nested.Type] > 0)
		}
	}
	if len(declared.Blocks) > 0 {
		c.add(proposal{
			label: "dynamic", kind: protocol.CompletionClass, detail: "dynamic \"TYPE\"", last: true,
			doc:     "Makes nested blocks, one for every element of a value.",
			snippet: c.onlyAlone("dynamic \"${1:type}\" {\n  for_each = $2\n  content {\n    $0\n  }\n}"),
		})
	}
}

func (c *proposals) onlyAlone(snippet string) string {
	if !c.alone {
		return ""
	}
	return snippet
}

// topLevel offers the blocks of a type, of each where its label chooses one of several.
func (c *proposals) topLevel(blockType string) {
	labels := c.vocabulary.TypeLabels(blockType)
	if labels == nil {
		c.block(c.vocabulary.Block(blockType, nil), false)
	}
	for _, label := range labels {
		c.block(c.vocabulary.Block(blockType, []string{label}), false)
	}
}

// block offers a block.
func (c *proposals) block(declared *schema.Block, last bool) {
	label := declared.Type
	if len(declared.Labels) == 2 {
		label += fmt.Sprintf(" %q", declared.Labels[0])
	}
	p := proposal{label: label, kind: protocol.CompletionClass, detail: declared.Header(), doc: declared.Doc, last: last, text: declared.Type}
	if c.alone {
		p.snippet = blockSnippet(declared)
	}
	c.add(p)
}

// label offers what a label may be: the types there are, or what is referred to and
// not declared.
func (c *proposals) label() {
	block := c.at.Blocks[len(c.at.Blocks)-1]
	n := len(block.Labels)
	if len(c.at.Blocks) > 1 {
		outer := c.declarationOf(c.headers()[:len(c.at.Blocks)-1])
		if outer == nil || block.Type != "dynamic" || n > 0 {
			return
		}
		for _, nested := range outer.Blocks {
			c.add(proposal{label: nested.Type, kind: protocol.CompletionClass, doc: nested.Doc})
		}
		return
	}
	if types := c.vocabulary.TypeLabels(block.Type); n == 0 && types != nil {
		for _, label := range types {
			c.add(proposal{label: label, kind: protocol.CompletionEnumMember, doc: c.vocabulary.Block(block.Type, []string{label}).Doc})
		}
		return
	}
	for _, a := range c.module.missing(c.vocabulary.RootOf(block.Type)) {
		if n == 0 || a.Type == block.Labels[0] {
			c.add(proposal{label: a.Name, kind: protocol.CompletionVariable, detail: "is referred to and not declared"})
		}
	}
}

// text offers what a string may be.
func (c *proposals) text() {
	declared := c.declarationOf(c.headers())
	if declared == nil {
		return
	}
	argument, _ := declared.Argument(c.at.Argument)
	for _, one := range argument.OneOf {
		c.add(proposal{label: one, kind: protocol.CompletionEnumMember})
	}
}
