package git_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers/git"
)

// TestMergeBase draws histories: each line is a commit, its name and its parents, in the
// order in which they are made.
func TestMergeBase(t *testing.T) {
	tests := []struct {
		name, commits, a, b string
		want                string // empty: an error that has the text of err
		err                 string
	}{
		{name: "the same", commits: "1", a: "1", b: "1", want: "1"},
		{name: "an ancestor", commits: "1; 2 1; 3 2", a: "3", b: "1", want: "1"},
		{name: "a descendant", commits: "1; 2 1; 3 2", a: "1", b: "3", want: "1"},
		{name: "a fork", commits: "1; 2 1; 3 2; 4 2", a: "3", b: "4", want: "2"},
		{name: "merged before", commits: "1; 2 1; 3 1; 4 3 2; 5 2", a: "4", b: "5", want: "2"},
		{name: "what it is for was merged into it", commits: "1; 2 1; 3 1; 4 2 3; 5 3", a: "4", b: "5", want: "3"},
		{name: "no commit in common", commits: "1; 2; 3 1; 4 2", a: "3", b: "4", err: "have no commit in common"},
		{name: "one that is not there", commits: "1", a: "1", b: strings.Repeat("a", 40), err: strings.Repeat("a", 8)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			runGit(t, dir, "init", "--quiet", "--initial-branch=main", ".")
			empty := runGit(t, dir, "hash-object", "-t", "tree", "-w", "/dev/null")
			ids := map[string]string{}
			for _, line := range strings.Split(test.commits, "; ") {
				name, parents, _ := strings.Cut(line, " ")
				args := []string{"commit-tree", empty, "-m", name}
				for _, parent := range strings.Fields(parents) {
					args = append(args, "-p", ids[parent])
				}
				ids[name] = runGit(t, dir, args...)
				runGit(t, dir, "update-ref", "refs/heads/main", ids[name])
			}
			id := func(name string) string {
				if known := ids[name]; known != "" {
					return known
				}
				return name
			}
			got, err := openHistory(t, dir).MergeBase(t.Context(), id(test.a), id(test.b))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || errors.Is(err, git.ErrShallow) {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if err != nil || got != ids[test.want] {
				t.Errorf("%s, %v; want %s", got, err, ids[test.want])
			}
			if asked := runGit(t, dir, "merge-base", id(test.a), id(test.b)); asked != got {
				t.Errorf("git says %s, and we %s", asked, got)
			}
		})
	}
}

// TestMergeBaseOfShallow has too little of the history to tell, and enough.
func TestMergeBaseOfShallow(t *testing.T) {
	dir, commits, aside := work(t)
	shallow := filepath.Join(t.TempDir(), "shallow")
	clone := func(depth string) *git.History {
		t.Helper()
		runGit(t, dir, "clone", "--quiet", "--no-single-branch", "--depth", depth, "file://"+dir, shallow+depth)
		return openHistory(t, shallow+depth)
	}
	if got, err := clone("1").MergeBase(t.Context(), commits[2], aside); !errors.Is(err, git.ErrShallow) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := clone("2").MergeBase(t.Context(), commits[2], aside); err != nil || got != commits[1] {
		t.Errorf("%q, %v; want %s", got, err, commits[1])
	}
}
