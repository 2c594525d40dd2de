// Package rendertest holds what the tests of all renderers share: the suite that
// every renderer passes, and the comparison with the commands of Helm and
// Kustomize on other people's configurations.
//
// Only tests import it.
package rendertest

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// Files makes a tree of texts.
func Files(files map[string]string) fs.FS {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return tree
}

// Contract holds a renderer to what providers.Renderer promises. in renders
// without an error to at least one object, from the folder in.Spec.Path, which is
// not the root.
func Contract(t *testing.T, renderer providers.Renderer, in providers.Input) {
	t.Run("renders the same each time", func(t *testing.T) {
		first := mustRender(t, renderer, in)
		if len(first) == 0 {
			t.Fatal("no objects")
		}
		for _, r := range first {
			if r.Origin == "" {
				t.Errorf("%s has no origin", r.Object.ID())
			}
			if err := yamldoc.Check(r.Object); err != nil {
				t.Error(err)
			}
			shaped, err := yamldoc.Shape(map[string]any(r.Object))
			if err != nil || !cmp.Equal(shaped, any(map[string]any(r.Object))) {
				t.Errorf("%s is not in the shape of an object: %v", r.Object.ID(), err)
			}
		}
		// Whoever gets objects may keep them: a second rendering shares nothing.
		first[0].Object["changed"] = true
		again := mustRender(t, renderer, in)
		delete(first[0].Object, "changed")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("rendered again, it differs:\n%s", diff)
		}
	})
	t.Run("renders concurrently", func(t *testing.T) {
		want := mustRender(t, renderer, in)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				got, err := renderer.Render(context.Background(), in)
				if err != nil || !cmp.Equal(want, got) {
					t.Errorf("rendered beside others, it differs: %v", err)
				}
			})
		}
		group.Wait()
	})
	t.Run("detects its files", func(t *testing.T) {
		if ok, err := renderer.Detect(in.Tree, in.Spec.Path); err != nil || !ok {
			t.Errorf("got %v, %v", ok, err)
		}
	})
	t.Run("needs nothing that is there", func(t *testing.T) {
		needs, err := renderer.Needs(in)
		if err != nil || len(needs) > 0 {
			t.Errorf("got %v, %v", needs, err)
		}
	})
	t.Run("missing path", func(t *testing.T) {
		missing := in
		missing.Spec.Path = in.Spec.Path + "x"
		_, err := renderer.Render(context.Background(), missing)
		if !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), in.Spec.Path+"x") {
			t.Errorf("got %v", err)
		}
		if err != nil && !strings.Contains(err.Error(), "there is "+in.Spec.Path) {
			t.Errorf("the error does not name what is there: %v", err)
		}
	})
	t.Run("path out of the tree", func(t *testing.T) {
		for _, path := range []string{"../x", "a/../../x", "file:///etc", `..\x`, "a\x00b"} {
			escaping := in
			escaping.Spec.Path = path
			if _, err := renderer.Render(context.Background(), escaping); err == nil {
				t.Errorf("%q: no error", path)
			}
			if ok, _ := renderer.Detect(in.Tree, path); ok {
				t.Errorf("%q: detected", path)
			}
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := renderer.Render(ctx, in); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("unreadable tree", func(t *testing.T) {
		broken := in
		broken.Tree = brokenFS{in.Tree}
		if _, err := renderer.Render(context.Background(), broken); !errors.Is(err, errBroken) {
			t.Errorf("got %v", err)
		}
	})
}

func mustRender(t *testing.T, renderer providers.Renderer, in providers.Input) []providers.Rendered {
	t.Helper()
	rendered, err := renderer.Render(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return rendered
}

var errBroken = errors.New("the disk is broken")

// brokenFS lists folders and cannot read files.
type brokenFS struct{ fs.FS }

// Open implements fs.FS.
func (b brokenFS) Open(name string) (fs.File, error) {
	info, err := fs.Stat(b.FS, name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errBroken}
	}
	return b.FS.Open(name)
}

// Stat implements fs.StatFS.
func (b brokenFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(b.FS, name) }

// Names lists what was rendered as "Kind name", in order.
func Names(rendered []providers.Rendered) []string {
	names := make([]string, len(rendered))
	for i, r := range rendered {
		names[i] = r.Object.Kind() + " " + r.Object.Name()
	}
	return names
}

// Fails renders and checks that the error is a RenderError, or wraps target
// where that is not nil, and holds each of the words.
func Fails(t *testing.T, renderer providers.Renderer, in providers.Input, target error, words ...string) {
	t.Helper()
	rendered, err := renderer.Render(context.Background(), in)
	if err == nil {
		t.Fatalf("no error, and %v", Names(rendered))
	}
	if target != nil && !errors.Is(err, target) {
		t.Errorf("error %q is not %q", err, target)
	}
	missing := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return strings.Contains(err.Error(), word) })
	if len(missing) > 0 {
		t.Errorf("error %q\ndoes not say %q", err, missing)
	}
}
