package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/words"
)

// row is a row of the table of applications.
type row struct {
	text string // without the notes
	note string
	rank int
	keep bool
}

// rows has a row for each application that changes.
func (m *markdown) rows() []row {
	var out []row
	for i := range m.p.Applications {
		a := &m.p.Applications[i]
		if !a.HasChanges() && !a.IsBlocked() {
			continue
		}
		var changes []string
		counts := a.Counts()
		for _, action := range shownActions() {
			if n := counts[action]; n > 0 {
				changes = append(changes, fmt.Sprintf("%d %s", n, lookOf(action).toDo))
			}
		}
		notes := remarks(a)
		for i := range notes {
			if notes[i] == "blocked" || notes[i] == "needs approval" || strings.Contains(notes[i], string(plan.High)) {
				notes[i] = "**" + notes[i] + "**"
			}
		}
		rank := 0
		ranks := objectRanks(a)
		for j := range a.Changes {
			rank = max(rank, rankOf(&a.Changes[j], ranks))
		}
		for _, r := range a.Risks {
			if r.Accepted == "" {
				rank = max(rank, 40+20*alarm.Weight(r.Severity))
			}
		}
		if a.IsBlocked() || len(a.NeedsApproval()) > 0 {
			rank = max(rank, 80)
		}
		out = append(out, row{rank: rank, text: fmt.Sprintf("| %s | %s | %s | %s |",
			code(a.Address.String()), code(a.Cluster), code(a.Namespace), strings.Join(changes, ", ")), note: strings.Join(notes, ", ")})
	}
	return out
}

// table writes the table in so many bytes; rows that matter least are left out.
func (m *markdown) table(rows []row, budget int) {
	head := "\n| application | cluster | namespace | changes |"
	rule := "\n|---|---|---|---|"
	noted := slices.ContainsFunc(rows, func(r row) bool { return r.note != "" })
	if noted {
		head, rule = head+" notes |", rule+"---|"
	}
	head += rule + "\n"
	for i := range rows {
		if noted {
			rows[i].text += " " + rows[i].note + " |"
		}
		rows[i].text += "\n"
	}
	if len(rows) == 0 || budget < len(head) {
		return
	}
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rows[b].rank - rows[a].rank })
	budget -= len(head)
	left := len(rows)
	for _, i := range order {
		if len(rows[i].text) > budget {
			break
		}
		budget -= len(rows[i].text)
		rows[i].keep = true
		left--
	}
	if left == len(rows) {
		return
	}
	m.force(head)
	for _, r := range rows {
		if r.keep {
			m.force(r.text)
		}
	}
	if left > 0 {
		m.force(fmt.Sprintf("\n%s not in this table.\n", words.Counted(left, "application")))
	}
}
