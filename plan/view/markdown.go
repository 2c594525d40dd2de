package view

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
)

// CommentLimit is how long a comment may be on the forges that allow the least,
// with room for what a caller adds.
const CommentLimit = 60_000

// Markdown writes a plan for a comment: the summary, what is deleted, a table of
// the applications, and each one's changes to unfold. Of changes that would make
// it longer than limit bytes (0: any length) it says that they are left out; what
// is deleted is listed as far as it fits before anything else.
func Markdown(w io.Writer, p *plan.Plan, limit int) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "### %s\n", escaped(Summary(p)))
	for _, banner := range []struct {
		on   bool
		text string
	}{
		{p.Destroy, "**This plan destroys**: the applications below leave, and Gantry forgets them."},
		{p.Offline, "Planned offline: everything is predicted, and the plan cannot be applied."},
		{len(p.Targets) > 0, "Only " + join(codes(p.Targets)) + " and what they depend on; the rest was left out."},
		{len(p.Problems) > 0, "**The plan is incomplete**: " + counted(len(p.Problems), "error") + "."},
	} {
		if banner.on {
			fmt.Fprintf(&out, "\n%s\n", banner.text)
		}
	}
	parts := append([]string{markdownDeletions(p), markdownProblems(p), markdownTable(p)}, markdownDetails(p)...)
	left := 0
	for _, part := range parts {
		if limit > 0 && out.Len()+len(part) > limit-len(markdownLeftOut) {
			left++
			continue
		}
		out.WriteString(part)
	}
	if left > 0 {
		fmt.Fprintf(&out, markdownLeftOut, counted(left, "part"))
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing a plan as Markdown: %w", err)
	}
	return nil
}

const markdownLeftOut = "\n%s of this comment would make it too long and are left out; the saved plan has everything.\n"

func markdownDeletions(p *plan.Plan) string {
	var b strings.Builder
	n := 0
	for i := range p.Applications {
		a := &p.Applications[i]
		for j := range a.Changes {
			if c := &a.Changes[j]; c.Action.Deletes() {
				n++
				fmt.Fprintf(&b, "- %s %s in %s\n", c.Action, code(c.ID.String()), code(a.Address.String()))
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("\n**Deletes %s:**\n\n%s", counted(n, "object"), b.String())
}

func markdownProblems(p *plan.Plan) string {
	if len(p.Problems) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n**Not in this plan:**\n\n")
	for _, problem := range p.Problems {
		b.WriteString("- ")
		if !problem.Address.IsZero() {
			b.WriteString(code(problem.Address.String()) + ": ")
		}
		b.WriteString(escaped(problem.Summary))
		if problem.Range != "" {
			b.WriteString(" (" + code(problem.Range) + ")")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// markdownTable has a row for each application that changes.
func markdownTable(p *plan.Plan) string {
	var b strings.Builder
	for i := range p.Applications {
		a := &p.Applications[i]
		if !a.HasChanges() && !a.IsBlocked() {
			continue
		}
		var words []string
		counts := a.Counts()
		for _, action := range shownActions() {
			if n := counts[action]; n > 0 {
				words = append(words, fmt.Sprintf("%d %s", n, lookOf(action).toDo))
			}
		}
		if a.IsBlocked() {
			words = append([]string{"**blocked**"}, words...)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(a.Address.String()), code(a.Cluster), code(a.Namespace), strings.Join(words, ", "))
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n| application | cluster | namespace | changes |\n|---|---|---|---|\n" + b.String()
}

// markdownDetails is, of each application that changes, what Text shows of it.
func markdownDetails(p *plan.Plan) []string {
	var out []string
	for i := range p.Applications {
		a := &p.Applications[i]
		if !a.HasChanges() && !a.IsBlocked() {
			continue
		}
		var body bytes.Buffer
		newText(&body, p, Options{}).application(a) // writing to memory does not fail
		text := diffMarks(body.String())
		fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
		out = append(out, fmt.Sprintf("\n<details><summary><code>%s</code></summary>\n\n%sdiff\n%s%s\n\n</details>\n",
			html.EscapeString(printable(a.Address.String())), fence, text, fence))
	}
	return out
}

// diffMarks puts the marks of a diff, which come after the indent, in front of
// their lines, so that forges colour them.
func diffMarks(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		trimmed := strings.TrimLeft(line, " ")
		indent := len(line) - len(trimmed)
		switch {
		case indent == 0 || trimmed == "\n":
		case strings.HasPrefix(trimmed, "-/+ "), strings.HasPrefix(trimmed, "- "):
			lines[i] = "-" + line[1:]
		case strings.HasPrefix(trimmed, "+ "):
			lines[i] = "+" + line[1:]
		case strings.HasPrefix(trimmed, "~ "), strings.HasPrefix(trimmed, "x "):
			lines[i] = "!" + line[1:]
		}
	}
	return strings.Join(lines, "")
}

func longestRun(text string, c rune) int {
	longest, run := 0, 0
	for _, r := range text {
		run++
		if r != c {
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
	text = strings.NewReplacer("|", `\|`).Replace(printable(text))
	ticks := strings.Repeat("`", longestRun(text, '`')+1)
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

// escaped is a text that Markdown and HTML leave as it is.
func escaped(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(printable(text))
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]()#|~@!", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
