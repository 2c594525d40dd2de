package generate

import (
	"encoding/json"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// decodeAll reads the documents of a text: one of JSON, or YAML. Numbers keep every
// digit, and a key twice is an error.
func decodeAll(text []byte) ([]cty.Value, error) {
	if !json.Valid(text) {
		return value.FromYAML(text)
	}
	v, err := value.FromJSON(text)
	if err != nil {
		return nil, err
	}
	return []cty.Value{v}, nil
}
