package bitbucket

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// Owner is a workspace.
type Owner struct {
	api  *rest.Client
	name string
}

// NewOwner returns the workspace with repositories at an account.
func NewOwner(account shape.Account, name string) (*Owner, error) {
	api, err := client(account)
	if err != nil {
		return nil, err
	}
	return &Owner{api: api, name: name}, nil
}

var _ providers.ForgeOwner = (*Owner)(nil)

// Repositories implements providers.ForgeOwner. Bitbucket has no topics.
func (o *Owner) Repositories(ctx context.Context) ([]providers.ForgeRepository, error) {
	type repository struct {
		UUID  string `json:"uuid"`
		Name  string `json:"full_name"`
		Main  *named `json:"mainbranch"`
		Links struct {
			Clone []struct {
				Name string `json:"name"`
				URL  string `json:"href"`
			} `json:"clone"`
		} `json:"links"`
	}
	var out []providers.ForgeRepository
	err := list(ctx, o.api, "2.0/repositories/"+rest.Escape(o.name), url.Values{"pagelen": {"100"}}, rest.MaxPages, false, func(r repository) bool {
		one := providers.ForgeRepository{ID: r.UUID, Name: r.Name}
		if r.Main != nil {
			one.DefaultBranch = r.Main.Name
		}
		for _, clone := range r.Links.Clone {
			switch clone.Name {
			case "https":
				one.URL = withoutUser(clone.URL)
			case "ssh":
				one.SSHURL = clone.URL
			}
		}
		out = append(out, one)
		return true
	})
	slices.SortFunc(out, func(a, b providers.ForgeRepository) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

// withoutUser is a URL without whom Bitbucket takes us for.
func withoutUser(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

type named struct {
	Name   string `json:"name"`
	Target commit `json:"target"`
}

func (o *Owner) repository(name string) string { return "2.0/repositories/" + rest.EscapePath(name) }

// Branches implements providers.ForgeOwner.
func (o *Owner) Branches(ctx context.Context, repository string) ([]providers.ForgeBranch, error) {
	var out []providers.ForgeBranch
	err := list(ctx, o.api, o.repository(repository)+"/refs/branches", url.Values{"pagelen": {"100"}}, rest.MaxPages, false, func(b named) bool {
		out = append(out, providers.ForgeBranch{Name: b.Name, Head: b.Target.Hash})
		return true
	})
	slices.SortFunc(out, func(a, b providers.ForgeBranch) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

// Branch implements providers.ForgeOwner.
func (o *Owner) Branch(ctx context.Context, repository, name string) (*providers.ForgeBranch, error) {
	var got named
	if err := o.api.Get(ctx, o.repository(repository)+"/refs/branches/"+rest.EscapePath(name), nil, &got); err != nil {
		return nil, err
	}
	return &providers.ForgeBranch{Name: got.Name, Head: got.Target.Hash}, nil
}

// HasPath implements providers.ForgeOwner.
func (o *Owner) HasPath(ctx context.Context, repository, commit, path string) (bool, error) {
	err := o.api.Get(ctx, o.repository(repository)+"/src/"+rest.Escape(commit)+"/"+rest.EscapePath(path), url.Values{"format": {"meta"}}, nil)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
