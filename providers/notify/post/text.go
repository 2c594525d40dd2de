package post

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gantrycd/gantry/providers"
)

// Plain takes out of a text what shows something else than it says: control characters but
// for line breaks and tabs, those that turn the direction of writing, those that nobody
// sees, and what is not UTF-8.
func Plain(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r', r == '\u2028', r == '\u2029':
			return '\n'
		case r == utf8.RuneError:
			return '\uFFFD'
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Cs, r), r == '\u3164', r == '\u115F', r == '\u1160':
			return -1
		}
		return r
	}, text)
}

// Line is Plain of one line.
func Line(text string) string { return strings.Join(strings.Fields(Plain(text)), " ") }

// Cut shortens a text to so many characters, with an ellipsis in the place of the rest.
func Cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	runes := []rune(text)
	return string(runes[:most-1]) + "…"
}

// Inline has nothing of a text begin a block of Markdown, such as a list, a heading or code:
// what does so at the beginning of a line has a backslash before it, and indentation is gone.
func Inline(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimLeft(line, " \t")
		digits := len(line) - len(strings.TrimLeft(line, "0123456789"))
		if rest := line[digits:]; digits > 0 && rest != "" && (rest[0] == '.' || rest[0] == ')') {
			line = line[:digits] + `\` + rest
		} else if line != "" && strings.IndexByte("-+=", line[0]) >= 0 {
			line = `\` + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// Fact is a fact with its name.
type Fact struct{ Name, Value string }

// Shown lists the facts that are known, in the order in which they are shown.
func Shown(f providers.Facts) []Fact {
	var out []Fact
	for _, fact := range []Fact{
		{"Project", f.Project},
		{"Cluster", f.Cluster},
		{"Namespace", f.Namespace},
		{"Sync", f.Sync},
		{"Health", f.Health},
		{"Repository", f.Repository},
		{"Revision", f.Revision},
	} {
		if fact.Value = Line(fact.Value); fact.Value != "" {
			out = append(out, fact)
		}
	}
	return out
}

// Title is a message in a few words: "web: on_sync_failed".
func Title(m *providers.Notification) string {
	title := fmt.Sprintf("%s: %s", Line(m.Facts.Name), Line(m.Trigger))
	if m.Resolves {
		title += " (over)"
	}
	return title
}

// Text is an argument of the body that is a text; ok is false where it is not there.
func Text(m *providers.Notification, name string) (text string, ok bool) {
	text, ok = m.Body[name].(string)
	return text, ok && text != ""
}

// Or is Text, or else another one.
func Or(m *providers.Notification, name, otherwise string) string {
	if text, ok := Text(m, name); ok {
		return text
	}
	return otherwise
}
