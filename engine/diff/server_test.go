package diff_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

const manager = "gantry"

// server is one object of an API server: the field manager is the API server's
// own, the clock is ours.
type server struct {
	t       testing.TB
	manager *managedfields.FieldManager
	gvk     schema.GroupVersionKind
	live    *unstructured.Unstructured
	clock   time.Time
}

func newServer(t testing.TB, gvk object.GVK) *server {
	t.Helper()
	kind := schema.GroupVersionKind(gvk)
	fm, err := managedfields.NewDefaultFieldManager(converter(gvk), passthrough{}, passthrough{}, passthrough{}, kind, kind.GroupVersion(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, manager: fm, gvk: kind, clock: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)}
	s.live = s.empty()
	return s
}

func (s *server) empty() *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(s.gvk)
	return u
}

func (s *server) exists() bool { return s.live.GetUID() != "" }

func (s *server) object() object.Object {
	if !s.exists() {
		return nil
	}
	return object.Object(s.live.DeepCopy().Object)
}

// apply returns what a server-side apply would make of the object.
func (s *server) dryRun(desired object.Object, by string, force bool) (object.Object, error) {
	config := &unstructured.Unstructured{Object: desired.DeepCopy()}
	out, err := s.manager.Apply(s.live.DeepCopy(), config, by, force)
	if err != nil {
		return nil, conflictOf(err)
	}
	result := out.(*unstructured.Unstructured)
	result.SetName(desired.Name())
	result.SetNamespace(desired.Namespace())
	s.stamp(result)
	return object.Object(result.Object), nil
}

func (s *server) apply(desired object.Object, by string, force bool) error {
	s.clock = s.clock.Add(time.Minute)
	out, err := s.dryRun(desired, by, force)
	if err != nil {
		return err
	}
	s.live = &unstructured.Unstructured{Object: out}
	s.live.SetUID("1")
	return nil
}

// update merges a patch into the object, as a client that gets, edits and puts.
func (s *server) update(patch map[string]any, by string) {
	s.t.Helper()
	s.clock = s.clock.Add(time.Minute)
	edited := &unstructured.Unstructured{Object: mergePatch(s.live.DeepCopy().Object, patch)}
	out, err := s.manager.Update(s.live.DeepCopy(), edited, by)
	if err != nil {
		s.t.Fatal(err)
	}
	s.live = out.(*unstructured.Unstructured)
	s.live.SetUID("1")
	s.stamp(s.live)
}

// replace makes the object what it is given, as a client that puts a whole one.
func (s *server) replace(whole object.Object, by string) error {
	s.clock = s.clock.Add(time.Minute)
	edited := &unstructured.Unstructured{Object: whole.DeepCopy()}
	edited.SetManagedFields(s.live.GetManagedFields())
	out, err := s.manager.Update(s.live.DeepCopy(), edited, by)
	if err != nil {
		return err
	}
	s.live = out.(*unstructured.Unstructured)
	s.live.SetUID("1")
	s.stamp(s.live)
	return nil
}

// setDefaults merges values that no one owns, as the server's defaulting does.
func (s *server) setDefaults(patch map[string]any) {
	s.live.Object = mergePatch(s.live.Object, patch)
}

// stamp gives the entries written now the time of our clock.
func (s *server) stamp(u *unstructured.Unstructured) {
	known := map[string]metav1.ManagedFieldsEntry{}
	for _, e := range s.live.GetManagedFields() {
		known[e.Manager+string(e.Operation)] = e
	}
	list := u.GetManagedFields()
	for i, e := range list {
		at := metav1.NewTime(s.clock)
		if was, ok := known[e.Manager+string(e.Operation)]; ok && was.Time != nil && string(was.FieldsV1.GetRawBytes()) == string(e.FieldsV1.GetRawBytes()) {
			at = *was.Time
		}
		list[i].Time = &at
	}
	u.SetManagedFields(list)
}

func mergePatch(into, patch map[string]any) map[string]any {
	out := maps.Clone(into)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range patch {
		switch v := value.(type) {
		case nil:
			delete(out, key)
		case map[string]any:
			below, _ := out[key].(map[string]any)
			out[key] = mergePatch(below, v)
		default:
			out[key] = v
		}
	}
	return out
}

// conflictOf translates a 409 as providers/kubernetes does.
func conflictOf(err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsConflict(err) {
		return err
	}
	out := &providers.ConflictError{Message: err.Error()}
	for _, cause := range status.Status().Details.Causes {
		who := strings.TrimPrefix(cause.Message, "conflict with ")
		out.Fields = append(out.Fields, providers.FieldConflict{Manager: who, Path: cause.Field})
	}
	return out
}

// passthrough converts, defaults and creates nothing: there is one version.
type passthrough struct{}

func (passthrough) Convert(_, _, _ any) error { return nil }

func (passthrough) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}

func (passthrough) ConvertFieldLabel(schema.GroupVersionKind, string, string) (string, string, error) {
	return "", "", errors.New("not supported")
}

func (passthrough) Default(runtime.Object) {}

func (passthrough) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(gvk)
	return u, nil
}

// documents are the OpenAPI documents of testdata, by group and version.
var documents = sync.OnceValue(func() map[[2]string][]byte {
	out := map[[2]string][]byte{}
	files, _ := filepath.Glob("testdata/openapi/*.json")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		group, version, ok := strings.Cut(name, "_")
		if !ok {
			group, version = "", name
		}
		out[[2]string{group, version}] = text
	}
	return out
})

// schemas returns our types of all documents.
var schemas = sync.OnceValue(func() *diff.Schemas {
	s := diff.NewSchemas()
	for place, document := range documents() {
		if err := s.Add(place[0], place[1], document); err != nil {
			panic(err)
		}
	}
	return s
})

// converters are the API server's own types, by group and version.
var converters = sync.OnceValue(func() map[[2]string]managedfields.TypeConverter {
	out := map[[2]string]managedfields.TypeConverter{}
	for place, text := range documents() {
		var doc struct {
			Components struct{ Schemas map[string]*spec.Schema }
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			panic(err)
		}
		tc, err := managedfields.NewTypeConverter(doc.Components.Schemas, false)
		if err != nil {
			panic(err)
		}
		out[place] = tc
	}
	return out
})

func converter(gvk object.GVK) managedfields.TypeConverter {
	if tc, ok := converters()[[2]string{gvk.Group, gvk.Version}]; ok {
		return tc
	}
	return managedfields.NewDeducedTypeConverter()
}

// parse reads one object or patch from YAML, numbers as a client has them.
func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	js, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := map[string]any{}
	if err := json.Unmarshal(js, &u); err != nil {
		t.Fatal(err)
	}
	return integers(u).(map[string]any)
}

func integers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = integers(v[key])
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return value
}
