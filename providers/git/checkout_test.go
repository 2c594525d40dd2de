package git_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/providers/git/gittest"
)

// serveGit serves a repository with http.
func serveGit(t *testing.T, dir string) string {
	t.Helper()
	server := httptest.NewServer(gittest.Handler(t, filepath.Dir(dir), "", ""))
	t.Cleanup(server.Close)
	return server.URL + "/" + filepath.Base(dir) + "/.git"
}

// TestCheckoutIsAClone, in which git itself finds nothing changed, and which is as its upstream
// is now.
func TestCheckoutIsAClone(t *testing.T) {
	dir, commits, aside := work(t)
	if err := os.Symlink("../live", filepath.Join(dir, "live", "again")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "live", "out")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "run.sh"), "true")
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	runGit(t, dir, "add", "--all")
	runGit(t, dir, "commit", "--quiet", "--message", "links")
	head := runGit(t, dir, "rev-parse", "HEAD")
	cache := t.TempDir()
	for name, url := range map[string]string{"a server": serveGit(t, dir), "a disk": dir} {
		t.Run(name, func(t *testing.T) {
			clone := filepath.Join(t.TempDir(), "clone")
			s := git.New(git.Options{CacheDir: cache})
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			if err := s.Checkout(t.Context(), source.Location{Type: source.Git, URL: url}, head, "main", clone); err != nil {
				t.Fatal(err)
			}
			if got := runGit(t, clone, "rev-parse", "HEAD", "refs/remotes/origin/main", "refs/remotes/origin/aside"); got != head+"\n"+head+"\n"+aside {
				t.Errorf("references: %s", got)
			}
			runGit(t, clone, "read-tree", "HEAD")
			if got := runGit(t, clone, "status", "--porcelain"); got != "D live/out" {
				t.Errorf("changed: %q", got)
			}
			runGit(t, clone, "fsck", "--strict")
			h := openHistory(t, clone)
			if got := h.Branch("aside"); got != aside {
				t.Errorf("aside is %s", got)
			}
			// A commit that is old, and what is upstream now.
			other := filepath.Join(t.TempDir(), "other")
			fresh := git.New(git.Options{CacheDir: cache})
			runGit(t, dir, "branch", "--force", "moving", commits[0])
			if err := fresh.Checkout(t.Context(), source.Location{Type: source.Git, URL: url}, commits[0], "main", other); err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(filepath.Join(other, "live", "main.gantry.hcl")); err != nil || string(text) != "one" {
				t.Errorf("%q %v", text, err)
			}
			if got := openHistory(t, other).Branch("moving"); got != commits[0] {
				t.Errorf("moving is %q", got)
			}
			for what, c := range map[string]struct{ commit, branch, dir, want string }{
				"a branch":                {"main", "main", t.TempDir(), "not a commit in full"},
				"a commit that is absent": {strings.Repeat("4", 40), "main", t.TempDir(), "not found"},
				"a branch that is absent": {head, "maim", t.TempDir(), `branch "maim" is not found`},
				"a directory with a file": {head, "main", other, "is not empty"},
			} {
				err := git.New(git.Options{CacheDir: cache}).Checkout(t.Context(), source.Location{Type: source.Git, URL: url}, c.commit, c.branch, c.dir)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}
