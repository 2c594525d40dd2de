package gitlab

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

// Owner is a group, with those in it, or a person.
type Owner struct {
	api  *rest.Client
	name string
}

// NewOwner returns the owner of projects at an account.
func NewOwner(account shape.Account, name string) (*Owner, error) {
	api, err := client(account)
	if err != nil {
		return nil, err
	}
	return &Owner{api: api, name: name}, nil
}

var _ providers.ForgeOwner = (*Owner)(nil)

// Repositories implements providers.ForgeOwner.
func (o *Owner) Repositories(ctx context.Context) ([]providers.ForgeRepository, error) {
	type project struct {
		ID     int64    `json:"id"`
		Name   string   `json:"path_with_namespace"`
		URL    string   `json:"http_url_to_repo"`
		SSH    string   `json:"ssh_url_to_repo"`
		Branch string   `json:"default_branch"`
		Topics []string `json:"topics"`
		Empty  bool     `json:"empty_repo"`
	}
	var out []providers.ForgeRepository
	see := func(p project) bool {
		if p.Empty {
			p.Branch = ""
		}
		out = append(out, providers.ForgeRepository{
			ID: strconv.FormatInt(p.ID, 10), Name: p.Name, URL: p.URL, SSHURL: p.SSH, DefaultBranch: p.Branch, Labels: p.Topics,
		})
		return true
	}
	living := url.Values{"archived": {"false"}}
	// Projects that are only shared with the group are another's.
	query := url.Values{"archived": {"false"}, "include_subgroups": {"true"}, "with_shared": {"false"}}
	err := rest.List(ctx, o.api, pages(), "groups/"+rest.Escape(o.name)+"/projects", query, see)
	if errors.Is(err, providers.ErrNotFound) { // a person
		err = rest.List(ctx, o.api, pages(), "users/"+rest.Escape(o.name)+"/projects", living, see)
	}
	slices.SortFunc(out, func(a, b providers.ForgeRepository) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

type named struct {
	Name   string `json:"name"`
	Commit struct {
		ID string `json:"id"`
	} `json:"commit"`
}

func (o *Owner) project(name string) string { return "projects/" + rest.Escape(name) + "/repository" }

// Branches implements providers.ForgeOwner.
func (o *Owner) Branches(ctx context.Context, repository string) ([]providers.ForgeBranch, error) {
	var out []providers.ForgeBranch
	err := rest.List(ctx, o.api, pages(), o.project(repository)+"/branches", nil, func(b named) bool {
		out = append(out, providers.ForgeBranch{Name: b.Name, Head: b.Commit.ID})
		return true
	})
	slices.SortFunc(out, func(a, b providers.ForgeBranch) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

// Branch implements providers.ForgeOwner.
func (o *Owner) Branch(ctx context.Context, repository, name string) (*providers.ForgeBranch, error) {
	var got named
	if err := o.api.Get(ctx, o.project(repository)+"/branches/"+rest.Escape(name), nil, &got); err != nil {
		return nil, err
	}
	return &providers.ForgeBranch{Name: got.Name, Head: got.Commit.ID}, nil
}

// HasPath implements providers.ForgeOwner. Files and folders are asked for in two ways.
func (o *Owner) HasPath(ctx context.Context, repository, commit, path string) (bool, error) {
	_, err := o.api.Do(ctx, rest.Request{Method: http.MethodHead, Path: o.project(repository) + "/files/" + rest.Escape(path), Query: url.Values{"ref": {commit}}}, nil)
	if err == nil || !errors.Is(err, providers.ErrNotFound) {
		return err == nil, err
	}
	var entries []struct {
		Path string `json:"path"`
	}
	err = o.api.Get(ctx, o.project(repository)+"/tree", url.Values{"path": {path}, "ref": {commit}, "per_page": {"1"}}, &entries)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil
	}
	return len(entries) > 0, err
}
