package view

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
)

// heldWords says in the sentence of a plan how many of the applications that would change
// are held, so that nothing of them is done; empty where none is.
func heldWords(p *plan.Plan) string {
	held := 0
	for i := range p.Applications {
		if a := &p.Applications[i]; a.Held != nil && a.HasChanges() {
			held++
		}
	}
	switch {
	case held == 0:
		return ""
	case len(p.Applications) == 1:
		return ", which is held,"
	case held == 1:
		return ", of which 1 that changes is held,"
	}
	return fmt.Sprintf(", of which %d that change are held,", held)
}
