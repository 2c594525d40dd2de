package tree

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func build(t *testing.T) *Memory {
	t.Helper()
	m := &Memory{}
	for _, err := range []error{
		m.AddFile("a/b/file", []byte("content"), false),
		m.AddFile("a/run", []byte("#!"), true),
		m.AddLink("a/link", "b/file"),
		m.AddLink("dirlink", "a/b"),
		m.AddLink("out", "../x"),
		m.AddRefused("module", errors.New("is a submodule")),
		m.AddDirectory("empty/one"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestMemory(t *testing.T) {
	m := build(t)
	for name, err := range map[string]error{
		"twice":    m.AddFile("a/run", nil, false),
		"below":    m.AddFile("a/run/x", nil, false),
		"absolute": m.AddFile("/x", nil, false),
		"parent":   m.AddLink("a/../x", "y"),
		"root":     m.AddFile(".", nil, false),
		"over dir": m.AddFile("a", nil, false),
		"dir":      m.AddDirectory("a/run"),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if m.Child("a") == nil || m.Child("none") != nil || !m.Child("a").HasFile("run") || m.HasFile("a") {
		t.Error("children are wrong")
	}
	if err := m.AddDirectory("a/b"); err != nil {
		t.Error(err)
	}
}

func TestFS(t *testing.T) {
	f := New(build(t), 0)
	if err := fstest.TestFS(New(build(t).Child("a"), 0), "b/file", "run"); err != nil {
		t.Error(err)
	}
	if got, err := f.ReadFile("dirlink/file"); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	for name, want := range map[string]fs.FileMode{
		"a": fs.ModeDir | 0o555, "a/run": 0o555, "a/link": 0o444, "dirlink": fs.ModeDir | 0o555,
	} {
		if i, err := f.Stat(name); err != nil || i.Mode() != want {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
	if _, err := f.ReadFile("out"); !errors.Is(err, ErrOutside) || !strings.Contains(err.Error(), "out -> ../x") {
		t.Error(err)
	}
	for _, name := range []string{"module", "module/x"} {
		if _, err := f.ReadFile(name); err == nil || !strings.Contains(err.Error(), name+": is a submodule") {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := f.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]fs.FileMode{}
	for _, d := range list {
		types[d.Name()] = d.Type()
	}
	if types["module"] != fs.ModeIrregular || types["dirlink"] != fs.ModeSymlink || types["empty"] != fs.ModeDir {
		t.Error(types)
	}
}

// endless is a directory that contains itself twice.
type endless struct{}

func (e endless) Entries() ([]Entry, error) {
	return []Entry{{Name: "a", Directory: e}, {Name: "b", Directory: e}}, nil
}

func TestEndlessTree(t *testing.T) {
	f := New(endless{}, 1000)
	err := fs.WalkDir(f, ".", func(_ string, _ fs.DirEntry, err error) error { return err })
	if !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func TestManyLinks(t *testing.T) {
	m := &Memory{}
	_ = m.AddFile("end", []byte("x"), false)
	next := "end"
	for i := range maxLinks + 1 {
		name := strings.Repeat("l", i+1)
		if err := m.AddLink(name, next); err != nil {
			t.Fatal(err)
		}
		next = name
	}
	f := New(m, 0)
	if _, err := f.ReadFile(strings.Repeat("l", maxLinks)); err != nil {
		t.Error(err)
	}
	if _, err := f.ReadFile(strings.Repeat("l", maxLinks+1)); !errors.Is(err, ErrLoop) {
		t.Error(err)
	}
}
