package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/words"
)

// CommentLimit is how long a comment may be, in bytes, on the forges that allow the
// least, with room for what a caller adds.
const CommentLimit = 60_000

// Markdown writes a plan for a comment of at most so many bytes (0: of any length).
//
// The first line has the verdict and the counts. What is deleted, what that takes with
// it and the risks come next, and are never folded. Then a table of the applications
// and, to unfold, their changes; what many have alike is told once. Where that would
// be too long, whole objects are left out, those that matter least first, and their
// number is told; only what is deleted and the risks alone being longer than the budget
// cuts these.
func Markdown(w io.Writer, p *plan.Plan, budget int) error {
	if budget <= 0 {
		budget = 1 << 40
	}
	m := &markdown{p: p, left: budget - leftOutReserve}
	m.force(m.title())
	footer := m.footer()
	m.left -= len(footer)
	m.deletions()
	m.risks()
	m.problems()
	m.rest()
	m.force(footer)
	if _, err := io.WriteString(w, m.out.String()); err != nil {
		return fmt.Errorf("writing a plan as Markdown: %w", err)
	}
	return nil
}

// leftOutReserve is for the lines that say what is left out.
const leftOutReserve = 300

type markdown struct {
	p    *plan.Plan
	out  strings.Builder
	left int // bytes of the budget
}

func (m *markdown) force(text string) {
	m.out.WriteString(text)
	m.left -= len(text)
}

// title is the verdict, the counts, and what holds for the plan as a whole.
func (m *markdown) title() string {
	p := m.p
	line := "### " + escaped(Summary(p))
	if p.IsBlocked() {
		line += " · **blocked**"
	}
	if risks := alarm.RiskWords(p); risks != "" {
		line += " · **" + escaped(risks) + "**"
	}
	for _, banner := range []struct {
		on   bool
		text string
	}{
		{p.Destroy, "**This plan destroys**: the applications below leave, and Gantry forgets them."},
		{p.Offline, p.Imagined()},
		{len(p.Targets) > 0, "Only " + words.Join(codes(p.Targets)) + " and what they depend on; the rest was left out."},
		{len(p.Problems) > 0, "**The plan is incomplete**: " + words.Counted(len(p.Problems), "error") + "."},
	} {
		if banner.on {
			line += "\n\n" + banner.text
		}
	}
	return line + "\n"
}

// footer tells what the comment is of.
func (m *markdown) footer() string {
	var parts []string
	if m.p.ToolVersion != "" {
		parts = append(parts, "gantry "+code(m.p.ToolVersion))
	}
	if m.p.InputDigest != "" {
		parts = append(parts, "inputs "+code(short(m.p.InputDigest)))
	}
	if m.p.ID != "" {
		parts = append(parts, "plan "+code(m.p.ID))
	}
	if !m.p.ExpiresAt.IsZero() {
		parts = append(parts, "expires "+m.p.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"))
	}
	if len(parts) == 0 {
		return ""
	}
	return "\n<sub>" + strings.Join(parts, " · ") + "</sub>\n"
}

// entries writes a list under a heading, as much of it as fits.
func (m *markdown) entries(heading, noun string, list []string) {
	if len(list) == 0 {
		return
	}
	m.force("\n" + heading + "\n\n")
	for i, entry := range list {
		if len(entry) > m.left {
			m.force(fmt.Sprintf("- **%s not named here: this comment would be too long**\n", words.Counted(len(list)-i, noun)))
			return
		}
		m.force(entry)
	}
}

func (m *markdown) deletions() {
	list, _ := alarm.Deletions(m.p)
	// What takes most is named first.
	slices.SortStableFunc(list, func(a, b alarm.Deletion) int { return len(b.Change.Takes) - len(a.Change.Takes) })
	var entries []string
	for _, d := range list {
		entry := fmt.Sprintf("- %s %s in %s\n", d.Change.Action, code(d.Change.ID.String()), code(d.Application.String()))
		for _, taking := range alarm.Takes(d.Change) {
			if taking.Hurts {
				entry += "  - **" + escaped(taking.Head) + "** " + strings.Join(codes(taking.Items), ", ") + "\n"
			} else {
				entry += "  - " + escaped(taking.Head+": "+strings.Join(taking.Items, ", ")) + "\n"
			}
		}
		entries = append(entries, entry)
	}
	m.entries("**"+alarm.Heading(list)+":**", "object", entries)
}

func (m *markdown) risks() {
	place := func(at alarm.Place) string {
		if at.Object == "" {
			return code(at.Application.String())
		}
		return code(at.Object) + " in " + code(at.Application.String())
	}
	var entries []string
	for _, r := range alarm.Risks(m.p) {
		entry := fmt.Sprintf("- **%s** %s", escaped(string(r.Risk.Severity)), code(r.Risk.Code))
		detail := escaped(strings.Join(strings.Fields(r.Detail), " "))
		if r.Brief {
			var of []string
			for _, name := range names(r.Of) {
				of = append(of, code(name))
			}
			entries = append(entries, fmt.Sprintf("%s: %s, %d times: %s\n", entry, detail, len(r.Of), strings.Join(of, ", ")))
			continue
		}
		if len(r.Of) == 1 {
			entry += " " + place(r.Of[0]) + ": " + detail + "\n"
		} else {
			entry += ": " + detail + "\n"
			for _, at := range r.Of {
				entry += "  - " + place(at) + "\n"
			}
		}
		entries = append(entries, entry)
	}
	m.entries("**Risks:**", "risk", entries)
}

func (m *markdown) problems() {
	var entries []string
	for _, problem := range m.p.Problems {
		entry := "- "
		if !problem.Address.IsZero() {
			entry += code(problem.Address.String()) + ": "
		}
		entry += escaped(problem.Summary)
		if problem.Range != "" {
			entry += " (" + code(problem.Range) + ")"
		}
		entries = append(entries, entry+"\n")
	}
	m.entries("**Not in this plan:**", "error", entries)
}

// rest is what may be left out: the table, and what there is to unfold.
func (m *markdown) rest() {
	rows := m.rows()
	long := 0
	for _, r := range rows {
		long += len(r.text) + len(r.note) + len(" | \n")
	}
	forTable := m.left
	if long > m.left/3 {
		forTable = m.left / 3
		if details, left := markdownDetails(m.p, m.left-forTable); left == 0 {
			forTable = m.left - len(details)
		}
	}
	m.table(rows, forTable)
	details, left := markdownDetails(m.p, m.left)
	m.force(details)
	if left > 0 {
		m.force(fmt.Sprintf("\n%s not shown: this comment would be too long. The saved plan has everything.\n", words.Counted(left, "object")))
	}
}
