package html

import (
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// node is an application in the graph, or all instances of a block.
type node struct {
	name         string
	applications []int
	needs        []int // nodes that come first, ascending
	layer, slot  int
}

const (
	// mostNodes is how many nodes the graph has at most: of more applications, the
	// instances of a block are one node.
	mostNodes = 60
	// mostBlocks is how many nodes are drawn at all.
	mostBlocks = 300
)

// graph draws which application waits for which.
func (g *page) graph() {
	if len(g.p.Applications) < 2 {
		return
	}
	nodes := g.nodes(func(a addr.Address) string { return a.String() })
	grouped := false
	if len(nodes) > mostNodes {
		nodes, grouped = g.nodes(block), true
	}
	edges := 0
	for _, n := range nodes {
		edges += len(n.needs)
	}
	g.raw("<details id=\"graph\"" + when(edges > 0 && len(nodes) <= mostNodes, " open") + "><summary>Order of applications")
	g.tag("span", "of", " "+graphWords(len(nodes), edges, grouped))
	g.raw("</summary>\n")
	if len(nodes) > mostBlocks {
		g.tag("p", "meta", fmt.Sprintf("%d blocks are too many to draw. What each application waits for is told with it in the JSON of the plan.", len(nodes)))
	} else {
		g.svg(nodes, layOut(nodes))
	}
	g.raw("</details>\n")
}

func graphWords(nodes, edges int, grouped bool) string {
	what := words.Counted(nodes, "application")
	if grouped {
		what = words.Counted(nodes, "block") + ", each with all its instances"
	}
	if edges == 0 {
		return what + "; none waits for another"
	}
	return what + "; each waits for those to its left that a line leads to"
}

// nodes makes a node of the applications with the same name.
func (g *page) nodes(name func(addr.Address) string) []node {
	var out []node
	index := map[string]int{}
	of := map[addr.Address]int{}
	for i := range g.p.Applications {
		a := &g.p.Applications[i]
		key := name(a.Address)
		n, ok := index[key]
		if !ok {
			n = len(out)
			index[key] = n
			out = append(out, node{name: key})
		}
		out[n].applications = append(out[n].applications, i)
		of[a.Address] = n
	}
	for n := range out {
		for _, i := range out[n].applications {
			for _, address := range g.p.Applications[i].DependsOn {
				if needed, ok := of[address]; ok && needed != n && !slices.Contains(out[n].needs, needed) {
					out[n].needs = append(out[n].needs, needed)
				}
			}
		}
		slices.Sort(out[n].needs)
	}
	return out
}

// Measures of the drawing, in pixels.
const (
	nodeWidth, nodeHeight = 220, 40
	gapX, gapY            = 56, 12
	margin                = 8
	longestName           = 28 // characters
)

func (g *page) svg(nodes []node, layers [][]int) {
	tallest := 0
	for _, layer := range layers {
		tallest = max(tallest, len(layer))
	}
	width := 2*margin + len(layers)*(nodeWidth+gapX) - gapX
	height := 2*margin + tallest*(nodeHeight+gapY) - gapY
	fmt.Fprintf(g.out, "<div class=\"scroll\"><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Order of applications\">\n", width, height, width, height)
	at := func(n node) (x, y int) {
		return margin + n.layer*(nodeWidth+gapX), margin + n.slot*(nodeHeight+gapY) + (tallest-len(layers[n.layer]))*(nodeHeight+gapY)/2
	}
	for i := range nodes {
		toX, toY := at(nodes[i])
		for _, needed := range nodes[i].needs {
			fromX, fromY := at(nodes[needed])
			x1, y1, x2, y2 := fromX+nodeWidth, fromY+nodeHeight/2, toX, toY+nodeHeight/2
			bend := max(gapX/2, (x2-x1)/2)
			fmt.Fprintf(g.out, "<path d=\"M%d %dC%d %d %d %d %d %d\"/>\n", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
		}
	}
	for i := range nodes {
		x, y := at(nodes[i])
		g.node(&nodes[i], x, y)
	}
	g.raw("</svg></div>\n")
}

func (g *page) node(n *node, x, y int) {
	counts := plan.Counts{}
	state := "still"
	for _, i := range n.applications {
		a := &g.p.Applications[i]
		for action, count := range a.Counts() {
			counts[action] += count
		}
		if a.IsBlocked() {
			state = "a-blocked"
		}
	}
	if state == "still" {
		for _, action := range shown() {
			if counts[action] > 0 && action != plan.Unchanged {
				state = "a-" + string(action)
				break
			}
		}
	}
	said := ""
	for _, action := range shown() {
		if c := counts[action]; c > 0 {
			said += when(said != "", ", ") + fmt.Sprintf("%d %s", c, action)
		}
	}
	name := n.name
	if runes := []rune(name); len(runes) > longestName {
		name = "…" + string(runes[len(runes)-longestName+1:])
	}
	target := n.name
	if len(n.applications) > 1 {
		target = ""
		said = fmt.Sprintf("%d instances: %s", len(n.applications), said)
	}
	if runes := []rune(said); len(runes) > longestName+4 {
		said = string(runes[:longestName+3]) + "…"
	}
	fmt.Fprintf(g.out, "<g class=\"%s\" data-show=\"%s\" transform=\"translate(%d %d)\"><title>", state, safe(target), x, y)
	g.text(n.name)
	fmt.Fprintf(g.out, "</title><rect width=\"%d\" height=\"%d\" rx=\"6\"/><text x=\"10\" y=\"17\">", nodeWidth, nodeHeight)
	g.text(name)
	g.raw("</text><text class=\"small\" x=\"10\" y=\"32\">")
	g.text(said)
	g.raw("</text></g>\n")
}
