package view

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/view/fold"
)

// group shows changes that several applications have alike: as the first of them has
// them, and then the others. What they are made of stands above where it is the same
// for all, else with those that are made of it. Of these, so many are named.
func (t *text) group(g *fold.Group, most int) {
	first := &t.p.Applications[g.Applications[0]]
	t.line(0, span{bold, g.Heading()}, span{faint, ", as in " + first.Address.String()})
	parts := bySources(t.p, g)
	if len(parts) == 1 {
		for _, source := range parts[0].sources {
			t.line(2, source...)
		}
	}
	t.blank()
	for _, j := range g.Changes[0] {
		t.change(first, &first.Changes[j])
	}
	for _, part := range parts {
		named := part.applications[:min(most, len(part.applications))]
		items := addresses(t.p, named)
		if more := len(part.applications) - len(named); more > 0 {
			items = append(items, fmt.Sprintf("%d more", more))
		}
		t.list(2, span{normal, "in "}, items, false)
		if len(parts) == 1 {
			break
		}
		for _, source := range part.sources {
			t.line(5, source...)
		}
	}
}

// madeOf are applications of a group, and the lines about sources that all of them have.
type madeOf struct {
	applications []int
	sources      [][]span
}

// bySources splits the applications of a group by what they are made of, in their order.
// Paths do not count, each has its own; nor do directories, unless all have the same.
func bySources(p *plan.Plan, g *fold.Group) []madeOf {
	split := func(directories bool) []madeOf {
		var out []madeOf
		at := map[string]int{}
		for _, i := range g.Applications {
			lines := sourcesOf(&p.Applications[i], directories)
			key := fmt.Sprint(lines)
			n, ok := at[key]
			if !ok {
				n = len(out)
				at[key] = n
				out = append(out, madeOf{sources: lines})
			}
			out[n].applications = append(out[n].applications, i)
		}
		return out
	}
	if all := split(true); len(all) == 1 {
		return all
	}
	return split(false)
}

// sourcesOf are the lines about an application's sources, without what tells it from
// others of the same revision.
func sourcesOf(a *plan.Application, directories bool) [][]span {
	var out [][]span
	for _, pin := range a.Sources {
		if pin.Type == source.Directory && !directories {
			continue
		}
		was := moved(a, pin)
		pin.Path = ""
		out = append(out, sourceLine(pin, was))
	}
	return out
}

// addresses lists applications and where they go. Instances of one block are told by
// their keys: `application.web["a"] (production, a)`, `["b"] (production, b)`.
func addresses(p *plan.Plan, applications []int) []string {
	var out []string
	block := ""
	for _, i := range applications {
		address := p.Applications[i].Address
		whole := address.String()
		key := ""
		if address.HasKey {
			key = fmt.Sprintf("[%q]", address.Key)
		}
		base := whole[:max(0, len(whole)-len(key))]
		if key != "" && base == block && base+key == whole {
			out = append(out, key+fold.Place(&p.Applications[i]))
			continue
		}
		block = base
		out = append(out, whole+fold.Place(&p.Applications[i]))
	}
	return out
}
