package yamldoc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// FromValue finds the objects in a value of Object's shape: an object, a list
// (kind: List, or any kind that ends in List and has items), or an array of
// these. nil and empty lists hold none. The error says what an object lacks.
func FromValue(value any) ([]object.Object, error) {
	return appendObjects(nil, value, 0)
}

func appendObjects(objects []object.Object, value any, depth int) ([]object.Object, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("lists nested more than %d deep", MaxDepth)
	}
	switch v := value.(type) {
	case nil:
		return objects, nil
	case []any:
		return appendAll(objects, v, depth)
	case map[string]any:
		if items, ok := listItems(v); ok {
			return appendAll(objects, items, depth)
		}
		if err := Check(v); err != nil {
			return nil, err
		}
		return append(objects, v), nil
	default:
		return nil, fmt.Errorf("is a %s, expected an object", typeName(value))
	}
}

func appendAll(objects []object.Object, items []any, depth int) ([]object.Object, error) {
	for i, item := range items {
		var err error
		if objects, err = appendObjects(objects, item, depth+1); err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
	}
	return objects, nil
}

// listItems returns the items of a list of objects.
func listItems(o object.Object) ([]any, bool) {
	if !strings.HasSuffix(o.Kind(), "List") {
		return nil, false
	}
	if o["items"] == nil && o.Kind() == "List" {
		return nil, true
	}
	items, ok := o["items"].([]any)
	return items, ok
}

// Check returns an error for what is no Kubernetes object: one without
// apiVersion, kind, or metadata.name (or generateName).
func Check(o object.Object) error {
	for _, key := range []string{"apiVersion", "kind"} {
		if err := checkString(o, key); err != nil {
			if _, other := o[otherKey(key)]; !other && o["metadata"] == nil {
				return fmt.Errorf("is not a Kubernetes object: %w", err)
			}
			return err
		}
	}
	if strings.HasPrefix(o.APIVersion(), "kustomize.config.k8s.io/") {
		return fmt.Errorf("is a %s that configures Kustomize, not an object of a cluster", o.Kind())
	}
	metadata, ok := o["metadata"].(map[string]any)
	if !ok {
		if o["metadata"] != nil {
			return fmt.Errorf("%s: metadata is a %s, expected a map", o.Kind(), typeName(o["metadata"]))
		}
		return fmt.Errorf("%s has no metadata.name", o.Kind())
	}
	if metadata["name"] == nil && metadata["generateName"] == nil {
		return fmt.Errorf("%s has no metadata.name", o.Kind())
	}
	for _, key := range []string{"name", "generateName", "namespace"} {
		if metadata[key] == nil {
			continue
		}
		if _, isString := metadata[key].(string); !isString {
			return fmt.Errorf("%s: metadata.%s is a %s, expected a string; quote it", o.Kind(), key, typeName(metadata[key]))
		}
	}
	if o.Name() == "" && o.GenerateName() == "" {
		return fmt.Errorf("%s has an empty metadata.name", o.Kind())
	}
	return nil
}

func otherKey(key string) string {
	if key == "kind" {
		return "apiVersion"
	}
	return "kind"
}

func checkString(o object.Object, key string) error {
	value, there := o[key]
	if !there || value == nil {
		return errors.New("no " + key)
	}
	text, isString := value.(string)
	if !isString {
		return fmt.Errorf("%s is a %s, expected a string", key, typeName(value))
	}
	if text == "" {
		return fmt.Errorf("%s is empty", key)
	}
	return nil
}

func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case int64, float64:
		return "number"
	case []any:
		return "list"
	case map[string]any:
		return "map"
	default:
		return fmt.Sprintf("%T", value)
	}
}
