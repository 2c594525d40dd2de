package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gantrycd/gantry/engine/promote"
	"github.com/gantrycd/gantry/plan/view/comment"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git/clone"
)

// proposing is the clean checkout that a pull request is made from.
type proposing struct {
	*gathering
	cli        *cli
	base, head string
}

// proposing makes sure that what is checked out is the newest commit of the branch that a pull
// request is for, and unchanged.
func (c *cli) proposing(ctx context.Context, in *inputs, base string) (*proposing, error) {
	g, err := c.gather(in)
	if err != nil {
		return nil, err
	}
	refuse := func(err error) (*proposing, error) {
		return nil, errors.Join(failure("Not the branch to propose for", err), g.close())
	}
	out := &proposing{gathering: g, cli: c, base: cmp.Or(base, defaultBranch(g))}
	tip := g.History.Branch(out.base)
	if tip == "" {
		return refuse(fmt.Errorf("the branch %q is not in this clone: fetch it, or name another with --base", out.base))
	}
	if out.head, err = g.History.Head(); err != nil {
		return refuse(err)
	}
	if out.head != tip {
		return refuse(fmt.Errorf("%.8s is checked out, and %q is at %.8s, as it was fetched last: check that out, or name another branch with --base", out.head, out.base, tip))
	}
	changed, err := g.History.Changed(ctx, out.head, g.repository.Below(), stateFolder)
	if err != nil {
		return refuse(fmt.Errorf("comparing the work tree with %.8s: %w", out.head, err))
	}
	if len(changed) > 0 {
		return refuse(fmt.Errorf("the work tree is not what %.8s has: %s. Promote from a clean checkout", out.head, strings.Join(changed, ", ")))
	}
	return out, nil
}

// propose commits the edit, pushes it to a branch of its own, and opens the pull request, or
// writes the evidence anew into the one that is open.
func (p *proposing) propose(ctx context.Context, w *work, made *promote.Promotion, edited map[string][]byte, out *promoted) error {
	place, err := p.cli.forgePlace(ctx, w.config)
	if err != nil {
		return failure("Forge is not known", err)
	}
	forge, err := p.cli.forge(ctx, w.config)
	if err != nil {
		return err
	}
	made.Configuration = p.repository.Below()
	files := map[string][]byte{}
	for name, content := range edited {
		at := path.Join(p.repository.Below(), name)
		if at == ".." || strings.HasPrefix(at, "../") {
			return failure("Input cannot be promoted", fmt.Errorf("it is written in %s, which is not in the repository of the configuration", name))
		}
		files[at] = content
	}
	git := &clone.Clone{Root: p.repository.Root(), Env: p.cli.environ(), Login: loginOf(place)}
	out.Branch = made.Branch()
	if out.Commit, err = git.Commit(ctx, p.head, files, made.Message()); err != nil {
		return failure("Promotion cannot be committed", err)
	}
	open, err := forge.OpenPulls(ctx)
	if err != nil {
		return failure("Forge cannot be asked", err)
	}
	for i := range open {
		out.Updated = out.Updated || open[i].Branch == out.Branch && open[i].Base == p.base && !open[i].Fork
	}
	if _, err := git.Push(ctx, out.Branch, out.Commit, p.head); err != nil {
		return failure("Promotion cannot be pushed", err)
	}
	body := made.Body(comment.Budget(forge.MaxComment()))
	out.PullRequest, err = forge.Propose(ctx, providers.Proposal{Title: made.Title(), Body: body, Branch: out.Branch, Base: p.base})
	if err != nil {
		return failure("Pull request cannot be opened", fmt.Errorf("the branch %s is pushed: %w", out.Branch, err))
	}
	if !out.Updated {
		return nil
	}
	// What the description says of an older edit stays; what is so now is told below it.
	_, told, _ := strings.Cut(body, "\n")
	if _, err := forge.Comment(ctx, out.PullRequest.Number, promote.Marker, told); err != nil {
		return failure("Comment cannot be written", err)
	}
	return nil
}

// loginOf is what pushes to a forge over http, where the clone itself has nothing.
func loginOf(place forgePlace) *clone.Login {
	out := &clone.Login{URL: place.account.URL, Username: place.account.Username, Token: place.account.Token}
	public, user := "", ""
	switch place.kind {
	case "github":
		public, user = "https://github.com", "x-access-token"
	case "gitlab":
		public, user = "https://gitlab.com", "oauth2"
		if place.account.Job {
			user = "gitlab-ci-token"
		}
	case "bitbucket":
		public, user = "https://bitbucket.org", "x-token-auth"
	default:
		user = "gantry" // any, for a token
	}
	out.URL, out.Username = cmp.Or(out.URL, public), cmp.Or(out.Username, user)
	if place.kind == "github" {
		out.URL = strings.Replace(out.URL, "://api.github.com", "://github.com", 1)
	}
	return out
}
