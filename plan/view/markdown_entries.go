package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/view/alarm"
	"github.com/gantrycd/gantry/plan/view/words"
)

// entries are a list under a heading: what may be left out only where there is no room.
type entries struct {
	heading, noun string
	list          []entry
}

// entry is a line of what must not be overlooked, and the lists that belong to it, which
// are shortened where they do not fit. Its line break is not in the head.
type entry struct {
	head  string
	lists []sublist
}

// sublist is a list of an entry: what stands before it, the items, and what stands
// between them.
type sublist struct {
	lead, between string
	items         []string
}

// cutEntry ends an entry of which whole lists are left out.
const cutEntry = "\n  - … there is more, for which this comment has no room"

// least is the room for the heads of a list.
func (e entries) least() int {
	if len(e.list) == 0 {
		return 0
	}
	n := len("\n" + e.heading + "\n\n")
	for _, entry := range e.list {
		n += entry.least()
	}
	return n
}

func (e entry) least() int {
	n := len("- " + e.head + "\n")
	if len(e.lists) > 0 {
		n += len(cutEntry)
	}
	return n
}

// shorten writes a list's items as far as they fit, and how many there are more. It is
// empty where not even that fits.
func (s sublist) shorten(room int) string {
	text := s.lead
	const more = len("1000000 not named here")
	for i, item := range s.items {
		before := s.between
		if i == 0 {
			before = ""
		}
		rest := 0
		if i < len(s.items)-1 {
			rest = len(s.between) + more
		}
		if len(text)+len(before)+len(item)+rest <= room {
			text += before + item
			continue
		}
		switch {
		case i > 0:
			return text + fmt.Sprintf("%s%d more", s.between, len(s.items)-i)
		case len(text)+more <= room:
			return text + fmt.Sprintf("%d not named here", len(s.items))
		}
		return ""
	}
	return text
}

// alarms writes what must not be overlooked. Every head comes first in the budget, so
// that a long entry hides no other; then what the entries list, as far as it fits.
func (m *markdown) alarms() {
	all := []entries{m.deletions(), m.risks(0), m.policies(), m.problems(enoughOfAnError), m.orphans()}
	least := func(of []entries) (n int) {
		for _, e := range of {
			n += e.least()
		}
		return n
	}
	if least(all) > m.left {
		all[1], all[3] = m.risks(enoughOfARisk), m.problems(0)
	}
	for i, e := range all {
		m.entries(e, m.left-least(all[i:]))
	}
}

// entries writes a list. Beyond the heads it may use so many bytes.
func (m *markdown) entries(e entries, room int) {
	if len(e.list) == 0 {
		return
	}
	m.force("\n" + e.heading + "\n\n")
	left := 0
	for _, entry := range e.list {
		if entry.least() > m.left {
			left++
			continue
		}
		text := "- " + entry.head
		room = min(room, m.left-entry.least())
		if len(entry.lists) > 0 {
			room += len(cutEntry)
		}
		for i, list := range entry.lists {
			spare := len(cutEntry) // for saying that the next one does not fit
			if i == len(entry.lists)-1 {
				spare = 0
			}
			shown := list.shorten(room - spare)
			if shown == "" {
				text += cutEntry
				room -= len(cutEntry)
				break
			}
			text += shown
			room -= len(shown)
		}
		m.force(text + "\n")
	}
	if left > 0 {
		m.force(fmt.Sprintf("- **%s not named here: this comment would be too long**\n", words.Counted(left, e.noun)))
	}
}

func (m *markdown) deletions() entries {
	list, _ := alarm.Deletions(m.p)
	out := entries{heading: "**" + alarm.Heading(list) + ":**", noun: "object"}
	// What takes most is named first.
	slices.SortStableFunc(list, func(a, b alarm.Deletion) int { return len(b.Change.Takes) - len(a.Change.Takes) })
	for _, d := range list {
		made := entry{head: fmt.Sprintf("%s %s in %s", d.Change.Action, code(d.Change.ID.String()), code(d.Application.String()))}
		if d.Change.Confirm {
			made.head += ", **" + needsConfirmation + "**"
		}
		for _, taking := range alarm.Takes(d.Change) {
			if taking.Hurts {
				made.lists = append(made.lists, sublist{"\n  - **" + escaped(taking.Head) + "** ", ", ", codes(taking.Items)})
				continue
			}
			items := slices.Clone(taking.Items)
			for i := range items {
				items[i] = escaped(items[i])
			}
			made.lists = append(made.lists, sublist{"\n  - " + escaped(taking.Head+": "), ", ", items})
		}
		out.list = append(out.list, made)
	}
	return out
}

// enoughOfARisk is how many characters of a risk's detail are told where there is no
// room for all.
const enoughOfARisk = 200

// risks are the risks, with so many characters of their details, 0 for all.
func (m *markdown) risks(most int) entries {
	place := func(at alarm.Place) string {
		if at.Object == "" {
			return code(at.Application.String())
		}
		return code(at.Object) + " in " + code(at.Application.String())
	}
	out := entries{heading: "**Risks:**", noun: "risk"}
	for _, r := range alarm.Risks(m.p) {
		text := strings.Join(strings.Fields(r.Detail), " ")
		if most > 0 {
			text = cut(text, most)
		}
		detail := escaped(text)
		made := entry{head: fmt.Sprintf("**%s** %s", escaped(string(r.Risk.Severity)), code(r.Risk.Code))}
		switch {
		case r.Brief:
			made.head += fmt.Sprintf(": %s, %d times", detail, len(r.Of))
			made.lists = []sublist{{": ", ", ", codes(names(r.Of))}}
		case len(r.Of) == 1:
			made.head += " " + place(r.Of[0]) + ": " + detail
		default:
			made.head += ": " + detail
			var places []string
			for _, at := range r.Of {
				places = append(places, place(at))
			}
			made.lists = []sublist{{"\n  - ", "\n  - ", places}}
		}
		out.list = append(out.list, made)
	}
	return out
}

// enoughOfAnError is how many characters of an error's detail are told.
const enoughOfAnError = 2000

// problems are the errors, with so many characters of their details.
func (m *markdown) problems(most int) entries {
	out := entries{heading: "**Not in this plan:**", noun: "error"}
	for _, problem := range m.p.Problems {
		head := ""
		if !problem.Address.IsZero() {
			head = code(problem.Address.String()) + ": "
		}
		head += escaped(problem.Summary)
		if problem.Range != "" {
			head += " (" + code(problem.Range) + ")"
		}
		if detail := strings.Join(strings.Fields(problem.Detail), " "); detail != "" && most > 0 {
			head += ": " + escaped(cut(detail, most))
		}
		out.list = append(out.list, entry{head: head})
	}
	return out
}
