package localdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/sourcetest"
	"github.com/gantrycd/gantry/providers/tree"
)

type upstream struct{ root string }

func newUpstream(t *testing.T) sourcetest.Upstream { return upstream{t.TempDir()} }

func (u upstream) Publish(t *testing.T, files sourcetest.Files) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(u.root, "apps")); err != nil {
		t.Fatal(err)
	}
	for name, file := range files {
		at := filepath.Join(u.root, "apps/web", filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if err == nil && file.Link != "" {
			err = os.Symlink(file.Link, at)
		} else if err == nil {
			err = os.WriteFile(at, []byte(file.Content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (u upstream) Source(*testing.T) providers.Source { return New(Options{Root: u.root}) }

func (upstream) Location() source.Location {
	return source.Location{Type: source.Directory, URL: "./apps/web"}
}

func (upstream) Missing() source.Location {
	return source.Location{Type: source.Directory, URL: "apps/none"}
}

func TestContract(t *testing.T) {
	sourcetest.Run(t, sourcetest.Suite{New: newUpstream})
}

func openAt(t *testing.T, root, name string, limits tree.Limits) (*providers.Snapshot, error) {
	t.Helper()
	return New(Options{Root: root, Limits: limits}).Open(t.Context(), source.Location{Type: source.Directory, URL: name})
}

func write(t *testing.T, root, name, content string) {
	t.Helper()
	upstreamFile := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(upstreamFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(upstreamFile, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOutsideOfRoot(t *testing.T) {
	outer := t.TempDir()
	root := filepath.Join(outer, "module")
	write(t, outer, "secret/key", "x")
	write(t, root, "in/file", "x")
	if err := os.Symlink("../secret", filepath.Join(root, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("in", filepath.Join(root, "alias")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../secret", "in/../../secret", "/etc", filepath.Join(outer, "secret"), "out", ""} {
		if _, err := openAt(t, root, name, tree.Limits{}); err == nil {
			t.Errorf("%q is opened", name)
		}
	}
	snapshot, err := openAt(t, root, "alias", tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(snapshot.FS, "file"); err != nil {
		t.Error(err)
	}
}

func TestSkipsAndSpecials(t *testing.T) {
	root := t.TempDir()
	write(t, root, ".git/config", "x")
	write(t, root, "sub/.gantry/state", "x")
	write(t, root, "a", "x")
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	snapshot, err := openAt(t, root, ".", tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".git", ".git/config", "sub/.gantry"} {
		if _, err := fs.Stat(snapshot.FS, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fs.ReadFile(snapshot.FS, "pipe"); err == nil || !strings.Contains(err.Error(), "pipe: is neither a file nor a directory") {
		t.Errorf("pipe: %v", err)
	}
	if list, err := fs.ReadDir(snapshot.FS, "."); err != nil || len(list) != 3 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestLimits(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a", "b", "c/d"} {
		write(t, root, name, strings.Repeat("x", 100))
	}
	for _, test := range []struct {
		name   string
		limits tree.Limits
		ok     bool
	}{
		{"exact", tree.Limits{Bytes: 300, FileBytes: 100, Files: 4}, true},
		{"total", tree.Limits{Bytes: 299}, false},
		{"file", tree.Limits{FileBytes: 99}, false},
		{"files", tree.Limits{Files: 3}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := openAt(t, root, ".", test.limits)
			if test.ok != (err == nil) || (err != nil && !errors.Is(err, tree.ErrTooLarge)) {
				t.Error(err)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	digestOf := func(change func(root string)) string {
		t.Helper()
		root := t.TempDir()
		write(t, root, "a", "1")
		write(t, root, "b/c", "2")
		change(root)
		snapshot, err := openAt(t, root, ".", tree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return snapshot.Pin.Digest
	}
	same := digestOf(func(string) {})
	seen := map[string]string{same: "nothing"}
	if again := digestOf(func(root string) { write(t, root, ".gantry/state", "x") }); again != same {
		t.Error("the same content has two digests")
	}
	for name, change := range map[string]func(root string){
		"content": func(root string) { write(t, root, "a", "2") },
		"name":    func(root string) { _ = os.Rename(filepath.Join(root, "a"), filepath.Join(root, "aa")) },
		"moved":   func(root string) { _ = os.Rename(filepath.Join(root, "a"), filepath.Join(root, "b/a")) },
		"mode":    func(root string) { _ = os.Chmod(filepath.Join(root, "a"), 0o755) },
		"more":    func(root string) { write(t, root, "d", "") },
		"link":    func(root string) { _ = os.Symlink("a", filepath.Join(root, "d")) },
	} {
		got := digestOf(change)
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		seen[got] = name
	}
}

func TestRevisionRefused(t *testing.T) {
	_, err := New(Options{Root: t.TempDir()}).Open(t.Context(), source.Location{Type: source.Directory, URL: ".", Revision: "main"})
	if !errors.Is(err, providers.ErrUnsupported) {
		t.Error(err)
	}
}
