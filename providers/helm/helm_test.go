package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/helm"
	"github.com/gantrycd/gantry/providers/rendertest"
)

// configMap is a template that shows a template expression as data.out.
func configMap(expression string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: out}\ndata:\n  out: " + expression + "\n"
}

func files(more map[string]string) map[string]string {
	tree := map[string]string{
		"web/Chart.yaml":             "apiVersion: v2\nname: web\nversion: 1.2.3\n",
		"web/values.yaml":            "image: {name: web, tag: '1'}\nreplicas: 1\n",
		"web/templates/_helpers.tpl": `{{ define "web.name" }}{{ .Release.Name }}-web{{ end }}`,
		"web/templates/out.yaml":     configMap(`{{ toJson .Values | quote }}`),
		"web/templates/NOTES.txt":    "not: rendered: {{ .Release.Name }}",
		"web/files/prod.yaml":        "image: {tag: prod}\nextra: [1, 2]\n",
		"values/shared.yaml":         "image: {name: shared}\n",
	}
	for name, text := range more {
		tree[name] = text
	}
	return tree
}

func input(options *source.HelmOptions, more map[string]string) providers.Input {
	return providers.Input{
		Tree: rendertest.Files(files(more)), Name: "shop", Namespace: "apps",
		Spec: source.Spec{Location: source.Location{Type: source.Git}, Path: "web", Helm: options},
	}
}

