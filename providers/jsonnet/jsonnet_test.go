package jsonnet_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/jsonnet"
	"github.com/gantrycd/gantry/providers/rendertest"
)

const podFunction = `local pod = import 'pod.libsonnet'; `

func files(more map[string]string) map[string]string {
	tree := map[string]string{
		"web/pod.libsonnet":      `function(name, n=1) { apiVersion: 'v1', kind: 'Pod', metadata: { name: name }, n: n }`,
		"web/app.jsonnet":        podFunction + `[pod('a'), [pod('b', 1.5), []], { apiVersion: 'v1', kind: 'List', items: [pod('c')] }]`,
		"web/one.jsonnet":        podFunction + `pod('one')`,
		"web/sub/two.jsonnet":    `local pod = import '../pod.libsonnet'; pod('two')`,
		"web/README.md":          "text",
		"lib/vendor/x.libsonnet": `{ name: 'from-vendor' }`,
	}
	for name, text := range more {
		tree[name] = text
	}
	return tree
}

func input(path string, options *source.Jsonnet, more map[string]string) providers.Input {
	return providers.Input{
		Tree: rendertest.Files(files(more)), Name: "web",
		Spec: source.Spec{Path: path, Jsonnet: options},
	}
}

func TestContract(t *testing.T) {
	rendertest.Contract(t, jsonnet.New(), input("web", nil, nil))
}

