package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/plan/view/words"
)

// What is told of plan files, sources and servers may be written by who wants to deceive
// its reader: none of it reaches a terminal as an escape sequence, or as a character
// that changes the direction of others.

// jsonEncoder writes JSON that is as harmless on a terminal.
func jsonEncoder(w io.Writer) *json.Encoder { return json.NewEncoder(words.EscapeJSON(w)) }

// printable is a text of several lines in which nothing but lines and characters that
// are seen is left; the others are escaped.
func printable(text string) string {
	if !strings.Contains(text, "\n") {
		return words.Printable(text)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = words.Printable(strings.TrimRight(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

// printableDiagnostic is a diagnostic with printable texts.
func printableDiagnostic(d *hcl.Diagnostic) *hcl.Diagnostic {
	out := *d
	out.Summary, out.Detail = printable(d.Summary), printable(d.Detail)
	return &out
}

// printableFiles are files of which every line can be shown: of what cannot be, each byte
// is a question mark, so that positions stay what they are.
func printableFiles(files map[string]*hcl.File) map[string]*hcl.File {
	var out map[string]*hcl.File
	for name, file := range files {
		if file == nil || !strings.ContainsFunc(string(file.Bytes), hidden) {
			continue
		}
		if out == nil {
			out = maps.Clone(files)
		}
		masked := *file
		masked.Bytes = make([]byte, 0, len(file.Bytes))
		for rest := file.Bytes; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if hidden(r) && !bytes.HasPrefix(rest, []byte("\r\n")) {
				masked.Bytes = append(masked.Bytes, strings.Repeat("?", size)...)
			} else {
				masked.Bytes = append(masked.Bytes, rest[:size]...)
			}
			rest = rest[size:]
		}
		out[name] = &masked
	}
	if out == nil {
		return files
	}
	return out
}

// hidden reports whether a character of a file is neither seen nor a space.
func hidden(r rune) bool {
	return r != '\n' && r != '\t' && (r == '\r' || r == utf8.RuneError || !unicode.IsPrint(r) && !unicode.IsSpace(r))
}
