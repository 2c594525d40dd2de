package kubernetes

import (
	"errors"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// page is one page of a list.
type page struct {
	items   []object.Object
	version string // resourceVersion of the whole list
	next    string // continue token; empty at the end
	left    int64  // how many objects there are beyond this page, as far as the server tells
}

// partialObject is the kind of an item of which only the metadata was asked for.
const partialObject = "PartialObjectMetadata"

// decodePage decodes a list, and gives its items the apiVersion and kind that
// servers leave out of the items of built-in kinds, and of those of which they send
// the metadata only.
func decodePage(body []byte, resource providers.Resource) (page, error) {
	list, err := decodeObject(body)
	if err != nil {
		return page{}, err
	}
	items, ok := list["items"].([]any)
	if !ok && list["items"] != nil || list.Kind() == "" {
		return page{}, errors.New("it is no list of objects")
	}
	out := page{items: make([]object.Object, len(items)), version: list.ResourceVersion()}
	out.next, _ = list.Metadata()["continue"].(string)
	out.left, _ = list.Metadata()["remainingItemCount"].(int64)
	for i, item := range items {
		o, ok := item.(map[string]any)
		if !ok {
			return page{}, errors.New("an item of the list is no object")
		}
		ofKind(o, resource)
		if _, ok := o["kind"]; !ok {
			o["kind"] = resource.GVK.Kind
		}
		if _, ok := o["apiVersion"]; !ok {
			o["apiVersion"] = resource.GVK.APIVersion()
		}
		out.items[i] = o
	}
	return out, nil
}

// ofKind gives an object of which only the metadata was sent its own kind.
func ofKind(o object.Object, resource providers.Resource) {
	if o["kind"] == partialObject {
		o["kind"], o["apiVersion"] = resource.GVK.Kind, resource.GVK.APIVersion()
	}
}

// decodeItem decodes one object of a kind, or its metadata.
func decodeItem(body []byte, resource providers.Resource) (object.Object, error) {
	o, err := decodeObject(body)
	if err == nil {
		ofKind(o, resource)
	}
	return o, err
}

// decodeObject decodes one object.
func decodeObject(body []byte) (object.Object, error) {
	value, err := decodeJSON(body)
	if err != nil {
		return nil, err
	}
	o, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("it is no object")
	}
	return o, nil
}
