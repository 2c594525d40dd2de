package git

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// History is the commits of a repository on this machine, as they are now: what leads to
// what, and whether the work tree is as a commit has it. Nothing is fetched. It is safe for
// concurrent use.
type History struct {
	root, gitDir string
	objects      *objects
	references   *references
}

// OpenHistory opens the repository whose work tree has a directory as its root.
func OpenHistory(root string) (*History, error) {
	gitDir, err := findGitDir(root)
	if err != nil {
		return nil, err
	}
	opened, err := openLocal(root, Limits{FileBytes: DefaultFileBytes, Files: DefaultFiles})
	if err != nil {
		return nil, err
	}
	return &History{root: root, gitDir: gitDir, objects: opened.objects, references: opened.references}, nil
}

// Close releases what it holds open.
func (h *History) Close() error { return h.objects.close() }

// Head is the commit that is checked out.
func (h *History) Head() (string, error) {
	if h.references.head.IsZero() {
		return "", errors.New("HEAD is no commit: nothing is checked out")
	}
	return h.references.head.String(), nil
}

// Branch returns the commit of a branch as the remote had it when it was fetched last, or
// where there is no remote of the branch, as it is here; "" where there is none.
func (h *History) Branch(name string) string {
	for _, ref := range []string{"refs/remotes/origin/" + name, "refs/heads/" + name} {
		if hash, ok := h.references.byName[ref]; ok {
			return hash.String()
		}
	}
	return ""
}

// Branches returns the names of the remote's branches as they were fetched last, sorted; where
// there is no remote, those that are here.
func (h *History) Branches() []string {
	for _, prefix := range []string{"refs/remotes/origin/", "refs/heads/"} {
		var out []string
		for name := range h.references.byName {
			if short, ok := strings.CutPrefix(name, prefix); ok && short != "HEAD" {
				out = append(out, short)
			}
		}
		if len(out) > 0 {
			slices.Sort(out)
			return out
		}
	}
	return nil
}

// Has reports whether a commit is here.
func (h *History) Has(commit string) bool {
	return isFullHash(commit) && h.objects.has(plumbing.NewHash(commit))
}

// Contains reports whether a commit is another or one of its ancestors. A commit that is not
// here is none.
func (h *History) Contains(ctx context.Context, descendant, commit string) (bool, error) {
	if !h.Has(commit) {
		return false, nil
	}
	wanted, seen := plumbing.NewHash(commit), map[plumbing.Hash]bool{}
	target, err := h.objects.commit(wanted)
	if err != nil {
		return false, err
	}
	next := []plumbing.Hash{plumbing.NewHash(descendant)}
	for len(next) > 0 {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		hash := next[len(next)-1]
		next = next[:len(next)-1]
		if hash == wanted {
			return true, nil
		}
		if seen[hash] {
			continue
		}
		seen[hash] = true
		found, err := h.objects.commit(hash)
		if err != nil {
			return false, err
		}
		// Clocks differ, and not by days: what is that much older has no descendants of it.
		if found.Committer.When.AddDate(0, 0, 7).Before(target.Committer.When) {
			continue
		}
		next = append(next, found.ParentHashes...)
	}
	return false, nil
}

// Parents returns the parents of a commit, in their order.
func (h *History) Parents(commit string) ([]string, error) {
	found, err := h.objects.commit(plumbing.NewHash(commit))
	if err != nil {
		return nil, err
	}
	out := make([]string, len(found.ParentHashes))
	for i, parent := range found.ParentHashes {
		out[i] = parent.String()
	}
	return out, nil
}

// Mainline returns the commits from one back to another along first parents, the newest
// first, without the other. Where that is not among them it is an error, as it is where there
// are more than most.
func (h *History) Mainline(ctx context.Context, from, until string, most int) ([]string, error) {
	var out []string
	for at := from; at != until; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(out) == most {
			return nil, fmt.Errorf("more than %d commits lead from %.8s to %.8s", most, until, from)
		}
		found, err := h.objects.commit(plumbing.NewHash(at))
		if err != nil {
			return nil, err
		}
		if len(found.ParentHashes) == 0 {
			return nil, fmt.Errorf("%.8s does not come from %.8s", from, until)
		}
		out, at = append(out, at), found.ParentHashes[0].String()
	}
	return out, nil
}
