package generate

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// PluginPath is where, below its URL, a plugin is asked, as in Argo CD.
const PluginPath = "/api/v1/getparams.execute"

// PluginRequest returns what is sent to a plugin: the name of who asks, and
// parameters, in Argo CD's form. parameters may be cty.NilVal for none.
func PluginRequest(name string, parameters cty.Value) ([]byte, error) {
	type input struct {
		Parameters any `json:"parameters"`
	}
	request := struct {
		ApplicationSetName string `json:"applicationSetName"`
		Input              input  `json:"input"`
	}{ApplicationSetName: name, Input: input{Parameters: map[string]any{}}}
	if parameters != cty.NilVal {
		plain, _, err := value.ToJSON(parameters)
		if err != nil {
			return nil, err
		}
		request.Input.Parameters = plain
	}
	return json.Marshal(request)
}

// PluginItems reads a plugin's answer, in Argo CD's form: the items are the objects
// under output.parameters, and the attribute called key names them. What is wrong
// with the answer is an error, with words that follow "it".
func PluginItems(answer []byte, key string) ([]Item, error) {
	v, err := value.FromJSON(answer)
	if err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	output, ok := lookUp(v, "output")
	if !ok {
		return nil, errors.New(`has no "output": it must be {"output": {"parameters": [...]}}`)
	}
	parameters, ok := lookUp(output, "parameters")
	if !ok {
		return nil, errors.New(`has no list "output.parameters"; where there is no item, it must be an empty list`)
	}
	if !parameters.Type().IsTupleType() {
		return nil, fmt.Errorf(`must have a list "output.parameters", but that is %s`, value.Kind(parameters))
	}
	items := make([]Item, 0, parameters.LengthInt())
	for i, element := range parameters.AsValueSlice() {
		origin := fmt.Sprintf("element %d of the answer", i)
		if !isObject(element) {
			return nil, fmt.Errorf("must hold objects, but %s is %s", origin, value.Kind(element))
		}
		if !element.Type().HasAttribute(key) {
			return nil, fmt.Errorf("must name each item, but %s has no attribute %q; say with the argument key which one names it", origin, key)
		}
		name, err := namedKey(element, key)
		if err != nil {
			return nil, fmt.Errorf("has a fault in %s: %w", origin, err)
		}
		items = append(items, Item{Key: name, Value: element, Origin: origin})
	}
	return items, nil
}
