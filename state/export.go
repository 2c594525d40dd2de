package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/gantrycd/gantry/lang/addr"
)

// RevisionPrefix is what the keys of revisions are below. The last segment of one begins
// with the UID of its record and a dot.
const RevisionPrefix = "revisions"

// Export is a copy of what a store holds, but for its locks. What is sealed or encrypted in
// the store is so in it. As JSON it is the same for the same content.
type Export struct {
	FormatVersion int    `json:"formatVersion"`
	Lineage       string `json:"lineage"`
	// Application is the one that it is of; zero is everything.
	Application addr.Address `json:"application,omitzero"`
	// Keys are the values by key: JSON as it is, and what is none as {"base64": …}.
	Keys map[string]json.RawMessage `json:"keys"`
}

// unwrapper is a Store that changes values on their way to another.
type unwrapper interface{ Unwrap() Store }

// Export reads a copy of the state: all of it, or what is kept of one application. Values
// are read one by one, so that an apply that goes on meanwhile may be in it in parts; each
// record is whole.
func (r *Records) Export(ctx context.Context, of addr.Address) (*Export, error) {
	store := innermost(r.store)
	keys, err := store.List(ctx, "")
	if err != nil {
		return nil, err
	}
	out := &Export{FormatVersion: FormatVersion, Lineage: r.lineage, Application: of, Keys: map[string]json.RawMessage{}}
	var uid string
	if !of.IsZero() {
		if record, _, err := r.Get(ctx, of); err == nil && record != nil { // one that is broken is copied as it is
			uid = record.UID
		}
	}
	for _, key := range keys {
		if isLock(key) || !of.IsZero() && !isOf(key, of) && !isRevisionOf(key, uid) {
			continue
		}
		value, _, err := store.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			continue // it went since it was listed
		}
		if err != nil {
			return nil, err
		}
		if out.Keys[key], err = exported(value); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return out, nil
}

// innermost is the store that is below all that changes values.
func innermost(store Store) Store {
	for {
		inner, ok := store.(unwrapper)
		if !ok {
			return store
		}
		store = inner.Unwrap()
	}
}

// isOf reports whether a key is of an application: of its record, its hold, its revisions.
func isOf(key string, of addr.Address) bool {
	_, rest, _ := strings.Cut(key, "/")
	name := EscapeSegment(of.String())
	return rest == name || strings.HasPrefix(rest, name+"/")
}

// isRevisionOf reports whether a key is of a revision of the record with a UID: also where
// that was written when the application had another address.
func isRevisionOf(key, uid string) bool {
	return uid != "" && strings.HasPrefix(key, RevisionPrefix+"/") && strings.HasPrefix(path.Base(key), uid+".")
}

func isLock(key string) bool { return key == leasePrefix || strings.HasPrefix(key, leasePrefix+"/") }

// encodedValue is how a value is copied that is not JSON as encode writes it.
type encodedValue struct {
	Base64 []byte `json:"base64"`
}

func exported(value []byte) (json.RawMessage, error) {
	var text bytes.Buffer
	if utf8.Valid(value) && json.Compact(&text, value) == nil && bytes.Equal(append(text.Bytes(), '\n'), value) {
		return json.RawMessage(value), nil
	}
	return json.Marshal(encodedValue{append([]byte{}, value...)})
}

// ReadExport reads a copy as Records.Export made it, indented or not; nil where the document
// is something else. One that a newer gantry made is ErrNewer.
func ReadExport(document []byte) (*Export, error) {
	out := &Export{}
	if err := json.Unmarshal(document, out); err != nil || len(out.Keys) == 0 {
		return nil, nil
	}
	if out.FormatVersion > FormatVersion {
		return nil, fmt.Errorf("%w: the copy has format %d, and this one reads up to %d; use the newer gantry", ErrNewer, out.FormatVersion, FormatVersion)
	}
	for key := range out.Keys {
		if err := CheckKey(key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// value is what the store had at a key, byte by byte.
func (e *Export) value(key string) ([]byte, error) {
	var encoded encodedValue
	decoder := json.NewDecoder(bytes.NewReader(e.Keys[key]))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&encoded) == nil && encoded.Base64 != nil {
		return encoded.Base64, nil
	}
	var out bytes.Buffer
	if err := json.Compact(&out, e.Keys[key]); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return append(out.Bytes(), '\n'), nil
}
