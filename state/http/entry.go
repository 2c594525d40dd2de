package http

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gantrycd/gantry/state"
)

// entry is what the document has of a key: the value as it is, or compressed where that
// is shorter.
type entry struct {
	Version string `json:"version"`
	Value   []byte `json:"value,omitempty"`
	Gzip    []byte `json:"gzip,omitempty"`
}

// compressible is how long a value is that may be shorter when it is compressed.
const compressible = 128

// encodeEntry returns what a document has of a value that is written with a version.
func encodeEntry(version string, value []byte) (json.RawMessage, error) {
	made := entry{Version: version, Value: value}
	if len(value) >= compressible {
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		if _, err := writer.Write(value); err != nil {
			return nil, fmt.Errorf("compressing state: %w", err)
		}
		if err := writer.Close(); err != nil {
			return nil, fmt.Errorf("compressing state: %w", err)
		}
		if packed.Len() < len(value) {
			made = entry{Version: version, Gzip: packed.Bytes()}
		}
	}
	raw, err := json.Marshal(made)
	if err != nil {
		return nil, fmt.Errorf("encoding state: %w", err)
	}
	return raw, nil
}

// entry returns what the document has of a key, and whether it has it.
func (d *document) entry(key string) (entry, bool, error) {
	raw, ok := d.keys[key]
	if !ok {
		return entry{}, false, nil
	}
	var found entry
	if err := json.Unmarshal(raw, &found); err != nil {
		return entry{}, true, &state.BrokenError{Key: key, Reason: "the document has it in another form: " + err.Error()}
	}
	return found, true, nil
}

// value returns the value of an entry.
func (e entry) value(key string) ([]byte, error) {
	if e.Gzip == nil {
		return e.Value, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(e.Gzip))
	if err != nil {
		return nil, &state.BrokenError{Key: key, Reason: "it cannot be decompressed: " + err.Error()}
	}
	value, err := io.ReadAll(io.LimitReader(reader, maxAnswer+1))
	if err == nil && len(value) > maxAnswer {
		err = fmt.Errorf("it is larger than %d MiB", maxAnswer>>20)
	}
	if err != nil {
		return nil, &state.BrokenError{Key: key, Reason: "it cannot be decompressed: " + err.Error()}
	}
	return value, nil
}
