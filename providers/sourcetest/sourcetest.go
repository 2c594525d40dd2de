// Package sourcetest is the contract of providers.Source as a test suite, which
// every source passes: the same content gives the same answers, whatever it
// came from.
package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// File is a file to publish.
type File struct {
	Content string
	// Link, where set, makes it a symbolic link with this target.
	Link string
}

// Files are files by path.
type Files map[string]File

// Upstream is what a source reads: a repository, a registry, a directory.
type Upstream interface {
	// Publish makes files the whole content that the location leads to.
	Publish(t *testing.T, files Files)
	// Source returns a source for one plan, with nothing remembered but what a
	// cache on disk keeps.
	Source(t *testing.T) providers.Source
	// Location is where files are published.
	Location() source.Location
	// Missing is a location on the same upstream that does not exist.
	Missing() source.Location
}

// Suite is what is tested.
type Suite struct {
	// New makes an empty upstream.
	New func(t *testing.T) Upstream
	// NoLinks says that the source refuses content with symbolic links.
	NoLinks bool
	// Base are files that each published content must have to be valid, such as
	// Chart.yaml.
	Base Files
}

// Run runs the suite.
func Run(t *testing.T, suite Suite) {
	t.Run("content", suite.content)
	t.Run("file system", suite.fileSystem)
	t.Run("missing", suite.missing)
	t.Run("escapes", suite.escapes)
	t.Run("links", suite.links)
	t.Run("links out", suite.linksOut)
	t.Run("concurrent", suite.concurrent)
	t.Run("cancelled", suite.cancelled)
	t.Run("pinned", suite.pinned)
}

func (s Suite) files(files Files) Files {
	all := Files{}
	for name, file := range s.Base {
		all[name] = file
	}
	for name, file := range files {
		all[name] = file
	}
	return all
}

// sample is content with what sources must not change: order, empty files, line
// ends, bytes that are no text, depth.
func (s Suite) sample() Files {
	return s.files(Files{
		"a.yaml":                   {Content: "kind: ConfigMap\n"},
		"b/c/d/e.yaml":             {Content: "deep: true\n"},
		"b/empty":                  {Content: ""},
		"b/windows.txt":            {Content: "one\r\ntwo\r\n"},
		"b/ünï.txt":                {Content: "ünï"},
		"b-side.yaml":              {Content: "sorted: between\n"},
		"binary":                   {Content: "\x00\xff\xfe"},
		"z with space/and more.md": {Content: "# hello"},
	})
}

func open(t *testing.T, from providers.Source, location source.Location) *providers.Snapshot {
	t.Helper()
	snapshot, err := from.Open(t.Context(), location)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return snapshot
}

