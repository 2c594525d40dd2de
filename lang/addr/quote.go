package addr

import (
	"fmt"
	"strconv"
	"strings"
)

// quotedIndex renders a key as an HCL index.
func quotedIndex(key string) string { return `["` + Escape(key) + `"]` }

// Escape writes a text as it stands between the quotes of an HCL string, so that it is
// read as it is: with no templates in it, and with what cannot be seen as escapes.
func Escape(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\\' || r == '"':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case (r == '$' || r == '%') && strings.HasPrefix(text[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		case strconv.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
