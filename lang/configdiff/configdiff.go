// Package configdiff compares two evaluations of a configuration: what an edit adds
// to it, takes away and changes, before anything is rendered or planned.
//
// It compares what was written and evaluated, nothing of the outside world. cmd and
// engine/promote import it.
package configdiff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/generate"
)

// Difference is what differs in one generator and what is made of it.
type Difference struct {
	Items        []Item        // by generator and key
	Applications []Application // by address
}

// Kind is how something differs.
type Kind string

// The kinds of difference.
const (
	Added   Kind = "added"
	Changed Kind = "changed"
	Removed Kind = "removed"
)

// Item is an item of a generator that differs.
type Item struct {
	Kind      Kind
	Generator addr.Address
	Key       string
}

// Application is an application that differs.
type Application struct {
	Kind      Kind
	Address   addr.Address
	Arguments []string // what of it has changed, in order: "labels", "sources"
}

// Generator compares what a generator, as a block or an instance, gives in two
// evaluations, and the applications that are made of it. What could not be evaluated
// has not been removed.
func Generator(before, after *lang.Config, address addr.Address) Difference {
	return Difference{
		Items:        items(before, after, address),
		Applications: applications(before, after, address),
	}
}

func items(before, after *lang.Config, address addr.Address) []Item {
	var out []Item
	had, have := generators(before, address), generators(after, address)
	for _, at := range union(had, have) {
		was, is := byKey(had[at]), byKey(have[at])
		if _, ok := have[at]; !ok && declared(after, at) && !hasInstances(have, at) {
			continue // it is there, and could not be evaluated
		}
		for _, key := range union(was, is) {
			a, before := was[key]
			b, now := is[key]
			switch {
			case !before:
				out = append(out, Item{Added, at, key})
			case !now:
				out = append(out, Item{Removed, at, key})
			case !a.Value.RawEquals(b.Value):
				out = append(out, Item{Changed, at, key})
			}
		}
	}
	return out
}

// generators returns the generators that an address names.
func generators(config *lang.Config, address addr.Address) map[addr.Address]*lang.Generator {
	out := map[addr.Address]*lang.Generator{}
	for _, g := range config.Generators {
		if address.Covers(g.Address) {
			out[g.Address] = g
		}
	}
	return out
}

// declared reports whether the block of an address is in a configuration.
func declared(config *lang.Config, address addr.Address) bool {
	return slices.ContainsFunc(config.Graph, func(n lang.Node) bool { return n.Address.Covers(address) })
}

// hasInstances reports whether other instances of the same block could be evaluated.
func hasInstances(of map[addr.Address]*lang.Generator, address addr.Address) bool {
	for other := range of {
		if address.HasKey && other.Block() == address.Block() {
			return true
		}
	}
	return false
}

func byKey(g *lang.Generator) map[string]generate.Item {
	out := map[string]generate.Item{}
	if g != nil {
		for _, item := range g.Items {
			out[item.Key] = item
		}
	}
	return out
}

func applications(before, after *lang.Config, address addr.Address) []Application {
	made := append(before.MadeOf(address), after.MadeOf(address)...)
	collect := func(config *lang.Config) map[addr.Address]*lang.Application {
		out := map[addr.Address]*lang.Application{}
		for _, app := range config.Applications {
			if slices.ContainsFunc(made, func(a addr.Address) bool { return a.Covers(app.Address) }) {
				out[app.Address] = app
			}
		}
		return out
	}
	had, have := collect(before), collect(after)
	var out []Application
	for _, at := range union(had, have) {
		was, is := had[at], have[at]
		switch {
		case was == nil:
			out = append(out, Application{Kind: Added, Address: at})
		case is == nil && !spared(after, at):
			out = append(out, Application{Kind: Removed, Address: at})
		case is == nil:
		default:
			if arguments := Differing(was, is); len(arguments) > 0 {
				out = append(out, Application{Kind: Changed, Address: at, Arguments: arguments})
			}
		}
	}
	return out
}

// spared reports whether an application is not in a configuration only because it
// could not be evaluated.
func spared(config *lang.Config, address addr.Address) bool {
	return config.Incomplete || slices.ContainsFunc(config.Deferred, func(a addr.Address) bool { return a.Covers(address) }) ||
		slices.ContainsFunc(config.Broken, func(b lang.Broken) bool { return b.Address.Covers(address) })
}

// union returns the keys of two maps, each once, in order.
func union[K comparable, V any](a, b map[K]V) []K {
	keys := slices.Collect(maps.Keys(a))
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b K) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return keys
}
