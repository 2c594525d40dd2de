package forges_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/forges"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
)

// owner has repositories with branches, each of which has files.
type owner map[string]map[string][]string

func (o owner) Repositories(context.Context) ([]providers.ForgeRepository, error) {
	return []providers.ForgeRepository{
		{Name: "example/empty"},
		{Name: "example/gone", DefaultBranch: "main"},
		{Name: "example/service-api", DefaultBranch: "main", Labels: []string{"go"}},
		{Name: "example/service-web", DefaultBranch: "trunk", Labels: []string{"deployed", "js"}},
	}, nil
}

func (o owner) Branches(_ context.Context, repository string) ([]providers.ForgeBranch, error) {
	var out []providers.ForgeBranch
	for name := range o[repository] {
		out = append(out, providers.ForgeBranch{Name: name, Head: "head of " + name})
	}
	slices.SortFunc(out, func(a, b providers.ForgeBranch) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (o owner) Branch(_ context.Context, repository, name string) (*providers.ForgeBranch, error) {
	if _, ok := o[repository][name]; !ok {
		return nil, providers.ErrNotFound
	}
	return &providers.ForgeBranch{Name: name, Head: "head of " + name}, nil
}

func (o owner) HasPath(_ context.Context, repository, commit, path string) (bool, error) {
	if path == "broken" {
		return false, providers.ErrUnreachable
	}
	return slices.Contains(o[repository][strings.TrimPrefix(commit, "head of ")], path), nil
}

func TestRepositories(t *testing.T) {
	all := owner{
		"example/service-api": {"main": {"deploy"}, "dev": {"deploy", "off"}},
		"example/service-web": {"trunk": {"deploy"}},
	}
	is := regexp.MustCompile
	for _, test := range []struct {
		name  string
		query eval.RepositoryQuery
		want  string
		err   error
	}{
		{name: "all", want: "service-api main, service-web trunk"},
		{name: "branches", query: eval.RepositoryQuery{AllBranches: true}, want: "service-api dev, service-api main, service-web trunk"},
		{name: "by name", query: eval.RepositoryQuery{Filters: []eval.RepositoryFilter{{Name: is("^service-w")}}}, want: "service-web trunk"},
		{name: "name has no owner", query: eval.RepositoryQuery{Filters: []eval.RepositoryFilter{{Name: is("example")}}}},
		{name: "by label", query: eval.RepositoryQuery{Filters: []eval.RepositoryFilter{{Label: is("^go$")}}}, want: "service-api main"},
		{name: "one of several", query: eval.RepositoryQuery{Filters: []eval.RepositoryFilter{{Label: is("^go$")}, {Name: is("web")}}}, want: "service-api main, service-web trunk"},
		{name: "all of one", query: eval.RepositoryQuery{Filters: []eval.RepositoryFilter{{Label: is("^go$"), Name: is("web")}}}},
		{name: "by branch", query: eval.RepositoryQuery{AllBranches: true, Filters: []eval.RepositoryFilter{{Branch: is("^d")}}}, want: "service-api dev"},
		{name: "by path", query: eval.RepositoryQuery{AllBranches: true, Filters: []eval.RepositoryFilter{{Paths: []string{"deploy"}, NoPaths: []string{"off"}}}}, want: "service-api main, service-web trunk"},
		{name: "one that cannot be looked at", query: eval.RepositoryQuery{Filters: []eval.RepositoryFilter{{Paths: []string{"broken"}}}}, err: providers.ErrUnreachable},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := forges.Repositories(t.Context(), all, test.query)
			var got []string
			for _, one := range found {
				got = append(got, strings.TrimPrefix(one.Repository, "example/")+" "+one.Branch)
			}
			if !errors.Is(err, test.err) || strings.Join(got, ", ") != test.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestPulls(t *testing.T) {
	f := forgetest.New()
	open := f.SetPull(providers.PullRequest{Title: "open", Head: "a", Labels: []string{"preview"}, Fork: true})
	f.Close(f.SetPull(providers.PullRequest{Title: "closed", Head: "b"}))
	got, err := forges.Pulls(t.Context(), f)
	if err != nil || len(got) != 1 || got[0].Number != open || !got[0].Fork || got[0].Target != "main" || got[0].Labels[0] != "preview" {
		t.Errorf("%+v, %v", got, err)
	}
	// What is left out would be deleted.
	f.SetPull(providers.PullRequest{Title: "its fork is gone"})
	if _, err := forges.Pulls(t.Context(), f); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
	broken := forgetest.New()
	broken.Fail = func(string) error { return providers.ErrUnreachable }
	if _, err := forges.Pulls(t.Context(), broken); !errors.Is(err, providers.ErrUnreachable) {
		t.Error(err)
	}
}
