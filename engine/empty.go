package engine

import (
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// nothingLeft is the summary of what is blocked because an application renders to nothing.
const nothingLeft = "Nothing would be left"

// blockEmpty blocks the applications whose sources come to no object any more, and of
// which all that there is would be deleted: a path that was mistyped, or a chart whose
// values turn all of it off, looks just so.
func (p *planning) blockEmpty() {
	for _, d := range p.drafts {
		if d.failed() || d.leaves() || d.mayBeEmpty() || slices.ContainsFunc(p.options.AllowEmpty, func(a addr.Address) bool { return a.Covers(d.address) }) {
			continue
		}
		gone := 0
		for i := range d.changes {
			if d.changes[i].Action == plan.Prune {
				gone++
			}
		}
		if gone == 0 || slices.ContainsFunc(d.desired, func(want *desired) bool { return !want.whenAbsent && !want.placement.Hook }) {
			continue
		}
		d.blocked = append(d.blocked, plan.Problem{
			Address: d.address, Summary: nothingLeft, Range: rangeText(d.appRange()), Detail: fmt.Sprintf(
				"Its sources come to no object, and all %d that there are of it would be deleted. If that is meant, say --allow-empty '%s' or set sync.allow_empty = true; "+
					"to end it, take it out of the configuration. If not, look at the paths and values of its sources.", gone, d.address),
		})
	}
}

// mayBeEmpty reports whether the application's rules let it have no object.
func (d *draft) mayBeEmpty() bool {
	automated := d.app.Sync.Automated
	return d.app.Sync.AllowEmpty || automated != nil && automated.Enabled && automated.AllowEmpty
}
