package clone_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git/clone"
)

// environ is of a user who has set nothing up.
func environ() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com")
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir, command.Env = dir, environ()
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// cloned is a clone of a repository with one commit on main, which it returns, and the
// repository's directory.
func cloned(t *testing.T) (c *clone.Clone, base, origin string) {
	t.Helper()
	origin = filepath.Join(t.TempDir(), "origin.git")
	git(t, "", "init", "--quiet", "--bare", "--initial-branch=main", origin)
	c = again(t, origin)
	if err := os.WriteFile(filepath.Join(c.Root, "a"), []byte("a\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	git(t, c.Root, "add", "a")
	git(t, c.Root, "commit", "--quiet", "--message", "base")
	git(t, c.Root, "push", "--quiet", "origin", "HEAD:refs/heads/main")
	return c, git(t, c.Root, "rev-parse", "HEAD"), origin
}

func again(t *testing.T, origin string) *clone.Clone {
	t.Helper()
	root := filepath.Join(t.TempDir(), "clone")
	git(t, "", "clone", "--quiet", origin, root)
	return &clone.Clone{Root: root, Env: environ()}
}

func commit(t *testing.T, c *clone.Clone, parent, text string) string {
	t.Helper()
	id, err := c.Commit(t.Context(), parent, map[string][]byte{"a": []byte(text), "b/c": []byte("new\n")}, "Change")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestPush proposes, proposes the same, and another.
func TestPush(t *testing.T) {
	c, base, origin := cloned(t)
	one := commit(t, c, base, "one\n")
	if again := commit(t, c, base, "one\n"); again != one {
		t.Errorf("the same is %s and %s", one, again)
	}
	if diff := git(t, c.Root, "diff", "--raw", "--abbrev=1", base, one); !strings.Contains(diff, ":100755 100755") || !strings.Contains(diff, ":000000 100644") || strings.Count(diff, "\n") != 1 {
		t.Error(diff)
	}
	for _, step := range []struct {
		commit string
		pushed bool
	}{{one, true}, {one, false}, {commit(t, c, base, "two\n"), true}} {
		if pushed, err := c.Push(t.Context(), "gantry/x", step.commit, base); err != nil || pushed != step.pushed {
			t.Errorf("%v, %v", pushed, err)
		}
		if there := git(t, origin, "rev-parse", "refs/heads/gantry/x"); there != step.commit {
			t.Errorf("it is %s, and not %s", there, step.commit)
		}
	}
	if status := git(t, c.Root, "status", "--porcelain"); status != "" || git(t, c.Root, "for-each-ref", "refs/heads/gantry") != "" {
		t.Errorf("the clone has changed: %s", status)
	}
}

// TestPushLeavesOthersAlone has a branch that somebody else has committed to, or has rewritten.
func TestPushLeavesOthersAlone(t *testing.T) {
	c, base, origin := cloned(t)
	if _, err := c.Push(t.Context(), "gantry/x", commit(t, c, base, "one\n"), base); err != nil {
		t.Fatal(err)
	}
	other := again(t, origin)
	for name, from := range map[string]string{"committed to": "origin/gantry/x", "forced to another": "origin/main"} {
		git(t, other.Root, "fetch", "--quiet", "origin")
		git(t, other.Root, "checkout", "--quiet", "--detach", from)
		git(t, other.Root, "commit", "--quiet", "--allow-empty", "--message", name)
		theirs := git(t, other.Root, "rev-parse", "HEAD")
		git(t, other.Root, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/gantry/x")
		pushed, err := c.Push(t.Context(), "gantry/x", commit(t, c, base, "two\n"), base)
		if !errors.Is(err, clone.ErrForeign) || pushed || git(t, origin, "rev-parse", "refs/heads/gantry/x") != theirs {
			t.Errorf("%s: %v, %v", name, pushed, err)
		}
	}
}

// TestParallelPushes has many clones propose at once: one of them is there then, whole, and
// who was late is told.
func TestParallelPushes(t *testing.T) {
	first, base, origin := cloned(t)
	clones := []*clone.Clone{first, again(t, origin), again(t, origin), again(t, origin)}
	ids := make([]string, len(clones))
	for i, c := range clones {
		ids[i] = commit(t, c, base, strings.Repeat("x", i+1))
	}
	errs := make([]error, len(clones))
	var wait sync.WaitGroup
	for i, c := range clones {
		wait.Go(func() { _, errs[i] = c.Push(t.Context(), "gantry/x", ids[i], base) })
	}
	wait.Wait()
	there, won := git(t, origin, "rev-parse", "refs/heads/gantry/x"), false
	for i := range clones {
		won = won || ids[i] == there && errs[i] == nil
		if errs[i] != nil && errors.Is(errs[i], clone.ErrForeign) {
			t.Errorf("%d: %v", i, errs[i])
		}
	}
	if !won {
		t.Errorf("%s is there, and was pushed by nobody: %v", there, errs)
	}
}

// TestNamesThatAreOptions has names that git would take for options, or for something else.
func TestNamesThatAreOptions(t *testing.T) {
	c, base, origin := cloned(t)
	made := filepath.Join(t.TempDir(), "made")
	one := commit(t, c, base, "one\n")
	for _, name := range []string{"--upload-pack=touch " + made, "x..y", "x:refs/heads/main", "x y", "", "../x", "x.lock"} {
		_, err := c.Push(t.Context(), name, one, base)
		if !errors.Is(err, providers.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, revision := range []string{"--all", "-h", "--output=" + made, "", "main:a"} {
		if id, err := c.Resolve(t.Context(), revision); !errors.Is(err, providers.ErrNotFound) {
			t.Errorf("%q: %q, %v", revision, id, err)
		}
	}
	for _, ref := range []string{"--upload-pack=touch " + made, "-u", "--all"} {
		if refs, err := c.Refs(t.Context(), ref); err != nil || len(refs) > 0 {
			t.Errorf("%q: %v, %v", ref, refs, err)
		}
		if err := c.Fetch(t.Context(), ref); err == nil {
			t.Errorf("%q was fetched", ref)
		}
		if err := c.PushTag(t.Context(), ref+" ", base, "x"); !errors.Is(err, providers.ErrInvalid) {
			t.Errorf("%q: %v", ref, err)
		}
	}
	for _, path := range []string{"../x", "/x", ".", "a/../b", ""} {
		if _, err := c.Commit(t.Context(), base, map[string][]byte{path: nil}, "x"); !errors.Is(err, providers.ErrInvalid) {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := os.Stat(made); err == nil {
		t.Error("a name was run")
	}
	if git(t, origin, "rev-parse", "refs/heads/main") != base {
		t.Error("main has moved")
	}
}

// TestLinksAreNotWrittenOver has a link where a file is to be.
func TestLinksAreNotWrittenOver(t *testing.T) {
	c, _, _ := cloned(t)
	if err := os.Symlink("a", filepath.Join(c.Root, "link")); err != nil {
		t.Fatal(err)
	}
	git(t, c.Root, "add", "link")
	git(t, c.Root, "commit", "--quiet", "--message", "link")
	if _, err := c.Commit(t.Context(), git(t, c.Root, "rev-parse", "HEAD"), map[string][]byte{"link": nil}, "x"); !errors.Is(err, providers.ErrUnsupported) {
		t.Error(err)
	}
}

// TestOriginsThatAreNotThere has origins that are nowhere, refuse the login, or lead elsewhere:
// what is said has no secret, and the token goes to nobody but its forge.
func TestOriginsThatAreNotThere(t *testing.T) {
	const token = "s3cret-token"
	seen := func(r *http.Request) bool {
		_, password, _ := r.BasicAuth()
		return password == token || strings.Contains(r.URL.String(), token)
	}
	leaked, asked := false, false
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked = leaked || seen(r)
		w.WriteHeader(http.StatusNotFound)
	}))
	defer inside.Close()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = asked || seen(r)
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer refuses.Close()
	redirects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL+r.URL.String(), http.StatusFound)
	}))
	defer redirects.Close()

	c, base, _ := cloned(t)
	one := commit(t, c, base, "one\n")
	for name, test := range map[string]struct{ origin, forge string }{
		"nowhere":           {"/nowhere/at/all.git", "https://forge.example"},
		"no such scheme":    {"gopher://localhost/x", "https://forge.example"},
		"an option":         {"--upload-pack=false", "https://forge.example"},
		"a program":         {"ext::false", "https://forge.example"},
		"a login refused":   {refuses.URL + "/x.git", refuses.URL},
		"another forge":     {inside.URL + "/x.git", "https://forge.example"},
		"a redirect":        {redirects.URL + "/x.git", redirects.URL},
		"a password in it":  {strings.Replace(refuses.URL, "://", "://me:"+token+"@", 1) + "/x.git", "https://forge.example"},
		"nobody listens":    {"http://127.0.0.1:1/x.git", "http://127.0.0.1:1"},
		"no name of a host": {"http:///x.git", "https://forge.example"},
	} {
		git(t, c.Root, "config", "remote.origin.url", test.origin)
		c.Login = &clone.Login{URL: test.forge, Username: "gantry", Token: token}
		pushed, err := c.Push(t.Context(), "gantry/x", one, base)
		if err == nil || pushed {
			t.Errorf("%s: it was pushed", name)
			continue
		}
		if strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "git ls-remote") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leaked {
		t.Error("the token went where a redirect leads, or to another server")
	}
	if !asked {
		t.Error("the token was never used")
	}
}
