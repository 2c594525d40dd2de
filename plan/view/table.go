package view

import (
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// table shows how many objects of each application have which action, for those that
// change.
func (t *text) table() {
	total := t.p.Counts()
	head := []string{"application"}
	var actions []plan.Action
	for _, action := range shownActions() {
		if total[action] > 0 {
			actions = append(actions, action)
			head = append(head, string(action))
		}
	}
	rows := [][]string{append(head, "")}
	for i := range t.p.Applications {
		a := &t.p.Applications[i]
		if !a.HasChanges() && !a.IsBlocked() && !t.options.ShowUnchanged {
			continue
		}
		counts := a.Counts()
		row := []string{a.Address.String()}
		for _, action := range actions {
			row = append(row, strconv.Itoa(counts[action]))
		}
		rows = append(rows, append(row, strings.Join(remarks(a), ", ")))
	}
	if len(rows) == 1 {
		return
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	for n, row := range rows {
		var spans []span
		for i, cell := range row {
			spans = append(spans, tableCell(n, i, cell, widths, actions))
		}
		t.line(0, spans...)
	}
	t.blank()
}

// tableCell lays one cell out: names to the left, numbers to the right, in the colour
// of their action, and zeros so that they are not seen.
func tableCell(row, column int, cell string, widths []int, actions []plan.Action) span {
	switch {
	case column == 0:
		style := normal
		if row == 0 {
			style = faint
		}
		return span{style, pad(cell, widths[0])}
	case column > len(actions):
		return span{red, "  " + cell}
	}
	text := strings.Repeat(" ", 2+widths[column]-columns(cell)) + cell
	switch {
	case row == 0, cell == "0":
		return span{faint, text}
	}
	return span{lookOf(actions[column-1]).style, text}
}

// remarks say what counts do not.
func remarks(a *plan.Application) []string {
	var out []string
	if a.IsBlocked() {
		out = append(out, "blocked")
	}
	if len(a.NeedsApproval()) > 0 {
		out = append(out, "needs approval")
	}
	if a.Held != nil {
		out = append(out, "held")
	}
	if a.Lifts != nil {
		out = append(out, "no longer held")
	}
	if a.Opening != nil && !a.Opening.Now {
		out = append(out, "outside of its sync window")
	}
	if a.Rollback != nil {
		out = append(out, "rolls back")
	}
	if a.Leaves {
		out = append(out, "leaves")
	}
	if !a.MovedFrom.IsZero() {
		out = append(out, "moved")
	}
	counts := map[plan.Severity]int{}
	for _, r := range a.Risks {
		if r.Accepted == "" {
			counts[r.Severity]++
		}
	}
	for _, s := range plan.Severities() {
		if n := counts[s]; n > 0 {
			out = append(out, words.Counted(n, string(s)+" risk"))
		}
	}
	return out
}
