package lang

import (
	"fmt"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

func listGenerator() *eval.Kind {
	return generatorType("list",
		"Gives the elements of a list, or of a map by its keys. The key of an element of a list is its attribute `key`, or the element itself where it is a string, else a hash of it.",
		`generator "list" "regions" {
  elements = [
    { key = "eu", replicas = 3 },
    { key = "us", replicas = 5 },
  ]
}`,
		[]schema.Argument{
			{Name: "elements", Type: schema.Any, Required: true, Doc: "The elements: a list of objects or strings, or a map."},
		}, nil, generateList)
}

func generateList(_ *eval.Evaluation, in *eval.Instance) ([]item, bool) {
	if !isWhole(in, "elements") {
		return nil, false
	}
	argument, _ := in.Values.Get("elements")
	v, _ := argument.Unmark()
	ty := v.Type()
	switch {
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		return listItems(in, v, argument.Range(), func(i int) string { return fmt.Sprintf("element %d", i) })
	case ty.IsObjectType() || ty.IsMapType():
		var items []item
		for key, element := range v.AsValueMap() {
			items = append(items, item{key: key, value: element, origin: fmt.Sprintf("element %q", key)})
		}
		sortItems(items)
		return items, true
	}
	in.ErrorAt(in.Values, "elements", "Unsuitable value", "The argument \"elements\" must be a list or a map, but is %s.", value.Kind(v))
	return nil, false
}
