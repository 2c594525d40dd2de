package view

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
)

// orphansShown is how many objects that belong to no application are named.
const orphansShown = 20

// orphans tells what belongs to no application, where a project asks for it.
func (t *text) orphans() {
	list := t.p.Orphans
	if len(list) == 0 {
		return
	}
	t.line(0, span{loud, "Belongs to no application:"})
	shown := list
	if !t.options.Full {
		shown = list[:min(len(list), orphansShown)]
	}
	for _, o := range shown {
		t.line(2, span{normal, orphanText(o)})
	}
	if more := len(list) - len(shown); more > 0 {
		t.line(2, span{faint, fmt.Sprintf("and %d more (--full shows all)", more)})
	}
	t.blank()
}

func orphanText(o plan.Orphaned) string {
	return fmt.Sprintf("%s in the cluster %q (project %s)", o.ID, o.Cluster, o.Project)
}

func (m *markdown) orphans() entries {
	out := entries{heading: "**Belongs to no application:**", noun: "object"}
	for _, o := range m.p.Orphans {
		out.list = append(out.list, entry{head: code(o.ID.String()) + " in " + code(o.Cluster) + " (project " + code(o.Project) + ")"})
	}
	return out
}

// jsonOrphan is an object that belongs to no application.
type jsonOrphan struct {
	Project string     `json:"project"`
	Cluster string     `json:"cluster"`
	Object  jsonObject `json:"object"`
}

func jsonOrphans(p *plan.Plan) []jsonOrphan {
	var out []jsonOrphan
	for _, o := range p.Orphans {
		out = append(out, jsonOrphan{o.Project, o.Cluster, jsonObjectOf(o.ID, "")})
	}
	return out
}
