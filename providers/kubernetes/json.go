package kubernetes

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// maxDepth bounds the nesting of a document, whose values are read recursively.
const maxDepth = 10000

// decodeJSON decodes a JSON document into maps, slices, strings, bools, int64,
// float64 and nil: whole numbers that fit are int64, of equal keys the last one
// counts, and what is not UTF-8 becomes U+FFFD, as in
// k8s.io/apimachinery/pkg/util/json. It exists because a plan reads thousands
// of objects: it takes a fraction of the time and of the memory of reflection,
// since field names and short values, which the objects of a list have in
// common, are made once.
func decodeJSON(document []byte) (any, error) {
	p := parser{text: document, shared: map[string]any{}}
	value, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.text) {
		return nil, p.unexpected("after the document")
	}
	return value, nil
}

// parser reads one document.
type parser struct {
	text   []byte
	at     int
	shared map[string]any // short strings seen so far, to themselves
	fields []field        // of the maps that are being read, innermost last
	items  []any          // of the slices that are being read, innermost last
}

type field struct {
	key   string
	value any
}

const (
	maxShared       = 40   // bytes of a string that is worth looking up
	maxSharedValues = 8192 // strings to remember
)

// errTruncated tells that a document ends too early.
var errTruncated = errors.New("unexpected end of JSON")

func (p *parser) unexpected(where string) error {
	if p.at >= len(p.text) {
		return errTruncated
	}
	return fmt.Errorf("unexpected character %q %s at offset %d", p.text[p.at], where, p.at)
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\n', '\t', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) value(depth int) (any, error) {
	p.space()
	if p.at >= len(p.text) {
		return nil, errTruncated
	}
	switch c := p.text[p.at]; {
	case c == '{':
		return p.object(depth + 1)
	case c == '[':
		return p.array(depth + 1)
	case c == '"':
		return p.quoted()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	return p.literal()
}

func (p *parser) literal() (any, error) {
	switch {
	case p.word("null"):
		return nil, nil
	case p.word("true"):
		return true, nil
	case p.word("false"):
		return false, nil
	}
	return nil, p.unexpected("looking for a value")
}

func (p *parser) word(text string) bool {
	if len(p.text)-p.at < len(text) || string(p.text[p.at:p.at+len(text)]) != text {
		return false
	}
	p.at += len(text)
	return true
}

// object reads a map. Its fields are gathered first, so that the map is made in
// its final size.
func (p *parser) object(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("exceeded max depth")
	}
	p.at++
	start := len(p.fields)
	for first := true; ; first = false {
		p.space()
		if p.at >= len(p.text) {
			return nil, errTruncated
		}
		if p.text[p.at] == '}' && first {
			p.at++
			return map[string]any{}, nil
		}
		if p.text[p.at] != '"' {
			return nil, p.unexpected("looking for a key")
		}
		key, err := p.quoted()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != ':' {
			return nil, p.unexpected("after a key")
		}
		p.at++
		value, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		p.fields = append(p.fields, field{key.(string), value})
		more, err := p.more('}')
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	out := make(map[string]any, len(p.fields)-start)
	for _, f := range p.fields[start:] {
		out[f.key] = f.value
	}
	clear(p.fields[start:])
	p.fields = p.fields[:start]
	return out, nil
}

// array reads a slice, which is made in its final size.
func (p *parser) array(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("exceeded max depth")
	}
	p.at++
	p.space()
	if p.at < len(p.text) && p.text[p.at] == ']' {
		p.at++
		return []any{}, nil
	}
	start := len(p.items)
	for {
		value, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		p.items = append(p.items, value)
		more, err := p.more(']')
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	out := slices.Clone(p.items[start:])
	clear(p.items[start:])
	p.items = p.items[:start]
	return out, nil
}

// more reads a comma, or the end of a map or slice.
func (p *parser) more(end byte) (bool, error) {
	p.space()
	if p.at >= len(p.text) {
		return false, errTruncated
	}
	switch p.text[p.at] {
	case ',':
		p.at++
		return true, nil
	case end:
		p.at++
		return false, nil
	}
	return false, p.unexpected("after a value")
}

// number reads a number of JSON's grammar.
func (p *parser) number() (any, error) {
	start, whole := p.at, true
	if p.text[p.at] == '-' {
		p.at++
	}
	if p.at < len(p.text) && p.text[p.at] == '0' {
		p.at++
	} else if !p.digits() {
		return nil, p.unexpected("in a number")
	}
	if p.at < len(p.text) && p.text[p.at] == '.' {
		whole = false
		p.at++
		if !p.digits() {
			return nil, p.unexpected("in a number")
		}
	}
	if p.at < len(p.text) && (p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		whole = false
		p.at++
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if !p.digits() {
			return nil, p.unexpected("in a number")
		}
	}
	text := string(p.text[start:p.at])
	if whole {
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number, nil
		}
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("the number at offset %d is out of range", start)
	}
	return number, nil
}

func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}
