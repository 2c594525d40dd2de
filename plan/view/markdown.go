package view

import (
	"fmt"
	"io"
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
// it, the risks and the outputs come next, and are never folded. Then a table of the applications
// and, to unfold, their changes; what many have alike is told once. Where that would
// be too long, whole objects are left out, those that matter least first, and their
// number is told; only what is deleted and the risks alone being longer than the budget
// cuts these: what they list first, and each of them at last.
func Markdown(w io.Writer, p *plan.Plan, budget int) error {
	return MarkdownWith(w, p, MarkdownOptions{Budget: budget, After: footer(p)})
}

// MarkdownOptions are what a comment is beside its plan.
type MarkdownOptions struct {
	Budget int // bytes; 0 is any number
	// Before and After are Markdown that stands before the verdict and after everything;
	// both are part of the budget. Each ends its last line.
	Before, After string
	// Rest says where what is left out can be read; empty is the saved plan.
	Rest string
	// NoHTML: the forge shows HTML as text, so that nothing can be folded.
	NoHTML bool
}

// MarkdownWith is Markdown with something around it.
func MarkdownWith(w io.Writer, p *plan.Plan, options MarkdownOptions) error {
	if options.Budget <= 0 {
		options.Budget = 1 << 40
	}
	if options.Rest == "" {
		options.Rest = "The saved plan has everything."
	}
	m := &markdown{p: p, options: options, left: options.Budget - leftOutReserve - len(options.Rest)}
	m.force(options.Before)
	m.force(m.title())
	m.left -= len(options.After)
	m.alarms()
	m.windows()
	m.rollouts()
	m.outputs()
	m.rest()
	m.force(options.After)
	if _, err := io.WriteString(w, m.out.String()); err != nil {
		return fmt.Errorf("writing a plan as Markdown: %w", err)
	}
	return nil
}

// leftOutReserve is for the lines that say what is left out.
const leftOutReserve = 500

type markdown struct {
	p       *plan.Plan
	options MarkdownOptions
	out     strings.Builder
	left    int // bytes of the budget
}

func (m *markdown) force(text string) {
	m.out.WriteString(text)
	m.left -= len(text)
}

// title is the verdict, the counts, and what holds for the plan as a whole.
func (m *markdown) title() string {
	p := m.p
	marks := ""
	if p.IsBlocked() {
		marks += " · **blocked**"
	}
	if text := NeedsApproval(p); text != "" {
		marks += " · **" + text + "**"
	}
	if risks := alarm.RiskWords(p); risks != "" {
		marks += " · **" + escaped(risks) + "**"
	}
	marks += policyTitle(p)
	if n := len(p.Problems); n > 0 {
		marks += " · **" + words.Counted(n, "error") + "**"
	}
	verdict := Summary(p)
	if marks != "" {
		verdict = strings.TrimSuffix(verdict, ".") // the sentence goes on
	}
	line := "### " + escaped(verdict) + marks
	if text, command := unsettled(p); text != "" {
		line += "\n\n" + escaped(cut(text, mostInTitle))
		if command != "" {
			line += code(command)
		}
	}
	for _, banner := range []struct {
		on   bool
		text string
	}{
		{p.Destroy, "**This plan destroys**: the applications below leave, and Gantry forgets them."},
		{p.Offline, escaped(cut(p.Imagined(), mostInTitle))},
		{p.Act != nil, escaped(cut(p.Act.Banner(), mostInTitle))},
		{len(p.Targets) > 0, "Only " + words.Join(codes(few(p.Targets))) + " and what they depend on; the rest was left out."},
		{p.Affected != nil, escaped(cut(p.Affected.Banner(), mostInTitle))},
		{len(p.Problems) > 0, "**The plan is incomplete**: the errors below say what is missing."},
	} {
		if banner.on {
			line += "\n\n" + banner.text
		}
	}
	return line + "\n"
}

// mostInTitle is how many characters of a text are told that belongs to the plan as a
// whole, so that no text takes the room of what must not be left out.
const mostInTitle = 1000

// few are the first of a list of names, none of them long, and how many there are more.
func few(names []string) []string {
	const most, long = 10, 200
	var out []string
	for _, name := range names[:min(len(names), most)] {
		out = append(out, cut(name, long))
	}
	if more := len(names) - most; more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return out
}

// footer tells what the comment is of.
func footer(p *plan.Plan) string {
	var parts []string
	if p.ToolVersion != "" {
		parts = append(parts, "gantry "+code(cut(p.ToolVersion, 100)))
	}
	if p.InputDigest != "" {
		parts = append(parts, "inputs "+code(cut(short(p.InputDigest), 100)))
	}
	if p.ID != "" {
		parts = append(parts, "plan "+code(cut(p.ID, 100)))
	}
	if !p.ExpiresAt.IsZero() {
		parts = append(parts, "expires "+p.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"))
	}
	if len(parts) == 0 {
		return ""
	}
	return "\n<sub>" + strings.Join(parts, " · ") + "</sub>\n"
}

// outputs tells which outputs change, in at most half of what is left: of one that is
// longer than that only that it changes.
func (m *markdown) outputs() {
	const heading = "\n**Outputs:**\n"
	room := m.left/2 - len(heading) - len(fenced("")) - len("\n\n")
	var body strings.Builder
	left := 0
	for _, o := range m.p.Outputs() {
		if o.Kind == "" {
			continue
		}
		shown := false
		for _, show := range []func(*text){
			func(t *text) { t.output(&o) },
			func(t *text) { t.outputName(&o, "(its value is too long for this comment)") },
		} {
			text := diffText(m.p, show)
			cost := len(text) + 2*longestRun(text) // a longer fence
			if shown = cost <= room; shown {
				room -= cost
				body.WriteString(text)
				break
			}
		}
		if !shown {
			left++
		}
	}
	if body.Len() > 0 || left > 0 {
		m.force(heading)
	}
	if body.Len() > 0 {
		m.force("\n" + fenced(body.String()) + "\n")
	}
	if left > 0 {
		m.force(fmt.Sprintf("\n- **%s not named here: this comment would be too long**\n", words.Counted(left, "output")))
	}
}

// rest is what may be left out: the table, and what there is to unfold.
func (m *markdown) rest() {
	rows := m.rows()
	long := 0
	for _, r := range rows {
		long += len(r.text) + len(r.note) + len(" | \n")
	}
	if long <= m.left/3 {
		m.table(rows, m.left)
		m.details(m.changes(m.left))
		return
	}
	forTable := m.left / 3
	details, left := m.changes(m.left - forTable)
	if left > 0 {
		m.table(rows, forTable)
		details, left = m.changes(m.left)
	} else {
		m.table(rows, m.left-len(details))
	}
	m.details(details, left)
}

// details writes what there is to unfold, and how much of it is left out.
func (m *markdown) details(text string, left int) {
	m.force(text)
	if left > 0 {
		m.force(fmt.Sprintf("\n%s not shown: this comment would be too long. %s\n", words.Counted(left, "object"), m.options.Rest))
	}
}
