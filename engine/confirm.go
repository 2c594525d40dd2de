package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Confirmed is which of the deletions that need it someone has confirmed. The zero value
// is none.
type Confirmed struct {
	All     bool
	Objects []object.ID // in whichever application
}

// Has reports whether a deletion is confirmed.
func (c Confirmed) Has(id object.ID) bool { return c.All || slices.Contains(c.Objects, id) }

// confirmed leaves out the applications that delete something which needs to be confirmed
// and is not, before anything of them is sent, and returns the others.
func (a *applying) confirmed(apps []*progress) []*progress {
	return slices.DeleteFunc(apps, func(p *progress) bool {
		var missing []string
		for _, c := range p.app.ToConfirm() {
			if !a.confirmations.Has(c.ID) {
				missing = append(missing, c.ID.String())
			}
		}
		if len(missing) > 0 {
			p.skip(unconfirmed(missing))
		}
		return len(missing) > 0
	})
}

// unconfirmed says that deletions need to be confirmed.
func unconfirmed(objects []string) string {
	subject := "the deletion of " + objects[0] + " needs"
	if len(objects) > 1 {
		subject = "the deletions of " + several(objects, mostReasons) + " need"
	}
	return fmt.Sprintf("%s to be confirmed, and nothing of it was changed: apply with --confirm '%s'", subject, strings.Join(objects, "' --confirm '"))
}

// staleConfirmation says that what is to be deleted must be confirmed by now, and that the
// plan does not ask for it.
func (p *progress) staleConfirmation(c *plan.Change, confirmPrune, confirmDelete bool) string {
	needed := confirmPrune
	if p.app.Leaves {
		needed = confirmDelete
	}
	if c.Confirm || c.Action != plan.Prune || !needed {
		return ""
	}
	return fmt.Sprintf("%s was to be deleted, and its annotations say by now that this needs to be confirmed", c.ID)
}
