package git_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// TestCompare is a table of what a work tree can differ in.
func TestCompare(t *testing.T) {
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	put := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { write(t, filepath.Join(dir, name), text) }
	}
	git := func(args ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { runGit(t, dir, args...) }
	}
	tests := []struct {
		name             string
		change           []func(*testing.T, string)
		changed, ignored []string
	}{
		{name: "nothing"},
		{name: "written anew, as it was", change: []func(*testing.T, string){put("live/main.gantry.hcl", "three")}},
		{name: "another of the same length", change: []func(*testing.T, string){put("live/main.gantry.hcl", "THREE")}, changed: []string{"live/main.gantry.hcl"}},
		{name: "staged", change: []func(*testing.T, string){put("live/main.gantry.hcl", "four"), git("add", "--all")}, changed: []string{"live/main.gantry.hcl"}},
		{
			name:   "staged, and put back",
			change: []func(*testing.T, string){put("live/main.gantry.hcl", "four"), git("add", "--all"), put("live/main.gantry.hcl", "three")},
		},
		{name: "committed", change: []func(*testing.T, string){put("x", "x"), git("add", "--all"), git("commit", "--quiet", "--message", "x")}, changed: []string{"x"}},
		{name: "not tracked", change: []func(*testing.T, string){put("a/b/c", "x")}, changed: []string{"a/b/c"}},
		{name: "gone", change: []func(*testing.T, string){remove("live")}, changed: []string{"live/main.gantry.hcl"}},
		{name: "gone for git alone", change: []func(*testing.T, string){git("rm", "--quiet", "--cached", "live/main.gantry.hcl")}},
		{name: "renamed", change: []func(*testing.T, string){git("mv", "live/main.gantry.hcl", "live/MAIN.gantry.hcl")}, changed: []string{"live/MAIN.gantry.hcl", "live/main.gantry.hcl"}},
		{name: "ignored", change: []func(*testing.T, string){put(".git/info/exclude", "*.out\nbuild/\n"), put("x.out", "x"), put("build/y", "y")}, ignored: []string{"build", "x.out"}},
		{
			name:    "ignored, and tracked all the same",
			change:  []func(*testing.T, string){put(".git/info/exclude", "live/\n"), put("live/main.gantry.hcl", "four")},
			changed: []string{"live/main.gantry.hcl"},
		},
		{
			name:    "a folder in place of a file",
			change:  []func(*testing.T, string){remove("live/main.gantry.hcl"), put("live/main.gantry.hcl/x", "x")},
			changed: []string{"live/main.gantry.hcl", "live/main.gantry.hcl/x"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, commits, _ := work(t)
			for _, change := range test.change {
				change(t, dir)
			}
			found, err := openHistory(t, dir).Compare(t.Context(), commits[2])
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(found.Changed, test.changed) || !slices.Equal(found.Ignored, test.ignored) || found.Commit != commits[2] {
				t.Errorf("%+v", found)
			}
			for _, name := range found.Changed {
				if !found.Touches(filepath.Dir(name), false) || !found.Touches(".", false) || !found.Touches(name, false) {
					t.Errorf("%s does not touch what it is in", name)
				}
			}
			if found.Touches("liv", true) || found.Touches("live-x", true) {
				t.Error("it touches what has a name like it")
			}
			if found.Touches("build", false) || found.Touches("build", true) != slices.Contains(test.ignored, "build") {
				t.Error("what is ignored counts only where it is asked for")
			}
		})
	}
}

// TestCompareReads reads both sides of a comparison.
func TestCompareReads(t *testing.T) {
	dir, commits, _ := work(t)
	write(t, filepath.Join(dir, ".git/info/exclude"), "*.out\n")
	write(t, filepath.Join(dir, "live/x.out"), "x")
	if err := os.Symlink("live", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	found, err := openHistory(t, dir).Compare(t.Context(), commits[0])
	if err != nil {
		t.Fatal(err)
	}
	read := func(tree fs.FS, err error, name string) string {
		t.Helper()
		if err != nil {
			return err.Error()
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return "no file"
		}
		return string(text)
	}
	before, beforeErr := found.Before("live")
	after, afterErr := found.After("live", false)
	all, allErr := found.After("live", true)
	for what, got := range map[string][2]string{
		"before":         {read(before, beforeErr, "main.gantry.hcl"), "one"},
		"after":          {read(after, afterErr, "main.gantry.hcl"), "three"},
		"ignored":        {read(after, afterErr, "x.out"), "no file"},
		"ignored of all": {read(all, allErr, "x.out"), "x"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %q, and not %q", what, got[0], got[1])
		}
	}
	if _, err := found.Before("nowhere"); err == nil {
		t.Error("a folder that is not there")
	}
	if _, err := found.After("link", true); err == nil {
		t.Error("a link in place of a folder")
	}
}

// TestCompareIsShared has many read one directory of each side at once, as plans of many
// applications do: they share it.
func TestCompareIsShared(t *testing.T) {
	dir, commits, _ := work(t)
	found, err := openHistory(t, dir).Compare(t.Context(), commits[0])
	if err != nil {
		t.Fatal(err)
	}
	const readers = 16
	var group sync.WaitGroup
	sides := make([][2]fs.FS, readers)
	for i := range readers {
		group.Go(func() {
			before, beforeErr := found.Before("live")
			after, afterErr := found.After("live", false)
			if err := errors.Join(beforeErr, afterErr); err != nil {
				t.Error(err)
				return
			}
			for _, side := range []fs.FS{before, after} {
				if _, err := fs.ReadFile(side, "main.gantry.hcl"); err != nil {
					t.Error(err)
				}
			}
			sides[i] = [2]fs.FS{before, after}
		})
	}
	group.Wait()
	for i, side := range sides {
		if side != sides[0] {
			t.Errorf("reader %d has directories of its own", i)
		}
	}
	all, err := found.After("live", true)
	if err != nil || all == sides[0][1] {
		t.Errorf("what git ignores is left out for everybody: %v", err)
	}
}
