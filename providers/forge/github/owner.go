package github

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// Owner is an organization or a person.
type Owner struct {
	api  *rest.Client
	name string
}

// NewOwner returns the owner of repositories at an account.
func NewOwner(account shape.Account, name string) (*Owner, error) {
	api, err := client(account, "users/"+rest.Escape(name))
	if err != nil {
		return nil, err
	}
	return &Owner{api: api, name: name}, nil
}

var _ providers.ForgeOwner = (*Owner)(nil)

func (o *Owner) rest(path string) string { return restPath(o.api, path) }

// Repositories implements providers.ForgeOwner.
func (o *Owner) Repositories(ctx context.Context) ([]providers.ForgeRepository, error) {
	type repository struct {
		ID       int64    `json:"id"`
		Name     string   `json:"full_name"`
		URL      string   `json:"clone_url"`
		SSH      string   `json:"ssh_url"`
		Branch   string   `json:"default_branch"`
		Topics   []string `json:"topics"`
		Archived bool     `json:"archived"`
		Disabled bool     `json:"disabled"`
	}
	var out []providers.ForgeRepository
	see := func(r repository) bool {
		if !r.Archived && !r.Disabled {
			out = append(out, providers.ForgeRepository{
				ID: strconv.FormatInt(r.ID, 10), Name: r.Name, URL: r.URL, SSHURL: r.SSH, DefaultBranch: r.Branch, Labels: r.Topics,
			})
		}
		return true
	}
	err := rest.List(ctx, o.api, pages(), o.rest("orgs/"+rest.Escape(o.name)+"/repos"), nil, see)
	if errors.Is(err, providers.ErrNotFound) { // a person
		err = rest.List(ctx, o.api, pages(), o.rest("users/"+rest.Escape(o.name)+"/repos"), url.Values{"type": {"owner"}}, see)
	}
	slices.SortFunc(out, func(a, b providers.ForgeRepository) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

type named struct {
	Name   string `json:"name"`
	Commit struct {
		SHA string `json:"sha"`
	} `json:"commit"`
}

func (o *Owner) repository(name string) string { return o.rest("repos/" + rest.EscapePath(name)) }

// Branches implements providers.ForgeOwner.
func (o *Owner) Branches(ctx context.Context, repository string) ([]providers.ForgeBranch, error) {
	var out []providers.ForgeBranch
	err := rest.List(ctx, o.api, pages(), o.repository(repository)+"/branches", nil, func(b named) bool {
		out = append(out, providers.ForgeBranch{Name: b.Name, Head: b.Commit.SHA})
		return true
	})
	slices.SortFunc(out, func(a, b providers.ForgeBranch) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

// Branch implements providers.ForgeOwner.
func (o *Owner) Branch(ctx context.Context, repository, name string) (*providers.ForgeBranch, error) {
	var got named
	if err := o.api.Get(ctx, o.repository(repository)+"/branches/"+rest.EscapePath(name), nil, &got); err != nil {
		return nil, err
	}
	return &providers.ForgeBranch{Name: got.Name, Head: got.Commit.SHA}, nil
}

// HasPath implements providers.ForgeOwner.
func (o *Owner) HasPath(ctx context.Context, repository, commit, path string) (bool, error) {
	at := rest.Request{Method: http.MethodHead, Path: o.repository(repository) + "/contents/" + rest.EscapePath(path), Query: url.Values{"ref": {commit}}}
	_, err := o.api.Do(ctx, at, nil)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
