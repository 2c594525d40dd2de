package git_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers/git"
)

// work makes a work tree with three commits on main, and one beside it.
func work(t *testing.T) (dir string, commits []string, aside string) {
	t.Helper()
	dir = t.TempDir()
	runGit(t, dir, "init", "--quiet", "--initial-branch=main", ".")
	for _, text := range []string{"one", "two", "three"} {
		write(t, filepath.Join(dir, "live", "main.gantry.hcl"), text)
		runGit(t, dir, "add", "--all")
		runGit(t, dir, "commit", "--quiet", "--message", text)
		commits = append(commits, runGit(t, dir, "rev-parse", "HEAD"))
	}
	runGit(t, dir, "checkout", "--quiet", "-b", "aside", commits[1])
	write(t, filepath.Join(dir, "aside"), "x")
	runGit(t, dir, "add", "--all")
	runGit(t, dir, "commit", "--quiet", "--message", "aside")
	aside = runGit(t, dir, "rev-parse", "HEAD")
	runGit(t, dir, "checkout", "--quiet", "main")
	return dir, commits, aside
}

// runGit runs git in a directory, with nothing of the user's configuration.
func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func openHistory(t *testing.T, dir string) *git.History {
	t.Helper()
	h, err := git.OpenHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func TestHistory(t *testing.T) {
	dir, commits, aside := work(t)
	runGit(t, dir, "update-ref", "refs/remotes/origin/main", commits[1])
	h := openHistory(t, dir)
	if head, err := h.Head(); err != nil || head != commits[2] {
		t.Fatalf("%s %v", head, err)
	}
	if got := h.Branch("main"); got != commits[1] {
		t.Errorf("main is %s: the remote's counts", got)
	}
	if got := h.Branches(); !slices.Equal(got, []string{"main"}) {
		t.Errorf("branches %v", got)
	}
	for _, c := range []struct {
		descendant, commit string
		want               bool
	}{
		{commits[2], commits[0], true},
		{commits[2], commits[2], true},
		{commits[0], commits[2], false},
		{commits[2], aside, false},
		{aside, commits[1], true},
		{commits[2], "0123456789012345678901234567890123456789", false},
		{commits[2], "--output=x", false},
	} {
		if got, err := h.Contains(t.Context(), c.descendant, c.commit); err != nil || got != c.want {
			t.Errorf("%s contains %s: %v %v", c.descendant, c.commit, got, err)
		}
	}
	if got, err := h.Mainline(t.Context(), commits[2], commits[0], 10); err != nil || !slices.Equal(got, []string{commits[2], commits[1]}) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := h.Mainline(t.Context(), commits[2], aside, 10); err == nil {
		t.Error("what is not among the first parents is no error")
	}
	if _, err := h.Mainline(t.Context(), commits[2], commits[0], 1); err == nil {
		t.Error("too many commits are no error")
	}
}

func TestChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   []string
	}{
		"as it was":        {func(*testing.T, string) {}, nil},
		"touched":          {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "live/main.gantry.hcl"), "three") }, nil},
		"edited":           {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "live/main.gantry.hcl"), "four!") }, []string{"live/main.gantry.hcl"}},
		"deleted":          {func(_ *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "live/main.gantry.hcl")) }, []string{"live/main.gantry.hcl"}},
		"new beside":       {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "live/evil.gantry.hcl"), "x") }, []string{"live/evil.gantry.hcl"}},
		"new elsewhere":    {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "report.json"), "x") }, nil},
		"staged elsewhere": {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "x"), "x"); runGit(t, dir, "add", "x") }, []string{"x"}},
		"our own":          {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "live/.gantry/state"), "x") }, nil},
		"ignored": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, ".git/info/exclude"), "*.out\n")
			write(t, filepath.Join(dir, "live/x.out"), "x")
		}, nil},
		"a link in its place": {func(t *testing.T, dir string) {
			_ = os.Remove(filepath.Join(dir, "live/main.gantry.hcl"))
			if err := os.Symlink("/etc/passwd", filepath.Join(dir, "live/main.gantry.hcl")); err != nil {
				t.Fatal(err)
			}
		}, []string{"live/main.gantry.hcl"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, commits, _ := work(t)
			c.change(t, dir)
			got, err := openHistory(t, dir).Changed(t.Context(), commits[2], "live", ".gantry")
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v %v", got, err)
			}
		})
	}
}
