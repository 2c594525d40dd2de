package lsptest

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// Position is a place in a document, in UTF-16 units.
type Position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// Range is from a place to another.
type Range struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// Edit replaces a range.
type Edit struct {
	Range   Range  `json:"range"`
	NewText string `json:"newText"`
}

// Location is a range of a document.
type Location struct {
	URI   string `json:"uri"`
	Range Range  `json:"range"`
}

// Diagnostic is one that the server published.
type Diagnostic struct {
	Range    Range  `json:"range"`
	Severity int    `json:"severity"`
	Message  string `json:"message"`
}

// Published are the diagnostics of a document as they came last.
type Published struct {
	URI         string       `json:"uri"`
	Version     *int         `json:"version"`
	Diagnostics []Diagnostic `json:"diagnostics"`
	// Count is how often the document's diagnostics were published.
	Count int `json:"-"`
}

// document is an open document, as runs of UTF-16.
type document struct {
	version int
	text    []uint16
}

// URI returns the URI of a file.
func URI(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// Identifier names a document in parameters.
func Identifier(path string) map[string]string { return map[string]string{"uri": URI(path)} }

// At names a place in parameters.
func At(path string, at Position) map[string]any {
	return map[string]any{"textDocument": Identifier(path), "position": at}
}

// Open opens a document.
func (c *Client) Open(path, text string) {
	c.t.Helper()
	c.documents[URI(path)] = &document{version: 1, text: utf16.Encode([]rune(text))}
	c.Notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
		"uri": URI(path), "languageId": "gantry", "version": 1, "text": text,
	}})
}

// Close closes a document.
func (c *Client) Close(path string) {
	c.t.Helper()
	delete(c.documents, URI(path))
	c.Notify("textDocument/didClose", map[string]any{"textDocument": Identifier(path)})
}

// Change edits a document as an editor does when someone types, and tells the server
// the edit alone.
func (c *Client) Change(path string, edits ...Edit) {
	c.t.Helper()
	open := c.documents[URI(path)]
	var changes []map[string]any
	for _, edit := range edits {
		open.apply(edit)
		changes = append(changes, map[string]any{"range": edit.Range, "text": edit.NewText})
	}
	open.version++
	c.Notify("textDocument/didChange", map[string]any{
		"textDocument": map[string]any{"uri": URI(path), "version": open.version}, "contentChanges": changes,
	})
}

// Replace replaces the first place that has a text.
func (c *Client) Replace(path, before, after string) {
	c.t.Helper()
	c.Change(path, Edit{Range: Range{c.Find(path, before, 0), c.Find(path, before, len(before))}, NewText: after})
}

// SetText replaces all of a document.
func (c *Client) SetText(path, text string) {
	c.t.Helper()
	open := c.documents[URI(path)]
	open.version++
	open.text = utf16.Encode([]rune(text))
	c.Notify("textDocument/didChange", map[string]any{
		"textDocument": map[string]any{"uri": URI(path), "version": open.version}, "contentChanges": []map[string]any{{"text": text}},
	})
}

// Text returns a document as it is in the editor.
func (c *Client) Text(path string) string {
	c.t.Helper()
	open := c.documents[URI(path)]
	if open == nil {
		c.t.Fatalf("%s is not open", path)
	}
	return string(utf16.Decode(open.text))
}

// Find returns the place some bytes after the start of the first place that has a
// text.
func (c *Client) Find(path, text string, bytes int) Position {
	c.t.Helper()
	content := c.Text(path)
	i := strings.Index(content, text)
	if i < 0 {
		c.t.Fatalf("%s has no %q:\n%s", path, text, content)
	}
	before := content[:i+bytes]
	line := strings.LastIndexByte(before, '\n') + 1
	return Position{Line: strings.Count(before, "\n"), Character: len(utf16.Encode([]rune(before[line:])))}
}

// TextAt returns the text of a range.
func (c *Client) TextAt(path string, r Range) string {
	c.t.Helper()
	open := c.documents[URI(path)]
	return string(utf16.Decode(open.text[open.offset(r.Start):open.offset(r.End)]))
}

// ApplyEdits does what the server proposes, all of which is of the text as it is.
func (c *Client) ApplyEdits(path string, edits []Edit) {
	c.t.Helper()
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(b.Range.Start.Line, a.Range.Start.Line), cmp.Compare(b.Range.Start.Character, a.Range.Start.Character))
	})
	c.Change(path, edits...)
}

func (d *document) apply(edit Edit) {
	from, to := d.offset(edit.Range.Start), d.offset(edit.Range.End)
	d.text = slices.Concat(d.text[:from], utf16.Encode([]rune(edit.NewText)), d.text[to:])
}

func (d *document) offset(p Position) int {
	line, i := 0, 0
	for ; line < p.Line; line++ {
		next := slices.Index(d.text[i:], '\n')
		if next < 0 {
			return len(d.text)
		}
		i += next + 1
	}
	return min(i+p.Character, len(d.text))
}

// Diagnostics waits for the diagnostics of a document as it is now in the editor.
func (c *Client) Diagnostics(path string) []Diagnostic {
	c.t.Helper()
	open := c.documents[URI(path)]
	return c.WaitDiagnostics(path, func(p Published) bool { return open == nil || p.Version != nil && *p.Version == open.version })
}

// WaitDiagnostics waits for diagnostics of a document that are as wanted.
func (c *Client) WaitDiagnostics(path string, wanted func(Published) bool) []Diagnostic {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		got, arrived := c.published[URI(path)], c.arrived
		c.mu.Unlock()
		if got.Count > 0 && wanted(got) {
			return got.Diagnostics
		}
		select {
		case <-arrived:
		case <-c.ended:
			c.t.Fatalf("the server has ended; the diagnostics of %s were %+v", path, got)
		case <-deadline:
			c.t.Fatalf("the diagnostics of %s are %+v", path, got)
		}
	}
}
