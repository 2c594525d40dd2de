package rendercache

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// errMalformed means that bytes are not what the encoder writes.
var errMalformed = errors.New("the entry is malformed")

// The tags of values. Numbers keep their type: 1.0 that came back as 1 would be
// another object.
const (
	tagNil = iota
	tagFalse
	tagTrue
	tagInt
	tagFloat
	tagText
	tagList
	tagMap
)

// encoder writes JSON-shaped values as bytes; equal values give equal bytes.
type encoder struct {
	bytes []byte
	err   error
	names []string
}

func (e *encoder) count(n int) { e.bytes = binary.AppendUvarint(e.bytes, uint64(n)) }

func (e *encoder) text(texts ...string) {
	for _, text := range texts {
		e.count(len(text))
		e.bytes = append(e.bytes, text...)
	}
}

// json writes a value of Go that has no field which JSON leaves out, but for those
// that the caller writes itself.
func (e *encoder) json(value any) {
	text, err := json.Marshal(value)
	e.err = errors.Join(e.err, err)
	e.text(string(text))
}

func (e *encoder) sortedNames() {
	slices.Sort(e.names)
	e.count(len(e.names))
	e.text(e.names...)
}

func (e *encoder) value(value any) {
	switch v := value.(type) {
	case nil:
		e.bytes = append(e.bytes, tagNil)
	case bool:
		if v {
			e.bytes = append(e.bytes, tagTrue)
		} else {
			e.bytes = append(e.bytes, tagFalse)
		}
	case int64:
		e.bytes = binary.AppendVarint(append(e.bytes, tagInt), v)
	case float64:
		e.bytes = binary.BigEndian.AppendUint64(append(e.bytes, tagFloat), math.Float64bits(v))
	case string:
		e.bytes = append(e.bytes, tagText)
		e.text(v)
	case []any:
		e.bytes = append(e.bytes, tagList)
		e.count(len(v))
		for _, item := range v {
			e.value(item)
		}
	case map[string]any:
		e.bytes = append(e.bytes, tagMap)
		e.count(len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			e.text(key)
			e.value(v[key])
		}
	default:
		e.err = errors.Join(e.err, fmt.Errorf("a value of type %T cannot be kept", value))
	}
}

// decoder reads what encoder writes. After an error it returns zero values.
type decoder struct {
	bytes []byte
	err   error
}

func (d *decoder) fail() {
	d.err, d.bytes = errMalformed, nil
}

// end returns the error, which it is that something is left.
func (d *decoder) end() error {
	if d.err == nil && len(d.bytes) > 0 {
		return errMalformed
	}
	return d.err
}

// count reads a number of things that each take a byte at least.
func (d *decoder) count() int {
	n, size := binary.Uvarint(d.bytes)
	if size <= 0 || n > uint64(len(d.bytes)-size) {
		d.fail()
		return 0
	}
	d.bytes = d.bytes[size:]
	return int(n)
}

func (d *decoder) text() string {
	n := d.count()
	text := string(d.bytes[:n])
	d.bytes = d.bytes[n:]
	return text
}

func (d *decoder) value() any {
	if len(d.bytes) == 0 {
		d.fail()
		return nil
	}
	tag := d.bytes[0]
	d.bytes = d.bytes[1:]
	switch tag {
	case tagNil:
		return nil
	case tagFalse, tagTrue:
		return tag == tagTrue
	case tagInt:
		n, size := binary.Varint(d.bytes)
		if size <= 0 {
			d.fail()
			return nil
		}
		d.bytes = d.bytes[size:]
		return n
	case tagFloat:
		if len(d.bytes) < 8 {
			d.fail()
			return nil
		}
		bits := binary.BigEndian.Uint64(d.bytes)
		d.bytes = d.bytes[8:]
		return math.Float64frombits(bits)
	case tagText:
		return d.text()
	case tagList:
		list := make([]any, d.count())
		for i := range list {
			if list[i] = d.value(); d.err != nil {
				return nil
			}
		}
		return list
	case tagMap:
		n := d.count()
		out := make(map[string]any, n)
		for range n {
			key := d.text()
			if out[key] = d.value(); d.err != nil {
				return nil
			}
		}
		return out
	}
	d.fail()
	return nil
}
