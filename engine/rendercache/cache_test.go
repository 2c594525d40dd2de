package rendercache_test

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/rendercache"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// counting is a renderer that reads files in each way that there is, and counts.
type counting struct {
	calls  int
	varies bool
}

func (c *counting) Detect(fs.FS, string) (bool, error)                     { return true, nil }
func (c *counting) Needs(providers.Input) ([]source.Location, error)       { return nil, nil }
func (c *counting) MayVary(context.Context, providers.Input) (bool, error) { return c.varies, nil }

func (c *counting) Render(_ context.Context, in providers.Input) ([]providers.Rendered, error) {
	c.calls++
	data := map[string]any{"whole": int64(1), "part": 1.0, "large": int64(1) << 60, "nothing": nil, "yes": true, "list": []any{"a", int64(2), 2.5}}
	entries, err := fs.ReadDir(in.Tree, in.Spec.Path)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() && strings.HasSuffix(entry.Name(), ".yaml") {
			text, err := fs.ReadFile(in.Tree, in.Spec.Path+"/"+entry.Name())
			if err != nil {
				return nil, err
			}
			data[entry.Name()] = string(text)
		}
	}
	if _, err := fs.Stat(in.Tree, "optional"); err == nil {
		data["optional"] = true
	}
	for name, ref := range in.Refs {
		file, err := ref.Open("values.yaml")
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		content := make([]byte, 100)
		n, _ := file.Read(content)
		data["ref "+name] = string(content[:n])
	}
	return []providers.Rendered{{Object: object.Object{"kind": "ConfigMap", "data": data}, Origin: "all.yaml:1"}}, nil
}

