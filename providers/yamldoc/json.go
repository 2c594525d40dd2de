package yamldoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gantrycd/gantry/providers"
)

// JSON reads all objects of a file of JSON: one value, or several one after
// another. Everything else is as for YAML.
func JSON(file string, data []byte, options Options) ([]Item, error) {
	if err := checkSize(file, data); err != nil {
		return nil, err
	}
	d := jsonDecoder{data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), options: options}
	d.tokens = json.NewDecoder(bytes.NewReader(d.data))
	d.tokens.UseNumber()
	var items []Item
	for {
		value, line, err := d.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &providers.RenderError{File: file, Line: d.lineOf(err), Err: d.explain(err)}
		}
		objects, err := FromValue(value)
		if err != nil {
			return nil, &providers.RenderError{File: file, Line: line, Err: err}
		}
		for _, o := range objects {
			items = append(items, Item{Object: o, Line: line})
		}
	}
	return items, nil
}

// DecodeJSON reads one JSON value, strictly, into Object's shape.
func DecodeJSON(data []byte) (any, error) {
	d := jsonDecoder{data: data, tokens: json.NewDecoder(bytes.NewReader(data))}
	d.tokens.UseNumber()
	value, _, err := d.next()
	if err != nil {
		return nil, d.explain(err)
	}
	if _, err := d.tokens.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the end of the JSON value")
	}
	return value, nil
}

// jsonDecoder builds values from tokens, because that is where duplicate keys
// are still seen.
type jsonDecoder struct {
	data    []byte
	tokens  *json.Decoder
	options Options
}

// next reads one value and the line that it starts on.
func (d *jsonDecoder) next() (any, int, error) {
	token, err := d.tokens.Token()
	if err != nil {
		return nil, 0, err
	}
	line := d.line(d.tokens.InputOffset())
	value, err := d.value(token, 0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return value, line, err
}

func (d *jsonDecoder) value(token json.Token, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested more than %d deep", MaxDepth)
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return d.object(depth)
		}
		return d.array(depth)
	case json.Number:
		return shapeNumber(t)
	default:
		return t, nil
	}
}

func (d *jsonDecoder) object(depth int) (any, error) {
	m := map[string]any{}
	for d.tokens.More() {
		token, err := d.tokens.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		if _, twice := m[key]; twice && !d.options.LastDuplicateWins {
			return nil, fmt.Errorf("key %q already set in map", key)
		}
		if token, err = d.tokens.Token(); err != nil {
			return nil, err
		}
		if m[key], err = d.value(token, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.tokens.Token()
	return m, err
}

func (d *jsonDecoder) array(depth int) (any, error) {
	list := []any{}
	for d.tokens.More() {
		token, err := d.tokens.Token()
		if err != nil {
			return nil, err
		}
		item, err := d.value(token, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := d.tokens.Token()
	return list, err
}

func (d *jsonDecoder) line(offset int64) int {
	return 1 + bytes.Count(d.data[:min(offset, int64(len(d.data)))], []byte("\n"))
}

func (d *jsonDecoder) lineOf(err error) int {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return d.line(syntax.Offset)
	}
	return d.line(d.tokens.InputOffset())
}

func (d *jsonDecoder) explain(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the JSON ends too early")
	}
	return err
}
