// Package github is a providers.Forge of GitHub, its Enterprise Cloud and its Enterprise
// Server, by the REST API of version 2022-11-28.
//
// Checks are check runs with annotations, where the token is one that may make them: that of
// a workflow, or of an app. Else they are commit statuses. Package forge makes its clients,
// and nothing else does.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// PublicAPI is the API of the public service.
const PublicAPI = "https://api.github.com"

// maxComment is how many characters GitHub takes.
const maxComment = 65536

// Forge is one repository.
type Forge struct {
	api   *rest.Client
	owner string
	path  string // of the repository in the API

	noChecks atomic.Bool // the token may make no check runs

	mu sync.Mutex
	me string // the login; empty until it was asked for
}

// New returns the repository "owner/name" at an account. The account's URL is that of the
// instance, or of its API.
func New(account shape.Account, repository string) (*Forge, error) {
	owner, name, err := shape.SplitRepository(repository)
	if err != nil {
		return nil, err
	}
	path := "repos/" + rest.EscapePath(owner) + "/" + rest.Escape(name)
	api, err := client(account, path)
	if err != nil {
		return nil, err
	}
	return &Forge{api: api, owner: owner, path: path}, nil
}

var _ providers.Forge = (*Forge)(nil)

// client returns a client of the API, for a repository or an owner at a path of it.
func client(account shape.Account, path string) (*rest.Client, error) {
	options := rest.Options{
		Base: apiOf(account.URL), Header: http.Header{"Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"}},
		Secrets: []object.Sensitive{account.Token}, CAData: account.CAData, Proxy: account.Proxy,
	}
	switch {
	case account.App != nil:
		tokens, err := appTokens(options, account.App, path)
		if err != nil {
			return nil, err
		}
		options.Authorize = tokens.authorization
	case account.Token != "":
		options.Header.Set("Authorization", "Bearer "+account.Token.Reveal())
	}
	return rest.New(options)
}

// apiOf returns the URL below which the APIs of an instance are, REST and GraphQL: the public
// service and the Enterprise Cloud have a host for both, and an Enterprise Server a folder,
// with a folder for each.
func apiOf(text string) string {
	text = strings.TrimRight(text, "/")
	u, err := url.Parse(text)
	switch {
	case text == "", err == nil && (u.Host == "github.com" || u.Host == "www.github.com"):
		return PublicAPI
	case err == nil && strings.HasPrefix(u.Host, "api."):
		return text
	case err == nil && strings.HasSuffix(u.Host, ".ghe.com"):
		return u.Scheme + "://api." + u.Host
	case strings.HasSuffix(text, "/api/v3"):
		return strings.TrimSuffix(text, "/v3")
	default:
		return text + "/api"
	}
}

func pages() rest.Pages { return rest.Pages{Size: "per_page", PerPage: 100} }

// MaxComment implements providers.Forge.
func (*Forge) MaxComment() int { return maxComment }

type pullRequest struct {
	Number int64  `json:"number"`
	Title  string `json:"title"`
	User   *user  `json:"user"`
	URL    string `json:"html_url"`
	State  string `json:"state"`
	Draft  bool   `json:"draft"`
	// Commit is what it was merged as, and of one that is open what a merge would be now.
	Commit string     `json:"merge_commit_sha"`
	Merged *time.Time `json:"merged_at"`
	Head   branch     `json:"head"`
	Base   branch     `json:"base"`
	Labels []struct {
		Name string `json:"name"`
	} `json:"labels"`
	Created time.Time `json:"created_at"`
}

type user struct {
	Login string `json:"login"`
}

type branch struct {
	Ref  string `json:"ref"`
	SHA  string `json:"sha"`
	Repo *struct {
		ID       int64  `json:"id"`
		FullName string `json:"full_name"`
	} `json:"repo"`
}

// ghost is what GitHub shows for accounts that are gone.
const ghost = "ghost"

func (p *pullRequest) convert() providers.PullRequest {
	out := providers.PullRequest{
		Number: p.Number, Title: p.Title, Author: ghost, URL: p.URL, Head: p.Head.SHA, Branch: p.Head.Ref, Base: p.Base.Ref,
		Fork: true, Draft: p.Draft, Open: p.State == "open", Merged: p.Merged != nil, CreatedAt: p.Created,
	}
	if p.User != nil {
		out.Author = p.User.Login
	}
	if p.Head.Repo != nil { // a fork may be gone
		out.HeadRepository = p.Head.Repo.FullName
		out.Fork = p.Base.Repo == nil || p.Head.Repo.ID != p.Base.Repo.ID
	}
	if out.Merged {
		out.MergedAs = p.Commit
	}
	for _, label := range p.Labels {
		out.Labels = append(out.Labels, label.Name)
	}
	return out
}

// Pulls implements providers.Forge.
func (f *Forge) Pulls(ctx context.Context, commit string) ([]providers.PullRequest, error) {
	if err := shape.CheckCommit(commit); err != nil {
		return nil, err
	}
	return f.pullsWith(ctx, commit, func(p *providers.PullRequest) bool { return shape.Concerns(p, commit) })
}

// Brought returns the merged pull requests that a commit of the default branch came with: also
// those that were rebased, of which it is one commit of several.
func (f *Forge) Brought(ctx context.Context, commit string) ([]providers.PullRequest, error) {
	if err := shape.CheckCommit(commit); err != nil {
		return nil, err
	}
	return f.pullsWith(ctx, commit, func(p *providers.PullRequest) bool { return p.Merged })
}

