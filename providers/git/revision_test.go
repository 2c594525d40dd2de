package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers"
)

// history makes a repository with branches, tags and other references.
func history(t *testing.T) (u *upstreamRepository, commits map[string]string) {
	t.Helper()
	u = newRepository(t)
	commits = map[string]string{}
	add := func(name string) {
		commits[name] = u.commit(t, text("version", name), name)
	}
	add("one")
	u.git(t, "tag", "v1.0.0")
	u.git(t, "tag", "podinfo-6.1.3")
	add("two")
	u.git(t, "tag", "-a", "-m", "annotated", "v1.2.0")
	u.git(t, "tag", "-a", "-m", "a tag of a tag", "nested", "v1.2.0")
	u.git(t, "tag", "podinfo-6.1.4")
	u.git(t, "branch", "release/1.x")
	add("three")
	u.git(t, "tag", "v1.10.0")
	u.git(t, "tag", "v2.0.0-rc.1")
	u.git(t, "tag", "both")
	add("four")
	u.git(t, "branch", "both")
	u.git(t, "branch", "develop")
	add("pull")
	u.git(t, "update-ref", "refs/pull/7/head", "HEAD")
	u.git(t, "reset", "-q", "--soft", commits["four"])
	u.git(t, "tag", "of-tree", "HEAD^{tree}")
	return u, commits
}

func TestRevisions(t *testing.T) {
	for _, transport := range []string{"file", "git", "http"} {
		t.Run(transport, func(t *testing.T) {
			u, commits := history(t)
			switch transport {
			case "git":
				u.daemon(t)
			case "http":
				u.http(t, false, false)
			}
			s := u.newSource(t)
			for _, test := range []struct{ revision, want string }{
				{"", "four"},
				{"HEAD", "four"},
				{"main", "four"},
				{"develop", "four"},
				{"release/1.x", "two"},
				{"heads/main", "four"},
				{"refs/heads/develop", "four"},
				{"v1.0.0", "one"},
				{"tags/v1.0.0", "one"},
				{"refs/tags/v1.2.0", "two"},
				{"v1.2.0", "two"},
				{"nested", "two"},
				{"both", "three"},
				{"refs/heads/both", "four"},
				{"refs/pull/7/head", "pull"},
				{commits["two"], "two"},
				{commits["two"][:9], "two"},
				{commits["one"][:7], "one"},
				{"1.*", "three"},
				{"^1.0", "three"},
				{"1.2.*", "two"},
				{"~1.0.0", "one"},
				{">=1.0 <1.10", "two"},
				{">=2.0.0-0", "three"},
				{"podinfo-6.1.*", "two"},
			} {
				snapshot := openAt(t, s, u.location, test.revision)
				if content, err := fs.ReadFile(snapshot.FS, "version"); err != nil || string(content) != test.want {
					t.Errorf("%q: got %q, %v, want %q", test.revision, content, err, test.want)
				}
				if snapshot.Pin.Resolved != commits[test.want] || snapshot.Pin.Revision != test.revision {
					t.Errorf("%q: pinned as %+v, want %s", test.revision, snapshot.Pin, commits[test.want])
				}
			}
		})
	}
}

func TestRevisionsNotFound(t *testing.T) {
	u, commits := history(t)
	u.daemon(t)
	s := u.newSource(t)
	for _, test := range []struct{ revision, want string }{
		{"mian", "did you mean main?"},
		{"v1.2.1", "did you mean v1.2.0"},
		{"release/1.y", "did you mean release/1.x"},
		{"refs/heads/developer", "did you mean refs/heads/develop"},
		{"refs/pull/8/head", "did you mean refs/pull/7/head"},
		{"quite-something-else-entirely", "the newest are v2.0.0-rc.1, v1.10.0, v1.2.0"},
		{"^3.0", "the newest are v2.0.0-rc.1, v1.10.0, v1.2.0"},
		{"podinfo-7.*", "the newest are podinfo-6.1.4, podinfo-6.1.3"},
		{"web-1.*", "no tags that are versions"},
		{strings.Repeat("1", 40), "no such commit"},
		{"deadbeef", "deadbeef"},
	} {
		err := openError(t, s, u.location, test.revision)
		if !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q", test.revision, err, test.want)
		}
	}
	if err := openError(t, s, u.location, "of-tree"); !strings.Contains(err.Error(), "it is a tree, not a commit") {
		t.Error(err)
	}
	if err := openError(t, s, u.location, strings.Repeat("a", 64)); !errors.Is(err, providers.ErrUnsupported) {
		t.Error(err)
	}
	tree := u.git(t, "rev-parse", commits["one"]+"^{tree}")
	if err := openError(t, s, u.location, tree); !strings.Contains(err.Error(), "not a commit") {
		t.Error(err)
	}
}

