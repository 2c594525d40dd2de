package health

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gantrycd/gantry/plan/object"
)

// decode reads an object into its Go type; only the API versions listed have it.
func decode[T any](o object.Object, versions ...string) (*T, error) {
	known := false
	for _, version := range versions {
		known = known || o.APIVersion() == version
	}
	if !known {
		return nil, fmt.Errorf("%s has no health check for %s", o.Kind(), o.APIVersion())
	}
	out := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o, out); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", o.Kind(), err)
	}
	return out, nil
}

// text returns the string at a path, empty where there is none.
func text(o object.Object, path ...string) string {
	value, _ := o.Get(path...)
	s, _ := value.(string)
	return s
}

// number returns the whole number at a path.
func number(o object.Object, path ...string) (int64, bool) {
	value, _ := o.Get(path...)
	switch n := value.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

// list returns the list at a path, nil where there is none.
func list(o object.Object, path ...string) []any {
	value, _ := o.Get(path...)
	l, _ := value.([]any)
	return l
}

// condition is one entry of status.conditions.
type condition struct {
	kind, status, reason, message string
	observedGeneration            int64 // 0 where it is not given
}

func conditions(o object.Object) []condition {
	var out []condition
	for _, item := range list(o, "status", "conditions") {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		c := object.Object(m)
		generation, _ := number(c, "observedGeneration")
		out = append(out, condition{text(c, "type"), text(c, "status"), text(c, "reason"), text(c, "message"), generation})
	}
	return out
}
