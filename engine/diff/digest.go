package diff

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/gantrycd/gantry/plan/object"
)

// Digest returns a keyed digest of a desired object, for state.Owned.Desired. The
// order of keys and the difference of 1 and 1.0 do not matter.
func (d *Differ) Digest(desired object.Object) string {
	return d.mac("desired", appendValue(nil, map[string]any(desired)))
}

// mac returns a keyed digest of text, for one use: digests of different uses never
// compare equal.
func (d *Differ) mac(use string, text []byte) string {
	return d.fingerprinter.Digest([]byte(use), text)
}

// appendValue appends an unambiguous encoding of a JSON-shaped value: a letter
// for the type, a length or the number, and the content, keys sorted.
func appendValue(out []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(out, 'n')
	case bool:
		if v {
			return append(out, 't')
		}
		return append(out, 'f')
	case string:
		return appendString(out, v)
	case int64:
		return appendInt(out, v)
	case int:
		return appendInt(out, int64(v))
	case float64:
		if n := int64(v); float64(n) == v {
			return appendInt(out, n)
		}
		return binary.BigEndian.AppendUint64(append(out, 'd'), math.Float64bits(v))
	case []any:
		out = binary.AppendUvarint(append(out, 'l'), uint64(len(v)))
		for _, item := range v {
			out = appendValue(out, item)
		}
		return out
	case map[string]any:
		out = binary.AppendUvarint(append(out, 'm'), uint64(len(v)))
		for _, key := range sortedKeys(v) {
			out = appendValue(appendString(out, key), v[key])
		}
		return out
	case object.Object:
		return appendValue(out, map[string]any(v))
	default:
		return appendString(append(out, '?'), fmt.Sprintf("%T %v", v, v))
	}
}

func appendString(out []byte, s string) []byte {
	return append(binary.AppendUvarint(append(out, 's'), uint64(len(s))), s...)
}

func appendInt(out []byte, n int64) []byte {
	return binary.AppendVarint(append(out, 'i'), n)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
