package ociregistry

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/ociregistry/registrytest"
)

// What was read once is read again by its digest without the registry, also when
// the registry is not to be asked.
func TestCache(t *testing.T) {
	s := registrytest.New(t, false)
	digest := s.Publish(t, "modules/web", "1.0.0", map[string]string{"main.gantry.hcl": "# one\n"})
	options := Options{CacheDir: filepath.Join(t.TempDir(), "oci")}
	at := func(revision string) source.Location {
		location := s.Location("modules/web")
		location.Revision = revision
		return location
	}
	check := func(snapshot *providers.Snapshot, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		content, err := fs.ReadFile(snapshot.FS, "main.gantry.hcl")
		if err != nil || string(content) != "# one\n" || snapshot.Pin.Digest != digest {
			t.Errorf("%q, %v, %+v", content, err, snapshot.Pin)
		}
	}
	offline := options
	offline.Offline = true
	if _, err := New(offline).Open(t.Context(), at(digest)); !errors.Is(err, providers.ErrNotCached) {
		t.Errorf("before it was fetched: %v", err)
	}
	check(New(options).Open(t.Context(), at("1.0.0")))
	asked := len(s.Requests())
	check(New(options).Open(t.Context(), at(digest)))
	check(New(offline).Open(t.Context(), at(digest)))
	if _, err := New(offline).Open(t.Context(), at("1.0.0")); !errors.Is(err, providers.ErrNotCached) {
		t.Errorf("a tag, offline: %v", err)
	}
	if more := s.Requests()[asked:]; len(more) > 0 {
		t.Errorf("the registry was asked: %v", more)
	}

	// A file that was damaged or made up is noticed, and fetched again.
	files, err := filepath.Glob(filepath.Join(options.CacheDir, "sha256", "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, damaged := range [][]byte{nil, content[:len(content)-1], append(content, ' ')} {
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := New(offline).Open(t.Context(), at(digest)); !errors.Is(err, providers.ErrNotCached) {
				t.Errorf("%s, damaged: %v", filepath.Base(file), err)
			}
		}
		check(New(options).Open(t.Context(), at(digest)))
		check(New(offline).Open(t.Context(), at(digest)))
	}
	if info, err := os.Stat(filepath.Join(options.CacheDir, "sha256")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can read the cache: %v, %v", info.Mode(), err)
	}
}

// A cache that cannot be written is an error that says so: what init fetches is
// there afterwards.
func TestCacheUnwritable(t *testing.T) {
	s := registrytest.New(t, false)
	s.Publish(t, "web", "1.0.0", map[string]string{"a": "1"})
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	location := s.Location("web")
	location.Revision = "1.0.0"
	if _, err := New(Options{CacheDir: path}).Open(t.Context(), location); err == nil {
		t.Error("no error")
	}
}
