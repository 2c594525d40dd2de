package git

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestWorkTree(t *testing.T) {
	root := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		command := exec.Command("git", append([]string{"-C", root}, args...)...)
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + root, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com"}
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run("init", "--quiet", "--initial-branch", "main")
	run("remote", "add", "origin", "git@git.example.com:team/web.git")
	write("a/tracked.log", "committed, and then ignored")
	write("a/kept.yaml", "one")
	write("gone", "x")
	run("add", "--all")
	run("commit", "--quiet", "--message", "one")
	write(".gitignore", "*.log\n/out/\n")
	write("a/.gitignore", "!b.log\n")
	write("a/new.yaml", "not committed")
	write("a/a.log", "ignored")
	write("a/b.log", "not ignored here")
	write("out/x", "ignored")
	write("a/out/x", "not ignored here")
	write("a/kept.yaml", "two")
	if err := os.Remove(filepath.Join(root, "gone")); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWorkTree(root, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	err = fs.WalkDir(w.FS, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			have = append(have, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".gitignore", "a/.gitignore", "a/b.log", "a/kept.yaml", "a/new.yaml", "a/out/x", "a/tracked.log"}
	if !slices.Equal(have, want) {
		t.Errorf("it has %v, want %v", have, want)
	}
	content, err := fs.ReadFile(w.FS, "a/kept.yaml")
	if err != nil || string(content) != "two" {
		t.Errorf("a changed file is %q, %v", content, err)
	}
	write("a/kept.yaml", "three")
	if again, err := fs.ReadFile(w.FS, "a/kept.yaml"); err != nil || string(again) != "two" {
		t.Errorf("it changes while it is read: %q, %v", again, err)
	}
	if w.Branch != "main" || !slices.Equal(w.Remotes, []string{"git@git.example.com:team/web.git"}) {
		t.Errorf("branch %q, remotes %v", w.Branch, w.Remotes)
	}
	run("checkout", "--quiet", "--detach")
	if w, err = OpenWorkTree(root, Limits{}); err != nil || w.Branch != "" {
		t.Errorf("a commit that is checked out has the branch %q, %v", w.Branch, err)
	}
}

func TestSameRepository(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"https://git.example.com/team/web", "git@git.example.com:team/web.git", true},
		{"https://user@Git.example.com/team/web.git/", "ssh://git@git.example.com:2222/team/web", true},
		{"https://git.example.com/team/web", "https://git.example.com/team/web2", false},
		{"https://git.example.com/team/web", "https://git.example.org/team/web", false},
		{"https://git.example.com:8443/team/web", "https://git.example.com/team/web", false},
		{"file:///team/web", "https://git.example.com/team/web", false},
		{"not a url", "not a url", false},
	} {
		if have := SameRepository(test.a, test.b); have != test.same {
			t.Errorf("%s and %s: %v", test.a, test.b, have)
		}
	}
}

func TestAncestor(t *testing.T) {
	for text, want := range map[string]struct {
		base string
		back int
	}{
		"main": {"main", 0}, "HEAD~1": {"HEAD", 1}, "HEAD^": {"HEAD", 1}, "v1^^~3": {"v1", 5}, "HEAD~": {"HEAD", 1}, "HEAD~0": {"HEAD", 0},
		"^1.2": {"^1.2", 0}, "~1.2": {"~1.2", 0}, "HEAD^2": {"HEAD^2", 0}, "HEAD~x": {"HEAD~x", 0}, "HEAD~99999999": {"HEAD~99999999", 0},
	} {
		if base, back := ancestor(text); base != want.base || back != want.back {
			t.Errorf("%s is %d before %s, want %d before %s", text, back, base, want.back, want.base)
		}
	}
}
