package words

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// EscapeJSON returns a writer of JSON, in UTF-8, that writes the same JSON without any
// character that a terminal acts on or that is not seen. Outside of strings JSON has none,
// and in them each can be escaped; encoding/json escapes only those below U+0020. A write
// ends at the end of a character.
func EscapeJSON(w io.Writer) io.Writer { return escaping{w} }

type escaping struct{ io.Writer }

// Write implements io.Writer.
func (e escaping) Write(text []byte) (int, error) {
	var out []byte
	done := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			out = appendEscape(append(out, text[done:i]...), r)
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return e.Writer.Write(text)
	}
	if _, err := e.Writer.Write(append(out, text[done:]...)); err != nil {
		return 0, err
	}
	return len(text), nil
}

func appendEscape(to []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Appendf(to, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(to, `\u%04x`, r)
}
