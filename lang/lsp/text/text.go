// Package text is documents as editors and the language see them: bytes with lines,
// positions that editors count in UTF-16 or UTF-8, edits, and the URIs by which
// editors call files. It knows no language. Only lang/lsp and the packages below it
// import it.
package text

import (
	"slices"
	"sort"
	"unicode/utf8"
)

// Encoding is the unit in which an editor counts the characters of a line.
type Encoding string

// The encodings that are spoken. UTF16 is what every editor can.
const (
	UTF16 Encoding = "utf-16"
	UTF8  Encoding = "utf-8"
)

// Position is a place in a document as an editor has it, both counted from 0.
type Position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// Range is from a position up to another, which is not in it.
type Range struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// Lines is a text with an index of its lines. It is not changed once it was made.
type Lines struct {
	Bytes  []byte
	starts []int
}

// Index returns a text with its lines. Lines end with a line feed, a carriage return,
// or both. It takes over the text.
func Index(content []byte) *Lines {
	starts := make([]int, 1, 1+len(content)/32)
	for i, c := range content {
		if c == '\n' || c == '\r' && (i+1 == len(content) || content[i+1] != '\n') {
			starts = append(starts, i+1)
		}
	}
	return &Lines{Bytes: content, starts: starts}
}

// Offset returns the byte at a position. A position after the end of its line is
// that end, and one after the last line the text's end.
func (l *Lines) Offset(p Position, encoding Encoding) int {
	if p.Line < 0 {
		return 0
	}
	if p.Line >= len(l.starts) {
		return len(l.Bytes)
	}
	at, end := l.starts[p.Line], l.lineEnd(p.Line)
	for units := 0; units < p.Character && at < end; {
		r, width := utf8.DecodeRune(l.Bytes[at:end])
		units += encoding.width(r, width)
		if units > p.Character {
			break // within a character: its beginning
		}
		at += width
	}
	return at
}

// lineEnd returns the offset of the characters that end a line.
func (l *Lines) lineEnd(line int) int {
	if line+1 == len(l.starts) {
		return len(l.Bytes)
	}
	end := l.starts[line+1] - 1
	if l.Bytes[end] == '\n' && end > l.starts[line] && l.Bytes[end-1] == '\r' {
		end--
	}
	return end
}

// Position returns where a byte is. An offset out of the text is its nearest end.
func (l *Lines) Position(offset int, encoding Encoding) Position {
	offset = max(0, min(offset, len(l.Bytes)))
	line := sort.SearchInts(l.starts, offset+1) - 1
	units := 0
	for at := l.starts[line]; at < offset; {
		r, width := utf8.DecodeRune(l.Bytes[at:])
		if at+width > offset {
			break
		}
		units += encoding.width(r, width)
		at += width
	}
	return Position{Line: line, Character: units}
}

// Range returns where some bytes are.
func (l *Lines) Range(start, end int, encoding Encoding) Range {
	return Range{Start: l.Position(start, encoding), End: l.Position(end, encoding)}
}

// width is how many units a character of a number of bytes has.
func (e Encoding) width(r rune, bytes int) int {
	switch {
	case e == UTF8:
		return bytes
	case r > 0xffff:
		return 2
	}
	return 1
}

// Change replaces a range of a text, or without a range all of it.
type Change struct {
	Range *Range `json:"range"`
	Text  string `json:"text"`
}

// Apply returns the text after some changes, each of which is of the text that the
// one before it left.
func (l *Lines) Apply(changes []Change, encoding Encoding) *Lines {
	for _, change := range changes {
		if change.Range == nil {
			l = Index([]byte(change.Text))
			continue
		}
		start, end := l.Offset(change.Range.Start, encoding), l.Offset(change.Range.End, encoding)
		if end < start {
			start, end = end, start
		}
		l = Index(slices.Concat(l.Bytes[:start], []byte(change.Text), l.Bytes[end:]))
	}
	return l
}
