package diff_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gantrycd/gantry/plan/object"
)

// stored is an object as an API server gives it back: of the kinds of its own, without
// what they leave out where it is empty.
func stored(t *testing.T, o object.Object) object.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, rbacv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	typed, err := scheme.New(schema.GroupVersionKind(o.GVK()))
	if err != nil {
		return o // a custom resource
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o, typed); err != nil {
		t.Fatal(err)
	}
	left, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := both(map[string]any(o), left).(map[string]any)
	return kept
}

// both keeps of a value what another has, too. Values themselves are those of the first.
func both(value, other any) any {
	switch value := value.(type) {
	case map[string]any:
		in, _ := other.(map[string]any)
		out := map[string]any{}
		for key, v := range value {
			if o, ok := in[key]; ok && o != nil {
				out[key] = both(v, o)
			}
		}
		return out
	case []any:
		in, _ := other.([]any)
		out := slices.Clone(value)
		for i := range out {
			if i < len(in) {
				out[i] = both(out[i], in[i])
			}
		}
		return out
	}
	return value
}
