package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) state.Store {
		return local.New(filepath.Join(t.TempDir(), "below", "state"))
	})
}

func TestStoreAcrossProcesses(t *testing.T) {
	storetest.Processes(t,
		func(t *testing.T) string { return t.TempDir() },
		func(place string) (state.Store, error) { return local.New(place), nil })
}

func TestOnlyTheOwnerReads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	store := local.New(dir)
	if _, err := store.Put(t.Context(), "applications/web", []byte("{}"), ""); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != 2 { // the value and its lock
		t.Errorf("%d files, want the value and a lock", files)
	}
}

func TestLeftoverTemporaryFilesGo(t *testing.T) {
	dir := t.TempDir()
	store := local.New(dir)
	version, err := store.Put(t.Context(), "key", []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, ".tmp-00-123")
	removed := filepath.Join(dir, ".tmp-01-123") // of a deletion
	young := filepath.Join(dir, ".tmp-02-123")   // of a write that may be under way
	if err := os.Mkdir(removed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, filepath.Join(removed, "removed"), young} {
		if err := os.WriteFile(path, []byte("to"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-time.Hour)
	for _, path := range []string{old, removed} {
		if err := os.Chtimes(path, before, before); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := store.List(t.Context(), "")
	if err != nil || len(keys) != 1 {
		t.Errorf("List = %q, %v, want key alone", keys, err)
	}
	if _, err := store.Put(t.Context(), "key", []byte("two"), version); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, removed} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the leftover %s is still there: %v", path, err)
		}
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("the file of a write that may be under way is gone: %v", err)
	}
}

func TestForeignFilesAreNoKeys(t *testing.T) {
	dir := t.TempDir()
	store := local.New(dir)
	if _, err := store.Put(t.Context(), "a/b", nil, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".DS_Store", "notes.txt", "a/b.json~", "a/Upper.json", "a/.b.json.swp", "a/white space.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := store.List(t.Context(), "")
	if err != nil || strings.Join(keys, " ") != "a/b" {
		t.Errorf("List = %q, %v", keys, err)
	}
}

func TestAFileInThePlaceOfTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := local.New(dir).Put(t.Context(), "key", nil, ""); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("Put: %v, want an error that names %s", err, dir)
	}
}
