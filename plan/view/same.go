package view

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/fold"
)

// group shows changes that several applications have alike: as the first of them has
// them, and then the others.
func (t *text) group(g *fold.Group) {
	first := &t.p.Applications[g.Applications[0]]
	t.line(0, span{bold, g.Heading()}, span{faint, ", as in " + first.Address.String()})
	for _, source := range t.sources(g) {
		t.line(2, source...)
	}
	t.blank()
	for _, j := range g.Changes[0] {
		t.change(first, &first.Changes[j])
	}
	t.list(2, span{normal, "in "}, addresses(t.p, g), false)
}

// sources are the lines about sources that all applications of a group have.
func (t *text) sources(g *fold.Group) [][]span {
	lines := func(a *plan.Application) [][]span {
		var out [][]span
		for _, pin := range a.Sources {
			was := moved(a, pin)
			pin.Path = "" // each has its own
			out = append(out, sourceLine(pin, was))
		}
		return out
	}
	all := lines(&t.p.Applications[g.Applications[0]])
	for _, i := range g.Applications[1:] {
		others := lines(&t.p.Applications[i])
		if fmt.Sprint(others) != fmt.Sprint(all) {
			return nil
		}
	}
	return all
}

// addresses lists the applications of a group. Instances of one block are told by their
// keys: `application.web["a"]`, `["b"]`.
func addresses(p *plan.Plan, g *fold.Group) []string {
	var out []string
	block := ""
	for _, i := range g.Applications {
		address := p.Applications[i].Address
		whole := address.String()
		key := ""
		if address.HasKey {
			key = fmt.Sprintf("[%q]", address.Key)
		}
		base := whole[:max(0, len(whole)-len(key))]
		if key != "" && base == block && base+key == whole {
			out = append(out, key)
			continue
		}
		block = base
		out = append(out, whole)
	}
	return out
}
