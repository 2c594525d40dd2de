package generate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// maxDepth bounds the nesting of JSON.
const maxDepth = 256

// decodeAll reads the documents of a text: one of JSON, or YAML. Numbers keep every
// digit, and a key twice is an error.
func decodeAll(text []byte) ([]cty.Value, error) {
	if !json.Valid(text) {
		return value.FromYAML(text)
	}
	v, err := fromJSON(text)
	if err != nil {
		return nil, err
	}
	return []cty.Value{v}, nil
}

// fromJSON reads JSON, which YAML has all but some escapes of.
func fromJSON(text []byte) (cty.Value, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	v, err := readJSON(decoder, 0)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return cty.NilVal, errors.New("it ends too early")
	}
	if err != nil {
		return cty.NilVal, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return cty.NilVal, errors.New("there is more after the end of the value")
	}
	return v, nil
}

func readJSON(decoder *json.Decoder, depth int) (cty.Value, error) {
	token, err := decoder.Token()
	if err != nil {
		return cty.NilVal, err
	}
	if depth > maxDepth {
		return cty.NilVal, fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	switch token := token.(type) {
	case nil:
		return cty.NullVal(cty.DynamicPseudoType), nil
	case bool:
		return cty.BoolVal(token), nil
	case string:
		return cty.StringVal(token), nil
	case json.Number:
		number, err := cty.ParseNumberVal(token.String())
		if err != nil {
			return cty.NilVal, fmt.Errorf("the number %s is out of range", token)
		}
		return number, nil
	case json.Delim:
		if token == '[' {
			return readArray(decoder, depth)
		}
		return readObject(decoder, depth)
	}
	return cty.NilVal, fmt.Errorf("unexpected %v", token)
}

func readArray(decoder *json.Decoder, depth int) (cty.Value, error) {
	var elements []cty.Value
	for decoder.More() {
		v, err := readJSON(decoder, depth+1)
		if err != nil {
			return cty.NilVal, err
		}
		elements = append(elements, v)
	}
	_, err := decoder.Token()
	return cty.TupleVal(elements), err
}

func readObject(decoder *json.Decoder, depth int) (cty.Value, error) {
	attributes := map[string]cty.Value{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return cty.NilVal, err
		}
		name, _ := token.(string)
		name = cty.NormalizeString(name)
		if _, ok := attributes[name]; ok {
			return cty.NilVal, fmt.Errorf("the key %q is given twice", name)
		}
		if attributes[name], err = readJSON(decoder, depth+1); err != nil {
			return cty.NilVal, err
		}
	}
	_, err := decoder.Token()
	return cty.ObjectVal(attributes), err
}
