package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan"
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
		plan.Create, plan.Update, plan.Replace, plan.Adopt, plan.Run, plan.Prune, plan.Orphan, plan.Forget, plan.Blocked, plan.Unchanged,
	}
}

// counted says how many there are: "1 object", "3 objects".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// join lists words: "a", "a and b", "a, b and c".
func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// ago says when something was, seen from now.
func ago(at, now time.Time) string {
	switch d := now.Sub(at); {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d seconds ago", int(d.Seconds()))
	case d < time.Hour:
		return counted(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return counted(int(d.Hours()), "hour") + " ago"
	case d < 30*24*time.Hour:
		return counted(int(d.Hours()/24), "day") + " ago"
	}
	return "on " + at.UTC().Format(time.DateOnly)
}

// drifted says who changed a field behind gantry's back, as far as is known. What
// the plan adds, they removed, and the other way round.
func drifted(f *plan.FieldChange, now time.Time) string {
	words := "changed"
	switch f.Kind {
	case plan.Added:
		words = "removed"
	case plan.Removed:
		words = "added"
	case plan.Changed:
	}
	if manager := f.Drift.Manager; manager != "" && manager != "unknown" {
		words += " by " + manager
	}
	if !f.Drift.At.IsZero() {
		words += " " + ago(f.Drift.At, now)
	}
	if strings.Contains(words, " ") {
		words += ","
	}
	return words + " outside gantry"
}
