package promote

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/view"
	printable "github.com/gantrycd/gantry/plan/view/words"
)

// Promotion is a promotion as people read it.
type Promotion struct {
	// Application is what is promoted, From where from and To where to, as they were given.
	Application, From, To string
	Changes               []Change
	Left                  []Left
	Evidence              []*Evidence
	// Reason is why it is made although something speaks against it.
	Reason string
	// Configuration is its directory in the repository, "." at the root.
	Configuration string
}

// longest is how many bytes a title may have.
const longest = 200

// Title is one line: what is promoted from where to where.
func (p *Promotion) Title() string {
	what := "Promote"
	if p.Application != "" {
		what += " " + p.Application
	}
	title := line("%s from %s to %s", what, p.From, p.To)
	if len(title) > longest {
		title = strings.ToValidUTF8(title[:longest-len("…")], "") + "…"
	}
	return title
}

// line is a text on one line, in which every character shows.
func line(format string, words ...any) string {
	return printable.Printable(strings.Join(strings.Fields(fmt.Sprintf(format, words...)), " "))
}

// short is a text of at most so many bytes that some of them have room.
func short(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Branch is the branch that the promotion is proposed on: always the same for the same pair of
// the same configuration.
func (p *Promotion) Branch() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{p.Configuration, p.Application, p.From, p.To}, "\x00")))
	var b strings.Builder
	for _, r := range strings.ToLower(strings.Join([]string{p.Application, p.From, "to", p.To}, "-")) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	name := b.String()
	const most = 80
	return BranchPrefix + strings.Trim(name[:min(len(name), most)], "-") + "-" + hex.EncodeToString(sum[:4])
}

// BranchPrefix is what the branches of promotions begin with.
const BranchPrefix = "gantry/promote/"

// Marker is the first line of what is written about a promotion, which people do not see.
const Marker = "<!-- gantry:promote -->"

// Message is that of the commit.
func (p *Promotion) Message() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", p.Title())
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "- %s\n", line("%s %s: %s to %s", short(c.Application.String()), short(c.Input), short(c.Old), short(c.New)))
	}
	for _, e := range p.Evidence {
		fmt.Fprintf(&b, "\n%s\n", line("%s was applied as %s at %s.", short(e.Application.String()), short(e.Digest), e.AppliedAt.Format(time.RFC3339)))
	}
	return b.String()
}

// Body is the description of the pull request, as Markdown of at most so many bytes. What
// speaks against it comes before all else; of many the last are left out, and it says of how
// many.
func (p *Promotion) Body(most int) string {
	var b strings.Builder
	// rows writes what there is room for up to a part of the whole, at least the first, and
	// what is said of the rest.
	rows := func(part float64, n int, row func(i int) string, rest string) {
		const room = 200 // for what is said of the rest
		for i := range n {
			text := row(i)
			if b.Len()+len(text) > int(part*float64(most))-room && i > 0 {
				fmt.Fprintf(&b, rest, n-i)
				return
			}
			b.WriteString(text)
		}
	}
	fmt.Fprintf(&b, "%s\n", Marker)
	fmt.Fprintf(&b, "Only pinned inputs change: %d of them, to what is applied at %s.\n", len(p.Changes), code(p.From))
	if against := p.Objections(); len(against) > 0 {
		b.WriteString("\n**Something speaks against it:**\n\n")
		rows(0.3, len(against), func(i int) string { return fmt.Sprintf("- %s\n", view.Escaped(short(against[i]))) }, "- and %d more\n")
		fmt.Fprintf(&b, "\nIt is proposed all the same: %s\n", view.Escaped(short(p.Reason)))
	}
	b.WriteString("\n### Evidence\n\n| application | change digest | applied | health | healthy since | seen |\n|---|---|---|---|---|---|\n")
	rows(0.6, len(p.Evidence), func(i int) string { return p.Evidence[i].row() }, "\nand %d more.\n")
	b.WriteString("\n### Changes\n\n| application | input | from | to | written at |\n|---|---|---|---|---|\n")
	rows(0.9, len(p.Changes), func(i int) string {
		c := &p.Changes[i]
		return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", code(c.Application.String()), code(c.Input), code(c.Old), code(c.New), code(fmt.Sprintf("%s:%d", short(c.File), c.Line)))
	}, "\nand %d more, which the diff shows.\n")
	rows(1, len(p.Left), func(i int) string {
		l := &p.Left[i]
		return fmt.Sprintf("\n- %s of %s stays: %s", code(l.Input), code(l.Application.String()), view.Escaped(short(l.Why)))
	}, "\n- and %d more stay.")
	b.WriteString("\n")
	return b.String()
}

// code is a text as it stands, as far as there is room.
func code(text string) string { return view.Code(short(text)) }

// row is the evidence as a row of a table.
func (e *Evidence) row() string {
	applied := code(e.AppliedAt.Format(time.RFC3339))
	if e.Revision != 0 {
		applied += fmt.Sprintf(", revision %d", e.Revision)
	}
	if e.By != "" {
		applied += ", by " + code(e.By)
	}
	since := ""
	if !e.HealthySince.IsZero() {
		since = code(e.HealthySince.Format(time.RFC3339))
	}
	return fmt.Sprintf("| %s | %s | %s | %s (%d objects) | %s | %s |\n",
		code(e.Application.String()), code(e.Digest), applied, e.Health, e.Objects, since, code(e.SeenAt.Format(time.RFC3339)))
}

// Objections is what speaks against it, of all that it comes from.
func (p *Promotion) Objections() []string {
	var out []string
	for _, e := range p.Evidence {
		out = append(out, e.Objections...)
	}
	return out
}
