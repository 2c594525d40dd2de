package main

import (
	"fmt"
	"time"

	"github.com/gantrycd/gantry/plan"
)

// colour is an ANSI colour; plain is none.
type colour string

const (
	plain  colour = ""
	dim    colour = "2"
	bold   colour = "1"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// paint colours a text where it is to be coloured.
func paint(on bool, c colour, text string) string {
	if !on || c == plain {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// count says how many there are: "1 object", "3 objects".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// duration rounds to what people care about.
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	default:
		return plan.Spell(d)
	}
}

// past says what was done to an object.
func past(action plan.Action) string {
	switch action {
	case plan.Create:
		return "created"
	case plan.Update:
		return "updated"
	case plan.Replace:
		return "replaced"
	case plan.Adopt:
		return "adopted"
	case plan.Run:
		return "hook started"
	case plan.Prune:
		return "pruned"
	case plan.Orphan:
		return "orphaned"
	case plan.Forget:
		return "forgotten"
	case plan.Remember:
		return "remembered"
	case plan.Unchanged:
		return "unchanged"
	case plan.Blocked:
		return "blocked"
	}
	return "done"
}
