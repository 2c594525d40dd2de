package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
)

// Some write the JSON of a webhook as a text, with values between quotes:
// "{\"text\": \"${app.operation.message}\"}". A quote in a value would end the string there,
// and what follows it would be part of the document. So such a text is written a second time
// with values as JSON strings have them. Where that is another document, it is the one that
// was meant. In what jsonencode(...) writes values are strings anyway, and it is not.
//
// It is written a third time with values that have nothing JSON is made of. Where that is no
// JSON, a value stands outside of quotes, and would be part of the document: it is refused.

// errOutsideQuotes is that values of a JSON text are no strings or scalars in it.
var errOutsideQuotes = errors.New("it is not JSON whatever the values in it are: one is outside of quotes, or the text is malformed. Write it as an object, or with jsonencode(...)")

// begun matches what begins as JSON does.
var begun = regexp.MustCompile(`^\s*(\{\s*["}]|\[\s*["{\[\]])`)

// document returns of a text and the same with escaped and with bare values the one to send.
func document(plain, escaped, bare string) (string, error) {
	got, gotErr := tokens(plain)
	meant, meantErr := tokens(escaped)
	if gotErr != nil && meantErr != nil && !begun.MatchString(plain) {
		return plain, nil // it is no JSON
	}
	held, err := tokens(bare)
	switch {
	case err != nil, gotErr != nil && meantErr != nil:
		return "", errOutsideQuotes
	case meantErr == nil && (gotErr != nil || got != meant):
		return escaped, nil
	case meantErr != nil && got != held: // a function has changed what was escaped
		return "", errOutsideQuotes
	}
	return plain, nil
}

// tokens is of what a text of one JSON document or several consists, but for what its strings
// and numbers say.
func tokens(text string) (string, error) {
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		var one json.RawMessage
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", err
		}
	}
	var out strings.Builder
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			if out.Len() == 0 {
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

// bare is a text without what JSON is made of.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("\"\\,:[]{}", r) {
			return '\uFFFD'
		}
		return r
	}, text)
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
