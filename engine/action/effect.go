package action

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/object"
)

// Effect is what an action does to one object: patches, or an object to make.
type Effect struct {
	Patches []Patched
	Makes   object.Object
}

// Patched is one patch of an object, as it is sent.
type Patched struct {
	Subresource string
	// Body names the object, and has what changes: null takes out.
	Body object.Object
}

// Values are the parameters of an action, checked.
type Values map[string]int64

// Values checks the parameters that an action was given: each that it takes, and no other.
func (a *Action) Values(given map[string]string) (Values, error) {
	out := Values{}
	names := make([]string, len(a.Parameters))
	for i, p := range a.Parameters {
		names[i] = p.Name
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if slices.Contains(names, name) {
			continue
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("%s has no parameters, and was given %q", a.Name, name)
		}
		hint := ""
		if near := schema.Suggest(name, names); near != "" {
			hint = fmt.Sprintf(". Did you mean %q?", near)
		}
		return nil, fmt.Errorf("%s has no parameter %q; it has %s%s", a.Name, name, strings.Join(names, ", "), hint)
	}
	for _, p := range a.Parameters {
		text, ok := given[p.Name]
		if !ok {
			return nil, fmt.Errorf("%s needs the parameter %q: %s", a.Name, p.Name, p.Doc)
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < p.Minimum {
			return nil, fmt.Errorf("parameter %q is %q, and must be a whole number of at least %d", p.Name, text, p.Minimum)
		}
		out[p.Name] = n
	}
	return out, nil
}

// On returns what the action does to an object at a time. suffix is what the name of an
// object that it makes ends with: the same suffix gives the same name.
func (a *Action) On(o object.Object, values Values, now time.Time, suffix string) (Effect, error) {
	at := now.UTC().Format(time.RFC3339)
	if a.makes != nil {
		made, err := a.makes(o, suffix, at)
		return Effect{Makes: made}, err
	}
	patches := a.Patches
	if a.computed != nil {
		patches = a.computed(o)
	}
	var out Effect
	for _, p := range patches {
		var body map[string]any
		if err := kjson.UnmarshalCaseSensitivePreserveInts([]byte(p.Merge), &body); err != nil {
			return Effect{}, fmt.Errorf("the patch of %s is no JSON: %w. This is a bug in gantry", a.Name, err)
		}
		made, _ := fill(body, values, at).(map[string]any)
		named := object.Object(made)
		metadata, _ := made["metadata"].(map[string]any)
		if metadata == nil {
			metadata = map[string]any{}
			made["metadata"] = metadata
		}
		made["apiVersion"], made["kind"], metadata["name"] = o.APIVersion(), o.Kind(), o.Name()
		if o.Namespace() != "" {
			metadata["namespace"] = o.Namespace()
		}
		out.Patches = append(out.Patches, Patched{p.Subresource, named})
	}
	return out, nil
}

// fill puts the time and the parameters in where a patch names them.
func fill(value any, values Values, now string) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = fill(item, values, now)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = fill(item, values, now)
		}
		return out
	case string:
		if v == "$now" {
			return now
		}
		for name, n := range values {
			switch v {
			case "$" + name:
				return n
			case "${" + name + "}":
				return strconv.FormatInt(n, 10)
			}
		}
		return v
	}
	return value
}

// is reports whether the field at a path has a value.
func is(o object.Object, want any, path ...string) bool {
	have, ok := o.Get(path...)
	return ok && have == want
}

// number returns the whole number at a path.
func number(o object.Object, path ...string) (int64, bool) {
	value, _ := o.Get(path...)
	switch n := value.(type) {
	case int64:
		return n, true
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	case string:
		i, err := strconv.ParseInt(n, 10, 64)
		return i, err == nil
	}
	return 0, false
}

// length returns how many items the list at a path has.
func length(o object.Object, path ...string) int {
	value, _ := o.Get(path...)
	list, _ := value.([]any)
	return len(list)
}