func (s Suite) content(t *testing.T) {
	upstream := s.New(t)
	files := s.sample()
	upstream.Publish(t, files)
	snapshot := open(t, upstream.Source(t), upstream.Location())

	got := map[string]string{}
	err := fs.WalkDir(snapshot.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(snapshot.FS, name)
		got[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, file := range files {
		want[name] = file.Content
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("content differs (-want +got):\n%s", diff)
	}

	list, err := fs.ReadDir(snapshot.FS, "b")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range list {
		names = append(names, d.Name())
	}
	if diff := cmp.Diff([]string{"c", "empty", "windows.txt", "ünï.txt"}, names); diff != "" {
		t.Errorf("directory differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(upstream.Location(), snapshot.Pin.Location); diff != "" {
		t.Errorf("the pin has another location:\n%s", diff)
	}
	if snapshot.Pin.Resolved == "" && snapshot.Pin.Digest == "" {
		t.Error("the pin says nothing of the content")
	}
}

func (s Suite) fileSystem(t *testing.T) {
	upstream := s.New(t)
	files := s.sample()
	upstream.Publish(t, files)
	snapshot := open(t, upstream.Source(t), upstream.Location())
	var names []string
	for name := range files {
		names = append(names, name)
	}
	if err := fstest.TestFS(snapshot.FS, names...); err != nil {
		t.Error(err)
	}
	for _, wanted := range []struct {
		name string
		ok   bool
	}{
		{"fs.ReadFileFS", is[fs.ReadFileFS](snapshot.FS)},
		{"fs.ReadDirFS", is[fs.ReadDirFS](snapshot.FS)},
		{"fs.StatFS", is[fs.StatFS](snapshot.FS)},
	} {
		if !wanted.ok {
			t.Errorf("the file system is no %s", wanted.name)
		}
	}
	first, err := fs.ReadFile(snapshot.FS, "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	clear(first)
	if second, err := fs.ReadFile(snapshot.FS, "a.yaml"); err != nil || string(second) != files["a.yaml"].Content {
		t.Errorf("a reader changed the snapshot: %q, %v", second, err)
	}
}

func is[T any](value any) bool {
	_, ok := value.(T)
	return ok
}

func (s Suite) missing(t *testing.T) {
	upstream := s.New(t)
	upstream.Publish(t, s.sample())
	from := upstream.Source(t)
	snapshot := open(t, from, upstream.Location())
	for _, name := range []string{"none.yaml", "b/none", "a.yaml/below", "none/none"} {
		if _, err := fs.ReadFile(snapshot.FS, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("reading %s: %v, want fs.ErrNotExist", name, err)
		}
		if _, err := fs.Stat(snapshot.FS, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat of %s: %v, want fs.ErrNotExist", name, err)
		}
	}
	if _, err := fs.ReadDir(snapshot.FS, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("listing: %v, want fs.ErrNotExist", err)
	}
	if _, err := fs.ReadDir(snapshot.FS, "a.yaml"); err == nil {
		t.Error("a file is listed as a directory")
	}
	if _, err := fs.ReadFile(snapshot.FS, "b"); err == nil {
		t.Error("a directory is read as a file")
	}
	if _, err := from.Open(t.Context(), upstream.Missing()); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("opening what does not exist: %v, want ErrNotFound", err)
	}
	other := upstream.Location()
	other.Type = "other"
	if _, err := from.Open(t.Context(), other); !errors.Is(err, providers.ErrUnsupported) {
		t.Errorf("opening another type: %v, want ErrUnsupported", err)
	}
}

func (s Suite) escapes(t *testing.T) {
	upstream := s.New(t)
	upstream.Publish(t, s.sample())
	snapshot := open(t, upstream.Source(t), upstream.Location())
	for _, name := range []string{"../a.yaml", "..", "/etc/passwd", "/", "b/../../a.yaml", "b/../a.yaml", "./a.yaml", "a.yaml/", "", "b//empty"} {
		if _, err := fs.ReadFile(snapshot.FS, name); err == nil {
			t.Errorf("path %q can be read", name)
		}
		if _, err := fs.ReadDir(snapshot.FS, name); err == nil {
			t.Errorf("path %q can be listed", name)
		}
		if _, err := snapshot.FS.Open(name); err == nil {
			t.Errorf("path %q can be opened", name)
		}
	}
}

func (s Suite) links(t *testing.T) {
	upstream := s.New(t)
	files := s.files(Files{
		"base/cm.yaml":    {Content: "kind: ConfigMap\n"},
		"base/same.yaml":  {Link: "cm.yaml"},
		"app/cm.yaml":     {Link: "../base/cm.yaml"},
		"app/again.yaml":  {Link: "cm.yaml"},
		"app/base":        {Link: "../base"},
		"app/loop":        {Link: "loop"},
		"app/gone.yaml":   {Link: "nothing.yaml"},
		"app/itself/here": {Link: ".."},
	})
	upstream.Publish(t, files)
	snapshot, err := upstream.Source(t).Open(t.Context(), upstream.Location())
	if s.NoLinks {
		if err == nil {
			t.Error("content with links is opened")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"base/same.yaml", "app/cm.yaml", "app/again.yaml", "app/base/cm.yaml", "app/base/same.yaml", "app/itself/here/itself/here/cm.yaml"} {
		if got, err := fs.ReadFile(snapshot.FS, name); err != nil || string(got) != "kind: ConfigMap\n" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := fs.ReadFile(snapshot.FS, "app/loop"); err == nil {
		t.Error("a link to itself can be read")
	}
	if _, err := fs.ReadFile(snapshot.FS, "app/gone.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to nothing: %v", err)
	}
	var walked []string
	err = fs.WalkDir(snapshot.FS, "app", func(name string, d fs.DirEntry, err error) error {
		walked = append(walked, fmt.Sprintf("%s %s", d.Type(), name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"d--------- app", "---------- app/again.yaml", "L--------- app/base", "---------- app/cm.yaml",
		"L--------- app/gone.yaml", "d--------- app/itself", "L--------- app/itself/here", "L--------- app/loop",
	}
	if diff := cmp.Diff(want, walked); diff != "" {
		t.Errorf("walk differs (-want +got):\n%s", diff)
	}
}

func (s Suite) linksOut(t *testing.T) {
	for _, target := range []string{"/etc/passwd", "../../etc/passwd", "../../../../../../../../etc/passwd", "../x/../../etc/passwd", "/"} {
		t.Run(target, func(t *testing.T) {
			upstream := s.New(t)
			upstream.Publish(t, s.files(Files{"a/b/ok": {Content: "x"}, "a/link": {Link: target}}))
			snapshot, err := upstream.Source(t).Open(t.Context(), upstream.Location())
			if err != nil {
				return // refused at once
			}
			if content, err := fs.ReadFile(snapshot.FS, "a/link"); err == nil {
				t.Errorf("the link is followed: %q", content)
			} else if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the link looks as if it were missing: %v", err)
			}
			if _, err := fs.ReadDir(snapshot.FS, "a/link"); err == nil {
				t.Error("the link is listed")
			}
			if _, err := fs.Stat(snapshot.FS, "a/link"); err == nil {
				t.Error("the link can be described")
			}
			if _, err := fs.ReadFile(snapshot.FS, "a/b/ok"); err != nil {
				t.Errorf("other files suffer: %v", err)
			}
		})
	}
}

func (s Suite) concurrent(t *testing.T) {
	upstream := s.New(t)
	files := s.sample()
	for i := range 40 {
		files[fmt.Sprintf("many/%d/file.yaml", i)] = File{Content: fmt.Sprintf("n: %d\n", i)}
	}
	upstream.Publish(t, files)
	from := upstream.Source(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			snapshot, err := from.Open(t.Context(), upstream.Location())
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			for name, file := range files {
				content, err := fs.ReadFile(snapshot.FS, name)
				if err != nil || string(content) != file.Content {
					t.Errorf("%s: %q, %v", name, content, err)
				}
			}
			if err := fs.WalkDir(snapshot.FS, ".", func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func (s Suite) cancelled(t *testing.T) {
	upstream := s.New(t)
	upstream.Publish(t, s.sample())
	from := upstream.Source(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := from.Open(ctx, upstream.Location()); !errors.Is(err, context.Canceled) {
		t.Errorf("open with a cancelled context: %v", err)
	}
	// One caller's end is not another's: the same source still works.
	open(t, from, upstream.Location())
}

func (s Suite) pinned(t *testing.T) {
	upstream := s.New(t)
	upstream.Publish(t, s.files(Files{"app.yaml": {Content: "version: 1\n"}, "old.yaml": {Content: "old"}}))
	first := upstream.Source(t)
	before := open(t, first, upstream.Location())
	upstream.Publish(t, s.files(Files{"app.yaml": {Content: "version: 2\n"}, "new.yaml": {Content: "new"}}))

	check := func(what string, snapshot *providers.Snapshot, want string, present, absent string) {
		t.Helper()
		if got, err := fs.ReadFile(snapshot.FS, "app.yaml"); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s: got %q, %v, want %q", what, got, err, want)
		}
		list, err := fs.ReadDir(snapshot.FS, ".")
		if err != nil {
			t.Fatal(err)
		}
		has := func(name string) bool {
			return slices.ContainsFunc(list, func(d fs.DirEntry) bool { return d.Name() == name })
		}
		if !has(present) || has(absent) {
			t.Errorf("%s: has the wrong files: %v", what, list)
		}
	}
	check("the snapshot after upstream moved", before, "version: 1\n", "old.yaml", "new.yaml")
	same := open(t, first, upstream.Location())
	check("the same plan after upstream moved", same, "version: 1\n", "old.yaml", "new.yaml")
	if diff := cmp.Diff(before.Pin, same.Pin); diff != "" {
		t.Errorf("one plan has two pins:\n%s", diff)
	}
	after := open(t, upstream.Source(t), upstream.Location())
	check("the next plan", after, "version: 2\n", "new.yaml", "old.yaml")
	if cmp.Equal(before.Pin, after.Pin) {
		t.Errorf("other content has the same pin: %+v", after.Pin)
	}
	again := open(t, upstream.Source(t), upstream.Location())
	if diff := cmp.Diff(after.Pin, again.Pin); diff != "" {
		t.Errorf("the same content has two pins:\n%s", diff)
	}
}
