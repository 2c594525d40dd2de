// Package words holds the turns of phrase that the views of a plan share: numbers,
// lists, times, and texts that are safe to show. It is for plan/view and the packages
// below it.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Counted says how many there are: "1 object", "3 objects".
func Counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Join lists words: "a", "a and b", "a, b and c".
func Join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// Ago says when something was, seen from now.
func Ago(at, now time.Time) string {
	switch d := now.Sub(at); {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d seconds ago", int(d.Seconds()))
	case d < time.Hour:
		return Counted(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return Counted(int(d.Hours()), "hour") + " ago"
	case d < 30*24*time.Hour:
		return Counted(int(d.Hours()/24), "day") + " ago"
	}
	return "on " + at.UTC().Format(time.DateOnly)
}

// Printable returns a text with everything escaped that a terminal would act
// on: control characters, escape sequences, and marks that reorder what is seen.
func Printable(text string) string {
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == unicode.ReplacementChar && !strings.HasPrefix(text[i:], string(r)):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\t':
			b.WriteString(`\t`)
		case unprintable(r):
			quoted := strconv.QuoteToASCII(string(r))
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unprintable is also true of U+FFFD, which stands for a byte that is no text.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
