package view

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gantrycd/gantry/plan/view/words"
)

// longestRun is how many backticks stand in a row at most.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		run++
		if r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// code is a text as code that nothing in it can end.
func code(text string) string {
	if text == "" {
		return ""
	}
	text = strings.NewReplacer("|", `\|`).Replace(words.Printable(text))
	ticks := strings.Repeat("`", longestRun(text)+1)
	if len(ticks) > 1 {
		return ticks + " " + text + " " + ticks
	}
	return ticks + text + ticks
}

func codes(texts []string) []string {
	out := slices.Clone(texts)
	for i := range out {
		out[i] = code(out[i])
	}
	return out
}

// apart is invisible, and keeps forges from seeing what they look for in two characters.
const apart = "&#8203;"

// escaped is a text that Markdown and HTML leave as it is, and in which forges see
// neither people to notify, nor issues, changes, snippets and milestones to link, nor
// addresses, nor formulas: what is between the signs that they look for is invisible.
func escaped(text string) string {
	text = strings.TrimLeft(words.Printable(text), " ")
	var b strings.Builder
	for i, r := range text {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		default:
			if strings.ContainsRune("\\`*_{}[]()#|~@!$^", r) || beginsList(text[:i], r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		rest := text[i+utf8.RuneLen(r):]
		switch {
		case strings.ContainsRune("@#!$%~&^", r), r == ':' && strings.HasPrefix(rest, "//"):
			b.WriteString(apart)
		case r == '-' && foldedSuffix(text[:i], "gh"), r == '.' && foldedSuffix(text[:i], "www"):
			b.WriteString(apart)
		}
	}
	return b.String()
}

// beginsList reports whether a list, or a line below a heading, would begin with a
// character after a text that nothing stands before.
func beginsList(before string, r rune) bool {
	switch r {
	case '-', '+', '=':
		return before == ""
	case '.', ')':
		return before != "" && strings.Trim(before, "0123456789") == ""
	}
	return false
}

// foldedSuffix reports whether a text ends so, in small letters or capitals.
func foldedSuffix(text, suffix string) bool {
	return len(text) >= len(suffix) && strings.EqualFold(text[len(text)-len(suffix):], suffix)
}

// Escaped is a text for Markdown beside a plan's: nothing in it is markup, notifies
// people or links issues.
func Escaped(text string) string { return escaped(text) }

// Code is a text as code in Markdown, also in a table, that nothing in it can end.
func Code(text string) string { return code(text) }
