// Package object is the vocabulary of Kubernetes objects that every stage
// shares: a JSON-shaped object, its identity, and values that must not be
// printed.
//
// It knows no cluster, no schema and no configuration, and imports nothing of
// the project. Every package may import it.
package object

import (
	"fmt"
	"strings"
)

// Object is one Kubernetes object, JSON-shaped: values are map[string]any,
// []any, string, bool, int64, float64 or nil, and nothing else. It converts to
// and from unstructured.Unstructured.Object without copying. Whoever is given an
// Object must not change it; DeepCopy first.
type Object map[string]any

// APIVersion returns "group/version", or "version" in the core group.
func (o Object) APIVersion() string { return o.str("apiVersion") }

// Kind returns the object's kind.
func (o Object) Kind() string { return o.str("kind") }

// GVK returns the object's group, version and kind.
func (o Object) GVK() GVK {
	group, version := SplitAPIVersion(o.APIVersion())
	return GVK{Group: group, Version: version, Kind: o.Kind()}
}

// Name returns metadata.name, empty where it is not set.
func (o Object) Name() string { return o.Metadata().str("name") }

// GenerateName returns metadata.generateName, empty where it is not set.
func (o Object) GenerateName() string { return o.Metadata().str("generateName") }

// Namespace returns metadata.namespace, empty where it is not set.
func (o Object) Namespace() string { return o.Metadata().str("namespace") }

// UID returns metadata.uid, which only live objects have.
func (o Object) UID() string { return o.Metadata().str("uid") }

// ResourceVersion returns metadata.resourceVersion, which only live objects have.
func (o Object) ResourceVersion() string { return o.Metadata().str("resourceVersion") }

// Metadata returns the object's metadata, an empty Object where there is none.
// What it returns is shared with o.
func (o Object) Metadata() Object {
	m, _ := o["metadata"].(map[string]any)
	return m
}

// Labels returns a copy of metadata.labels; values that are no strings are left out.
func (o Object) Labels() map[string]string { return o.Metadata().strings("labels") }

// Annotations returns a copy of metadata.annotations; values that are no strings
// are left out.
func (o Object) Annotations() map[string]string { return o.Metadata().strings("annotations") }

// Annotation returns one annotation, empty where it is not set.
func (o Object) Annotation(key string) string {
	m, _ := o.Metadata()["annotations"].(map[string]any)
	s, _ := m[key].(string)
	return s
}

// ID returns the object's identity.
func (o Object) ID() ID {
	group, _ := SplitAPIVersion(o.APIVersion())
	return ID{Group: group, Kind: o.Kind(), Namespace: o.Namespace(), Name: o.Name()}
}

// Get returns the value at a path of map keys, and whether it is there.
func (o Object) Get(path ...string) (any, bool) {
	var value any = map[string]any(o)
	for _, key := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = m[key]; !ok {
			return nil, false
		}
	}
	return value, true
}

// Set puts a value at a path of map keys, making the maps on the way. It
// changes o, which must not be shared. It returns an error where something on the
// way is no map.
func (o Object) Set(value any, path ...string) error {
	m := map[string]any(o)
	for i, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			if m[key] != nil {
				return fmt.Errorf("%s is not a map", strings.Join(path[:i+1], "."))
			}
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	m[path[len(path)-1]] = value
	return nil
}

// Remove deletes the value at a path of map keys; it changes o. A path that is
// not there is left alone.
func (o Object) Remove(path ...string) {
	m := map[string]any(o)
	for _, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			return
		}
		m = next
	}
	delete(m, path[len(path)-1])
}

// DeepCopy returns a copy that shares nothing with o.
func (o Object) DeepCopy() Object {
	if o == nil {
		return nil
	}
	return DeepCopyValue(map[string]any(o)).(map[string]any)
}

// DeepCopyValue copies a JSON-shaped value.
func DeepCopyValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = DeepCopyValue(item)
		}
		return out
	case []any:
		if v == nil {
			return v
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = DeepCopyValue(item)
		}
		return out
	default:
		return v
	}
}

func (o Object) str(key string) string {
	s, _ := o[key].(string)
	return s
}

func (o Object) strings(key string) map[string]string {
	m, _ := o[key].(map[string]any)
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}
