package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Some write the JSON of a webhook as a text, with values between quotes:
// "{\"text\": \"${app.operation.message}\"}". A quote in a value would end the string there,
// and what follows it would be part of the document. So such a text is written a second time
// with values as JSON strings have them. Where that is another document, it is the one that
// was meant. In what jsonencode(...) writes values are strings anyway, and it is not.

// document returns of a text and the same with escaped values the one to send.
func document(plain, escaped string) string {
	if plain == escaped {
		return plain
	}
	meant, err := tokens(escaped)
	if err != nil {
		return plain // it is no JSON
	}
	if got, err := tokens(plain); err != nil || got != meant {
		return escaped
	}
	return plain
}

// tokens is of what a JSON text consists, but for what its strings and numbers say.
func tokens(text string) (string, error) {
	var out strings.Builder
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			if !json.Valid([]byte(text)) {
				return "", errors.New("it is no document")
			}
			return out.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case json.Delim:
			out.WriteRune(rune(token))
		case string:
			out.WriteByte('s')
		case float64:
			out.WriteByte('n')
		case bool:
			out.WriteByte('b')
		default:
			out.WriteByte('0')
		}
	}
}

// inJSON is a text as a string of JSON has it, without the quotes.
func inJSON(text string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return "" // a string can always be encoded
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(out.String(), "\n"), `"`), `"`)
}
