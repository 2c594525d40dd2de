// Package forges answers what generators ask of forges: which pull requests are open, and
// which branches of which repositories are like a filter. What it reads it reads through the
// interfaces of package providers.
//
// It knows no forge. engine imports it.
package forges

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/providers"
)

// Pulls returns the pull requests of a repository that are open.
func Pulls(ctx context.Context, forge providers.Forge) ([]eval.Pull, error) {
	open, err := forge.OpenPulls(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]eval.Pull, 0, len(open))
	for _, p := range open {
		if p.Head == "" {
			return nil, fmt.Errorf("the pull request %d has no commit: %w", p.Number, providers.ErrNotFound)
		}
		out = append(out, eval.Pull{
			Number: p.Number, Title: p.Title, Author: p.Author, Branch: p.Branch, Head: p.Head, Target: p.Base, Labels: p.Labels, Fork: p.Fork,
		})
	}
	return out, nil
}

// atOnce is how many repositories are looked at at once.
const atOnce = 8

// Repositories returns the branches that a query asks for, by repository and branch. One that
// cannot be looked at is an error: what is left out would be deleted.
func Repositories(ctx context.Context, owner providers.ForgeOwner, query eval.RepositoryQuery) ([]eval.RepositoryBranch, error) {
	all, err := owner.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]eval.RepositoryBranch, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, repository := range all {
		filters := ofRepository(query.Filters, repository)
		if repository.DefaultBranch == "" || len(query.Filters) > 0 && len(filters) == 0 {
			continue
		}
		group.Go(func() error {
			branches, err := branches(ctx, owner, repository, query.AllBranches, filters)
			found[i] = branches
			if err != nil {
				return fmt.Errorf("the repository %s: %w", repository.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// ofRepository returns the filters that a repository meets, as far as they are not about
// branches.
func ofRepository(filters []eval.RepositoryFilter, repository providers.ForgeRepository) []eval.RepositoryFilter {
	name := repository.Name[strings.LastIndex(repository.Name, "/")+1:]
	var met []eval.RepositoryFilter
	for _, f := range filters {
		if (f.Name == nil || f.Name.MatchString(name)) && (f.Label == nil || slices.ContainsFunc(repository.Labels, f.Label.MatchString)) {
			met = append(met, f)
		}
	}
	return met
}

func branches(ctx context.Context, owner providers.ForgeOwner, repository providers.ForgeRepository, all bool, filters []eval.RepositoryFilter) ([]eval.RepositoryBranch, error) {
	var candidates []providers.ForgeBranch
	if all {
		listed, err := owner.Branches(ctx, repository.Name)
		if err != nil {
			return nil, err
		}
		candidates = listed
	} else {
		branch, err := owner.Branch(ctx, repository.Name, repository.DefaultBranch)
		if errors.Is(err, providers.ErrNotFound) {
			return nil, nil // there is no commit yet
		}
		if err != nil {
			return nil, err
		}
		candidates = []providers.ForgeBranch{*branch}
	}
	var out []eval.RepositoryBranch
	for _, branch := range candidates {
		met, err := meetsOne(ctx, owner, repository.Name, branch, filters)
		if err != nil {
			return nil, err
		}
		if met {
			out = append(out, eval.RepositoryBranch{
				ID: repository.ID, Repository: repository.Name, URL: repository.URL, SSHURL: repository.SSHURL,
				Branch: branch.Name, Head: branch.Head, Labels: repository.Labels,
			})
		}
	}
	return out, nil
}

// meetsOne reports whether a branch meets one of the filters; without any it does.
func meetsOne(ctx context.Context, owner providers.ForgeOwner, repository string, branch providers.ForgeBranch, filters []eval.RepositoryFilter) (bool, error) {
	for _, f := range filters {
		if met, err := meets(ctx, owner, repository, branch, f); met || err != nil {
			return met, err
		}
	}
	return len(filters) == 0, nil
}

func meets(ctx context.Context, owner providers.ForgeOwner, repository string, branch providers.ForgeBranch, f eval.RepositoryFilter) (bool, error) {
	if f.Branch != nil && !f.Branch.MatchString(branch.Name) {
		return false, nil
	}
	for _, path := range f.Paths {
		if has, err := owner.HasPath(ctx, repository, branch.Head, path); err != nil || !has {
			return false, err
		}
	}
	for _, path := range f.NoPaths {
		if has, err := owner.HasPath(ctx, repository, branch.Head, path); err != nil || has {
			return false, err
		}
	}
	return true, nil
}
