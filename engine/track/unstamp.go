package track

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// Unstamp returns a JSON patch (RFC 6902) that takes our marks off a live object,
// for one that is left behind; nil if it has none. The patch fails where a mark has
// changed in between.
func Unstamp(live object.Object) ([]byte, error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value string `json:"value,omitempty"`
	}
	var patch []operation
	labels, annotations := live.Labels(), live.Annotations()
	for _, mark := range []struct {
		field, key string
		values     map[string]string
	}{
		{"labels", LabelPartOf, labels},
		{"labels", LabelApplication, labels},
		{"annotations", AnnotationID, annotations},
	} {
		value, ok := mark.values[mark.key]
		if !ok {
			continue
		}
		path := "/metadata/" + mark.field + "/" + strings.ReplaceAll(mark.key, "/", "~1")
		patch = append(patch, operation{"test", path, value}, operation{"remove", path, ""})
	}
	if patch == nil {
		return nil, nil
	}
	text, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("patch of %s: %w", live.ID(), err)
	}
	return text, nil
}
