package view

import (
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// look is how an action looks.
type look struct {
	symbol string
	style  style
	toDo   string // "3 to create"
}

func lookOf(action plan.Action) look {
	switch action {
	case plan.Create:
		return look{"+", green, "to create"}
	case plan.Update:
		return look{"~", yellow, "to update"}
	case plan.Replace:
		return look{"-/+", loud, "to replace"}
	case plan.Prune:
		return look{"-", loud, "to prune"}
	case plan.Adopt:
		return look{"<", blue, "to adopt"}
	case plan.Run:
		return look{">", blue, "to run"}
	case plan.Orphan:
		return look{"o", yellow, "to orphan"}
	case plan.Forget:
		return look{".", faint, "to forget"}
	case plan.Remember:
		return look{"*", faint, "to remember"}
	case plan.Blocked:
		return look{"x", loud, "blocked"}
	case plan.Unchanged:
		return look{"", faint, "unchanged"}
	}
	return look{"?", normal, string(action)}
}

// shownActions is the order in which a summary counts: what changes, then what
// does not.
func shownActions() []plan.Action {
	return []plan.Action{
		plan.Create, plan.Update, plan.Replace, plan.Adopt, plan.Run, plan.Prune, plan.Orphan, plan.Forget, plan.Remember, plan.Blocked, plan.Unchanged,
	}
}

// drifted says who changed a field behind gantry's back, as far as is known. What
// the plan adds, they removed, and the other way round.
func drifted(f *plan.FieldChange, now time.Time) string {
	text := "changed"
	switch f.Kind {
	case plan.Added:
		text = "removed"
	case plan.Removed:
		text = "added"
	case plan.Changed:
	}
	if manager := f.Drift.Manager; manager != "" && manager != "unknown" {
		text += " by " + manager
	}
	if !f.Drift.At.IsZero() {
		text += " " + words.Ago(f.Drift.At, now)
	}
	if strings.Contains(text, " ") {
		text += ","
	}
	return text + " outside gantry"
}
