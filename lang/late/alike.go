package late

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/gantrycd/gantry/plan/object"
)

// OfObjectAlone reports whether what the expression comes to depends on nothing of a case
// but the object.
func (e Expression) OfObjectAlone() bool {
	return !e.IsZero() && slices.Equal(e.compiled.uses, []string{"object"})
}

// AppendKey appends what tells an object from others, of what the expressions look at: of
// two objects with the same key they come to the same. It is not kept where that is more
// than so many bytes, or of no kind that JSON has; what is returned is of no use then.
func (p *Parts) AppendKey(to []byte, o object.Object, most int) (key []byte, ok bool) {
	return p.object.appendKey(to, map[string]any(o), len(to)+most)
}

func (p *part) appendKey(to []byte, v any, end int) ([]byte, bool) {
	m, isMap := v.(map[string]any)
	if !isMap || p.all {
		return appendValue(to, v, end)
	}
	to = append(to, 'p')
	ok := true
	for _, name := range p.names {
		found, has := m[name]
		if !has {
			to = append(to, '-')
			continue
		}
		if to, ok = p.inner[name].appendKey(to, found, end); !ok {
			return to, false
		}
	}
	return to, len(to) <= end
}

// appendValue appends a value with its type and, where it has parts, how many: no two values
// have the same text.
func appendValue(to []byte, v any, end int) (_ []byte, ok bool) {
	switch v := v.(type) {
	case nil:
		to = append(to, 'n')
	case bool:
		if to = append(to, 'f'); v {
			to[len(to)-1] = 't'
		}
	case string:
		if len(to)+len(v) > end {
			return to, false
		}
		to = append(binary.AppendUvarint(append(to, 's'), uint64(len(v))), v...)
	case int64:
		to = binary.AppendVarint(append(to, 'i'), v)
	case float64:
		to = binary.BigEndian.AppendUint64(append(to, 'd'), math.Float64bits(v))
	case []any:
		to = binary.AppendUvarint(append(to, 'l'), uint64(len(v)))
		for _, inner := range v {
			if to, ok = appendValue(to, inner, end); !ok {
				return to, false
			}
		}
	case map[string]any:
		if len(to)+len(v) > end {
			return to, false
		}
		to = binary.AppendUvarint(append(to, 'm'), uint64(len(v)))
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if to, ok = appendValue(to, name, end); !ok {
				return to, false
			}
			if to, ok = appendValue(to, v[name], end); !ok {
				return to, false
			}
		}
	default:
		return to, false
	}
	return to, len(to) <= end
}
