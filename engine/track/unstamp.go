package track

import (
	"encoding/json"
	"fmt"
	"maps"
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

// Unmarked returns an object without our marks; it shares with o what does not
// change.
func Unmarked(o object.Object) object.Object {
	out := maps.Clone(o)
	metadata := maps.Clone(o.Metadata())
	for _, mark := range []struct{ field, key string }{
		{"labels", LabelPartOf}, {"labels", LabelApplication}, {"annotations", AnnotationID},
	} {
		entries, ok := metadata[mark.field].(map[string]any)
		if _, marked := entries[mark.key]; !ok || !marked {
			continue
		}
		entries = maps.Clone(entries)
		delete(entries, mark.key)
		if metadata[mark.field] = entries; len(entries) == 0 {
			delete(metadata, mark.field)
		}
	}
	if metadata != nil {
		out["metadata"] = map[string]any(metadata)
	}
	return out
}