func render(t *testing.T, in providers.Input) []providers.Rendered {
	t.Helper()
	rendered, err := helm.New().Render(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return rendered
}

// out renders the chart with a template of one expression and returns its value.
func out(t *testing.T, in providers.Input) any {
	t.Helper()
	for _, r := range render(t, in) {
		if value, ok := r.Object.Get("data", "out"); ok && r.Object.Name() == "out" {
			return value
		}
	}
	t.Fatal("no output")
	return nil
}

func expression(text string) map[string]string {
	return map[string]string{"web/templates/out.yaml": configMap(text)}
}

func TestContract(t *testing.T) {
	rendertest.Contract(t, helm.New(), input(&source.HelmOptions{ValueFiles: []string{"files/prod.yaml"}}, map[string]string{
		"web/charts/sub/Chart.yaml":           "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"web/charts/sub/templates/pod.yaml":   "apiVersion: v1\nkind: Pod\nmetadata: {name: sub}\n",
		"web/charts/other/Chart.yaml":         "apiVersion: v2\nname: other\nversion: 0.1.0\n",
		"web/charts/other/crds/thing.yaml":    crd("things"),
		"web/charts/sub/crds/gadget.yaml":     crd("gadgets"),
		"web/charts/other/templates/job.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: other}\n",
	}))
}

func crd(plural string) string {
	return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + plural + ".example.com}\n"
}

// TestPrecedence sets one value at every level, adding one level at a time: each
// must win over those before it.
func TestPrecedence(t *testing.T) {
	more := map[string]string{
		"web/values.yaml":        "v: chart\nkept: chart\n",
		"web/one.yaml":           "v: first file\n",
		"web/two.yaml":           "v: second file\n",
		"web/v.txt":              "file parameter",
		"web/templates/out.yaml": configMap(`"{{ .Values.v }}, {{ .Values.kept }}"`),
	}
	levels := []struct {
		name string
		add  func(o *source.HelmOptions)
	}{
		{"chart", func(*source.HelmOptions) {}},
		{"first file", func(o *source.HelmOptions) { o.ValueFiles = append(o.ValueFiles, "one.yaml") }},
		{"second file", func(o *source.HelmOptions) { o.ValueFiles = append(o.ValueFiles, "two.yaml") }},
		{"values", func(o *source.HelmOptions) { o.Values = map[string]any{"v": "values"} }},
		{"file parameter", func(o *source.HelmOptions) {
			o.FileParameters = []source.HelmParameter{{Name: "v", Value: "v.txt"}}
		}},
		{"parameter", func(o *source.HelmOptions) {
			o.Parameters = []source.HelmParameter{{Name: "v", Value: "early"}, {Name: "v", Value: "parameter"}}
		}},
	}
	options := &source.HelmOptions{}
	for _, level := range levels {
		level.add(options)
		if got := out(t, input(options, more)); got != level.name+", chart" {
			t.Errorf("with %s: got %v", level.name, got)
		}
	}
}

func TestValues(t *testing.T) {
	tests := []struct {
		name    string
		options source.HelmOptions
		want    string
	}{
		{"merged deeply", source.HelmOptions{ValueFiles: []string{"files/prod.yaml"}}, `{"extra":[1,2],"image":{"name":"web","tag":"prod"},"replicas":1}`},
		{"from a ref", source.HelmOptions{ValueFiles: []string{"$values/prod/values.yaml"}}, `{"fromRef":true,"image":{"name":"web","tag":"1"},"replicas":1}`},
		{"glob of a ref", source.HelmOptions{ValueFiles: []string{"$values/{prod,dev}/*.yaml"}}, `{"fromDev":true,"fromRef":true,"image":{"name":"web","tag":"1"},"replicas":1}`},
		{"from the root", source.HelmOptions{ValueFiles: []string{"/values/shared.yaml"}}, `{"image":{"name":"shared","tag":"1"},"replicas":1}`},
		{"climbing inside", source.HelmOptions{ValueFiles: []string{"../values/shared.yaml"}}, `{"image":{"name":"shared","tag":"1"},"replicas":1}`},
		{"glob", source.HelmOptions{ValueFiles: []string{"files/*.yaml"}}, `{"extra":[1,2],"image":{"name":"web","tag":"prod"},"replicas":1}`},
		{"missing ignored", source.HelmOptions{ValueFiles: []string{"nope.yaml", "$values/nope.yaml", "nope/*.yaml"}, IgnoreMissingValueFiles: true}, `{"image":{"name":"web","tag":"1"},"replicas":1}`},
		{"null removes", source.HelmOptions{Values: map[string]any{"image": nil}}, `{"replicas":1}`},
		{"parameter types", source.HelmOptions{Parameters: []source.HelmParameter{
			{Name: "a", Value: "1"},
			{Name: "b", Value: "1", ForceString: true},
			{Name: "c", Value: "true"},
			{Name: "d", Value: "x,y"},
			{Name: "e", Value: "{x,y}"},
			{Name: "f[1]", Value: "z"},
			{Name: `g\.h`, Value: "a=b"},
			{Name: "i", Value: "null"},
		}}, `{"a":1,"b":"1","c":true,"d":"x,y","e":["x","y"],"f":[null,"z"],"g.h":"a=b","i":null,"image":{"name":"web","tag":"1"},"replicas":1}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(&test.options, nil)
			in.Refs = map[string]fs.FS{"values": rendertest.Files(map[string]string{
				"prod/values.yaml": "fromRef: true\n", "dev/values.yaml": "fromDev: true\n",
			})}
			if diff := cmp.Diff(test.want, out(t, in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNumbersAreThoseOfAFile(t *testing.T) {
	values := map[string]any{"n": int64(3), "big": int64(1000000)}
	more := expression(`{{ printf "%T %v %d" .Values.n .Values.big (int .Values.big) | quote }}`)
	if got := out(t, input(&source.HelmOptions{Values: values}, more)); got != "float64 1e+06 1000000" {
		t.Errorf("got %v", got)
	}
	if values["n"] != int64(3) {
		t.Error("the values given were changed")
	}
}

func TestReleaseAndCapabilities(t *testing.T) {
	cluster := providers.Capabilities{KubeVersion: "v1.30.4-eks-1234", APIVersions: []string{"apps/v1", "example.com/v1"}}
	tests := []struct {
		name, expression string
		options          source.HelmOptions
		cluster          providers.Capabilities
		want             string
	}{
		{"release", `"{{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.IsInstall }} {{ .Release.Revision }}"`, source.HelmOptions{}, cluster, "shop apps true 1"},
		{"named release", `"{{ .Release.Name }} {{ .Release.Namespace }}"`, source.HelmOptions{ReleaseName: "r", Namespace: "n"}, cluster, "r n"},
		{"cluster's version", `"{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Minor }}"`, source.HelmOptions{}, cluster, "v1.30.4 30"},
		{"option's version", `"{{ .Capabilities.KubeVersion.Version }}"`, source.HelmOptions{KubeVersion: "1.29.0"}, cluster, "v1.29.0"},
		{"default version", `"{{ .Capabilities.KubeVersion.Version }}"`, source.HelmOptions{}, providers.Capabilities{}, helm.DefaultKubeVersion},
		{"cluster's APIs", `"{{ .Capabilities.APIVersions.Has "example.com/v1" }} {{ .Capabilities.APIVersions.Has "batch/v1" }}"`, source.HelmOptions{}, cluster, "true false"},
		{"added APIs", `"{{ .Capabilities.APIVersions.Has "a/v1" }} {{ .Capabilities.APIVersions.Has "apps/v1" }}"`, source.HelmOptions{APIVersions: []string{"a/v1"}}, cluster, "true true"},
		{"default APIs", `"{{ .Capabilities.APIVersions.Has "batch/v1" }} {{ .Capabilities.APIVersions.Has "a/v1" }}"`, source.HelmOptions{APIVersions: []string{"a/v1"}}, providers.Capabilities{}, "true true"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(&test.options, expression(test.expression))
			in.Capabilities = test.cluster
			if got := out(t, in); got != test.want {
				t.Errorf("got %v, expected %s", got, test.want)
			}
		})
	}
}

// TestDefaultKubeVersion holds the default to what Helm of go.mod takes: the
// minor version of its client library.
func TestDefaultKubeVersion(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "rendertest", "helmcli", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`k8s\.io/client-go v0\.(\d+)\.`).FindSubmatch(data)
	if match == nil || helm.DefaultKubeVersion != fmt.Sprintf("v1.%s.0", match[1]) {
		t.Errorf("default is %s, Helm's client-go is 0.%s", helm.DefaultKubeVersion, match[1])
	}
}

func TestOrder(t *testing.T) {
	in := input(nil, map[string]string{
		"web/crds/b.yaml":           crd("bs") + "---\n" + crd("cs"),
		"web/templates/z.yaml":      "apiVersion: v1\nkind: Namespace\nmetadata: {name: z}\n---\n---\n# nothing\n",
		"web/templates/list.yaml":   "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: listed}}\n",
		"web/templates/hook.yaml":   hook("pre-install,post-upgrade", "hook"),
		"web/templates/test.yaml":   hook("test", "test"),
		"web/templates/custom.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\n",
	})
	want := []string{
		"CustomResourceDefinition bs.example.com", "CustomResourceDefinition cs.example.com", "Namespace z",
		"ConfigMap out", "Thing t", "Pod listed", "Pod hook", "Pod test",
	}
	got := rendertest.Names(render(t, in))
	// Kinds that Helm does not know, a List among them, are ordered by its sort.
	if diff := cmp.Diff(want, got); diff != "" && !cmp.Equal(sorted(want, 4, 6), sorted(got, 4, 6)) {
		t.Error(diff)
	}
	in.Spec.Helm = &source.HelmOptions{SkipCRDs: true, SkipTests: true}
	got = rendertest.Names(render(t, in))
	if text := strings.Join(got, " "); strings.Contains(text, "Definition") || strings.Contains(text, "Pod test") || !strings.Contains(text, "Pod hook") {
		t.Errorf("got %v", got)
	}
}

func sorted(names []string, from, to int) string {
	if len(names) < to {
		return strings.Join(names, " ")
	}
	middle := names[from:to]
	if len(middle) == 2 && middle[0] > middle[1] {
		middle[0], middle[1] = middle[1], middle[0]
	}
	return strings.Join(names, " ")
}

func hook(events, name string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", annotations: {helm.sh/hook: '" + events + "'}}\n"
}

func TestDuplicateKeysOfChartsAreTaken(t *testing.T) {
	in := input(nil, map[string]string{"web/templates/out.yaml": configMap("a") + "  out: b\n"})
	if got := out(t, in); got != "b" {
		t.Errorf("got %v", got)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name   string
		more   map[string]string
		target error
		words  []string
	}{
		{"syntax", expression("{{ if }}"), nil, []string{"web/templates/out.yaml:5: ", "missing value for if"}},
		{"runtime", expression("{{ .Values.image.name.x }}"), nil, []string{"web/templates/out.yaml:5: ", "can't evaluate field x"}},
		{"in a helper", map[string]string{
			"web/templates/_helpers.tpl": "{{ define \"bad\" }}\n{{ .Values.image.name.x }}{{ end }}",
			"web/templates/out.yaml":     configMap(`{{ include "bad" . }}`),
		}, nil, []string{"web/templates/_helpers.tpl:2: ", "can't evaluate field x", "from web/templates/out.yaml:5"}},
		{"required", expression(`{{ required "an image is needed" .Values.nope }}`), nil, []string{"web/templates/out.yaml:5: an image is needed"}},
		{"fail", expression(`{{ fail "not like this" }}`), nil, []string{"web/templates/out.yaml:5: not like this"}},
		{"broken YAML", expression("a: b: c"), nil, []string{"web/templates/out.yaml: the rendered document", "mapping values are not allowed"}},
		{"no object", map[string]string{"web/templates/out.yaml": "a: 1\n"}, nil, []string{"web/templates/out.yaml: the rendered document: is not a Kubernetes object"}},
		{"unknown function", expression(`{{ env "HOME" }}`), nil, []string{"web/templates/out.yaml:5", `function "env" not defined`}},
		{"unknown function", expression(`{{ expandenv "$HOME" }}`), nil, []string{`function "expandenv" not defined`}},
		{"endless include", map[string]string{
			"web/templates/_helpers.tpl": `{{ define "a" }}{{ include "a" . }}{{ end }}`,
			"web/templates/out.yaml":     configMap(`{{ include "a" . }}`),
		}, nil, []string{"nested reference name"}},
		{"huge until", expression("{{ until 1000000000 }}"), nil, []string{"makes too much"}},
		{"huge untilStep", expression("{{ untilStep 0 1000000000 1 }}"), nil, []string{"makes too much"}},
		{"huge seq", expression("{{ seq 1000000000 }}"), nil, []string{"makes too much"}},
		{"huge repeat", expression(`{{ repeat 1000000000 "xx" }}`), nil, []string{"makes too much"}},
		{"subchart", map[string]string{
			"web/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "web/charts/sub/templates/x.yaml": "{{ fail \"sub\" }}",
		}, nil, []string{"web/charts/sub/templates/x.yaml:1: sub"}},
		{"kube version", map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: '>=1.99'\n"}, nil, []string{"requires Kubernetes >=1.99"}},
		{"library", map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ntype: library\n"}, nil, []string{"web/Chart.yaml: is a library chart"}},
		{"no version", map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: web\n"}, nil, []string{"web/Chart.yaml", "version is required"}},
		{"list as chart", map[string]string{"web/Chart.yaml": "[1, 2]\n"}, nil, []string{"web/Chart.yaml"}},
		{"null as chart", map[string]string{"web/Chart.yaml": "null\n"}, nil, []string{"web/Chart.yaml"}},
		{"null dependency", map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [null]\n"}, nil, []string{"web/Chart.yaml"}},
		{"wrong types", map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: [a]\nversion: {}\n"}, nil, []string{"web/Chart.yaml"}},
		{"name climbs", map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: ../../x\nversion: 1.0.0\n"}, nil, []string{"is invalid"}},
		{"name is dots", map[string]string{"web/Chart.yaml": "apiVersion: v2\nname: '..'\nversion: 1.0.0\n"}, nil, []string{"not allowed"}},
		{"broken Chart.yaml", map[string]string{"web/Chart.yaml": "apiVersion: v2\n\tname: x\n"}, nil, []string{"web/Chart.yaml:2: "}},
		{"broken values", map[string]string{"web/values.yaml": "a: 1\nb: [\n"}, nil, []string{"web/values.yaml:"}},
		{"values bomb", map[string]string{"web/values.yaml": bomb()}, nil, []string{"excessive aliasing"}},
		{"broken lock", map[string]string{"web/Chart.lock": "[\n"}, nil, []string{"web/Chart.lock"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			rendertest.Fails(t, helm.New(), input(nil, test.more), test.target, test.words...)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func bomb() string {
	text := "b0: &b0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		next, last := string(rune('1'+i)), string(rune('0'+i))
		text += "b" + next + ": &b" + next + " [" + strings.TrimSuffix(strings.Repeat("*b"+last+", ", 10), ", ") + "]\n"
	}
	return text
}

func TestBadValues(t *testing.T) {
	tests := []struct {
		name    string
		options source.HelmOptions
		target  error
		words   []string
	}{
		{"missing file", source.HelmOptions{ValueFiles: []string{"files/prdo.yaml"}}, providers.ErrNotFound, []string{"value file", "there is web/files/prod.yaml"}},
		{"missing glob", source.HelmOptions{ValueFiles: []string{"nope/*.yaml"}}, providers.ErrNotFound, []string{"nope/*.yaml"}},
		{"file URL", source.HelmOptions{ValueFiles: []string{"file:///etc/passwd"}}, nil, []string{"leads out of the source"}},
		{"http URL", source.HelmOptions{ValueFiles: []string{"http://127.0.0.1/v.yaml"}}, nil, []string{"leads out of the source"}},
		{"system path", source.HelmOptions{ValueFiles: []string{"/proc/self/environ"}}, providers.ErrNotFound, []string{"proc/self/environ"}},
		{"climbing", source.HelmOptions{ValueFiles: []string{"../../other/values.yaml"}}, nil, []string{"leads out of the source"}},
		{"climbing glob", source.HelmOptions{ValueFiles: []string{"../../*.yaml"}}, nil, []string{"leads out of the source"}},
		{"escaped climbing", source.HelmOptions{ValueFiles: []string{"%2e%2e/x"}}, providers.ErrNotFound, []string{"%2e%2e/x"}},
		{"unknown ref", source.HelmOptions{ValueFiles: []string{"$nope/v.yaml"}}, providers.ErrNotFound, []string{`no source has the ref "nope"`}},
		{"climbing out of a ref", source.HelmOptions{ValueFiles: []string{"$values/../v.yaml"}}, nil, []string{"leads out of the source"}},
		{"list as values", source.HelmOptions{ValueFiles: []string{"list.yaml"}}, nil, []string{"web/list.yaml: expected a map of values"}},
		{"broken values", source.HelmOptions{ValueFiles: []string{"broken.yaml"}}, nil, []string{"web/broken.yaml:2: found a tab character"}},
		{"broken values of a ref", source.HelmOptions{ValueFiles: []string{"$values/broken.yaml"}}, nil, []string{"$values/broken.yaml:2: "}},
		{"file parameter climbs", source.HelmOptions{FileParameters: []source.HelmParameter{{Name: "a", Value: "../../x"}}}, nil, []string{`file parameter "a"`, "leads out"}},
		{"file parameter missing", source.HelmOptions{FileParameters: []source.HelmParameter{{Name: "a", Value: "x"}}}, providers.ErrNotFound, []string{`file parameter "a"`}},
		{"parameter without a name", source.HelmOptions{Parameters: []source.HelmParameter{{Value: "a"}}}, nil, []string{"has no name"}},
		{"parameter index", source.HelmOptions{Parameters: []source.HelmParameter{{Name: "a[99999999999]", Value: "1"}}}, nil, []string{`parameter "a[99999999999]"`}},
		{"parameter depth", source.HelmOptions{Parameters: []source.HelmParameter{{Name: strings.Repeat("a.", 100_000) + "b", Value: "1"}}}, nil, []string{"nested level"}},
		{"parameter braces", source.HelmOptions{Parameters: []source.HelmParameter{{Name: "a", Value: strings.Repeat("{", 1<<20)}}}, nil, []string{"longer than 1 MiB"}},
		{"long release name", source.HelmOptions{ReleaseName: strings.Repeat("a", 54)}, nil, []string{"release name", "invalid release name"}},
		{"kube version", source.HelmOptions{KubeVersion: "newest"}, nil, []string{`kube version "newest"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(&test.options, map[string]string{"web/list.yaml": "[1]\n", "web/broken.yaml": "a: 1\n\tb: 2\n"})
			in.Refs = map[string]fs.FS{"values": rendertest.Files(map[string]string{"broken.yaml": "a: 1\n\tb: 2\n"})}
			start := time.Now()
			rendertest.Fails(t, helm.New(), in, test.target, test.words...)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestSchema(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	tests := []struct{ name, schema, word string }{
		{"violated", `{"properties": {"replicas": {"type": "string"}}}`, "web/values.schema.json: values of chart web: "},
		{"remote", `{"$ref": "` + server.URL + `/schema.json"}`, "rendering reads no other schema"},
		{"file", `{"$ref": "file:///dev/zero"}`, "rendering reads no other schema"},
		{"itself", `{"$ref": "#"}`, "web/values.schema.json"},
		{"no JSON", `{`, "the schema is no JSON"},
		{"no schema", `{"type": 12}`, "the schema is not valid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			more := map[string]string{"web/values.schema.json": test.schema}
			rendertest.Fails(t, helm.New(), input(nil, more), nil, test.word)
			render(t, input(&source.HelmOptions{SkipSchemaValidation: true}, more))
		})
	}
	secret := input(&source.HelmOptions{Values: map[string]any{"password": "canary", "port": 70000}}, map[string]string{
		"web/values.schema.json": `{"properties": {"password": {"pattern": "^[0-9]+$"}, "port": {"maximum": 65535}, "replicas": {"enum": [2]}}}`,
	})
	_, err := helm.New().Render(context.Background(), secret)
	want := `web/values.schema.json: values of chart web: password: does not match the pattern "^[0-9]+$"; ` +
		`port: does not satisfy "maximum" of the schema; replicas: value must be 2`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if asked {
		t.Error("a schema was fetched")
	}
	render(t, input(nil, map[string]string{"web/values.schema.json": `{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"replicas": {"type": "integer"}}}`}))
	sub := map[string]string{
		"web/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "web/charts/sub/values.yaml": "count: 1\n",
		"web/charts/sub/values.schema.json": `{"properties": {"count": {"type": "string"}}}`,
	}
	rendertest.Fails(t, helm.New(), input(nil, sub), nil, "web/charts/sub/values.schema.json: values of chart sub")
}

func TestSchemaChainEnds(t *testing.T) {
	var schema strings.Builder
	schema.WriteString(`{"$ref": "#/d/0", "d": {`)
	for i := range 100_000 {
		fmt.Fprintf(&schema, `"%d": {"$ref": "#/d/%d"},`, i, i+1)
	}
	schema.WriteString(`"100000": {"type": "string"}}}`)
	in := input(nil, map[string]string{"web/values.schema.json": schema.String()})
	rendertest.Fails(t, helm.New(), in, nil, "web/values.schema.json", "the schema has 100001 references")
}

func TestPure(t *testing.T) {
	if got := out(t, input(nil, expression(`"{{ lookup "v1" "Secret" "kube-system" "x" | len }} {{ getHostByName "localhost" }}."`))); got != "0 ." {
		t.Errorf("got %v", got)
	}
}

func TestCancelStopsWaiting(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	in := input(nil, expression(`{{ range $i := until 3000 }}{{ range $j := until 3000 }}{{ end }}{{ end }}`))
	_, err := helm.New().Render(ctx, in)
	if !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(fmt.Sprint(err), context.DeadlineExceeded.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestHelmignore(t *testing.T) {
	more := map[string]string{
		"web/.helmignore":              "*.bak\ntemplates/ignored/\n",
		"web/templates/a.bak":          "{{ fail \"read\" }}",
		"web/templates/ignored/b.yaml": "{{ fail \"read\" }}",
		"web/templates/.hidden":        "{{ fail \"read\" }}",
	}
	render(t, input(nil, more))
	packaged := input(nil, more)
	packaged.Spec.Type = source.Helm // packaging has applied it; what is left is meant
	rendertest.Fails(t, helm.New(), packaged, nil, "read")
}

func TestArchives(t *testing.T) {
	sub := map[string]string{
		"sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "sub/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: sub}\n",
	}
	in := input(nil, map[string]string{"web/charts/sub-0.1.0.tgz": archive(t, sub, nil)})
	if diff := cmp.Diff([]string{"ConfigMap out", "Pod sub"}, rendertest.Names(render(t, in))); diff != "" {
		t.Error(diff)
	}
	link := func(name, target string, kind byte) *tar.Header {
		return &tar.Header{Name: name, Linkname: target, Typeflag: kind, Mode: 0o644}
	}
	tests := []struct {
		name, word string
		header     *tar.Header
	}{
		{"climbing", "the archive has a file named", &tar.Header{Name: "sub/../../x", Typeflag: tar.TypeReg}},
		{"climbing inside", "the archive has a file named", &tar.Header{Name: "sub/a/../templates/x", Typeflag: tar.TypeReg}},
		{"absolute", "the archive has a file named", &tar.Header{Name: "/etc/passwd", Typeflag: tar.TypeReg}},
		{"beside", "the archive has a file named", &tar.Header{Name: "x.yaml", Typeflag: tar.TypeReg}},
		{"Windows", "the archive has a file named", &tar.Header{Name: `sub\..\..\x`, Typeflag: tar.TypeReg}},
		{"drive", "the archive has a file named", &tar.Header{Name: `sub/C:/x`, Typeflag: tar.TypeReg}},
		{"symbolic link", "is a link", link("sub/templates/x.yaml", "/etc/hostname", tar.TypeSymlink)},
		{"hard link", "is a link", link("sub/templates/x.yaml", "../../../etc/passwd", tar.TypeLink)},
		{"device", "is a link or no regular file", link("sub/x", "", tar.TypeChar)},
		{"twice", "twice", &tar.Header{Name: "sub/Chart.yaml", Typeflag: tar.TypeReg}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(nil, map[string]string{"web/charts/sub-0.1.0.tgz": archive(t, sub, test.header)})
			rendertest.Fails(t, helm.New(), in, nil, "web/charts/sub-0.1.0.tgz: ", test.word)
		})
	}
	rendertest.Fails(t, helm.New(), input(nil, map[string]string{"web/charts/x.tgz": "not gzip"}), nil, "is no chart archive")
	rendertest.Fails(t, helm.New(), input(nil, map[string]string{"web/charts/x.tgz": archive(t, sub, nil)[:100]}), nil, "damaged")
	rendertest.Fails(t, helm.New(), input(nil, map[string]string{"web/charts/x.tgz": archive(t, nil, nil)}), nil, "the archive is empty")
}

func TestArchiveBombs(t *testing.T) {
	many := map[string]string{"sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n"}
	for i := range 20_001 {
		many[fmt.Sprintf("sub/%d", i)] = ""
	}
	zeros := map[string]string{"sub/Chart.yaml": "x", "sub/zeros": strings.Repeat("\x00", 200<<20)}
	inner := map[string]string{
		"sub/Chart.yaml":    "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
		"sub/charts/in.tgz": archive(t, map[string]string{"in/zeros": strings.Repeat("\x00", 11<<20)}, nil),
	}
	for name, bomb := range map[string]map[string]string{"zeros": zeros, "files": many, "nested": inner} {
		t.Run(name, func(t *testing.T) {
			in := input(nil, map[string]string{"web/charts/sub.tgz": archive(t, bomb, nil)})
			start := time.Now()
			rendertest.Fails(t, helm.New(), in, nil, "web/charts/sub.tgz", "more than")
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// archive packs files, and an entry of another kind, as a chart archive.
func archive(t *testing.T, files map[string]string, extra *tar.Header) string {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	entries := tar.NewWriter(zipped)
	write := func(header *tar.Header, text string) {
		if err := entries.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := entries.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		write(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o644}, text)
	}
	if extra != nil {
		write(extra, "")
	}
	if err := errors.Join(entries.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}
