// Package gitea is a providers.Forge of Gitea and Forgejo, by their REST API, version 1.
//
// Checks are commit statuses, without annotations. Package forge makes its clients, and
// nothing else does.
package gitea

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

// maxComment is the longest comment: what the smallest of its databases' columns was made for.
const maxComment = 65535

// Forge is one repository.
type Forge struct {
	api   *rest.Client
	owner string
	name  string
	path  string // of the repository in the API

	mu sync.Mutex
	me string // the login; empty until it was asked for
}

// New returns the repository "owner/name" at an account. The account's URL is that of the
// instance, with or without "/api/v1".
func New(account shape.Account, repository string) (*Forge, error) {
	owner, name, err := shape.SplitRepository(repository)
	if err != nil {
		return nil, err
	}
	api, err := client(account)
	if err != nil {
		return nil, err
	}
	return &Forge{api: api, owner: owner, name: name, path: "repos/" + rest.EscapePath(owner) + "/" + rest.Escape(name)}, nil
}

var _ providers.Forge = (*Forge)(nil)

func client(account shape.Account) (*rest.Client, error) {
	if account.URL == "" {
		return nil, errors.New("it is not said where the forge is: set its URL")
	}
	base := strings.TrimSuffix(strings.TrimRight(account.URL, "/"), "/api/v1") + "/api/v1"
	header := http.Header{}
	if account.Token != "" {
		header.Set("Authorization", "token "+account.Token.Reveal())
	}
	return rest.New(rest.Options{Base: base, Header: header, Secrets: []object.Sensitive{account.Token}, CAData: account.CAData, Proxy: account.Proxy})
}

// pages is how lists are read. A server gives fewer elements where it is set up so.
func pages() rest.Pages { return rest.Pages{Size: "limit", PerPage: 50} }

// MaxComment implements providers.Forge.
func (*Forge) MaxComment() int { return maxComment }

type pullRequest struct {
	Number int64  `json:"number"`
	Title  string `json:"title"`
	User   user   `json:"user"`
	URL    string `json:"html_url"`
	State  string `json:"state"`
	Draft  bool   `json:"draft"`
	Merged bool   `json:"merged"`
	Commit string `json:"merge_commit_sha"`
	Head   branch `json:"head"`
	Base   branch `json:"base"`
	Labels []struct {
		Name string `json:"name"`
	} `json:"labels"`
	Created time.Time `json:"created_at"`
}

type user struct {
	Login string `json:"login"`
}

type branch struct {
	Ref    string `json:"ref"`
	SHA    string `json:"sha"`
	RepoID int64  `json:"repo_id"`
	Repo   *struct {
		FullName string `json:"full_name"`
	} `json:"repo"`
}

func (p *pullRequest) convert() providers.PullRequest {
	out := providers.PullRequest{
		Number: p.Number, Title: p.Title, Author: p.User.Login, URL: p.URL, Head: p.Head.SHA, Branch: p.Head.Ref,
		Fork: p.Head.RepoID != p.Base.RepoID, Base: p.Base.Ref, Draft: p.Draft, Open: p.State == "open", Merged: p.Merged, CreatedAt: p.Created,
	}
	if p.Head.Repo != nil { // a fork may be gone
		out.HeadRepository = p.Head.Repo.FullName
	}
	if p.Merged {
		out.MergedAs = p.Commit
	}
	for _, label := range p.Labels {
		out.Labels = append(out.Labels, label.Name)
	}
	return out
}

// searched is how many pages of merged pull requests are searched for the one that has a
// commit as its head: the API finds them only by what they were merged as.
const searched = 10

// Pulls implements providers.Forge. By its head, a merged one is found among the 500 that
// something happened to last.
func (f *Forge) Pulls(ctx context.Context, commit string) ([]providers.PullRequest, error) {
	if err := shape.CheckCommit(commit); err != nil {
		return nil, err
	}
	var found []providers.PullRequest
	see := func(p pullRequest) bool {
		if one := p.convert(); shape.Concerns(&one, commit) {
			found = append(found, one)
		}
		return true
	}
	var merged pullRequest
	switch err := f.api.Get(ctx, f.path+"/commits/"+commit+"/pull", nil, &merged); {
	case err == nil:
		see(merged)
	case !errors.Is(err, providers.ErrNotFound):
		return nil, err
	}
	if err := rest.List(ctx, f.api, pages(), f.path+"/pulls", url.Values{"state": {"open"}}, see); err != nil {
		return nil, err
	}
	closed := pages()
	closed.Most, closed.Cut = searched, true
	if err := rest.List(ctx, f.api, closed, f.path+"/pulls", url.Values{"state": {"closed"}, "sort": {"recentupdate"}}, see); err != nil {
		return nil, err
	}
	return shape.Newest(found), nil
}

