package story

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/words"
)

// Markdown writes a report for a comment: the verdict and the counts, what failed and
// why, what is left and how to go on, a table of the applications, durations, warnings.
// With a budget it has no more bytes than that, as long as the first lines fit: what
// matters least is left out first, and its number is told.
func Markdown(w io.Writer, r *Report, budget int) error {
	p := &page{budget: budget}
	p.text.WriteString(r.headline())
	for _, s := range r.sections() {
		p.add(s)
	}
	if _, err := io.WriteString(w, p.text.String()); err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	return nil
}

// section is a part of the page: what it begins with, and entries of which as many are
// shown as there is room for.
type section struct {
	head    string
	entries []string
	noun    string // "application"
}

// page is Markdown within a budget.
type page struct {
	text   strings.Builder
	budget int // 0 is any length
}

// reserve is kept for saying how many entries of a section are not shown.
const reserve = 100

func (p *page) room(more int) bool {
	return p.budget <= 0 || p.text.Len()+more+reserve <= p.budget
}

func (p *page) add(s section) {
	if len(s.entries) == 0 || !p.room(len(s.head)+reserve) {
		return
	}
	p.text.WriteString(s.head)
	for i, entry := range s.entries {
		if !p.room(len(entry)) {
			fmt.Fprintf(&p.text, "\n%s not shown.\n", words.Counted(len(s.entries)-i, s.noun))
			return
		}
		p.text.WriteString(entry)
	}
}

// longest is how many bytes of one message are shown.
const longest = 2000

// said is a message as Markdown.
func said(text string) string {
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return view.Escaped(text)
}

var verdicts = []struct {
	outcome Outcome
	says    string
}{
	{Succeeded, "✅ Applied"}, {Partial, "⚠️ Applied in part"}, {Nothing, "❌ Not applied"}, {Cancelled, "⚠️ Interrupted"},
}

func (r *Report) headline() string {
	verdict := string(r.Outcome)
	for _, v := range verdicts {
		if v.outcome == r.Outcome {
			verdict = v.says
		}
	}
	text := fmt.Sprintf("## %s: %d of %s\n\n", verdict, r.Outcomes[engine.OutcomeSucceeded], words.Counted(len(r.Applications), "application"))
	var counts []string
	for _, action := range plan.Actions() {
		if n := r.Done[action]; n > 0 && action != plan.Unchanged {
			counts = append(counts, fmt.Sprintf("%s %d", action, n))
		}
	}
	if len(counts) == 0 {
		counts = []string{"nothing was changed"}
	}
	text += strings.Join(counts, ", ") + ". It took " + roughly(r.Elapsed)
	if r.By != "" {
		text += ", by " + view.Code(r.By)
	}
	if r.PlanID != "" {
		text += ", plan " + view.Code(r.PlanID)
	}
	text += ".\n"
	if r.Next != "" {
		text += "\nTo go on with what is left: " + view.Code(r.Next) + "\n"
	}
	return text
}

func (r *Report) sections() []section {
	problems := section{head: "\n### Problems\n\n", noun: "problem"}
	for _, p := range r.Problems {
		problems.entries = append(problems.entries, fmt.Sprintf("- **%s**: %s\n", said(p.Summary), said(p.Detail)))
	}
	failed := section{head: "\n### Failed\n", noun: "application"}
	out := section{head: "\n### Left out\n\n", noun: "application"}
	table := section{head: "\n### Applications\n\n| application | cluster | outcome | done | took |\n|---|---|---|---|---|\n", noun: "application"}
	stages := section{head: "\n### Phases\n\n| application | phase | wave | took |\n|---|---|---|---|\n", noun: "row"}
	warnings := section{head: "\n### Warnings\n\n", noun: "warning"}
	for i := range r.Applications {
		a := &r.Applications[i]
		switch a.Outcome {
		case engine.OutcomeSucceeded:
		case engine.OutcomeSkipped, NotBegun:
			out.entries = append(out.entries, fmt.Sprintf("- %s: %s\n", view.Code(a.Address.String()), said(cmp.Or(a.Message, "it was not begun"))))
		default:
			failed.entries = append(failed.entries, a.failure())
		}
		table.entries = append(table.entries, fmt.Sprintf("| %s | %s | %s | %d of %d | %s |\n",
			view.Code(a.Address.String()), view.Code(a.Cluster), a.Outcome, a.Done.Changes(), a.Planned, roughly(a.Elapsed)))
		if len(a.Stages) > 1 {
			for _, s := range a.Stages {
				stages.entries = append(stages.entries, fmt.Sprintf("| %s | %s | %d | %s |\n", view.Code(a.Address.String()), s.Phase, s.Wave, roughly(s.Elapsed)))
			}
		}
		for _, n := range a.Warnings {
			warnings.entries = append(warnings.entries, "- "+view.Code(a.Address.String())+": "+n.markdown())
		}
	}
	slow := section{head: "\n### Slowest objects\n\n| object | application | took |\n|---|---|---|\n", noun: "object"}
	for _, s := range r.Slowest {
		slow.entries = append(slow.entries, fmt.Sprintf("| %s | %s | %s |\n", view.Code(s.Object.String()), view.Code(s.Address.String()), roughly(s.Elapsed)))
	}
	chain := section{head: "\n### Slowest chain\n\n", noun: "application"}
	if r.Chain != nil && len(r.Chain.Links) > 1 {
		for _, link := range r.Chain.Links {
			chain.entries = append(chain.entries, fmt.Sprintf("1. %s %s\n", view.Code(link.Address.String()), roughly(link.Elapsed)))
		}
	}
	return []section{problems, failed, out, table, chain, slow, stages, warnings}
}

// mostLeft is how many changes that are left are named of an application.
const mostLeft = 20

// failure tells of an application that failed or was cancelled.
func (a *ApplicationReport) failure() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n**%s** on %s %s after %s, %d of %d changes done", view.Code(a.Address.String()), view.Code(a.Cluster), a.Outcome, roughly(a.Elapsed), a.Done.Changes(), a.Planned)
	if a.Attempts > 0 {
		fmt.Fprintf(&b, ", tried again %s", words.Counted(a.Attempts, "time"))
	}
	b.WriteString(".\n\n")
	if len(a.Failures) == 0 {
		fmt.Fprintf(&b, "- %s\n", said(a.Message))
	}
	for _, n := range a.Failures {
		b.WriteString("- " + n.markdown())
	}
	if len(a.Left) == 0 {
		return b.String()
	}
	names := make([]string, 0, mostLeft)
	for _, l := range a.Left[:min(len(a.Left), mostLeft)] {
		names = append(names, string(l.Action)+" "+view.Code(l.Object.String()))
	}
	if more := len(a.Left) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	fmt.Fprintf(&b, "- left: %s\n", strings.Join(names, ", "))
	return b.String()
}

func (n *Note) markdown() string {
	text := n.Message
	if n.Object != nil {
		text = strings.TrimPrefix(text, n.Object.String()+": ")
	}
	text = said(text)
	if n.Cause != "" && !strings.Contains(n.Message, n.Cause) {
		text += ". Cause: " + said(n.Cause)
	}
	if n.Object != nil {
		text = view.Code(n.Object.String()) + ": " + text
	}
	return text + "\n"
}

// roughly is a duration as people read it.
func roughly(s engine.Seconds) string {
	switch d := time.Duration(s); {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	default:
		return plan.Spell(d)
	}
}
