package html

import (
	"fmt"

	"github.com/gantrycd/gantry/plan/view/words"
)

// orphans are the objects that belong to no application, where a project asks for them.
func (g *page) orphans() {
	list := g.p.Orphans
	if len(list) == 0 {
		return
	}
	g.raw("<section class=\"same\" id=\"orphans\"><details" + when(len(list) <= unfolded, " open") + "><summary>")
	g.text("Belongs to no application: " + words.Counted(len(list), "object"))
	g.raw("</summary><ul>\n")
	for _, o := range list {
		g.raw("<li>")
		g.tag("code", "", o.ID.String())
		g.tag("span", "of", fmt.Sprintf("in the cluster %q (project %s)", o.Cluster, o.Project))
		g.raw("</li>\n")
	}
	g.raw("</ul></details></section>\n")
}
