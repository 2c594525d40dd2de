package evidence

import (
	"context"
	"slices"

	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/providers"
)

// bringer is a forge that tells of each commit of a branch which pull requests it came with,
// also of those that a rebase has made.
type bringer interface {
	Brought(ctx context.Context, commit string) ([]providers.PullRequest, error)
}

// queued finds the pull requests of what a merge queue has merged: of each commit, the newest
// first, the one that was merged as it. A pull request that was rebased has others just before
// that one: they are its own where the forge says so.
func (l *looking) queued(ctx context.Context, c *approval.Candidate, line []string) error {
	var last []int64 // that the newer commits came with
	for _, commit := range line {
		pulls, err := l.Forge.Pulls(ctx, commit)
		if err != nil {
			return err
		}
		pulls = slices.DeleteFunc(pulls, func(p providers.PullRequest) bool { return !p.Merged || p.MergedAs != commit })
		if len(pulls) == 0 {
			owned, err := l.rebased(ctx, commit, last)
			if err != nil {
				return err
			}
			if !owned {
				c.Unowned, last = append(c.Unowned, commit), nil
			}
			continue
		}
		last = nil
		for i := range pulls {
			last = append(last, pulls[i].Number)
			if err := l.change(ctx, c, &pulls[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rebased reports whether a commit came with one of some pull requests, as the forge knows it.
func (l *looking) rebased(ctx context.Context, commit string, pulls []int64) (bool, error) {
	forge, ok := l.Forge.(bringer)
	if !ok || len(pulls) == 0 {
		return false, nil
	}
	brought, err := forge.Brought(ctx, commit)
	return slices.ContainsFunc(brought, func(p providers.PullRequest) bool {
		return p.Merged && slices.Contains(pulls, p.Number)
	}), err
}
