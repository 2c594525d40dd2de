package kustomize_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/kustomize"
	"github.com/gantrycd/gantry/providers/rendertest"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: registry.example.com:5000/web:1.0}
      - {name: side, image: side:1.0}
`

func files(more map[string]string) map[string]string {
	tree := map[string]string{
		"base/kustomization.yaml":             "resources: [deployment.yaml]\n",
		"base/deployment.yaml":                deployment,
		"overlay/kustomization.yaml":          "resources: [../base]\nnamePrefix: old-\nimages: [{name: side, newTag: '1.1'}]\n",
		"overlay/patch.yaml":                  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {paused: true}\n",
		"components/extra/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigMapGenerator: [{name: extra, literals: [a=b]}]\n",
		"secret.yaml":                         "canary: value\n",
	}
	for name, text := range more {
		if text == "" {
			delete(tree, name)
		} else {
			tree[name] = text
		}
	}
	return tree
}

func input(options *source.Kustomize, more map[string]string) providers.Input {
	return providers.Input{
		Tree: rendertest.Files(files(more)), Name: "web",
		Spec: source.Spec{Path: "overlay", Kustomize: options},
	}
}

func TestContract(t *testing.T) {
	rendertest.Contract(t, kustomize.New(), input(nil, nil))
	t.Run("with options", func(t *testing.T) {
		rendertest.Contract(t, kustomize.New(), input(&source.Kustomize{Namespace: "apps"}, nil))
	})
}

func TestOptions(t *testing.T) {
	at := func(path ...string) func(o object.Object) any {
		return func(o object.Object) any { value, _ := o.Get(path...); return value }
	}
	image := func(i int) func(o object.Object) any {
		return func(o object.Object) any {
			containers, _ := o.Get("spec", "template", "spec", "containers")
			return containers.([]any)[i].(map[string]any)["image"]
		}
	}
	labels := map[string]string{"team": "payments", "app": "other"}
	tests := []struct {
		name    string
		options source.Kustomize
		value   func(o object.Object) any
		want    any
	}{
		{"prefix replaces", source.Kustomize{NamePrefix: "new-"}, at("metadata", "name"), "new-web"},
		{"suffix is added", source.Kustomize{NameSuffix: "-x"}, at("metadata", "name"), "old-web-x"},
		{"namespace", source.Kustomize{Namespace: "apps"}, at("metadata", "namespace"), "apps"},
		{"image tag", source.Kustomize{Images: []string{"registry.example.com:5000/web:2.0"}}, image(0), "registry.example.com:5000/web:2.0"},
		{"image digest", source.Kustomize{Images: []string{"side@sha256:abc"}}, image(1), "side@sha256:abc"},
		{"image renamed", source.Kustomize{Images: []string{"side=other/side:3"}}, image(1), "other/side:3"},
		{"image keeps tag", source.Kustomize{Images: []string{"side=other/side:*"}}, image(1), "other/side:1.1"},
		{"others stay", source.Kustomize{Images: []string{"registry.example.com:5000/web:2.0"}}, image(1), "side:1.1"},
		{"replicas", source.Kustomize{Replicas: []source.KustomizeReplica{{Name: "web", Count: 3}}}, at("spec", "replicas"), int64(3)},
		{"annotations", source.Kustomize{Annotations: map[string]string{"a": "b"}}, at("metadata", "annotations"), map[string]any{"a": "b"}},
		{"labels", source.Kustomize{Labels: labels}, at("metadata", "labels"), map[string]any{"team": "payments", "app": "other"}},
		{"labels in selectors", source.Kustomize{Labels: labels}, at("spec", "selector", "matchLabels"), map[string]any{"team": "payments", "app": "other"}},
		{"labels without selectors", source.Kustomize{Labels: labels, LabelWithoutSelector: true}, at("spec", "selector", "matchLabels"), map[string]any{"app": "web"}},
		{"labels not in templates", source.Kustomize{Labels: labels, LabelWithoutSelector: true}, at("spec", "template", "metadata", "labels"), map[string]any{"app": "web"}},
		{
			"labels in templates",
			source.Kustomize{Labels: labels, LabelWithoutSelector: true, LabelIncludeTemplates: true},
			at("spec", "template", "metadata", "labels"),
			map[string]any{"team": "payments", "app": "other"},
		},
		{"patch file", source.Kustomize{Patches: []source.KustomizePatch{{Path: "patch.yaml"}}}, at("spec", "paused"), true},
		{"JSON patch", source.Kustomize{Patches: []source.KustomizePatch{{
			Patch:  `[{"op": "replace", "path": "/spec/replicas", "value": 7}]`,
			Target: &source.KustomizeTarget{Kind: "Deployment", Name: "w.*"},
		}}}, at("spec", "replicas"), int64(7)},
		{"patch that renames", source.Kustomize{Patches: []source.KustomizePatch{{
			Patch:   `[{"op": "replace", "path": "/metadata/name", "value": "renamed"}]`,
			Target:  &source.KustomizeTarget{Group: "apps", Version: "v1", Kind: "Deployment"},
			Options: map[string]bool{"allowNameChange": true},
		}}}, at("metadata", "name"), "old-renamed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rendered, err := kustomize.New().Render(context.Background(), input(&test.options, nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.value(rendered[0].Object)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestComponents(t *testing.T) {
	rendered, err := kustomize.New().Render(context.Background(), input(&source.Kustomize{Components: []string{"../components/extra"}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ConfigMap old-extra-4h2mbtbbt6", "Deployment old-web"}, rendertest.Names(rendered)); diff != "" {
		t.Error(diff)
	}
	rendertest.Fails(t, kustomize.New(), input(&source.Kustomize{Components: []string{"../components/extar"}}, nil),
		providers.ErrNotFound, "component", "there is components/extra")
	rendertest.Fails(t, kustomize.New(), input(&source.Kustomize{Components: []string{"../../components"}}, nil), nil, "leads out of the source")
}

func TestBadOptions(t *testing.T) {
	for _, image := range []string{"", "web", "=new:1", "web=", ":1"} {
		rendertest.Fails(t, kustomize.New(), input(&source.Kustomize{Images: []string{image}}, nil), nil, "expected name:tag")
	}
	for _, patch := range []source.KustomizePatch{{}, {Patch: "a", Path: "b"}} {
		rendertest.Fails(t, kustomize.New(), input(&source.Kustomize{Patches: []source.KustomizePatch{patch}}, nil), nil, "patch 1: expected either patch or path")
	}
	patch := source.KustomizePatch{Path: "patch.yaml", Options: map[string]bool{"exec": true}}
	rendertest.Fails(t, kustomize.New(), input(&source.Kustomize{Patches: []source.KustomizePatch{patch}}, nil), nil, `option "exec"`)
}

func overlay(text string) map[string]string {
	return map[string]string{"overlay/kustomization.yaml": text + "\n"}
}

// TestRefused holds that nothing remote, executable or outside of the tree is
// ever reached.
func TestRefused(t *testing.T) {
	tests := []struct {
		name, kustomization string
		target              error
		words               []string
	}{
		{"URL", "resources: ['https://example.com/all.yaml']", providers.ErrUnsupported, []string{"overlay/kustomization.yaml: resources", "is remote"}},
		{"git URL", "resources: ['https://example.com/org/repo.git//base?ref=main']", providers.ErrUnsupported, []string{"is remote"}},
		{"github", "resources: ['github.com/org/repo?ref=main']", providers.ErrUnsupported, []string{"is remote"}},
		{"GitHub", "resources: ['GitHub.com/org/repo']", providers.ErrUnsupported, []string{"is remote"}},
		{"scp", "resources: ['git@example.com:org/repo.git']", providers.ErrUnsupported, []string{"is remote"}},
		{"ssh", "resources: ['ssh://git@example.com/org/repo.git']", providers.ErrUnsupported, []string{"is remote"}},
		{"git::", "resources: ['git::https://example.com/org/repo.git']", providers.ErrUnsupported, []string{"is remote"}},
		{"file URL", "resources: ['file:///etc']", providers.ErrUnsupported, []string{"is remote"}},
		{"bases", "bases: ['github.com/org/repo']", providers.ErrUnsupported, []string{"is remote"}},
		{"component", "components: ['https://example.com/org/repo']", providers.ErrUnsupported, []string{"components"}},
		{"crds", "crds: ['https://example.com/crd.yaml']", providers.ErrUnsupported, []string{"crds"}},
		{"patch URL", "resources: [../base]\npatches: [{path: 'https://example.com/p.yaml'}]", providers.ErrUnsupported, []string{"patches"}},
		{"configmap URL", "configMapGenerator: [{name: a, files: ['k=https://example.com/p']}]", providers.ErrUnsupported, []string{"configMapGenerator"}},
		{"env URL", "secretGenerator: [{name: a, envs: ['https://example.com/p']}]", providers.ErrUnsupported, []string{"secretGenerator"}},
		{"openapi URL", "resources: [../base]\nopenapi: {path: 'https://example.com/p'}", providers.ErrUnsupported, []string{"openapi"}},
		{"replacement URL", "resources: [../base]\nreplacements: [{path: 'https://example.com/p'}]", providers.ErrUnsupported, []string{"replacements"}},
		{"helm", "helmCharts: [{name: web, repo: 'https://example.com'}]", providers.ErrUnsupported, []string{"helmCharts", "source of its own"}},
		{"old helm", "helmChartInflationGenerator: [{chartName: web}]", providers.ErrUnsupported, []string{"helmCharts"}},
		{"exec function", "generators: [exec.yaml]", providers.ErrUnsupported, []string{"generators", "plugin"}},
		{"helm plugin", "generators: [helm.yaml]", providers.ErrUnsupported, []string{"Helm"}},
		{"remote transformer", "resources: [../base]\ntransformers: ['https://example.com/t.yaml']", providers.ErrUnsupported, []string{"transformers"}},
		{"transformer with URL", "resources: [../base]\ntransformers: [url.yaml]", providers.ErrUnsupported, []string{"is remote"}},
		{"inline transformer", "resources: [../base]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: x}\n  PATH: https://example.com/p", providers.ErrUnsupported, []string{"is remote"}},
		{"transformers of a kustomization", "resources: [../base]\ntransformers: [../base]", providers.ErrUnsupported, []string{"is a folder"}},
		{"resource outside", "resources: ['../../../../etc/passwd']", nil, []string{"overlay/kustomization.yaml"}},
		{"absolute resource", "resources: ['/secret.yaml']", nil, []string{"security; file"}},
		{"file above", "resources: ['../secret.yaml']", nil, []string{"security; file"}},
		{"generator file above", "configMapGenerator: [{name: a, files: ['../secret.yaml']}]", nil, []string{"security; file"}},
		{"generator file of the system", "configMapGenerator: [{name: a, files: ['/proc/self/environ']}]", nil, []string{"proc/self/environ"}},
		{"patch above", "resources: [../base]\npatches: [{path: ../secret.yaml}]", nil, []string{"security; file"}},
	}
	more := map[string]string{
		"overlay/exec.yaml": "apiVersion: example.com/v1\nkind: Gen\nmetadata:\n  name: x\n  annotations: {config.kubernetes.io/function: 'exec: {path: ./x}'}\n",
		"overlay/helm.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: web\n",
		"overlay/url.yaml":  "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\npath: https://example.com/p\n",
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, text := range overlay(test.kustomization) {
				more[name] = text
			}
			rendertest.Fails(t, kustomize.New(), input(nil, more), test.target, test.words...)
			_, err := kustomize.New().Render(context.Background(), input(&source.Kustomize{Namespace: "x"}, more))
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("with options: %v", err)
			}
		})
	}
}

func TestRefusedInBase(t *testing.T) {
	in := input(nil, map[string]string{"base/kustomization.yaml": "resources: ['github.com/org/repo']\n"})
	rendertest.Fails(t, kustomize.New(), in, providers.ErrUnsupported, "base/kustomization.yaml: resources")
}

func TestBuiltinTransformers(t *testing.T) {
	in := input(nil, map[string]string{
		"overlay/kustomization.yaml": "resources: [../base]\ntransformers: [t.yaml]\n",
		"overlay/t.yaml": "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: x}\n" +
			"annotations: {docs: https://example.com}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
	})
	rendered, err := kustomize.New().Render(context.Background(), in)
	if err != nil || rendered[0].Object.Annotation("docs") != "https://example.com" {
		t.Errorf("got %v, %v", rendered, err)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name   string
		more   map[string]string
		target error
		words  []string
	}{
		{"missing resource", overlay("resources: [nope.yaml]"), providers.ErrNotFound, []string{`overlay/kustomization.yaml: path "overlay/nope.yaml": not found`}},
		{"missing base", overlay("resources: [../bases]"), providers.ErrNotFound, []string{`path "bases": not found; there is base`}},
		{"unknown field", overlay("resources: [../base]\nimagess: []"), nil, []string{"overlay/kustomization.yaml", `unknown field "imagess"`}},
		{"broken kustomization", overlay("resources: [../base]\nimages: [\n"), nil, []string{"overlay/kustomization.yaml:3", "did not find expected node content"}},
		{"wrong type", overlay("resources: web"), nil, []string{"overlay/kustomization.yaml", "resources"}},
		{"empty", overlay("# nothing"), nil, []string{"kustomization.yaml is empty"}},
		{"broken resource", map[string]string{"base/deployment.yaml": deployment + "\t\n  x: ["}, nil, []string{"deployment.yaml"}},
		{"two kustomizations", map[string]string{"overlay/Kustomization": "resources: [../base]\n"}, nil, []string{"has both kustomization.yaml and Kustomization"}},
		{"none", map[string]string{"overlay/kustomization.yaml": ""}, providers.ErrNotFound, []string{"overlay/kustomization.yaml"}},
		{"cycle", map[string]string{"base/kustomization.yaml": "resources: [../overlay]\n"}, nil, []string{"cycle"}},
		{"no match for patch", overlay("resources: [../base]\npatches: [{patch: '{apiVersion: v1, kind: Pod, metadata: {name: x}}'}]"), nil, []string{"no matches"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rendertest.Fails(t, kustomize.New(), input(nil, test.more), test.target, test.words...)
		})
	}
}

func TestBomb(t *testing.T) {
	bomb := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nb0: &b0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		next, last := string(rune('1'+i)), string(rune('0'+i))
		bomb += "b" + next + ": &b" + next + " [" + strings.TrimSuffix(strings.Repeat("*b"+last+", ", 10), ", ") + "]\n"
	}
	start := time.Now()
	rendertest.Fails(t, kustomize.New(), input(nil, map[string]string{"base/deployment.yaml": bomb}), nil, "base/deployment.yaml: aliases expand")
	rendertest.Fails(t, kustomize.New(), input(nil, overlay(bomb)), nil, "overlay/kustomization.yaml: aliases expand")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestSchemasStayApart holds that a kustomization with a schema of its own
// changes no other's rendering, beside it or after it.
func TestSchemasStayApart(t *testing.T) {
	schema := `{"definitions": {"com.example.v1.Thing": {"type": "object",
		"x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Thing", "version": "v1"}],
		"properties": {"spec": {"type": "object", "properties": {"items": {"type": "array",
			"x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge",
			"items": {"type": "object", "properties": {"name": {"type": "string"}}}}}}}}}}`
	thing := "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {items: [{name: one, v: 1}]}\n"
	patch := "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {items: [{name: two, v: 2}]}\n"
	common := "resources: [thing.yaml]\npatches: [{path: patch.yaml}]\n"
	with := input(nil, map[string]string{
		"overlay/kustomization.yaml": common + "openapi: {path: schema.json}\n",
		"overlay/thing.yaml":         thing, "overlay/patch.yaml": patch, "overlay/schema.json": schema,
	})
	without := input(nil, map[string]string{
		"overlay/kustomization.yaml": common, "overlay/thing.yaml": thing, "overlay/patch.yaml": patch,
	})
	var group sync.WaitGroup
	for range 4 {
		for want, in := range map[int]providers.Input{2: with, 1: without} {
			group.Go(func() {
				rendered, err := kustomize.New().Render(context.Background(), in)
				if err != nil {
					t.Error(err)
					return
				}
				items, _ := rendered[0].Object.Get("spec", "items")
				if got := len(items.([]any)); got != want {
					t.Errorf("got %d items, expected %d", got, want)
				}
			})
		}
	}
	group.Wait()
}
