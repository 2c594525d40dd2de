package cause_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/gantrycd/gantry/engine/cause"
	"github.com/gantrycd/gantry/plan/object"
)

var (
	began = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	at    = began.Add(5 * time.Minute)
)

// documents reads the objects of a YAML text. What has an owner, "owner: NAME" in its
// metadata, gets an ownerReference to it, and a uid that is its kind and name; an Event is
// about the object that "about: KIND/NAME" names.
func documents(t *testing.T, text []byte) []object.Object {
	t.Helper()
	var out []object.Object
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		o := object.Object{}
		if err := decoder.Decode(&o); err != nil {
			return out
		}
		if len(o) == 0 {
			continue
		}
		o = object.Object(integers(map[string]any(o)).(map[string]any))
		complete(t, o)
		out = append(out, o)
	}
}

func complete(t *testing.T, o object.Object) {
	t.Helper()
	set := func(value any, path ...string) {
		if err := o.Set(value, path...); err != nil {
			t.Fatal(err)
		}
	}
	if about, ok := o["about"].(string); ok {
		set("v1", "apiVersion")
		set("Event", "kind")
		set(about, "involvedObject", "uid")
		delete(o, "about")
		return
	}
	set(o.Kind()+"/"+o.Name(), "metadata", "uid")
	if o.Namespace() == "" && o.Kind() != "Namespace" && o.Kind() != "CustomResourceDefinition" {
		set("web", "metadata", "namespace")
	}
	if owner, ok := o.Metadata()["owner"].(string); ok {
		set([]any{map[string]any{"uid": owner}}, "metadata", "ownerReferences")
		o.Remove("metadata", "owner")
	}
}

// integers makes whole numbers int64, as a client reads them.
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

// TestCauses has a file per case in testdata: the object first, then what there is beside
// it. Its first lines are what is to be found: the object, the reason and the text, or
// nothing.
func TestCauses(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			objects := documents(t, text)
			found, ok := cause.NewWorld(at, objects[1:]...).Of(objects[0], began)
			got := "# nothing\n"
			if ok {
				got = "# " + found.Object.String() + "\n# " + found.Reason + "\n# " + found.Text + "\n"
			}
			if !strings.HasPrefix(string(text), got) {
				want, _, _ := strings.Cut(string(text), "\napiVersion")
				t.Errorf("found:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}
