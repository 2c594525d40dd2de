package engine

import (
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/plan/object"
)

// tellRendered tells what was rendered to who asked for it.
func (p *planning) tellRendered() {
	if p.options.Rendered == nil {
		return
	}
	type from struct {
		id     object.ID
		origin string
		source int
	}
	for _, d := range p.drafts {
		if d.failed() || d.leaves() {
			continue
		}
		told := map[from]bool{} // a hook of several phases is there more than once
		objects := make([]object.Object, 0, len(d.desired))
		for _, want := range d.desired {
			key := from{want.object.ID(), want.origin, want.source}
			if !told[key] {
				told[key] = true
				objects = append(objects, track.Unmarked(want.object))
			}
		}
		p.options.Rendered(d.address, objects)
	}
}
