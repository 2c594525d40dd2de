// Package yamldoc reads Kubernetes objects from YAML and JSON, as strictly as
// a plan needs and as kubectl understands them.
//
// It is a leaf that the renderers share: it reads bytes, not files, and knows
// no schema and no cluster. Scalars are those of YAML 1.1 as sigs.k8s.io/yaml,
// kubectl and Helm read them (yes, on and y are booleans, 0755 is octal), keys
// become strings, integers are int64, and everything that kubectl would silently
// drop or round is an error: a duplicate key, an integer beyond 64 bits, text
// after the end of a document.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Limits on what is read. They are far above what an API server takes.
const (
	MaxBytes     = 32 << 20 // of one file
	MaxDepth     = 500      // of maps and lists in each other
	MaxDocuments = 100_000  // of one file
)

// Item is one object and where it starts.
type Item struct {
	Object   object.Object
	Line     int // of the document's first line, from 1
	Document int // from 1 in a file of several documents, else 0
}

// Origin names the place of an Item in a file, for people:
// "all.yaml:120 (document 3)".
func (i Item) Origin(file string) string {
	if i.Line <= 1 && i.Document == 0 {
		return file
	}
	if i.Document == 0 {
		return fmt.Sprintf("%s:%d", file, i.Line)
	}
	return fmt.Sprintf("%s:%d (document %d)", file, i.Line, i.Document)
}

// Options change how files are read.
type Options struct {
	// LastDuplicateWins takes the last of two equal keys in a map, as Helm and
	// kubectl do, where the default is an error.
	LastDuplicateWins bool
}

// YAML reads all objects of a file of YAML documents. Empty documents are
// skipped and lists (kind: List) are replaced by their items. An error is a
// *providers.RenderError with the file, the line, and the document where there
// are several.
func YAML(file string, data []byte, options Options) ([]Item, error) {
	if err := checkSize(file, data); err != nil {
		return nil, err
	}
	chunks, err := split(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if err != nil {
		return nil, &providers.RenderError{File: file, Err: err}
	}
	var items []Item
	for i, c := range chunks {
		document := 0
		if len(chunks) > 1 {
			document = i + 1
		}
		value, err := decodeYAML(c.text, options)
		if err != nil {
			line := c.line
			var at *lineError
			if errors.As(err, &at) {
				line += at.line - 1
				err = at.err
			}
			return nil, &providers.RenderError{File: file, Line: line, Document: document, Err: err}
		}
		objects, err := FromValue(value)
		if err != nil {
			return nil, &providers.RenderError{File: file, Line: c.content, Document: document, Err: err}
		}
		for _, o := range objects {
			items = append(items, Item{Object: o, Line: c.content, Document: document})
		}
	}
	return items, nil
}

func checkSize(file string, data []byte) error {
	if len(data) > MaxBytes {
		return &providers.RenderError{File: file, Err: fmt.Errorf("file of %d MiB, expected at most %d", len(data)>>20, MaxBytes>>20)}
	}
	return nil
}

// lineError is an error at a line of a document, from 1.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.err.Error()) }
func (e *lineError) Unwrap() error { return e.err }
