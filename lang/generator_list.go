package lang

import (
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/schema"
)

func listGenerator() *eval.Kind {
	return generatorType("list",
		"Gives the elements of a list, or of a map by its keys. The key of an element of a list is its attribute `key`, or the element itself where it is a string, else a hash of it. The elements may be made of other generators: by a `for` expression that chooses or changes their items, by `flatmap` or `product`.",
		`generator "list" "regions" {
  elements = [
    { key = "eu", replicas = 3 },
    { key = "us", replicas = 5 },
  ]
}`,
		[]schema.Argument{
			{Name: "elements", Type: schema.Any, Required: true, Doc: "The elements: a list of objects or strings, or a map."},
		}, nil,
		func(_ *eval.Evaluation, in *eval.Instance) (generated, bool) {
			if !isWhole(in, "elements") {
				return generated{}, false
			}
			argument, _ := in.Values.Get("elements")
			items, err := generate.List("elements", argument.Value)
			return generated{items: items}, !report(in, err, "Invalid generator element")
		})
}