func fingerprinter(t *testing.T, key byte) seal.Fingerprinter {
	t.Helper()
	f, err := seal.NewFingerprinter([]byte(strings.Repeat(string(key), seal.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func open(t *testing.T, dir string, key byte) *rendercache.Cache {
	t.Helper()
	cache, err := rendercache.Open(dir, fingerprinter(t, key), "1.0.0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func files() fstest.MapFS {
	return fstest.MapFS{
		"web/a.yaml": {Data: []byte("a")}, "web/b.yaml": {Data: []byte("b")}, "web/README.md": {Data: []byte("read me")},
		"other/a.yaml": {Data: []byte("another")},
	}
}

func input() providers.Input {
	return providers.Input{
		Tree: files(), Name: "web", Namespace: "web", Refs: map[string]fs.FS{"values": fstest.MapFS{"values.yaml": {Data: []byte("v: 1")}}},
		Spec:         source.Spec{Path: "web", Helm: &source.HelmOptions{Values: map[string]any{"a": int64(1)}}},
		Capabilities: providers.Capabilities{KubeVersion: "v1.37.0", APIVersions: []string{"v1"}},
	}
}

func render(t *testing.T, cache *rendercache.Cache, renderer providers.Renderer, in providers.Input) []providers.Rendered {
	t.Helper()
	out, err := cache.Render(t.Context(), renderer, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatIsTheSameIsRenderedOnce(t *testing.T) {
	dir, renderer := t.TempDir(), &counting{}
	first := render(t, open(t, dir, 'k'), renderer, input())
	again := render(t, open(t, dir, 'k'), renderer, input())
	if renderer.calls != 1 {
		t.Errorf("it was rendered %d times", renderer.calls)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("what was kept is another:\n%s", diff)
	}
	if _, isFloat := again[0].Object["data"].(map[string]any)["part"].(float64); !isFloat {
		t.Error("a float became something else")
	}
}

func TestWhatChangesIsRenderedAnew(t *testing.T) {
	tests := map[string]struct {
		change func(*providers.Input, fstest.MapFS)
		anew   bool
	}{
		"nothing":                   {func(*providers.Input, fstest.MapFS) {}, false},
		"a file that nobody read":   {func(_ *providers.Input, tree fstest.MapFS) { tree["other/a.yaml"].Data = []byte("changed") }, false},
		"a file that was listed":    {func(_ *providers.Input, tree fstest.MapFS) { tree["web/README.md"].Data = []byte("changed") }, false},
		"a folder elsewhere":        {func(_ *providers.Input, tree fstest.MapFS) { tree["more/a.yaml"] = &fstest.MapFile{} }, false},
		"a file that was read":      {func(_ *providers.Input, tree fstest.MapFS) { tree["web/a.yaml"].Data = []byte("changed") }, true},
		"a file more in the folder": {func(_ *providers.Input, tree fstest.MapFS) { tree["web/c.yaml"] = &fstest.MapFile{} }, true},
		"a file less in the folder": {func(_ *providers.Input, tree fstest.MapFS) { delete(tree, "web/b.yaml") }, true},
		"a file that is a folder now": {func(_ *providers.Input, tree fstest.MapFS) {
			delete(tree, "web/README.md")
			tree["web/README.md/x"] = &fstest.MapFile{}
		}, true},
		"a file that was looked for": {func(_ *providers.Input, tree fstest.MapFS) { tree["optional"] = &fstest.MapFile{} }, true},
		"a file of another source": {func(in *providers.Input, _ fstest.MapFS) {
			in.Refs["values"].(fstest.MapFS)["values.yaml"].Data = []byte("v: 2")
		}, true},
		"another source more": {func(in *providers.Input, _ fstest.MapFS) { in.Refs["more"] = in.Refs["values"] }, true},
		"the path":            {func(in *providers.Input, _ fstest.MapFS) { in.Spec.Path = "other" }, true},
		"how it is read":      {func(in *providers.Input, _ fstest.MapFS) { in.Spec.Type = source.Helm }, true},
		"the name":            {func(in *providers.Input, _ fstest.MapFS) { in.Name = "api" }, true},
		"the namespace":       {func(in *providers.Input, _ fstest.MapFS) { in.Namespace = "api" }, true},
		"a label":             {func(in *providers.Input, _ fstest.MapFS) { in.Labels = map[string]string{"a": "b"} }, true},
		"a value":             {func(in *providers.Input, _ fstest.MapFS) { in.Spec.Helm.Values["a"] = int64(2) }, true},
		"a value's type":      {func(in *providers.Input, _ fstest.MapFS) { in.Spec.Helm.Values["a"] = 1.0 }, true},
		"a parameter": {func(in *providers.Input, _ fstest.MapFS) {
			in.Spec.Helm.Parameters = []source.HelmParameter{{Name: "a"}}
		}, true},
		"the cluster's version":   {func(in *providers.Input, _ fstest.MapFS) { in.Capabilities.KubeVersion = "v1.38.0" }, true},
		"what the cluster serves": {func(in *providers.Input, _ fstest.MapFS) { in.Capabilities.APIVersions = []string{"v1", "v2"} }, true},
		"an external variable": {func(in *providers.Input, _ fstest.MapFS) {
			in.Spec.Jsonnet = &source.Jsonnet{ExternalVariables: []source.JsonnetVariable{{Name: "a"}}}
		}, true},
		"what an external variable holds": {func(in *providers.Input, _ fstest.MapFS) {
			in.Spec.Jsonnet = &source.Jsonnet{TopLevelArguments: []source.JsonnetVariable{{Name: "a", Value: "b"}}}
		}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir, renderer := t.TempDir(), &counting{}
			render(t, open(t, dir, 'k'), renderer, input())
			in := input()
			test.change(&in, in.Tree.(fstest.MapFS))
			got := render(t, open(t, dir, 'k'), renderer, in)
			if anew := renderer.calls == 2; anew != test.anew {
				t.Errorf("it was rendered anew: %v, want %v", anew, test.anew)
			}
			want, err := renderer.Render(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// kept lists the files of a cache.
func kept(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNobodyElsesRenderingsCount(t *testing.T) {
	dir, renderer := t.TempDir(), &counting{}
	render(t, open(t, dir, 'k'), renderer, input())
	render(t, open(t, dir, 'o'), renderer, input())
	if renderer.calls != 2 {
		t.Error("another installation has used what it cannot have written")
	}
	for _, path := range kept(t, dir) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "ConfigMap") || strings.Contains(string(content), "web") {
			t.Errorf("%s can be read", path)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, error %v", path, info.Mode(), err)
		}
	}
}

func TestDamageCostsARendering(t *testing.T) {
	dir := t.TempDir()
	render(t, open(t, dir, 'k'), &counting{}, input())
	path := kept(t, dir)[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for i := range whole {
		flipped := slices.Clone(whole)
		flipped[i] ^= 1
		for _, content := range [][]byte{flipped, whole[:i]} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			renderer := &counting{varies: true} // so that it does not write a good one
			render(t, open(t, dir, 'k'), renderer, input())
			if renderer.calls != 1 {
				t.Fatalf("damage at byte %d of %d went unnoticed", i, len(whole))
			}
			damaged++
		}
	}
	t.Logf("%d damaged files, none used", damaged)
}

func TestAFileInTheWrongPlaceDoesNotCount(t *testing.T) {
	dir := t.TempDir()
	render(t, open(t, dir, 'k'), &counting{}, input())
	path := kept(t, dir)[0]
	other := input()
	other.Name = "api"
	render(t, open(t, dir, 'k'), &counting{}, other)
	for _, to := range kept(t, dir) {
		if to != path {
			content, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(to, content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	renderer := &counting{}
	render(t, open(t, dir, 'k'), renderer, other)
	if renderer.calls != 1 {
		t.Error("the rendering of another input was used")
	}
}

func TestWhatMayVaryIsNotKept(t *testing.T) {
	dir, renderer := t.TempDir(), &counting{varies: true}
	render(t, open(t, dir, 'k'), renderer, input())
	render(t, open(t, dir, 'k'), renderer, input())
	if renderer.calls != 2 || len(kept(t, dir)) > 0 {
		t.Errorf("rendered %d times, %d files kept", renderer.calls, len(kept(t, dir)))
	}
}

func TestAFolderThatCannotBeWrittenIsNoError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cache := open(t, filepath.Join(file, "below"), 'k')
	render(t, cache, &counting{}, input())
	cache.Prune()
}

func TestFewRenderingsOfOneInputAreKept(t *testing.T) {
	dir := t.TempDir()
	for i := range 9 {
		in := input()
		in.Tree.(fstest.MapFS)["web/a.yaml"].Data = []byte{byte(i)}
		render(t, open(t, dir, 'k'), &counting{}, in)
	}
	if n := len(kept(t, dir)); n != 4 {
		t.Errorf("%d renderings are kept, want 4", n)
	}
	renderer, last := &counting{}, input()
	last.Tree.(fstest.MapFS)["web/a.yaml"].Data = []byte{8}
	render(t, open(t, dir, 'k'), renderer, last)
	if renderer.calls != 0 {
		t.Error("the newest is not among them")
	}
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	cache := open(t, dir, 'k')
	cache.Prune() // of what is not there
	render(t, cache, &counting{}, input())
	old := kept(t, dir)
	other := input()
	other.Name = "api"
	render(t, cache, &counting{}, other)
	longAgo := time.Now().Add(-15 * 24 * time.Hour)
	for _, path := range append(old, filepath.Join(dir, "pruned")) {
		if err := os.Chtimes(path, longAgo, longAgo); err != nil && !strings.HasSuffix(path, "pruned") {
			t.Fatal(err)
		}
	}
	cache.Prune()
	left := kept(t, dir)
	if slices.Contains(left, old[0]) || len(left) != 2 { // the other, and the marker
		t.Errorf("left are %v", left)
	}
	if err := os.Chtimes(left[0], longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	cache.Prune()
	if len(kept(t, dir)) != 2 {
		t.Errorf("it was pruned again at once: %v", kept(t, dir))
	}
}

func TestNoCache(t *testing.T) {
	var none *rendercache.Cache
	renderer := &counting{}
	if got := render(t, none, renderer, input()); len(got) != 1 || renderer.calls != 1 {
		t.Errorf("without a cache: %v", got)
	}
	none.Prune()
}
