// Package alarm finds what a reader of a plan must not overlook: what is deleted, what
// goes with that, and the risks. It says it in words; views decide how it looks. It is
// for plan/view and the packages below it.
package alarm

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view/words"
)

// Deletion is an object that a plan deletes.
type Deletion struct {
	Application addr.Address
	Change      *plan.Change
}

// Deletions lists what a plan deletes, in its order; others is how much else it does.
func Deletions(p *plan.Plan) (list []Deletion, others int) {
	for i := range p.Applications {
		a := &p.Applications[i]
		for j := range a.Changes {
			switch c := &a.Changes[j]; {
			case c.Action.Deletes():
				list = append(list, Deletion{a.Address, c})
			case c.Action.Changes() && c.Action != plan.Orphan: // which is part of leaving
				others++
			}
		}
	}
	return list, others
}

// TakenWith is how many objects go with those that are deleted.
func TakenWith(list []Deletion) int {
	n := 0
	for _, d := range list {
		for i := range d.Change.Takes {
			n += d.Change.Takes[i].Count
		}
	}
	return n
}

// Heading says how much is deleted: "Deletes 3 objects, and 41 more with them".
func Heading(list []Deletion) string {
	text := "Deletes " + words.Counted(len(list), "object")
	with := "them"
	if len(list) == 1 {
		with = "it"
	}
	if n := TakenWith(list); n > 0 {
		text += fmt.Sprintf(", and %d more with %s", n, with)
	}
	return text
}

// Taking is a sentence about what goes with a deletion: a head, and what it is about.
type Taking struct {
	Head  string // "takes 41 objects that are in it"
	Items []string
	Hurts bool // the items are names of what is lost, not counts of kinds
}

// Takes tells what goes with a deletion: counted by kind, and named where it hurts,
// which is where data are lost, where more goes with it in turn, and where it is
// another application's.
func Takes(c *plan.Change) []Taking {
	var out []Taking
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
			out = append(out, Taking{Head: "takes " + words.Counted(total, "object") + " " + becauseOf(why, total), Items: kinds})
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
		out = append(out, Taking{Head: head + kindOf(k), Items: names, Hurts: true})
	}
	return out
}

func kindOf(k *plan.Taken) string {
	if k.Group == "" {
		return k.Kind
	}
	return k.Kind + "." + k.Group
}

func becauseOf(why plan.TakenWhy, n int) string {
	switch why {
	case plan.TakenOwned:
		return "that it owns"
	case plan.TakenInside:
		if n == 1 {
			return "that is in it"
		}
		return "that are in it"
	case plan.TakenInstance:
		return "that it defines"
	case plan.TakenVolume:
		return "that it claims"
	}
	return "(" + string(why) + ")"
}
