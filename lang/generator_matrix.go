package lang

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/schema"
)

func matrixGenerator() *eval.Kind {
	return generatorType("matrix",
		"Combines every item of one generator with every item of the others. The key is theirs, joined by `/`; an item has the attributes of all of them, and it is an error if two have the same attribute with other values. Where two have an attribute `key`, as the elements of lists do, it is the joined key. Where the second generator uses values of the first, it has the first as its `for_each`, and `flatmap` combines the two.",
		`generator "matrix" "everywhere" {
  generators = [generator.clusters.production, generator.git.overlays]
}`,
		[]schema.Argument{
			{Name: "generators", Type: schema.Objects, Required: true, Doc: "The generators to combine, two or more."},
		}, nil,
		func(_ *eval.Evaluation, in *eval.Instance) (generated, bool) {
			factors, ok := combined(in, "A matrix combines")
			if !ok {
				return generated{}, false
			}
			items, err := generate.Matrix(factors)
			return generated{items: items}, !report(in, err, "Conflicting generator items")
		})
}

func mergeGenerator() *eval.Kind {
	return generatorType("merge",
		"Overlays the items of the first generator with those of the others that have the same values of `keys`. Objects within are merged, anything else is replaced by the later one; what is null in a later item is as what is not there. An item of a later generator that fits none of the first is passed over. The key is the values of `keys`, joined by `/`.",
		`generator "merge" "clusters" {
  generators = [generator.clusters.production, generator.list.overrides]
  keys       = ["name"]
}`,
		[]schema.Argument{
			{Name: "generators", Type: schema.Objects, Required: true, Doc: "The generators, two or more: the first gives the items, the others change them."},
			{Name: "keys", Type: schema.Strings, Required: true, Doc: "The attributes that tell which items belong together; `labels.region` is one within another."},
		}, nil,
		func(_ *eval.Evaluation, in *eval.Instance) (generated, bool) {
			factors, ok := combined(in, "Merging takes")
			if !ok || !isWhole(in, "keys") {
				return generated{}, false
			}
			items, err := generate.Merge(factors, in.Values.Strings("keys"))
			return generated{items: items}, !report(in, err, "Conflicting generator items")
		})
}

// combined returns the items of the generators that another one combines.
func combined(in *eval.Instance, verb string) ([][]generate.Item, bool) {
	if !isWhole(in, "generators") {
		return nil, false
	}
	argument, _ := in.Values.Get("generators")
	generators, _ := argument.Unmark()
	if generators.LengthInt() < 2 {
		in.ErrorAt(in.Values, "generators", "Too few generators", "%s two generators or more, but there are %d.", verb, generators.LengthInt())
		return nil, false
	}
	if !checkSingle(in, argument.Expr) {
		return nil, false
	}
	factors := make([][]generate.Item, 0, generators.LengthInt())
	for i, v := range generators.AsValueSlice() {
		factor, err := generate.Factor("generators", v, i)
		if report(in, err, "Unsuitable value") {
			return nil, false
		}
		factors = append(factors, factor)
	}
	return factors, true
}

// checkSingle refuses a generator with for_each among those to combine: its items
// would be whole generators, which look like items.
func checkSingle(in *eval.Instance, expr hcl.Expression) bool {
	elements, diags := hcl.ExprList(expr)
	if diags.HasErrors() {
		return true // not a literal list; then its values are looked at
	}
	for _, element := range elements {
		traversal, diags := hcl.AbsTraversalForExpr(element)
		if diags.HasErrors() {
			continue
		}
		a, rest, err := addr.FromTraversal(traversal)
		if err != nil || len(rest) > 0 || a.Kind != "generator" || a.HasKey || !in.HasForEach(a) {
			continue
		}
		in.Errorf(element.Range(), "Unsuitable value", "%s has for_each, so that it is several generators: one for each key. Say which one in brackets; or, where its for_each is another generator, write flatmap(GENERATOR, %s), which combines each item of that one with those made for it.", a, a)
		return false
	}
	return true
}