// pullsWith returns those of the pull requests that have a commit that are wanted.
func (f *Forge) pullsWith(ctx context.Context, commit string, wanted func(*providers.PullRequest) bool) ([]providers.PullRequest, error) {
	var found []providers.PullRequest
	see := func(p pullRequest) bool {
		if one := p.convert(); wanted(&one) {
			found = append(found, one)
		}
		return true
	}
	err := rest.List(ctx, f.api, pages(), f.rest(f.path+"/commits/"+commit+"/pulls"), nil, see)
	if isUnknownCommit(err) {
		err = nil
	}
	return shape.Newest(found), err
}

// isUnknownCommit reports whether an answer is the one to a commit that there is not.
func isUnknownCommit(err error) bool {
	var refusal *rest.Refusal
	return errors.As(err, &refusal) && refusal.Status == http.StatusUnprocessableEntity && strings.Contains(refusal.Message, "No commit found")
}

// rest is a path of the REST API from the client's base.
func (f *Forge) rest(path string) string { return restPath(f.api, path) }

func restPath(api *rest.Client, path string) string {
	if strings.HasSuffix(api.Base(), "/api") { // an Enterprise Server
		return "v3/" + path
	}
	return path
}

func (f *Forge) pull(number int64) string {
	return f.rest(f.path + "/pulls/" + strconv.FormatInt(number, 10))
}

func (f *Forge) issue(number int64) string {
	return f.rest(f.path + "/issues/" + strconv.FormatInt(number, 10))
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
	err := rest.List(ctx, f.api, pages(), f.rest(f.path+"/pulls"), url.Values{"state": {"open"}}, func(p pullRequest) bool {
		open = append(open, p.convert())
		return true
	})
	return shape.Newest(open), err
}

// Reviews implements providers.Forge. GitHub does not say which of them are stale: the commit
// does.
func (f *Forge) Reviews(ctx context.Context, number int64) ([]providers.Review, error) {
	type review struct {
		User   *user     `json:"user"`
		State  string    `json:"state"`
		Commit string    `json:"commit_id"`
		At     time.Time `json:"submitted_at"`
	}
	verdicts := map[string]providers.ReviewVerdict{
		"APPROVED": providers.Approved, "CHANGES_REQUESTED": providers.ChangesRequested, "COMMENTED": providers.Commented, "DISMISSED": providers.Dismissed,
	}
	var out []providers.Review
	err := rest.List(ctx, f.api, pages(), f.pull(number)+"/reviews", nil, func(r review) bool {
		verdict, ok := verdicts[r.State]
		if !ok || r.User == nil { // not sent yet, or of an account that is gone
			return true
		}
		out = append(out, providers.Review{Login: r.User.Login, Verdict: verdict, Commit: r.Commit, At: r.At})
		return true
	})
	return shape.InOrder(out), err
}

// Member implements providers.Forge. A team's name is its slug; members of teams below it
// belong to it.
func (f *Forge) Member(ctx context.Context, group, login string) (bool, error) {
	organization, team, err := shape.SplitGroup(group, f.owner)
	if err != nil || !shape.IsLogin(login) {
		return false, err
	}
	path := f.rest("orgs/" + rest.Escape(organization) + "/teams/" + rest.Escape(team))
	var membership struct {
		State string `json:"state"`
	}
	err = f.api.Get(ctx, path+"/memberships/"+rest.Escape(login), nil, &membership)
	switch {
	case err == nil:
		return membership.State == "active", nil
	case !errors.Is(err, providers.ErrNotFound):
		return false, err
	}
	// Who is no member and a team that is not there, or not to be seen, are one answer.
	if err := f.api.Get(ctx, path, nil, nil); err != nil {
		return false, fmt.Errorf("the team %q of %q: %w", team, organization, err)
	}
	return false, nil
}

// Contains implements providers.Forge.
func (f *Forge) Contains(ctx context.Context, name, commit string) (bool, error) {
	if err := shape.CheckCommit(commit); err != nil {
		return false, err
	}
	var branch struct {
		Name   string `json:"name"`
		Commit struct {
			SHA string `json:"sha"`
		} `json:"commit"`
	}
	if err := f.api.Get(ctx, f.rest(f.path+"/branches/"+rest.EscapePath(name)), nil, &branch); err != nil {
		return false, fmt.Errorf("the branch %q: %w", name, err)
	}
	if branch.Name != name { // it was renamed, and GitHub redirects
		return false, fmt.Errorf("the branch %q is %w: it is called %q now", name, providers.ErrNotFound, rest.Plain(branch.Name, 100))
	}
	tip := branch.Commit.SHA
	if err := shape.CheckCommit(tip); err != nil {
		return false, err
	}
	if tip == commit {
		return true, nil
	}
	var compared struct {
		Status string `json:"status"` // of the second, as seen from the first
	}
	// On the second page are no files, of which there may be very many.
	err := f.api.Get(ctx, f.rest(f.path+"/compare/"+commit+"..."+tip), url.Values{"per_page": {"1"}, "page": {"2"}}, &compared)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil // there is no such commit
	}
	return compared.Status == "ahead" || compared.Status == "identical", err
}
