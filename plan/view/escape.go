package view

import (
	"slices"
	"strings"

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

// escaped is a text that Markdown and HTML leave as it is, and in which forges see
// neither people to notify, nor issues to link, nor addresses: what is between the
// signs that they look for is invisible.
func escaped(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(words.Printable(text))
	var b strings.Builder
	for i, r := range text {
		if strings.ContainsRune("\\`*_{}[]()#|~@!", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		if r == '@' || r == '#' || r == ':' && strings.HasPrefix(text[i:], "://") {
			b.WriteString("&#8203;")
		}
	}
	return b.String()
}

// Escaped is a text for Markdown beside a plan's: nothing in it is markup, notifies
// people or links issues.
func Escaped(text string) string { return escaped(text) }

// Code is a text as code in Markdown, also in a table, that nothing in it can end.
func Code(text string) string { return code(text) }