func TestRender(t *testing.T) {
	tests := []struct {
		name, path string
		options    *source.Jsonnet
		more       map[string]string
		want       []string
	}{
		{"folder", "web", nil, nil, []string{"Pod a", "Pod b", "Pod c", "Pod one"}},
		{"file", "web/one.jsonnet", nil, nil, []string{"Pod one"}},
		{"recurse", "web", &source.Jsonnet{Recurse: true, Include: "**/two.jsonnet"}, nil, []string{"Pod two"}},
		{"exclude", "web", &source.Jsonnet{Exclude: "app.*"}, nil, []string{"Pod one"}},
		{"YAML and JSON beside", "web", &source.Jsonnet{Exclude: "app.*"}, map[string]string{
			"web/p.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: yaml}\n",
			"web/q.json": `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "json"}}`,
			"web/r.yaml": "# +argocd:skip-file-rendering\nx: 1\n",
		}, []string{"Pod one", "Pod yaml", "Pod json"}},
		{"null and nothing", "web/n.jsonnet", nil, map[string]string{"web/n.jsonnet": `[null, []]`}, []string{}},
		{"external variables", "web/v.jsonnet", &source.Jsonnet{ExternalVariables: []source.JsonnetVariable{
			{Name: "name", Value: "ext"}, {Name: "suffix", Value: "'-' + (1 + 1)", Code: true},
		}}, map[string]string{"web/v.jsonnet": podFunction + `pod(std.extVar('name') + std.extVar('suffix'))`}, []string{"Pod ext-2"}},
		{"top-level arguments", "web/t.jsonnet", &source.Jsonnet{TopLevelArguments: []source.JsonnetVariable{
			{Name: "name", Value: "tla"}, {Name: "count", Value: "2", Code: true},
		}}, map[string]string{"web/t.jsonnet": podFunction + `function(name, count=1) [pod(name + i) for i in std.range(1, count)]`}, []string{"Pod tla1", "Pod tla2"}},
		{
			"libraries", "web/l.jsonnet", &source.Jsonnet{Libraries: []string{"/lib/vendor"}},
			map[string]string{"web/l.jsonnet": podFunction + `pod((import 'x.libsonnet').name)`},
			[]string{"Pod from-vendor"},
		},
		{
			"importstr and importbin", "web/i.jsonnet", nil,
			map[string]string{"web/i.jsonnet": podFunction + `pod((importstr 'name.txt') + (importbin 'name.txt')[0])`, "web/name.txt": "text"},
			[]string{"Pod text116"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rendered, err := jsonnet.New().Render(context.Background(), input(test.path, test.options, test.more))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, rendertest.Names(rendered)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name, code string
		target     error
		words      []string
	}{
		{"syntax", "{\n a: \n}", nil, []string{"web/x.jsonnet:3: ", "Unexpected"}},
		{"runtime", "{\n apiVersion: error 'no version', kind: 'Pod' }", nil, []string{"web/x.jsonnet:2: no version"}},
		{"in an import", "(import 'bad.libsonnet').x", nil, []string{"web/bad.libsonnet:2: broken"}},
		{"unknown variable", "local a = 1;\nb", nil, []string{"web/x.jsonnet:2", "Unknown variable: b"}},
		{"missing variable", "std.extVar('nope')", nil, []string{"nope"}},
		{"missing import", "import 'pdo.libsonnet'", nil, []string{"web/x.jsonnet:1", "pod.libsonnet"}},
		{"import by absolute path", "importstr '/etc/passwd'", nil, []string{"leads out of the source"}},
		{"import climbs out", "importstr '../../../../proc/self/environ'", nil, []string{"leads out of the source"}},
		{"no object", "1", nil, []string{"web/x.jsonnet: the result is a number, expected an object"}},
		{"not Kubernetes", "{ a: 1 }", nil, []string{"is not a Kubernetes object"}},
		{"endless recursion", "local f(x) = f(x + 1) + 1; f(0)", nil, []string{"max stack frames exceeded"}},
		{"native function", "std.native('exec')('id')", nil, []string{"web/x.jsonnet"}},
		{"deep", strings.Repeat("[", 1_000_000), nil, []string{"nested more than"}},
		{"operators", strings.Repeat("! ", 1_000_000) + "true", nil, []string{"operators in a row"}},
		{"locals", strings.Repeat("local a=1;", 250_000) + "a", nil, []string{"more than 50000 local"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			more := map[string]string{"web/x.jsonnet": test.code, "web/bad.libsonnet": "{\n x: error 'broken' }"}
			rendertest.Fails(t, jsonnet.New(), input("web/x.jsonnet", nil, more), test.target, test.words...)
		})
	}
	rendertest.Fails(t, jsonnet.New(), input("web", &source.Jsonnet{Libraries: []string{"../.."}}, nil), nil, "library", "leads out")
	rendertest.Fails(t, jsonnet.New(), input("web", &source.Jsonnet{Libraries: []string{"lib/vendro"}}, nil), providers.ErrNotFound, "lib/vendor")
	rendertest.Fails(t, jsonnet.New(), input("lib", nil, nil), providers.ErrNotFound, "no .jsonnet file")
}

// TestDeepestThatIsAllowed parses what the guard just lets through, which must
// not overflow the stack.
func TestDeepestThatIsAllowed(t *testing.T) {
	if raceDetector {
		t.Skip("the stack frames of the race detector are larger than those the limits are for")
	}
	for name, code := range map[string]string{
		"brackets":  strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999),
		"operators": strings.Repeat("!", 999) + "true",
		"locals":    "local f() = " + strings.Repeat("local a=1;", 49_000) + "1; [f]",
		"ifs":       "local f() = " + strings.Repeat("if 1==2 then ", 49_000) + "1; [f]",
	} {
		start := time.Now()
		more := map[string]string{"web/x.jsonnet": code}
		if _, err := jsonnet.New().Render(context.Background(), input("web/x.jsonnet", nil, more)); err == nil {
			t.Errorf("%s: no error", name)
		}
		t.Logf("%s: %s", name, time.Since(start))
	}
}

func TestCancelStopsWaiting(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	more := map[string]string{"web/x.jsonnet": "std.foldl(function(a, b) a + b, std.range(1, 20000000), 0)"}
	_, err := jsonnet.New().Render(ctx, input("web/x.jsonnet", nil, more))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestDetect(t *testing.T) {
	tree := rendertest.Files(files(map[string]string{"mixed/a.jsonnet": "{}", "mixed/b.yaml": "x: 1"}))
	for path, want := range map[string]bool{"web": true, "web/one.jsonnet": true, "lib": false, "mixed": false, "web/README.md": false} {
		if got, err := jsonnet.New().Detect(tree, path); err != nil || got != want {
			t.Errorf("%s: got %v, %v", path, got, err)
		}
	}
}

func TestRealworld(t *testing.T) {
	tree := os.DirFS(rendertest.Realworld(t))
	tests := map[string]struct {
		options *source.Jsonnet
		want    []string
	}{
		"argocd-example-apps/jsonnet-guestbook": {nil, []string{"Service jsonnet-guestbook-ui", "Deployment jsonnet-guestbook-ui"}},
		"argocd-example-apps/jsonnet-guestbook-tla": {
			&source.Jsonnet{TopLevelArguments: []source.JsonnetVariable{{Name: "name", Value: "web"}, {Name: "replicas", Value: "2", Code: true}}},
			[]string{"Service web", "Deployment web"},
		},
	}
	for path, test := range tests {
		if ok, err := jsonnet.New().Detect(tree, path); err != nil || !ok {
			t.Errorf("%s: not detected: %v", path, err)
		}
		rendered, err := jsonnet.New().Render(context.Background(), providers.Input{Tree: tree, Spec: source.Spec{Path: path, Jsonnet: test.options}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, rendertest.Names(rendered)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		if test.options != nil && rendered[1].Object["spec"].(map[string]any)["replicas"] != int64(2) {
			t.Errorf("replicas: %v", rendered[1].Object["spec"])
		}
	}
}
