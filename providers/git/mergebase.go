package git

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// ErrShallow means that the clone has too little of the history.
var ErrShallow = errors.New("the clone is shallow: it has too little of the history")

// ErrUnrelated means that two commits come from none that both have.
var ErrUnrelated = errors.New("have no commit in common")

// How a commit was reached while a merge base is looked for.
const (
	fromA = 1 << iota
	fromB
	passed // from a commit that both come from: it is no newest one
)

// MergeBase returns the newest commit that two commits both come from. It is ErrUnrelated
// where there is none, ErrShallow where there may be one that the clone does not have.
//
// Times only say in which order commits are looked at: many may have the same.
func (h *History) MergeBase(ctx context.Context, a, b string) (string, error) {
	end := h.shallow()
	reached := map[plumbing.Hash]int{}
	next := &byTime{}
	add := func(hash plumbing.Hash, by int) error {
		if reached[hash]|by == reached[hash] {
			return nil
		}
		found, err := h.objects.commit(hash)
		if err != nil {
			return err
		}
		reached[hash] |= by
		heap.Push(next, found)
		return nil
	}
	for commit, by := range map[string]int{a: fromA, b: fromB} {
		if a == b {
			by = fromA | fromB
		}
		if err := add(plumbing.NewHash(commit), by); err != nil {
			return "", err
		}
	}
	cut := false
	var both []*object.Commit
	for slices.ContainsFunc(*next, func(c *object.Commit) bool { return reached[c.Hash]&passed == 0 }) {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		at := heap.Pop(next).(*object.Commit)
		by := reached[at.Hash]
		if by == fromA|fromB {
			both, by = append(both, at), by|passed
		}
		if end[at.Hash] {
			cut = true
			continue
		}
		for _, parent := range at.ParentHashes {
			if err := add(parent, by); err != nil {
				return "", err
			}
		}
	}
	both = slices.DeleteFunc(both, func(c *object.Commit) bool { return reached[c.Hash]&passed != 0 })
	switch {
	case len(both) > 0:
		return slices.MaxFunc(both, func(a, b *object.Commit) int {
			return cmp.Or(a.Committer.When.Compare(b.Committer.When), cmp.Compare(b.Hash.String(), a.Hash.String()))
		}).Hash.String(), nil
	case cut:
		return "", ErrShallow
	}
	return "", fmt.Errorf("%.8s and %.8s %w", a, b, ErrUnrelated)
}

// shallow returns the commits whose parents the clone does not have.
func (h *History) shallow() map[plumbing.Hash]bool {
	out := map[plumbing.Hash]bool{}
	for _, dir := range []string{h.gitDir, h.objects.path} {
		content, err := os.ReadFile(filepath.Join(dir, "shallow"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(content)) {
			if line = strings.TrimSpace(line); isFullHash(line) {
				out[plumbing.NewHash(line)] = true
			}
		}
	}
	return out
}

// byTime is commits, the newest first.
type byTime []*object.Commit

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (c byTime) Len() int           { return len(c) }
func (c byTime) Less(i, j int) bool { return c[i].Committer.When.After(c[j].Committer.When) }
func (c byTime) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *byTime) Push(x any)        { *c = append(*c, x.(*object.Commit)) }
func (c *byTime) Pop() any {
	old := *c
	last := old[len(old)-1]
	*c = old[:len(old)-1]
	return last
}
