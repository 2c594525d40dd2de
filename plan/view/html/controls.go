package html

import (
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// controls are the search and the filters.
func (g *page) controls() {
	counts := g.p.Counts()
	if counts.Total() == 0 {
		return
	}
	g.raw("<nav id=\"controls\" aria-label=\"Filters\">\n<input type=\"search\" id=\"search\" placeholder=\"Search names, fields and values\" aria-label=\"Search\" autocomplete=\"off\" spellcheck=\"false\">\n")
	var applications, clusters []string
	severities := map[plan.Severity]bool{}
	for i := range g.p.Applications {
		a := &g.p.Applications[i]
		applications = append(applications, a.Address.String())
		if a.Cluster != "" && !slices.Contains(clusters, a.Cluster) {
			clusters = append(clusters, a.Cluster)
		}
		for _, r := range a.Risks {
			severities[r.Severity] = severities[r.Severity] || r.Accepted == ""
		}
	}
	slices.Sort(clusters)
	g.choice("application", "all applications", applications)
	g.choice("cluster", "all clusters", clusters)
	var levels []string
	for _, s := range plan.Severities() {
		if severities[s] {
			levels = append(levels, string(s))
		}
	}
	if len(levels) > 0 {
		g.choice("risk", "with or without risk", append([]string{"any"}, levels...))
	}
	g.raw("<span class=\"chips\">")
	for _, action := range shown() {
		if n := counts[action]; n > 0 {
			fmt.Fprintf(g.out, "<button type=\"button\" class=\"a-%s\" data-filter=\"%s\" aria-pressed=\"%t\">%d %s</button> ", action, action, action != plan.Unchanged, n, action)
		}
	}
	g.raw("</span>\n<span class=\"right\"><output id=\"count\">")
	g.text(words.Counted(counts.Total(), "object"))
	g.raw("</output> <button type=\"button\" id=\"unfold\">Unfold</button> <button type=\"button\" id=\"fold\">Fold</button></span>\n</nav>\n<noscript><p class=\"banner\">Search, filters and details need JavaScript, of which this page has only its own.</p></noscript>\n")
}

func (g *page) choice(id, all string, options []string) {
	fmt.Fprintf(g.out, "<select id=\"%s\" aria-label=\"%s\"><option value=\"\">%s</option>", id, id, all)
	for _, option := range options {
		fmt.Fprintf(g.out, "<option value=\"%s\">", safe(option))
		if option == "any" {
			option = "with any risk"
		} else if id == "risk" {
			option = "with " + option + " risk"
		}
		g.text(option)
		g.raw("</option>")
	}
	g.raw("</select>\n")
}
