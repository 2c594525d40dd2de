package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
)

// Generator is data that applications are stamped from.
type Generator struct {
	Address addr.Address
	Items   []generate.Item // sorted by key
	// MaxRemoved is how many items may vanish at once.
	MaxRemoved generate.Limit
	Reads      []source.Pin // what it read of the outside world itself
	Range      hcl.Range
}

// Keys returns the keys of the generator's items, sorted.
func (g *Generator) Keys() []string { return generate.Keys(g.Items) }

// MadeOf returns the blocks of applications that are stamped from a generator, also
// by way of other generators, local values and modules, sorted.
func (c *Config) MadeOf(generator addr.Address) []addr.Address {
	needs := make(map[addr.Address][]addr.Address, len(c.Graph))
	known := map[addr.Address]bool{}
	for _, node := range c.Graph {
		needs[node.Address] = node.Needs
		if node.Address.Kind == "generator" && node.Address.Covers(generator) {
			known[node.Address] = true
		}
	}
	var from func(addr.Address) bool
	from = func(a addr.Address) bool {
		if is, ok := known[a]; ok {
			return is
		}
		known[a] = false // what refers to itself is an error, and told
		for _, need := range needs[a] {
			switch need.Kind {
			case "generator", "local", "module", "var", "output":
				known[a] = known[a] || from(need)
			}
		}
		return known[a]
	}
	var made []addr.Address
	for _, node := range c.Graph {
		if node.Address.Kind == "application" && from(node.Address) {
			made = append(made, node.Address)
		}
	}
	return made
}

// generatorKind is the kind of all generators; types are its types.
func generatorKind(types ...*eval.Kind) *eval.Kind {
	k := &eval.Kind{Block: &schema.Block{Type: "generator", Labels: []string{"type", "name"}}, Root: "generator", Types: map[string]*eval.Kind{}}
	for _, typed := range types {
		k.Types[typed.Labels[0]] = typed
	}
	return k
}

// generated is what a generator comes to.
type generated struct {
	items []generate.Item
	reads []source.Pin
}

// generatorType declares a type of generator. give tells what it comes to, or false
// where that cannot be told; what is wrong it reports in the instance.
func generatorType(typeName, doc, example string, arguments []schema.Argument, blocks []schema.Nested, give func(*eval.Evaluation, *eval.Instance) (generated, bool)) *eval.Kind {
	common := []schema.Argument{forEachArgument(), dependsOnArgument()}
	limits := []schema.Argument{
		{Name: "max_items", Type: schema.Integer, Doc: "How many items there may be. It is an error if there are more."},
		{Name: "max_removed", Type: schema.String, Doc: "How many items may vanish at once: a number, or a part of those that there were when the applications were last applied, such as `\"50%\"`. A plan in which more vanish is blocked, and names them; `--allow-removed` lets it pass."},
	}
	return &eval.Kind{
		Block: &schema.Block{
			Type: "generator", Labels: []string{typeName, "name"}, Doc: doc, Example: example,
			Arguments: append(append(common, arguments...), limits...), Blocks: blocks,
		},
		Root: "generator",
		Decode: func(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
			limit := maxRemoved(in)
			made, known := generatedBy(e, in, give)
			if !known || in.Failed || in.Deferred {
				return eval.Decoded{Value: cty.DynamicVal}
			}
			items, err := generate.Collect(made.items)
			if report(in, err, "Invalid generator") || !checkCount(in, items) {
				return eval.Decoded{Value: cty.DynamicVal}
			}
			return eval.Decoded{
				Value: generate.Object(items),
				Made:  &Generator{Address: in.Address, Items: items, MaxRemoved: limit, Reads: made.reads, Range: in.Values.Range},
			}
		},
	}
}

// generatedBy returns what a generator comes to: a test's items, where it gives some.
func generatedBy(e *eval.Evaluation, in *eval.Instance, give func(*eval.Evaluation, *eval.Instance) (generated, bool)) (generated, bool) {
	given, ok := e.FixtureItems(in)
	if !ok {
		return give(e, in)
	}
	var made generated
	for it := given.ElementIterator(); it.Next(); {
		key, v := it.Element()
		made.items = append(made.items, generate.Item{Key: key.AsString(), Value: v, Origin: "the fixture"})
	}
	return made, true
}

// report reports what is wrong with a generator, where it was written, and whether
// anything is.
func report(in *eval.Instance, err error, summary string) bool {
	for _, problem := range generate.Problems(err, summary) {
		if problem.Argument != "" {
			in.ErrorAt(in.Values, problem.Argument, problem.Summary, "%s", problem.Detail)
		} else {
			in.Errorf(in.Values.Range, problem.Summary, "%s", problem.Detail)
		}
	}
	return err != nil
}

func maxRemoved(in *eval.Instance) generate.Limit {
	if !in.Values.IsKnown("max_removed") {
		return generate.Limit{}
	}
	limit, err := generate.ParseLimit(in.Values.String("max_removed"))
	if err != nil {
		in.ErrorAt(in.Values, "max_removed", "Unsuitable value", "The argument \"max_removed\" %s.", err)
	}
	return limit
}

// maxShown is how many keys a message names.
const maxShown = 5

// checkCount holds a generator to max_items.
func checkCount(in *eval.Instance, items []generate.Item) bool {
	if !in.Values.IsKnown("max_items") {
		return true
	}
	limit := in.Values.Int("max_items", 0)
	if len(items) <= limit {
		return true
	}
	var shown []string
	for _, item := range items[:min(len(items), maxShown)] {
		shown = append(shown, fmt.Sprintf("%q", item.Key))
	}
	more := ""
	if len(items) > maxShown {
		more = fmt.Sprintf(" and %d more", len(items)-maxShown)
	}
	in.ErrorAt(in.Values, "max_items", "Too many items", "%s has %d items, and may have %d: %s%s. Raise max_items if that is meant.", in.Address, len(items), limit, strings.Join(shown, ", "), more)
	return false
}

// isWhole reports whether a generator's argument is set and known, elements and
// all.
func isWhole(in *eval.Instance, name string) bool {
	return in.Values.Has(name) && in.Values.IsKnown(name)
}
