package view

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/fold"
	"github.com/gantrycd/gantry/plan/view/words"
)

// section is something to unfold: an application's changes, or those that several have
// alike.
type section struct {
	title string
	head  func(*text)
	items []*item
	tail  func(*text)
}

// item is a change of a section, or all changes of a group, with what it takes to show.
type item struct {
	show    func(*text)
	brief   func(*text) // where that is too long; may be nil
	objects int         // that it tells of
	rank    int
	text    string // once it was decided to show it
	chosen  bool
}

// sectionsOf are the sections of a plan, in its order.
func sectionsOf(p *plan.Plan) []*section {
	alike := fold.Find(p)
	var out []*section
	for i := range alike.List {
		out = append(out, groupSection(p, &alike.List[i]))
	}
	for i := range p.Applications {
		a := &p.Applications[i]
		s := &section{title: a.Address.String(), head: func(t *text) { t.head(a); t.blank() }}
		ranks := objectRanks(a)
		unchanged, folded := 0, 0
		for j := range a.Changes {
			c := &a.Changes[j]
			if c.Action == plan.Unchanged && len(c.Warnings) == 0 {
				unchanged++
				continue
			}
			if alike.Has(i, j) {
				folded++
			} else {
				s.items = append(s.items, &item{show: func(t *text) { t.change(a, c) }, objects: 1, rank: rankOf(c, ranks)})
			}
		}
		if len(s.items) == 0 && !isTold(a) {
			continue
		}
		s.tail = func(t *text) { t.counts(a, folded, unchanged) }
		out = append(out, s)
	}
	return out
}

// namedInBrief is how many applications of a group are named where there is no room for
// all.
const namedInBrief = 10

func groupSection(p *plan.Plan, g *fold.Group) *section {
	first := &p.Applications[g.Applications[0]]
	rank := 0
	for n, i := range g.Applications {
		a := &p.Applications[i]
		ranks := objectRanks(a)
		for _, j := range g.Changes[n] {
			rank = max(rank, rankOf(&a.Changes[j], ranks)+1)
		}
	}
	return &section{
		title: g.Heading() + ", as in " + first.Address.String(),
		head:  func(*text) {},
		items: []*item{{show: func(t *text) { t.group(g, len(p.Applications)) }, brief: func(t *text) { t.group(g, namedInBrief) }, objects: len(g.Applications) * len(g.Changes[0]), rank: rank}},
	}
}

// rankOf orders changes by how much one wants to see them.
func rankOf(c *plan.Change, risks map[object.ID]int) int {
	rank := risks[c.ID]
	switch c.Action {
	case plan.Prune, plan.Replace:
		return max(rank, 90)
	case plan.Blocked:
		return max(rank, 80)
	case plan.Update:
		return max(rank, 30)
	case plan.Adopt:
		return max(rank, 25)
	case plan.Run:
		return max(rank, 20)
	case plan.Create, plan.Remember:
		return max(rank, 15)
	case plan.Orphan, plan.Forget, plan.Unchanged:
	}
	return rank
}

// objectRanks are the ranks that risks give to an application's objects.
func objectRanks(a *plan.Application) map[object.ID]int {
	out := map[object.ID]int{}
	for _, r := range a.Risks {
		if r.Object != nil && r.Accepted == "" {
			out[*r.Object] = max(out[*r.Object], 40+20*alarm.Weight(r.Severity))
		}
	}
	return out
}

// changes returns what there is to unfold in so many bytes, and how many objects
// that leaves out: those that matter least.
func (m *markdown) changes(budget int) (out string, left int) {
	p := m.p
	sections := sectionsOf(p)
	type candidate struct {
		section *section
		item    *item
	}
	var candidates []candidate
	for _, s := range sections {
		for _, i := range s.items {
			candidates = append(candidates, candidate{s, i})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return b.item.rank - a.item.rank })
	render := func(show func(*text)) string {
		if show == nil {
			return ""
		}
		return diffText(p, show)
	}
	const enough = 200 // below which nothing is worth trying
	opened := map[*section]string{}
	closed := map[*section]string{}
	begun := map[*section]bool{}
	open := func(s *section) int {
		if _, known := opened[s]; !known {
			opened[s], closed[s] = firstLines(render(s.head), mostOfAHead), render(s.tail)
		}
		return len(m.frame(s.title, opened[s]+closed[s]))
	}
	for _, c := range candidates {
		if budget < enough {
			break
		}
		cost := 0
		if !begun[c.section] {
			cost = open(c.section)
		}
		lengthOf := func(text string) int { return len(text) + 2*longestRun(text) } // a longer fence
		c.item.text = render(c.item.show)
		if cost+lengthOf(c.item.text) > budget && c.item.brief != nil {
			c.item.text = render(c.item.brief)
		}
		cost += lengthOf(c.item.text)
		if cost > budget {
			c.item.text = ""
			continue
		}
		c.item.chosen, begun[c.section] = true, true
		budget -= cost
	}
	var b strings.Builder
	for _, s := range sections {
		body := ""
		for _, i := range s.items {
			if i.chosen {
				body += i.text
			} else {
				left += i.objects
			}
		}
		switch {
		case body != "":
			b.WriteString(m.frame(s.title, opened[s]+body+closed[s]))
		case len(s.items) == 0: // something is to be said of the application itself
			if cost := open(s); cost <= budget {
				budget -= cost
				b.WriteString(m.frame(s.title, opened[s]+closed[s]))
			}
		}
	}
	return b.String(), left
}

// mostOfAHead is how many bytes of what is said of an application as a whole are shown, so
// that they do not keep its changes out.
const mostOfAHead = 6000

// firstLines is as much of a text as fits, in whole lines where one does.
func firstLines(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := strings.LastIndexByte(text[:most], '\n') + 1
	if end == 0 {
		return strings.ToValidUTF8(text[:most], "") + "…\n"
	}
	return text[:end] + "  …\n"
}

// frame is a text to unfold, in a fence that nothing in it can end; below a heading where
// the forge cannot fold.
func (m *markdown) frame(title, body string) string {
	if m.options.NoHTML {
		return "\n#### " + code(title) + "\n\n" + fenced(body) + "\n"
	}
	return fmt.Sprintf("\n<details><summary><code>%s</code></summary>\n\n%s\n\n</details>\n", html.EscapeString(words.Printable(title)), fenced(body))
}

// fenced is lines of a diff as code that nothing in them can end.
func fenced(body string) string {
	fence := strings.Repeat("`", max(3, longestRun(body)+1))
	return fence + "diff\n" + body + fence
}

// diffText is what text shows, as lines of a diff.
func diffText(p *plan.Plan, show func(*text)) string {
	var body bytes.Buffer
	t := newText(&body, p, Options{})
	t.diff = true
	show(t) // writing to memory does not fail
	return body.String()
}
