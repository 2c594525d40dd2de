package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gantrycd/gantry/lang/addr"
)

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
	store := r.store
	for {
		inner, ok := store.(unwrapper)
		if !ok {
			break
		}
		store = inner.Unwrap()
	}
	keys, err := store.List(ctx, "")
	if err != nil {
		return nil, err
	}
	out := &Export{FormatVersion: FormatVersion, Lineage: r.lineage, Application: of, Keys: map[string]json.RawMessage{}}
	for _, key := range keys {
		if strings.HasPrefix(key, leasePrefix+"/") || !of.IsZero() && !isOf(key, of) {
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

// isOf reports whether a key is of an application: of its record, its hold, its revisions.
func isOf(key string, of addr.Address) bool {
	_, rest, _ := strings.Cut(key, "/")
	name := EscapeSegment(of.String())
	return rest == name || strings.HasPrefix(rest, name+"/")
}

func exported(value []byte) (json.RawMessage, error) {
	if utf8.Valid(value) && json.Valid(value) {
		return json.RawMessage(value), nil
	}
	return json.Marshal(map[string][]byte{"base64": value})
}