func (f *Forge) pull(number int64) string { return f.path + "/pulls/" + strconv.FormatInt(number, 10) }

func (f *Forge) issue(number int64) string {
	return f.path + "/issues/" + strconv.FormatInt(number, 10)
}

// Pull implements providers.Forge.
func (f *Forge) Pull(ctx context.Context, number int64) (*providers.PullRequest, error) {
	var got pullRequest
	if err := f.api.Get(ctx, f.pull(number), nil, &got); err != nil {
		return nil, err
	}
	out := got.convert()
	return &out, nil
}

// OpenPulls implements providers.Forge.
func (f *Forge) OpenPulls(ctx context.Context) ([]providers.PullRequest, error) {
	var open []providers.PullRequest
	err := rest.List(ctx, f.api, pages(), f.path+"/pulls", url.Values{"state": {"open"}}, func(p pullRequest) bool {
		open = append(open, p.convert())
		return true
	})
	return shape.Newest(open), err
}

// Reviews implements providers.Forge. Of requests for a review, and of reviews that are not
// sent yet, nothing is told.
func (f *Forge) Reviews(ctx context.Context, number int64) ([]providers.Review, error) {
	type review struct {
		User      *user     `json:"user"`
		State     string    `json:"state"`
		Commit    string    `json:"commit_id"`
		Stale     bool      `json:"stale"`
		Dismissed bool      `json:"dismissed"`
		At        time.Time `json:"submitted_at"`
	}
	verdicts := map[string]providers.ReviewVerdict{"APPROVED": providers.Approved, "REQUEST_CHANGES": providers.ChangesRequested, "COMMENT": providers.Commented}
	var out []providers.Review
	err := rest.List(ctx, f.api, pages(), f.pull(number)+"/reviews", nil, func(r review) bool {
		verdict, ok := verdicts[r.State]
		if !ok || r.User == nil || r.User.Login == "" {
			return true
		}
		if r.Dismissed {
			verdict = providers.Dismissed
		}
		out = append(out, providers.Review{Login: r.User.Login, Verdict: verdict, Commit: r.Commit, At: r.At, Stale: r.Stale})
		return true
	})
	return shape.InOrder(out), err
}

// Member implements providers.Forge. The token must be of an owner of the organization, or of
// somebody in the team: nobody else is told who is in it.
func (f *Forge) Member(ctx context.Context, group, login string) (bool, error) {
	organization, name, err := shape.SplitGroup(group, f.owner)
	if err != nil || !shape.IsLogin(login) {
		return false, err
	}
	var id int64
	type team struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	err = rest.List(ctx, f.api, pages(), "orgs/"+rest.Escape(organization)+"/teams", nil, func(t team) bool {
		if strings.EqualFold(t.Name, name) {
			id = t.ID
		}
		return id == 0
	})
	if err != nil {
		return false, fmt.Errorf("the teams of %q: %w", organization, err)
	}
	if id == 0 {
		return false, fmt.Errorf("the team %q of %q is %w", name, organization, providers.ErrNotFound)
	}
	err = f.api.Get(ctx, fmt.Sprintf("teams/%d/members/%s", id, rest.Escape(login)), nil, nil)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Contains implements providers.Forge.
func (f *Forge) Contains(ctx context.Context, name, commit string) (bool, error) {
	if err := shape.CheckCommit(commit); err != nil {
		return false, err
	}
	var branch struct {
		Name   string `json:"name"`
		Commit struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	if err := f.api.Get(ctx, f.path+"/branches/"+rest.EscapePath(name), nil, &branch); err != nil {
		return false, fmt.Errorf("the branch %q: %w", name, err)
	}
	if branch.Name != name {
		return false, fmt.Errorf("the branch %q is %w: the answer is about another", name, providers.ErrNotFound)
	}
	tip := branch.Commit.ID
	if err := shape.CheckCommit(tip); err != nil {
		return false, err
	}
	if tip == commit {
		return true, nil
	}
	var compared struct {
		Total *int `json:"total_commits"` // those of the second that the first has not
	}
	err := f.api.Get(ctx, f.path+"/compare/"+tip+"..."+commit, url.Values{"files": {"false"}, "verification": {"false"}, "stat": {"false"}}, &compared)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return false, nil // there is no such commit
	case err != nil:
		return false, err
	}
	return compared.Total != nil && *compared.Total == 0, nil
}
