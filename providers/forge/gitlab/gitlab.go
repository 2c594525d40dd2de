// Package gitlab is a providers.Forge of GitLab, by its REST API, version 4.
//
// GitLab's approvals have no commit. They are told the head that was there when they were
// given, by the versions of the merge request; where the time is not known they have none.
// Checks are commit statuses, without annotations. Package forge makes its clients, and
// nothing else does.
package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// Public is the URL of the public service.
const Public = "https://gitlab.com"

// maxComment is how many characters GitLab takes.
const maxComment = 1_000_000

// Forge is one project.
type Forge struct {
	api   *rest.Client
	owner string // the group, with those that it is in
	name  string // owner/name
	path  string // of the project in the API

	mu sync.Mutex
	me int64 // the account's id; 0 until it was asked for
}

// New returns the project "group/name" at an account. The account's URL is that of the
// instance, with or without "/api/v4".
func New(account shape.Account, repository string) (*Forge, error) {
	owner, _, err := shape.SplitRepository(repository)
	if err != nil {
		return nil, err
	}
	api, err := client(account)
	if err != nil {
		return nil, err
	}
	return &Forge{api: api, owner: owner, name: repository, path: "projects/" + rest.Escape(repository)}, nil
}

var _ providers.Forge = (*Forge)(nil)

func client(account shape.Account) (*rest.Client, error) {
	base := strings.TrimRight(account.URL, "/")
	if base == "" {
		base = Public
	}
	header := http.Header{}
	switch {
	case account.Token == "":
	case account.Job:
		header.Set("JOB-TOKEN", account.Token.Reveal())
	default:
		header.Set("Authorization", "Bearer "+account.Token.Reveal()) // of OAuth, too
	}
	return rest.New(rest.Options{
		Base: strings.TrimSuffix(base, "/api/v4") + "/api/v4", Header: header, Secrets: []object.Sensitive{account.Token},
		CAData: account.CAData, Proxy: account.Proxy,
	})
}

func pages() rest.Pages { return rest.Pages{Size: "per_page", PerPage: 100} }

// MaxComment implements providers.Forge.
func (*Forge) MaxComment() int { return maxComment }

type mergeRequest struct {
	Number       int64     `json:"iid"`
	Title        string    `json:"title"`
	Author       *user     `json:"author"`
	URL          string    `json:"web_url"`
	State        string    `json:"state"`
	Draft        bool      `json:"draft"`
	Head         string    `json:"sha"`
	Branch       string    `json:"source_branch"`
	Base         string    `json:"target_branch"`
	Source       int64     `json:"source_project_id"` // 0 where the fork is gone
	Target       int64     `json:"target_project_id"`
	Labels       []string  `json:"labels"`
	MergeCommit  string    `json:"merge_commit_sha"`
	SquashCommit string    `json:"squash_commit_sha"`
	Created      time.Time `json:"created_at"`
}

type user struct {
	ID    int64  `json:"id"`
	Login string `json:"username"`
}

func (f *Forge) convert(m *mergeRequest) providers.PullRequest {
	out := providers.PullRequest{
		Number: m.Number, Title: m.Title, URL: m.URL, Head: m.Head, Branch: m.Branch, Fork: m.Source != m.Target, Base: m.Base,
		Labels: m.Labels, Draft: m.Draft, Open: m.State == "opened" || m.State == "locked", Merged: m.State == "merged", CreatedAt: m.Created,
	}
	if m.Author != nil {
		out.Author = m.Author.Login
	}
	if !out.Fork {
		out.HeadRepository = f.name
	}
	if out.Merged {
		// Of a fast-forward merge there is no commit of its own: the head is in the branch.
		for _, as := range []string{m.MergeCommit, m.SquashCommit, m.Head} {
			if out.MergedAs == "" {
				out.MergedAs = as
			}
		}
	}
	return out
}

