package manifests_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
	"github.com/gantrycd/gantry/providers/manifests"
	"github.com/gantrycd/gantry/providers/rendertest"
)

func pod(name string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\n"
}

func podJSON(name string) string {
	return `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "` + name + `"}}`
}

func tree() map[string]string {
	return map[string]string{
		"web/b.yaml":            pod("b1") + "---\n" + pod("b2"),
		"web/a.json":            podJSON("a") + "\n" + podJSON("a2"),
		"web/c.yml":             pod("c"),
		"web/README.md":         "# nothing to render",
		"web/skipped.yaml":      "# +argocd:skip-file-rendering\nnot: rendered\n",
		"web/skipped2.yaml":     "# +gantry:skip-file-rendering\n\tnot yaml",
		"web/empty.yaml":        "# nothing yet\n",
		"web/deep/d.yaml":       pod("d"),
		"web/deep/test/e.yaml":  pod("e"),
		"web/deep/.git/x.yaml":  pod("git"),
		"other/unrelated.yaml":  "not: Kubernetes\n",
		"other/deeper/pod.yaml": pod("f"),
		"values/values.yaml":    "replicas: 1\n",
		"empty/only.txt":        "text",
		"empty/below/pod.yaml":  pod("g"),
		"mixed/app.jsonnet":     "{}",
		"mixed/pod.yaml":        pod("h"),
	}
}

func input(path string, options *source.Manifests) providers.Input {
	return providers.Input{
		Tree: rendertest.Files(tree()), Name: "web",
		Spec: source.Spec{Location: source.Location{Type: source.Git}, Path: path, Manifests: options},
	}
}

func TestContract(t *testing.T) {
	rendertest.Contract(t, manifests.New(), input("web", nil))
}

func TestFiles(t *testing.T) {
	tests := []struct {
		name    string
		options *source.Manifests
		want    string
	}{
		{"one folder, in order", nil, "a a2 b1 b2 c"},
		{"recurse", &source.Manifests{Recurse: true}, "a a2 b1 b2 c d e"},
		{"include", &source.Manifests{Recurse: true, Include: "*.yaml"}, "b1 b2 d e"},
		{"alternatives", &source.Manifests{Recurse: true, Include: "{a.json,deep/**}"}, "a a2 d e"},
		{"exclude", &source.Manifests{Recurse: true, Exclude: "deep/test/*"}, "a a2 b1 b2 c d"},
		{"exclude wins", &source.Manifests{Recurse: true, Include: "{a,b,c}.*", Exclude: "b.*"}, "a a2 c"},
		{"question mark", &source.Manifests{Include: "?.yml"}, "c"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rendered, err := manifests.New().Render(context.Background(), input("web", test.options))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range rendered {
				names = append(names, r.Object.Name())
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	rendered, err := manifests.New().Render(context.Background(), input("web", nil))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rendered {
		got = append(got, r.Origin)
	}
	want := []string{"web/a.json", "web/a.json:2", "web/b.yaml:1 (document 1)", "web/b.yaml:5 (document 2)", "web/c.yml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name, path string
		options    *source.Manifests
		target     error
		words      []string
	}{
		{"no Kubernetes", "other", nil, nil, []string{"other/unrelated.yaml:1: is not a Kubernetes object", "exclude it"}},
		{"nothing there", "empty", nil, providers.ErrNotFound, []string{"set recurse"}},
		{"all excluded", "web", &source.Manifests{Exclude: "**"}, providers.ErrNotFound, []string{"include and exclude"}},
		{"bad glob", "web", &source.Manifests{Include: "[a-"}, nil, []string{`include "[a-" is not a glob`}},
		{"file as folder", "web/b.yaml", nil, nil, []string{"is a file, expected a folder"}},
		{"Jsonnet beside", "mixed", nil, nil, []string{"mixed/app.jsonnet: is Jsonnet", "jsonnet block"}},
		{"near names", "wep", nil, providers.ErrNotFound, []string{`path "wep": not found; there is web`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rendertest.Fails(t, manifests.New(), input(test.path, test.options), test.target, test.words...)
		})
	}
}

func TestBrokenFileNamesDocument(t *testing.T) {
	in := input("web", nil)
	in.Tree = rendertest.Files(map[string]string{"web/all.yaml": pod("a") + "---\n" + pod("b") + "spec: [\n---\n" + pod("c")})
	rendertest.Fails(t, manifests.New(), in, nil, "web/all.yaml:", "(document 2): did not find expected node content")
}

// TestLinksStayInside holds that a link out of the tree gives an error and not
// a byte of what it points to. os.Root stands for the trees of sources.
func TestLinksStayInside(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.yaml")
	if err := os.WriteFile(secret, []byte(pod("canary")), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"absolute": secret, "relative": "../secret.yaml", "itself": "m.yaml", "folder": "..",
	} {
		t.Run(name, func(t *testing.T) {
			inside := filepath.Join(dir, name)
			if err := os.Mkdir(inside, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, filepath.Join(inside, "m.yaml")); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(inside)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = root.Close() }()
			in := input("", &source.Manifests{Recurse: true})
			in.Tree = root.FS()
			_, err = manifests.New().Render(context.Background(), in)
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLinksInsideAreFollowed(t *testing.T) {
	in := input("web", &source.Manifests{Recurse: true})
	in.Tree = fstest.MapFS{
		"web/a.yaml":    {Data: []byte("../base/pod.yaml"), Mode: 0o777 | os.ModeSymlink},
		"web/sub":       {Data: []byte("../base"), Mode: 0o777 | os.ModeSymlink},
		"base/pod.yaml": {Data: []byte(pod("linked")), Mode: 0o644},
	}
	rendered, err := manifests.New().Render(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Pod linked", "Pod linked"}, rendertest.Names(rendered)); diff != "" {
		t.Error(diff)
	}
}

func TestLinkCycleEnds(t *testing.T) {
	in := input("web", &source.Manifests{Recurse: true})
	in.Tree = fstest.MapFS{
		"web/a.yaml": {Data: []byte(pod("a")), Mode: 0o644},
		"web/loop":   {Data: []byte("."), Mode: 0o777 | os.ModeSymlink},
	}
	rendertest.Fails(t, manifests.New(), in, nil, "loop")
}

func TestLargeFileIsRefused(t *testing.T) {
	in := input("web", nil)
	in.Tree = rendertest.Files(map[string]string{"web/a.yaml": strings.Repeat("# padding\n", filetree.MaxFile/10+1)})
	rendertest.Fails(t, manifests.New(), in, nil, "larger than 32 MiB")
}

func TestInlineObjects(t *testing.T) {
	in := providers.Input{Name: "web", Spec: source.Spec{
		Location: source.Location{Type: source.Inline},
		Objects: []object.Object{
			{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "a"}, "n": 3.0},
			{"apiVersion": "v1", "kind": "List", "items": []any{
				map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "b"}},
			}},
		},
	}}
	rendered, err := manifests.New().Render(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	want := []providers.Rendered{
		{Object: object.Object{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "a"}, "n": int64(3)}, Origin: "objects[0]"},
		{Object: object.Object{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "b"}}, Origin: "objects[1]"},
	}
	if diff := cmp.Diff(want, rendered); diff != "" {
		t.Error(diff)
	}
	in.Spec.Objects = append(in.Spec.Objects, object.Object{"kind": "Pod"})
	rendertest.Fails(t, manifests.New(), in, nil, "objects[2]: no apiVersion")
}
