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
		fmt.Fprintf(&b, "- %s\n", line("%s %s: %s to %s", c.Application, c.Input, c.Old, c.New))
	}
	for _, e := range p.Evidence {
		fmt.Fprintf(&b, "\n%s\n", line("%s was applied as %s at %s.", e.Application, e.Digest, e.AppliedAt.Format(time.RFC3339)))
	}
	return b.String()
}

// Body is the description of the pull request, as Markdown of at most so many bytes. What
// speaks against it comes before all else; of many changes the last are left out.
func (p *Promotion) Body(most int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", Marker)
	fmt.Fprintf(&b, "Only pinned inputs change: %d of them, to what is applied at %s.\n", len(p.Changes), view.Code(p.From))
	if against := p.Objections(); len(against) > 0 {
		b.WriteString("\n**Something speaks against it:**\n\n")
		for _, text := range against {
			fmt.Fprintf(&b, "- %s\n", view.Escaped(short(text)))
		}
		fmt.Fprintf(&b, "\nIt is proposed all the same: %s\n", view.Escaped(short(p.Reason)))
	}
	b.WriteString("\n### Evidence\n\n| application | change digest | applied | health | healthy since | seen |\n|---|---|---|---|---|---|\n")
	for _, e := range p.Evidence {
		applied := view.Code(e.AppliedAt.Format(time.RFC3339))
		if e.Revision != 0 {
			applied += fmt.Sprintf(", revision %d", e.Revision)
		}
		if e.By != "" {
			applied += ", by " + view.Code(e.By)
		}
		since := ""
		if !e.HealthySince.IsZero() {
			since = view.Code(e.HealthySince.Format(time.RFC3339))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s (%d objects) | %s | %s |\n",
			view.Code(e.Application.String()), view.Code(e.Digest), applied, e.Health, e.Objects, since, view.Code(e.SeenAt.Format(time.RFC3339)))
	}
	b.WriteString("\n### Changes\n\n| application | input | from | to | written at |\n|---|---|---|---|---|\n")
	const room = 200 // for what is said of the rest
	for i, c := range p.Changes {
		row := fmt.Sprintf("| %s | %s | %s | %s | %s |\n",
			view.Code(c.Application.String()), view.Code(c.Input), view.Code(c.Old), view.Code(c.New), view.Code(fmt.Sprintf("%s:%d", c.File, c.Line)))
		if b.Len()+len(row) > most-room {
			fmt.Fprintf(&b, "\nand %d more, which the diff shows.\n", len(p.Changes)-i)
			return b.String()
		}
		b.WriteString(row)
	}
	for i, l := range p.Left {
		row := fmt.Sprintf("\n- %s of %s stays: %s", view.Code(l.Input), view.Code(l.Application.String()), view.Escaped(l.Why))
		if b.Len()+len(row) > most-room {
			fmt.Fprintf(&b, "\n- and %d more stay.", len(p.Left)-i)
			break
		}
		b.WriteString(row)
	}
	b.WriteString("\n")
	return b.String()
}

// Objections is what speaks against it, of all that it comes from.
func (p *Promotion) Objections() []string {
	var out []string
	for _, e := range p.Evidence {
		out = append(out, e.Objections...)
	}
	return out
}
