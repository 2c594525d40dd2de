package risk

import (
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// Clear is a Secret whose values are in the clear where it is rendered from.
type Clear struct {
	Object object.ID
	Paths  []string // the fields, sorted
	Origin string   // what it was rendered from
}

// inClear tells of a Secret whose values everyone can read who can read its repository. One
// that a chart makes up anew every time is told as such.
func (a *assessment) inClear(item *Item) {
	if !item.Change.Action.Changes() || item.Change.Action.Deletes() && item.After == nil {
		return
	}
	for _, c := range a.app.Clear {
		varies := slices.ContainsFunc(a.app.Varying, func(v Varying) bool { return v.Object == c.Object })
		if c.Object != item.Change.ID || varies {
			continue
		}
		a.add(riskcode.SecretInClear, plan.Low, item, c.Paths, fmt.Sprintf(
			"Its values are in the clear in %s, or in the values that it is rendered with: whoever can read the repository, now or later, knows them. Encrypt the file with SOPS, give them as sensitive variables, or use an operator that brings them.", c.Origin))
	}
}
