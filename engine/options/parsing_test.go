package options_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/argocd"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
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
// effect of what Argo CD escapes it to. Variables are replaced when an Application is
// imported: the application's name stands for the value of the case's variable.
func TestFieldParsingConformance(t *testing.T) {
	list := conformance.Cases[struct {
		Fn, Text, Merge, Error string
		Env                    map[string]string
		Images                 []string
		Expected               json.RawMessage
	}](t, "misc/field_parsing_cases.jsonl")
	tally := conformance.Count(t, conformance.Fields)
	for _, c := range list {
		name, value, _ := strings.Cut(c.Text, "=")
		var got, want []object.Object
		var gotErr, wantErr error
		switch {
		case c.Fn == "Envsubst":
			var expected string
			decode(t, c.Expected, &expected)
			if text := parameter(t, c.Env["A"], strings.NewReplacer("$A", "$ARGOCD_APP_NAME", "{A}", "{ARGOCD_APP_NAME}").Replace(c.Text)); text != expected {
				tally.Fail("%s %q: %q, want %q", c.Fn, c.Text, text, expected)
				continue
			}
			tally.Agree()
			continue
		case c.Fn == "NewHelmParameter" && c.Error != "":
			if diags := written(c.Text); !diags.HasErrors() {
				tally.Fail("%s %q can be written", c.Fn, c.Text)
				continue
			}
			tally.Agree()
			continue
		case c.Fn == "NewHelmParameter" && strings.HasPrefix(value, "{"):
			tally.Differ("a list in braces is a list, as in an Application; Argo CD's command line makes it a list of one text")
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
				tally.Differ("an image without a tag or a digest says nothing, and is refused wherever it stands in the list; in Argo CD only where nothing later replaces it")
				continue
			}
		default:
			t.Fatalf("there is no function %s", c.Fn)
		}
		if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			tally.Fail("%s %q %v %s: %v, want %v\n%s", c.Fn, c.Text, c.Images, c.Merge, gotErr, wantErr, diff)
			continue
		}
		tally.Agree()
	}
}

// parameter is what a Helm parameter of an Application comes to that is imported.
func parameter(t *testing.T, application, value string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": application, "namespace": "argocd"},
		"spec": map[string]any{
			"source": map[string]any{
				"repoURL": "https://example.com/config", "path": "web",
				"helm": map[string]any{"parameters": []any{map[string]any{"name": "a", "value": value}}},
			},
			"destination": map[string]any{"name": "prod", "namespace": "web"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for _, file := range argocd.Import([]argocd.File{{Name: "web.json", Data: text}}).Files {
		tree[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	config, diags := evaluated(tree)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return config.Applications[0].Sources[0].Helm.Parameters[0].Value
}

// written is a configuration with a parameter as it is given.
func written(text string) hcl.Diagnostics {
	_, diags := evaluated(fstest.MapFS{"web.gantry.hcl": &fstest.MapFile{Data: []byte(`
cluster "c" {
  kubeconfig = "none"
}
application "web" {
  source {
    path = "web"
    helm {
      parameters = { ` + text + ` }
    }
  }
  destination {
    cluster   = cluster.c
    namespace = "web"
  }
}
`)}})
	return diags
}

func evaluated(tree fs.FS) (*lang.Config, hcl.Diagnostics) {
	module, diags := lang.Load("", lang.LoadOptions{FS: tree})
	config, more := module.Evaluate(context.Background(), lang.EvalOptions{})
	return config, append(diags, more...)
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
