package kubernetes

import (
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// page is one page of a list.
type page struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
		Continue        string `json:"continue"`
	} `json:"metadata"`
	Items []map[string]any `json:"items"`
}

// decodePage decodes a list. Whole numbers become int64.
func decodePage(body []byte) (page, error) {
	var out page
	err := json.Unmarshal(body, &out)
	return out, err
}

// decodeObject decodes one object. Whole numbers become int64.
func decodeObject(body []byte) (object.Object, error) {
	var out map[string]any
	err := json.Unmarshal(body, &out)
	return out, err
}

// setKind gives an item of a list the apiVersion and kind that servers leave out
// of the items of built-in kinds.
func setKind(item object.Object, resource providers.Resource) {
	if _, ok := item["kind"]; !ok {
		item["kind"] = resource.GVK.Kind
	}
	if _, ok := item["apiVersion"]; !ok {
		item["apiVersion"] = resource.GVK.APIVersion()
	}
}
