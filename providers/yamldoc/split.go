package yamldoc

import (
	"bytes"
	"fmt"
)

// chunk is the text of one document that is not blank.
type chunk struct {
	text    []byte
	line    int // of the text's first line in the file, from 1
	content int // of the first line that says something
}

// split cuts a file at its document markers. A marker stays with the document
// that it starts; documents of nothing but blanks and comments are left out.
func split(data []byte) ([]chunk, error) {
	var chunks []chunk
	start, startLine := 0, 1
	flush := func(end int) error {
		c := chunk{text: data[start:end], line: startLine}
		blank := true
		if c.content, blank = contentLine(c); blank {
			return nil
		}
		if len(chunks) == MaxDocuments {
			return fmt.Errorf("more than %d documents", MaxDocuments)
		}
		chunks = append(chunks, c)
		return nil
	}
	line, directives := 1, true
	for offset := 0; offset < len(data); line++ {
		end := offset + lineLength(data[offset:])
		text := data[offset:end]
		switch {
		case isMarker(text, "---"):
			if !directives { // a document's directives belong to it
				if err := flush(offset); err != nil {
					return nil, err
				}
				start, startLine = offset, line
			}
			directives = false
		case isMarker(text, "..."):
			if err := flush(offset); err != nil {
				return nil, err
			}
			start, startLine = end, line+1
			directives = true
		case !isBlank(text) && text[0] != '%':
			directives = false
		}
		offset = end
	}
	if err := flush(len(data)); err != nil {
		return nil, err
	}
	return chunks, nil
}

// contentLine returns the line of a chunk's first content, and whether there
// is none.
func contentLine(c chunk) (line int, blank bool) {
	line = c.line
	for rest := c.text; len(rest) > 0; line++ {
		n := lineLength(rest)
		text := rest[:n]
		rest = rest[n:]
		if isMarker(text, "---") {
			text = text[3:]
		}
		if !isBlank(text) && text[0] != '%' {
			return line, false
		}
	}
	return c.line, true
}

func lineLength(data []byte) int {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1
	}
	return len(data)
}

// isMarker reports whether a line is a document marker, with or without
// something behind it.
func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	return len(line) == len(marker) || bytes.IndexByte([]byte(" \t\r\n"), line[len(marker)]) >= 0
}

// isBlank reports whether a line says nothing: blanks, or a comment.
func isBlank(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}
