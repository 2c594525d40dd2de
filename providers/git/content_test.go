package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/tree"
)

func TestSpecialEntries(t *testing.T) {
	u := newRepository(t)
	commit := u.commit(t, text("a", "1", "run.sh", "#!/bin/sh\n"), "first")
	u.commit(t, text(
		"a", "1", "run.sh", "#!/bin/sh\n",
		"charts/big.tgz", "version https://git-lfs.github.com/spec/v1\noid sha256:"+strings.Repeat("0", 64)+"\nsize 12345\n",
	), "second")
	u.git(t, "update-index", "--chmod=+x", "run.sh")
	u.git(t, "update-index", "--add", "--cacheinfo", "160000,"+commit+",vendor/lib")
	u.git(t, "commit", "-q", "-m", "submodule")
	snapshot := openAt(t, u.newSource(t), u.location, "")

	for _, name := range []string{"vendor/lib", "vendor/lib/file.yaml"} {
		_, err := fs.ReadFile(snapshot.FS, name)
		if !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "submodule") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fs.ReadFile(snapshot.FS, "charts/big.tgz"); !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), "charts/big.tgz") || !strings.Contains(err.Error(), "LFS") {
		t.Error(err)
	}
	if info, err := fs.Stat(snapshot.FS, "run.sh"); err != nil || info.Mode() != 0o555 || info.Size() != 10 {
		t.Errorf("%v, %v", info, err)
	}
	// What cannot be read does not keep the rest from being walked.
	var walked []string
	if err := fs.WalkDir(snapshot.FS, ".", func(name string, _ fs.DirEntry, err error) error {
		walked = append(walked, name)
		return err
	}); err != nil || strings.Join(walked, " ") != ". a charts charts/big.tgz run.sh vendor vendor/lib" {
		t.Errorf("%v, %v", walked, err)
	}
}

func TestLimits(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("small", "1", "large", strings.Repeat("x", 2000), "d/e/f", "2"), "first")
	u.commit(t, text("small", "1", "large", strings.Repeat("x", 1999)+"y", "d/e/f", "2"), "second")
	u.options.Limits = Limits{FileBytes: 1000}
	for _, form := range []string{"loose", "packed"} {
		if form == "packed" { // the two large files as a delta of each other
			u.git(t, "gc", "-q", "--aggressive")
		}
		for _, revision := range []string{"main", "main~"} {
			snapshot := openAt(t, u.newSource(t), u.location, u.git(t, "rev-parse", revision))
			if _, err := fs.ReadFile(snapshot.FS, "large"); !errors.Is(err, tree.ErrTooLarge) || !strings.Contains(err.Error(), "2000 bytes, the limit is 1000") {
				t.Errorf("%s: %v", form, err)
			}
			if info, err := fs.Stat(snapshot.FS, "large"); err != nil || info.Size() != 2000 {
				t.Errorf("%s: %v, %v", form, info, err)
			}
			if _, err := fs.ReadFile(snapshot.FS, "small"); err != nil {
				t.Errorf("%s: %v", form, err)
			}
		}
	}
	u.options.Limits = Limits{Files: 4}
	snapshot := openAt(t, u.newSource(t), u.location, "")
	if _, err := fs.ReadFile(snapshot.FS, "d/e/f"); !errors.Is(err, tree.ErrTooLarge) {
		t.Error(err)
	}
	u.http(t, false, false)
	u.options.Limits = Limits{FetchBytes: 100}
	if err := openError(t, u.newSource(t), u.location, ""); !errors.Is(err, tree.ErrTooLarge) {
		t.Error(err)
	}
}

// Trees that git never writes, but a crafted repository may hold.
func TestCraftedTrees(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	blob := u.git(t, "rev-parse", "HEAD:a")
	raw := func(id string) string {
		var out strings.Builder
		for i := 0; i < len(id); i += 2 {
			out.WriteByte(unhex(id[i])<<4 | unhex(id[i+1]))
		}
		return out.String()
	}
	entry := func(mode, name string) string { return mode + " " + name + "\x00" + raw(blob) }
	for name, content := range map[string]string{
		"parent":  entry("100644", ".."),
		"self":    entry("100644", "."),
		"slash":   entry("100644", "../../etc/passwd"),
		"empty":   entry("100644", ""),
		"twice":   entry("100644", "a") + entry("120000", "a"),
		"invalid": entry("100644", "a\xff\xfe"),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tree")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			id := u.git(t, "hash-object", "-t", "tree", "--literally", "-w", path)
			commit := u.git(t, "commit-tree", "-m", "crafted", id)
			u.git(t, "update-ref", "refs/heads/crafted", commit)
			if err := openError(t, u.newSource(t), u.location, "crafted"); !strings.Contains(err.Error(), "no file can have") && !strings.Contains(err.Error(), "cannot be read") {
				t.Error(err)
			}
		})
	}
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// Many small fetches become many packs; at some point the mirror is made anew,
// and what others read of it stays.
func TestManyPacks(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("n", "0"), "0")
	u.daemon(t)
	reading := openAt(t, u.newSource(t), u.location, "")
	before := generation(t, u)
	tree := u.git(t, "rev-parse", "HEAD^{tree}")
	for i := 1; i <= maxPacks+1; i++ {
		parent := u.git(t, "rev-parse", "main")
		u.git(t, "update-ref", "refs/heads/main", u.git(t, "commit-tree", "-m", "next", "-p", parent, tree))
		s := New(Options{CacheDir: u.cache})
		openAt(t, s, u.location, "")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	openAt(t, u.newSource(t), u.location, "")
	if after := generation(t, u); after == before || countPacks(after) > 2 {
		t.Errorf("%d packs in %s", countPacks(after), after)
	}
	if _, err := fs.ReadFile(reading.FS, "n"); err != nil {
		t.Error(err)
	}
	old := time.Now().Add(-2 * retention)
	if err := os.Chtimes(before, old, old); err != nil {
		t.Fatal(err)
	}
	openAt(t, u.newSource(t), u.location, "")
	if _, err := os.Stat(before); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old generation is still there: %v", err)
	}
}

// The mirror is a repository that git itself finds nothing wrong with, and that
// other users of the machine cannot read.
func TestMirrorIsARepository(t *testing.T) {
	u, _ := history(t)
	u.daemon(t)
	openAt(t, u.newSource(t), u.location, "")
	run(t, u.root, "--git-dir", generation(t, u), "fsck", "--strict", "--full")
	info, err := os.Stat(filepath.Dir(generation(t, u)))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// No program is needed: neither git nor a shell.
func TestWithoutPrograms(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1"), "first")
	t.Setenv("PATH", t.TempDir())
	openAt(t, u.newSource(t), u.location, "")
}

func TestBadCacheDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cache := range []string{"", file} {
		s := New(Options{CacheDir: cache})
		_, err := s.Open(t.Context(), source.Location{Type: source.Git, URL: "git://127.0.0.1:1/x"})
		if err == nil || !strings.Contains(err.Error(), "cache directory") {
			t.Errorf("%q: %v", cache, err)
		}
	}
}
