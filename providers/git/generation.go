package git

import (
	"bufio"
	"bytes"
	"container/heap"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// initialise makes an empty bare repository, as git itself would read it.
func initialise(path string) error {
	for _, directory := range []string{"objects/pack", "objects/info", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(path, filepath.FromSlash(directory)), 0o700); err != nil {
			return err
		}
	}
	return errors.Join(
		os.WriteFile(filepath.Join(path, "config"), []byte("[core]\n\trepositoryformatversion = 0\n\tbare = true\n"), 0o600),
		os.WriteFile(filepath.Join(path, "HEAD"), []byte("ref: refs/heads/main\n"), 0o600),
	)
}

// headRef keeps the default branch's commit, which perhaps no branch leads to.
const headRef = "refs/gantry/head"

// writeTips writes the references that are mirrored, in one step.
func writeTips(path string, refs *references) error {
	names := make([]string, 0, len(refs.byName))
	for name := range refs.byName {
		if mirrored(name) && validRef(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out bytes.Buffer
	out.WriteString("# pack-refs with: sorted\n")
	if !refs.head.IsZero() {
		fmt.Fprintf(&out, "%s %s\n", refs.head, headRef)
	}
	for _, name := range names {
		fmt.Fprintf(&out, "%s %s\n", refs.byName[name], name)
	}
	if err := writeFile(filepath.Join(path, packedRefs), out.Bytes()); err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	return nil
}

// validRef keeps what a server names its references from being anything else in
// our file.
func validRef(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// readTips returns what the references of a generation lead to.
func readTips(path string) ([]plumbing.Hash, error) {
	content, err := os.ReadFile(filepath.Join(path, packedRefs))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var tips []plumbing.Hash
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		id, name, ok := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(id, "#") {
			continue
		}
		if !ok || !isFullHash(id) || !strings.HasPrefix(name, "refs/") {
			return nil, fmt.Errorf("its file %s is not readable", packedRefs)
		}
		tips = append(tips, plumbing.NewHash(id))
	}
	return tips, lines.Err()
}

// writeFile replaces a file in one step.
func writeFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*.tmp")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// maxHaves is how many commits a server is told that we have. Those are the
// newest: it sends what they do not lead to.
const maxHaves = 512

// haves returns the newest commits that are there.
func haves(o *objects, tips []plumbing.Hash) []plumbing.Hash {
	seen := map[plumbing.Hash]bool{}
	var queue commitQueue
	push := func(hash plumbing.Hash) {
		if seen[hash] {
			return
		}
		seen[hash] = true
		if commit, err := o.commit(hash); err == nil {
			heap.Push(&queue, commit)
		}
	}
	for _, tip := range tips {
		if commit, err := o.peel(tip); err == nil {
			push(commit)
		}
	}
	var have []plumbing.Hash
	for queue.Len() > 0 && len(have) < maxHaves {
		commit := heap.Pop(&queue).(*object.Commit)
		have = append(have, commit.Hash)
		for _, parent := range commit.ParentHashes {
			push(parent)
		}
	}
	return have
}

// commitQueue is a heap of commits, the newest first.
type commitQueue []*object.Commit

func (q commitQueue) Len() int           { return len(q) }
func (q commitQueue) Less(i, j int) bool { return q[i].Committer.When.After(q[j].Committer.When) }
func (q commitQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *commitQueue) Push(x any)        { *q = append(*q, x.(*object.Commit)) }

func (q *commitQueue) Pop() any {
	last := len(*q) - 1
	commit := (*q)[last]
	*q = (*q)[:last]
	return commit
}
