package http

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gantrycd/gantry/state"
)

// formatVersion is the form of the document.
const formatVersion = 1

// document is all of the state. Serial and lineage are called as Terraform calls them,
// since servers read them: GitLab keeps a version for each serial.
type document struct {
	Gantry  int              `json:"gantry"` // the form
	Serial  int64            `json:"serial"` // one more at each write
	Lineage string           `json:"lineage"`
	Writer  string           `json:"writer"` // of this write alone
	Keys    map[string]entry `json:"keys"`
}

type entry struct {
	Version string `json:"version"`
	Value   []byte `json:"value"`
}

// read decodes a document; nothing at all is an empty one.
func read(data []byte) (*document, error) {
	found := &document{Keys: map[string]entry{}}
	if len(bytes.TrimSpace(data)) == 0 {
		return found, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(found); err != nil {
		return nil, fmt.Errorf("the document is not valid JSON: %w", err)
	}
	switch {
	case found.Gantry > formatVersion:
		return nil, fmt.Errorf("%w: the document has form %d, and this one reads up to %d; use the newer gantry", state.ErrNewer, found.Gantry, formatVersion)
	case found.Gantry < 1:
		return nil, errors.New("the document is none of gantry's: it may be a state of Terraform, which is left alone. Name another address")
	}
	if found.Keys == nil {
		found.Keys = map[string]entry{}
	}
	return found, nil
}

// next returns a document that comes after another, ready to be changed.
func (d *document) next() (*document, error) {
	out := &document{Gantry: formatVersion, Serial: d.Serial + 1, Lineage: d.Lineage, Writer: random(), Keys: make(map[string]entry, len(d.Keys)+1)}
	for key, one := range d.Keys {
		out.Keys[key] = one
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

// below returns the keys below a prefix, sorted.
func (d *document) below(prefix string) []string {
	var keys []string
	for key := range d.Keys {
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