func TestAmbiguousCommit(t *testing.T) {
	u := newRepository(t)
	seen := map[string]string{}
	for i := 0; ; i++ {
		id := u.git(t, "commit-tree", "-m", strings.Repeat("x", i+1), u.git(t, "mktree"))
		u.git(t, "update-ref", "refs/heads/b"+id[:12], id)
		if other, ok := seen[id[:4]]; ok && other != id {
			err := openError(t, u.newSource(t), u.location, id[:4])
			if !strings.Contains(err.Error(), "ambiguous") || !strings.Contains(err.Error(), other) {
				t.Error(err)
			}
			if got := openAt(t, u.newSource(t), u.location, id[:20]).Pin.Resolved; got != id {
				t.Errorf("got %s, want %s", got, id)
			}
			return
		}
		seen[id[:4]] = id
		if i > 1500 {
			t.Skip("no two commits began alike")
		}
	}
}

// A commit that no name leads to any more is fetched by its id, from servers
// that give it.
func TestUnnamedCommit(t *testing.T) {
	u, commits := history(t)
	u.git(t, "update-ref", "-d", "refs/pull/7/head")
	u.http(t, false, false)
	if err := openError(t, u.newSource(t), u.location, commits["pull"]); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
	u.git(t, "config", "uploadpack.allowAnySHA1InWant", "true")
	snapshot := openAt(t, u.newSource(t), u.location, commits["pull"])
	if content, err := fs.ReadFile(snapshot.FS, "version"); err != nil || string(content) != "pull" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestNoDefaultBranch(t *testing.T) {
	u, _ := history(t)
	u.git(t, "symbolic-ref", "HEAD", "refs/heads/nothing")
	for _, served := range []bool{false, true} {
		if served {
			u.http(t, false, false)
		}
		err := openError(t, u.newSource(t), u.location, "")
		if !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), "default branch") || !strings.Contains(err.Error(), "main") {
			t.Error(err)
		}
		openAt(t, u.newSource(t), u.location, "main")
	}
}

func TestEmptyRepository(t *testing.T) {
	for name, serve := range map[string]func(*upstreamRepository){
		"file": func(*upstreamRepository) {},
		"git":  func(u *upstreamRepository) { u.daemon(t) },
		"http": func(u *upstreamRepository) { u.http(t, false, false) },
		"ssh":  func(u *upstreamRepository) { u.sshServer(t) },
	} {
		u := newRepository(t)
		serve(u)
		err := openError(t, u.newSource(t), u.location, "")
		if !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), "empty") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLocalForms(t *testing.T) {
	u, commits := history(t)
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, u.root, "clone", "-q", u.path(), clone)
	worktree := filepath.Join(t.TempDir(), "worktree")
	run(t, clone, "worktree", "add", "-q", worktree, "v1.0.0")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(clone, link); err != nil {
		t.Fatal(err)
	}
	shallow := filepath.Join(t.TempDir(), "shallow")
	run(t, u.root, "clone", "-q", "--depth", "1", "file://"+u.path(), shallow)
	for path, want := range map[string]string{clone: "four", worktree: "one", link: "four", filepath.Join(clone, ".git"): "four", shallow: "four"} {
		location := u.location
		location.URL = path
		if got := openAt(t, u.newSource(t), location, "").Pin.Resolved; got != commits[want] {
			t.Errorf("%s: got %s, want %s", path, got, commits[want])
		}
	}

	shared := filepath.Join(t.TempDir(), "shared")
	run(t, u.root, "clone", "-q", "--shared", "--bare", u.path(), shared)
	sha256 := filepath.Join(t.TempDir(), "sha256")
	run(t, u.root, "init", "-q", "--object-format=sha256", sha256)
	for path, want := range map[string]string{shared: "borrows objects", sha256: "sha256"} {
		location := u.location
		location.URL = path
		if err := openError(t, u.newSource(t), location, ""); !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Error(err)
		}
	}
	for _, path := range []string{t.TempDir(), filepath.Join(clone, "none")} {
		location := u.location
		location.URL = path
		if err := openError(t, u.newSource(t), location, ""); !errors.Is(err, providers.ErrNotFound) {
			t.Error(err)
		}
	}
}

// git may repack a repository on disk while a plan reads it.
func TestLocalRepack(t *testing.T) {
	u := newRepository(t)
	u.commit(t, text("a", "1", "b/c", "2"), "first")
	s := u.newSource(t)
	snapshot := openAt(t, s, u.location, "")
	u.git(t, "repack", "-q", "-a", "-d")
	u.git(t, "prune-packed")
	if content, err := fs.ReadFile(snapshot.FS, "b/c"); err != nil || string(content) != "2" {
		t.Errorf("%q, %v", content, err)
	}
}
