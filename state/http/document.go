package http

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/state"
)

// formatVersion is the form of the document that is written. The first had no
// compressed values.
const formatVersion = 2

// document is all of the state. It is never changed: next makes another. What is below a
// key stays as it was read until someone asks for it, since most of a document is of no
// concern to a request.
type document struct {
	header
	keys map[string]json.RawMessage // an entry each
	body []byte                     // what it was read from, or written as
}

// header is what a document says of itself. Serial and lineage are called as Terraform
// calls them, since servers read them: GitLab keeps a version for each serial.
type header struct {
	Gantry  int    `json:"gantry"` // the form
	Serial  int64  `json:"serial"` // one more at each write
	Lineage string `json:"lineage"`
	Writer  string `json:"writer"` // of this write alone
}

// read decodes a document; nothing at all is an empty one.
func read(data []byte) (*document, error) {
	found := struct {
		header
		Keys map[string]json.RawMessage `json:"keys"`
	}{}
	if len(bytes.TrimSpace(data)) == 0 {
		return &document{}, nil
	}
	if err := json.Unmarshal(data, &found); err != nil {
		return nil, fmt.Errorf("the document is not valid JSON: %w", err)
	}
	switch {
	case found.Gantry > formatVersion:
		return nil, fmt.Errorf("%w: the document has form %d, and this one reads up to %d; use the newer gantry", state.ErrNewer, found.Gantry, formatVersion)
	case found.Gantry < 1:
		return nil, errors.New("the document is none of gantry's: it may be a state of Terraform, which is left alone. Name another address")
	}
	return &document{header: found.header, keys: found.Keys, body: data}, nil
}

// next returns a document that comes after another, ready to be changed and sealed.
func (d *document) next() (*document, error) {
	out := &document{header: header{Gantry: formatVersion, Serial: d.Serial + 1, Lineage: d.Lineage, Writer: random()}, keys: maps.Clone(d.keys)}
	if out.keys == nil {
		out.keys = map[string]json.RawMessage{}
	}
	if out.Lineage == "" {
		made, err := uuid.NewRandom()
		if err != nil {
			return nil, fmt.Errorf("making a lineage: %w", err)
		}
		out.Lineage = made.String()
	}
	return out, nil
}

// seal makes the body of a document that is changed no more: a line for each key, in
// their order.
func (d *document) seal() error {
	start, err := json.Marshal(d.header)
	if err != nil {
		return fmt.Errorf("encoding state: %w", err)
	}
	size := len(start) + len(`,"keys":{`) + len("\n}}\n")
	for key, raw := range d.keys {
		size += len(key) + len(raw) + len(",\n\"\":")
	}
	body := append(make([]byte, 0, size), bytes.TrimSuffix(start, []byte("}"))...)
	body = append(body, `,"keys":{`...)
	for i, key := range slices.Sorted(maps.Keys(d.keys)) {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, "\n\""...)
		body = append(body, key...) // which has no character that JSON escapes: see state.CheckKey
		body = append(body, "\":"...)
		body = append(body, d.keys[key]...)
	}
	d.body = append(body, "\n}}\n"...)
	return nil
}

// below returns the keys below a prefix, sorted.
func (d *document) below(prefix string) []string {
	var keys []string
	for key := range d.keys {
		if prefix == "" || strings.HasPrefix(key, prefix+"/") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// random returns what no one else returns.
func random() string {
	var bytes [12]byte
	_, _ = rand.Read(bytes[:]) // which never fails
	return hex.EncodeToString(bytes[:])
}
