package bitbucketdc

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// Owner is a project, or with a tilde before the name a person: "~alice".
type Owner struct {
	api  *rest.Client
	name string
}

// NewOwner returns the project with repositories at an account.
func NewOwner(account shape.Account, name string) (*Owner, error) {
	api, err := client(account)
	if err != nil {
		return nil, err
	}
	return &Owner{api: api, name: name}, nil
}

var _ providers.ForgeOwner = (*Owner)(nil)

func path(repository string) (string, error) {
	project, slug, err := shape.SplitRepository(repository)
	return "projects/" + rest.Escape(project) + "/repos/" + rest.Escape(slug), err
}

// Repositories implements providers.ForgeOwner. Which branch is the default, and the labels of
// a repository, are asked for each.
func (o *Owner) Repositories(ctx context.Context) ([]providers.ForgeRepository, error) {
	type repository struct {
		ID       int64  `json:"id"`
		Slug     string `json:"slug"`
		Archived bool   `json:"archived"`
		Project  struct {
			Key string `json:"key"`
		} `json:"project"`
		Links struct {
			Clone []struct {
				Name string `json:"name"`
				URL  string `json:"href"`
			} `json:"clone"`
		} `json:"links"`
	}
	var out []providers.ForgeRepository
	err := list(ctx, o.api, core("projects/"+rest.Escape(o.name)+"/repos"), nil, rest.MaxPages, false, func(r repository) bool {
		if r.Archived {
			return true
		}
		one := providers.ForgeRepository{ID: strconv.FormatInt(r.ID, 10), Name: r.Project.Key + "/" + r.Slug}
		for _, clone := range r.Links.Clone {
			switch clone.Name {
			case "http":
				one.URL = withoutUser(clone.URL)
			case "ssh":
				one.SSHURL = clone.URL
			}
		}
		out = append(out, one)
		return true
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		if err := o.describe(ctx, &out[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b providers.ForgeRepository) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// describe adds what a list of repositories does not tell. A repository without commits has no
// default branch.
func (o *Owner) describe(ctx context.Context, r *providers.ForgeRepository) error {
	at, err := path(r.Name)
	if err != nil {
		return err
	}
	err = branches(ctx, o.api, at, func(b ref) bool {
		if b.Default {
			r.DefaultBranch = b.name()
		}
		return r.DefaultBranch == ""
	})
	if err != nil {
		return err
	}
	type label struct {
		Name string `json:"name"`
	}
	return list(ctx, o.api, core(at+"/labels"), nil, rest.MaxPages, false, func(l label) bool {
		r.Labels = append(r.Labels, l.Name)
		return true
	})
}

// branches lists the branches of a repository until see returns false, those that were changed
// last first.
func branches(ctx context.Context, api *rest.Client, repository string, see func(ref) bool) error {
	return list(ctx, api, core(repository+"/branches"), url.Values{"orderBy": {"MODIFICATION"}}, rest.MaxPages, false, see)
}

// withoutUser is a URL without whom the server takes us for.
func withoutUser(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

// Branches implements providers.ForgeOwner.
func (o *Owner) Branches(ctx context.Context, repository string) ([]providers.ForgeBranch, error) {
	at, err := path(repository)
	if err != nil {
		return nil, err
	}
	var out []providers.ForgeBranch
	err = branches(ctx, o.api, at, func(b ref) bool {
		out = append(out, providers.ForgeBranch{Name: b.name(), Head: b.Commit})
		return true
	})
	slices.SortFunc(out, func(a, b providers.ForgeBranch) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}

// Branch implements providers.ForgeOwner.
func (o *Owner) Branch(ctx context.Context, repository, name string) (*providers.ForgeBranch, error) {
	at, err := path(repository)
	if err != nil {
		return nil, err
	}
	tip, err := branch(ctx, o.api, at, name)
	if err != nil {
		return nil, err
	}
	return &providers.ForgeBranch{Name: name, Head: tip}, nil
}

// HasPath implements providers.ForgeOwner.
func (o *Owner) HasPath(ctx context.Context, repository, commit, file string) (bool, error) {
	at, err := path(repository)
	if err != nil {
		return false, err
	}
	err = o.api.Get(ctx, core(at+"/browse/"+rest.EscapePath(file)), url.Values{"at": {commit}, "type": {"true"}}, nil)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
