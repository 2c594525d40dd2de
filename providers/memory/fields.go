package memory

import (
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"

	"github.com/gantrycd/gantry/plan/object"
)

// fieldManager returns the API server's merging of applied objects for a kind. In
// memory there are no versions to convert between, and no defaults.
func fieldManager(gvk object.GVK) (*managedfields.FieldManager, error) {
	kind := schema.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}
	return managedfields.NewDefaultCRDFieldManager(
		managedfields.NewDeducedTypeConverter(), sameVersion{}, noDefaults{}, creater{}, kind, kind.GroupVersion(), "", nil)
}

// sameVersion converts an object to the version that it has.
type sameVersion struct{}

func (sameVersion) Convert(in, out, _ any) error {
	from, ok := in.(*unstructured.Unstructured)
	to, okTo := out.(*unstructured.Unstructured)
	if !ok || !okTo {
		return errors.New("only unstructured objects can be converted")
	}
	to.Object = from.DeepCopy().Object
	return nil
}

func (sameVersion) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	from, ok := in.(*unstructured.Unstructured)
	if !ok {
		return nil, errors.New("only unstructured objects can be converted")
	}
	kind, ok := target.KindForGroupVersionKinds([]schema.GroupVersionKind{from.GroupVersionKind()})
	if !ok {
		return from, nil
	}
	from.SetGroupVersionKind(kind)
	return from, nil
}

func (sameVersion) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

// noDefaults leaves objects as they are.
type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

// creater makes empty objects.
type creater struct{}

func (creater) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	out := &unstructured.Unstructured{Object: map[string]any{}}
	out.SetGroupVersionKind(kind)
	return out, nil
}
