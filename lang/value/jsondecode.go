package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// maxJSONDepth bounds nesting.
const maxJSONDepth = 256

// FromJSON converts the one value of a JSON text. Numbers keep every digit; what would
// change in silence (a key twice, a number out of range) is refused.
func FromJSON(text []byte) (cty.Value, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	v, err := readJSON(decoder, 0)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return cty.NilVal, errors.New("it ends too early")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return cty.NilVal, unexpected(text)
	}
	if err != nil {
		return cty.NilVal, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return cty.NilVal, errors.New("there is more after the end of the value")
	}
	return v, nil
}

// unexpected says where a text is no JSON.
func unexpected(text []byte) error {
	var syntax *json.SyntaxError
	if !errors.As(json.Unmarshal(text, new(json.RawMessage)), &syntax) || syntax.Offset < 1 || int(syntax.Offset) > len(text) {
		return errors.New("it is no JSON")
	}
	before := text[:syntax.Offset-1]
	r, _ := utf8.DecodeRune(text[len(before):])
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("line %d, column %d: %q is not expected here", 1+bytes.Count(before, []byte("\n")), column, r)
}

func readJSON(decoder *json.Decoder, depth int) (cty.Value, error) {
	token, err := decoder.Token()
	if err != nil {
		return cty.NilVal, err
	}
	if depth > maxJSONDepth {
		return cty.NilVal, fmt.Errorf("it is nested more than %d deep", maxJSONDepth)
	}
	switch token := token.(type) {
	case nil:
		return cty.NullVal(cty.DynamicPseudoType), nil
	case bool:
		return cty.BoolVal(token), nil
	case string:
		return cty.StringVal(token), nil
	case json.Number:
		return parseNumber(token.String())
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
