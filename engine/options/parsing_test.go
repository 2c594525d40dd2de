package options_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/internal/conformance"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/helm"
	"github.com/gantrycd/gantry/providers/kustomize"
	"github.com/gantrycd/gantry/providers/rendertest"
)

const images = `
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: a, image: nginx:0}
  - {name: b, image: "zzz:0"}
  - {name: c, image: "reg:5000/nginx:0"}
  - {name: d, image: other:0}
`

// TestFieldParsingConformance compares what images of Kustomize and parameters of Helm
// come to with what Argo CD makes of them: of the images, a list with one more has the
// effect of Argo CD's merged list; of the parameters, the text as it is written has the
// effect of what Argo CD escapes it to.
func TestFieldParsingConformance(t *testing.T) {
	passed, different := 0, map[string]int{}
	list := conformance.Cases[struct {
		Fn, Text, Merge, Error string
		Images                 []string
		Expected               json.RawMessage
	}](t, "misc/field_parsing_cases.jsonl")
	for _, c := range list {
		name, value, _ := strings.Cut(c.Text, "=")
		var got, want []object.Object
		var gotErr, wantErr error
		switch {
		case c.Fn == "Envsubst":
			different["variables are not replaced in annotations: what is applied is what the configuration says; the importer tells"]++
			continue
		case c.Fn == "NewHelmParameter" && c.Error != "":
			different["a parameter without a value cannot be written: parameters are a map"]++
			continue
		case c.Fn == "NewHelmParameter" && strings.HasPrefix(value, "{"):
			different["a list in braces is a list: Argo CD escapes it on its command line, and reads it as a list in an Application"]++
			continue
		case c.Fn == "NewHelmParameter":
			var expected struct{ Name, Value string }
			decode(t, c.Expected, &expected)
			got, gotErr = chart(t, name, value)
			want, wantErr = chart(t, expected.Name, expected.Value)
		case c.Fn == "Kustomize.MergeImage":
			var expected []string
			decode(t, c.Expected, &expected)
			got, gotErr = kustomized(t, append(c.Images[:len(c.Images):len(c.Images)], c.Merge))
			want, wantErr = kustomized(t, expected)
			if gotErr != nil && wantErr == nil && slices.Contains(c.Images, "nginx") {
				different["a name alone says nothing of an image, and is refused, as kustomize does"]++
				continue
			}
		default:
			t.Fatalf("there is no function %s", c.Fn)
		}
		if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			t.Errorf("%s %q %v %s: %v, want %v\n%s", c.Fn, c.Text, c.Images, c.Merge, gotErr, wantErr, diff)
			continue
		}
		passed++
	}
	t.Logf("%d of %d field parsing cases as Argo CD (%.1f %%); deliberately different: %v", passed, len(list), 100*float64(passed)/float64(len(list)), different)
	if passed < 29 {
		t.Errorf("only %d were compared", passed)
	}
}

func decode(t *testing.T, text []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}

func kustomized(t *testing.T, with []string) ([]object.Object, error) {
	t.Helper()
	return rendered(t, kustomize.New(), providers.Input{
		Tree: rendertest.Files(map[string]string{"web/kustomization.yaml": "resources: [pod.yaml]\n", "web/pod.yaml": images}),
		Name: "web", Spec: source.Spec{Path: "web", Kustomize: &source.Kustomize{Images: with}},
	})
}

func chart(t *testing.T, name, value string) ([]object.Object, error) {
	t.Helper()
	return rendered(t, helm.New(), providers.Input{
		Tree: rendertest.Files(map[string]string{
			"web/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.2.3\n",
			"web/templates/out.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: out}\ndata:\n  out: {{ toJson .Values | quote }}\n",
		}),
		Name: "web", Spec: source.Spec{Path: "web", Helm: &source.HelmOptions{Parameters: []source.HelmParameter{{Name: name, Value: value}}}},
	})
}

func rendered(t *testing.T, with providers.Renderer, in providers.Input) ([]object.Object, error) {
	t.Helper()
	made, err := with.Render(t.Context(), in)
	var out []object.Object
	for _, r := range made {
		out = append(out, r.Object)
	}
	if err == nil && len(out) != 1 {
		t.Fatalf("it came to %d objects", len(out))
	}
	return out, err
}
