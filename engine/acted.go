package engine

import (
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// acted tells what an act changed, and who had changed it before, both sorted.
func (p *progress) acted() (objects []object.ID, managers []string) {
	for i := range p.app.Changes {
		made := p.results[i]
		if made == nil {
			continue
		}
		c := &p.app.Changes[i]
		if made.object != nil && made.object.Kind() == c.ID.Kind {
			objects = append(objects, made.object.ID())
		} else {
			objects = append(objects, c.ID)
		}
		if p.applying.plan.Act.Name == plan.SelfHeal {
			managers = append(managers, driftedBy(c)...)
		}
	}
	slices.SortFunc(objects, object.ID.Compare)
	slices.Sort(managers)
	return slices.Compact(objects), slices.Compact(managers)
}

// driftedBy lists who changed what a change puts back, as far as that is known.
func driftedBy(c *plan.Change) []string {
	var out []string
	for i := range c.Fields {
		if drift := c.Fields[i].Drift; drift != nil && drift.Manager != "" {
			out = append(out, drift.Manager)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
