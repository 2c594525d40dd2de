package overlay_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/lsp/overlay"
)

func TestLayers(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a": "disk", "b": "disk", "sub/c": "disk"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	layers := overlay.New(map[string][]byte{
		filepath.Join(dir, "b"): []byte("unsaved"), filepath.Join(dir, "d"): []byte("new"),
		filepath.Join(dir, "sub", "c"): []byte("unsaved"), filepath.Join(filepath.Dir(dir), "outside"): []byte("no"),
		"/nowhere/x": []byte("new"),
	})
	defer layers.Close()
	tree, err := layers.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "disk", "b": "unsaved", "d": "new", "sub/c": "unsaved"} {
		content, err := fs.ReadFile(tree, name)
		if err != nil || string(content) != want {
			t.Errorf("%s is %q, %v", name, content, err)
		}
		info, err := fs.Stat(tree, name)
		if err != nil || info.Size() != int64(len(want)) || !info.Mode().IsRegular() || info.Name() != filepath.Base(name) {
			t.Errorf("%s is described as %v, %v", name, info, err)
		}
		file, err := tree.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		if n, _ := file.Read(buffer); string(buffer[:n]) != want {
			t.Errorf("%s reads as %q", name, buffer[:n])
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	var names []string
	entries, err := fs.ReadDir(tree, ".")
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if diff := cmp.Diff([]string{"a", "b", "d", "sub"}, names); diff != "" || err != nil {
		t.Errorf("the directory, %v (-want +got):\n%s", err, diff)
	}
	for _, name := range []string{"e", "../outside", "/etc/passwd"} {
		if _, err := fs.ReadFile(tree, name); err == nil {
			t.Errorf("%s can be read", name)
		}
	}
	unsaved, err := layers.Open("/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := fs.ReadDir(unsaved, "."); err != nil || len(entries) != 1 {
		t.Errorf("a directory that is only open: %v, %v", entries, err)
	}
	if _, err := layers.Open(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is not there was opened")
	}
	if diff := cmp.Diff([]string{dir, "/nowhere"}, layers.Opened()); diff != "" {
		t.Errorf("opened (-want +got):\n%s", diff)
	}
}
