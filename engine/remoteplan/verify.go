package remoteplan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/providers"
)

// RefusedError says that a request asks for what is not planned.
type RefusedError struct {
	Why string
	// Superseded: the pull request has another head by now.
	Superseded bool
}

// Error implements error.
func (e *RefusedError) Error() string { return e.Why }

func refused(format string, args ...any) error {
	return &RefusedError{Why: fmt.Sprintf(format, args...)}
}

// Task is a request after the forge was asked.
type Task struct {
	Request
	// Of is the pull request whose head is planned; nil where the commit is on a branch.
	Of *providers.PullRequest
	// Branch is the protected one that has the commit, where there is no pull request.
	Branch string
}

// Verify asks the forge what a request is about: the head of an open pull request of the
// repository itself, or a commit that the branch has already. All else is a *RefusedError:
// above all what a stranger has in a repository of their own, for a plan runs with what the
// planner may read.
func Verify(ctx context.Context, forge providers.Forge, branch string, r Request) (*Task, error) {
	pull, err := pullOf(ctx, forge, &r)
	if err != nil {
		return nil, err
	}
	if pull == nil {
		on, err := forge.Contains(ctx, branch, r.Commit)
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			return nil, fmt.Errorf("asking the forge whether %q has %.8s: %w", branch, r.Commit, err)
		}
		if !on {
			return nil, refused("%.8s is not the head of an open pull request, and not on %q: nothing else is planned", r.Commit, branch)
		}
		return &Task{Request: r, Branch: branch}, nil
	}
	switch {
	case !pull.Open:
		return nil, refused("#%d is not open, so that nobody reviews its plan any more", pull.Number)
	case pull.Fork:
		return nil, refused("#%d comes from a fork, and is not planned with what the planner may read. Push its branch to the repository itself once someone has looked at it, or plan it offline", pull.Number)
	case pull.Head != r.Commit:
		return nil, &RefusedError{Superseded: true, Why: fmt.Sprintf("#%d is at %.8s now, and %.8s was asked for: ask for that", pull.Number, pull.Head, r.Commit)}
	}
	r.Pull = pull.Number
	return &Task{Request: r, Of: pull}, nil
}

// pullOf finds the pull request of a request; nil where none has the commit as its head.
func pullOf(ctx context.Context, forge providers.Forge, r *Request) (*providers.PullRequest, error) {
	if r.Pull > 0 {
		pull, err := forge.Pull(ctx, r.Pull)
		if errors.Is(err, providers.ErrNotFound) {
			return nil, refused("the forge has no pull request #%d", r.Pull)
		}
		if err != nil {
			return nil, fmt.Errorf("asking the forge for #%d: %w", r.Pull, err)
		}
		return pull, nil
	}
	pulls, err := forge.Pulls(ctx, r.Commit)
	if err != nil && !errors.Is(err, providers.ErrNotFound) {
		return nil, fmt.Errorf("asking the forge for the pull request of %.8s: %w", r.Commit, err)
	}
	pulls = slices.DeleteFunc(pulls, func(p providers.PullRequest) bool { return !p.Open || p.Head != r.Commit })
	switch len(pulls) {
	case 0:
		return nil, nil
	case 1:
		return &pulls[0], nil
	}
	return nil, refused("%.8s is the head of %d open pull requests: say which is meant, with --pull", r.Commit, len(pulls))
}
