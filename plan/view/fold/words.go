package fold

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
)

// Heading is a group in words: "The same 2 changes in 214 applications".
func (g *Group) Heading() string {
	if n := len(g.Changes[0]); n > 1 {
		return fmt.Sprintf("The same %d changes in %d applications", n, len(g.Applications))
	}
	return fmt.Sprintf("The same change in %d applications", len(g.Applications))
}

// Place says where an application of a group goes: " (production, team-a)". It is empty
// where that is not known.
func Place(a *plan.Application) string {
	switch {
	case a.Cluster == "" && a.Namespace == "":
		return ""
	case a.Namespace == "":
		return " (" + a.Cluster + ")"
	case a.Cluster == "":
		return " (" + a.Namespace + ")"
	}
	return " (" + a.Cluster + ", " + a.Namespace + ")"
}