// Pulls implements providers.Forge.
func (f *Forge) Pulls(ctx context.Context, commit string) ([]providers.PullRequest, error) {
	if err := shape.CheckCommit(commit); err != nil {
		return nil, err
	}
	var found []providers.PullRequest
	err := rest.List(ctx, f.api, pages(), f.path+"/repository/commits/"+commit+"/merge_requests", nil, func(m mergeRequest) bool {
		one := f.convert(&m)
		if shape.Concerns(&one, commit) || one.Merged && (m.MergeCommit == commit || m.SquashCommit == commit) {
			found = append(found, one)
		}
		return true
	})
	if errors.Is(err, providers.ErrNotFound) { // the commit, or the project
		if projectErr := f.api.Get(ctx, f.path, nil, nil); projectErr != nil {
			return nil, projectErr
		}
		return nil, nil
	}
	return shape.Newest(found), err
}

func (f *Forge) pull(number int64) string {
	return f.path + "/merge_requests/" + strconv.FormatInt(number, 10)
}

// Pull implements providers.Forge.
func (f *Forge) Pull(ctx context.Context, number int64) (*providers.PullRequest, error) {
	var got mergeRequest
	if err := f.api.Get(ctx, f.pull(number), nil, &got); err != nil {
		return nil, err
	}
	out := f.convert(&got)
	return &out, nil
}

// OpenPulls implements providers.Forge.
func (f *Forge) OpenPulls(ctx context.Context) ([]providers.PullRequest, error) {
	var open []providers.PullRequest
	err := rest.List(ctx, f.api, pages(), f.path+"/merge_requests", url.Values{"state": {"opened"}}, func(m mergeRequest) bool {
		open = append(open, f.convert(&m))
		return true
	})
	return shape.Newest(open), err
}

// Member implements providers.Forge. A group is one of the project's group, or has its whole
// path; its direct members count, as they do for GitLab's own approval rules.
func (f *Forge) Member(ctx context.Context, group, login string) (bool, error) {
	path := group // "example/platform/sre"
	if !strings.Contains(group, "/") || strings.Contains(group, ":") {
		organization, team, err := shape.SplitGroup(group, f.owner)
		if err != nil {
			return false, err
		}
		path = organization + "/" + team
	}
	if !shape.IsLogin(login) {
		return false, nil
	}
	var users []user
	if err := f.api.Get(ctx, "users", url.Values{"username": {login}}, &users); err != nil {
		return false, fmt.Errorf("the account %q: %w", login, err)
	}
	for _, one := range users {
		if !strings.EqualFold(one.Login, login) {
			continue
		}
		var member struct {
			State string `json:"membership_state"`
		}
		err := f.api.Get(ctx, "groups/"+rest.Escape(path)+"/members/"+strconv.FormatInt(one.ID, 10), nil, &member)
		if err == nil {
			return member.State == "" || member.State == "active", nil
		}
		if !errors.Is(err, providers.ErrNotFound) {
			return false, err
		}
	}
	if err := f.api.Get(ctx, "groups/"+rest.Escape(path), url.Values{"with_projects": {"false"}}, nil); err != nil {
		return false, fmt.Errorf("the group %q: %w", path, err)
	}
	return false, nil
}

// Contains implements providers.Forge.
func (f *Forge) Contains(ctx context.Context, name, commit string) (bool, error) {
	if err := shape.CheckCommit(commit); err != nil {
		return false, err
	}
	type commitID struct {
		ID string `json:"id"`
	}
	var branch struct {
		Name   string   `json:"name"`
		Commit commitID `json:"commit"`
	}
	if err := f.api.Get(ctx, f.path+"/repository/branches/"+rest.Escape(name), nil, &branch); err != nil {
		return false, fmt.Errorf("the branch %q: %w", name, err)
	}
	if branch.Name != name {
		return false, fmt.Errorf("the branch %q is %w: the answer is about another", name, providers.ErrNotFound)
	}
	if branch.Commit.ID == commit {
		return true, nil
	}
	var base commitID
	err := f.api.Get(ctx, f.path+"/repository/merge_base", url.Values{"refs[]": {commit, branch.Commit.ID}}, &base)
	var refusal *rest.Refusal
	if errors.Is(err, providers.ErrNotFound) || errors.As(err, &refusal) && refusal.Status == http.StatusBadRequest {
		return false, nil // there is no such commit, or they have nothing in common
	}
	return base.ID == commit, err
}
