package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
)

// deletion is an object that a plan deletes.
type deletion struct {
	application addr.Address
	change      *plan.Change
}

// deletionsOf lists what a plan deletes; others is how much else it does.
func deletionsOf(p *plan.Plan) (list []deletion, others int) {
	for i := range p.Applications {
		a := &p.Applications[i]
		for j := range a.Changes {
			switch c := &a.Changes[j]; {
			case c.Action.Deletes():
				list = append(list, deletion{a.Address, c})
			case c.Action.Changes() && c.Action != plan.Orphan: // which is part of leaving
				others++
			}
		}
	}
	return list, others
}

// takenWith is how many objects go with those that are deleted.
func takenWith(list []deletion) int {
	n := 0
	for _, d := range list {
		for i := range d.change.Takes {
			n += d.change.Takes[i].Count
		}
	}
	return n
}

// deletes says how much is deleted: "Deletes 3 objects, and 41 more with them".
func deletes(list []deletion) string {
	text := "Deletes " + counted(len(list), "object")
	with := "them"
	if len(list) == 1 {
		with = "it"
	}
	if n := takenWith(list); n > 0 {
		text += fmt.Sprintf(", and %d more with %s", n, with)
	}
	return text
}

// deletions lists what is deleted, before everything else: it is what people must
// not overlook. Where nothing but that happens the applications tell it already,
// unless they are not shown or something goes with it.
func (t *text) deletions() {
	list, others := deletionsOf(t.p)
	if len(list) == 0 || others == 0 && takenWith(list) == 0 && !t.options.Summary {
		return
	}
	longest := 0
	for _, d := range list {
		longest = max(longest, columns(d.change.ID.String()))
	}
	t.line(0, span{loud, deletes(list) + ":"})
	for _, d := range list {
		id := d.change.ID.String()
		t.line(0, t.action(d.change.Action), span{normal, id + strings.Repeat(" ", longest-columns(id)+2)},
			span{faint, d.application.String()})
		for _, note := range takes(d.change) {
			style := normal
			if note.hurts {
				style = red
			}
			t.list(detail, span{style, note.head}, note.items, note.hurts)
		}
	}
	t.blank()
}

// taking is a line about what goes with a deletion.
type taking struct {
	head  string
	items []string
	hurts bool
}

// takes tells what goes with a deletion: counted by kind, and named where it hurts,
// which is where data are lost, where more goes with it in turn, and where it is
// another application's.
func takes(c *plan.Change) []taking {
	var out []taking
	for _, why := range []plan.TakenWhy{plan.TakenInside, plan.TakenInstance, plan.TakenOwned, plan.TakenVolume} {
		total := 0
		counts := map[string]int{}
		for i := range c.Takes {
			if k := &c.Takes[i]; k.Why == why {
				total += k.Count
				counts[kindOf(k)] += k.Count
			}
		}
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(counts)) {
			kinds = append(kinds, fmt.Sprintf("%d %s", counts[kind], kind))
		}
		if total > 0 {
			out = append(out, taking{head: "takes " + counted(total, "object") + " " + becauseOf(why) + ": ", items: kinds})
		}
	}
	for i := range c.Takes {
		k := &c.Takes[i]
		head := ""
		switch {
		case k.Data:
			head = "loses the data of "
		case k.Of != "":
			head = k.Of + " wants "
		case k.Group == "" && k.Kind == "Namespace", k.Group == "apiextensions.k8s.io" && k.Kind == "CustomResourceDefinition":
		default:
			continue
		}
		if k.Data && k.Of != "" {
			head = k.Of + " loses the data of "
		}
		var names []string
		for _, id := range k.IDs {
			name := id.Name
			if id.Namespace != "" {
				name = id.Namespace + "/" + name
			}
			names = append(names, name)
		}
		if missing := k.Count - len(k.IDs); missing > 0 {
			names = append(names, fmt.Sprintf("%d more", missing))
		}
		out = append(out, taking{head: "! " + head + kindOf(k) + " ", items: names, hurts: true})
	}
	return out
}

func kindOf(k *plan.Taken) string {
	if k.Group == "" {
		return k.Kind
	}
	return k.Kind + "." + k.Group
}

func becauseOf(why plan.TakenWhy) string {
	switch why {
	case plan.TakenOwned:
		return "that it owns"
	case plan.TakenInside:
		return "that are in it"
	case plan.TakenInstance:
		return "that it defines"
	case plan.TakenVolume:
		return "that it claims"
	}
	return "(" + string(why) + ")"
}

// list writes items behind a head, on as many lines as they need.
func (t *text) list(indent int, head span, items []string, loudly bool) {
	style := normal
	if loudly {
		style = bold
	}
	room := max(40, t.options.Width-indent-columns(head.text))
	for len(items) > 0 {
		n, used := 0, 0
		for n < len(items) && (n == 0 || used+columns(items[n]) <= room) {
			used += columns(items[n]) + len(", ")
			n++
		}
		line := strings.Join(items[:n], ", ")
		if n < len(items) {
			line += ","
		}
		t.line(indent, head, span{style, line})
		head.text = strings.Repeat(" ", columns(head.text))
		items = slices.Clip(items[n:])
	}
}
