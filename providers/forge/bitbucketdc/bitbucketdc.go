// Package bitbucketdc is a providers.Forge of Bitbucket Data Center, by its REST API, version
// 1.0.
//
// People are told by their user names. Which commit somebody has approved is what the server
// says that they reviewed last, where that is the head that was there when they did: else it is
// of no commit. Pull requests have no labels. Checks are build statuses, and Code Insights
// reports with annotations. Package forge makes its clients, and nothing else does.
package bitbucketdc

import (
	"context"
	"encoding/base64"
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

// maxComment is how many characters the server takes.
const maxComment = 32768

// Forge is one repository.
type Forge struct {
	api     *rest.Client
	project string
	slug    string
	path    string // of the repository, below the version of an API
	web     string // of the instance

	mu sync.Mutex
	me string // the account; empty until it was asked for
}

// New returns the repository "PROJECT/slug" at an account, whose URL is the instance's.
func New(account shape.Account, repository string) (*Forge, error) {
	project, slug, err := shape.SplitRepository(repository)
	if err != nil {
		return nil, err
	}
	if strings.Contains(project, "/") {
		return nil, fmt.Errorf("the repository %q must be written as PROJECT/name: %w", repository, providers.ErrInvalid)
	}
	api, err := client(account)
	if err != nil {
		return nil, err
	}
	return &Forge{
		api: api, project: project, slug: slug, web: strings.TrimSuffix(api.Base(), "/rest"), me: account.Username,
		path: "projects/" + rest.Escape(project) + "/repos/" + rest.Escape(slug),
	}, nil
}

var _ providers.Forge = (*Forge)(nil)

func client(account shape.Account) (*rest.Client, error) {
	base := strings.TrimRight(account.URL, "/")
	if base == "" {
		return nil, fmt.Errorf("a Bitbucket Data Center needs its URL: %w", providers.ErrInvalid)
	}
	base, _, _ = strings.Cut(base, "/rest/")
	base = strings.TrimSuffix(base, "/rest")
	header := http.Header{}
	switch {
	case account.Token == "":
	case account.Username != "": // somebody's password, or a token as one
		pair := account.Username + ":" + account.Token.Reveal()
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	default: // an HTTP access token
		header.Set("Authorization", "Bearer "+account.Token.Reveal())
	}
	// Changes that come from no browser of the instance are let in with this.
	header.Set("X-Atlassian-Token", "no-check")
	return rest.New(rest.Options{Base: base + "/rest", Header: header, Secrets: []object.Sensitive{account.Token}, CAData: account.CAData, Proxy: account.Proxy})
}

// MaxComment implements providers.Forge.
func (*Forge) MaxComment() int { return maxComment }

// NoHTML says that comments show HTML as text.
func (*Forge) NoHTML() bool { return true }

// core is a path of the API that most is in.
func core(path string) string { return "api/1.0/" + path }

// page is a part of a list.
type page[T any] struct {
	Values []T   `json:"values"`
	Last   bool  `json:"isLastPage"`
	Next   int64 `json:"nextPageStart"`
}

const pageSize = 100

// list reads a list until see returns false. At the end of so many pages it ends, where cut
// is set, or is an ErrTooMany.
func list[T any](ctx context.Context, api *rest.Client, path string, query url.Values, most int, cut bool, see func(T) bool) error {
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", strconv.Itoa(pageSize))
	start := int64(0)
	for range most {
		query.Set("start", strconv.FormatInt(start, 10))
		var got page[T]
		if err := api.Get(ctx, path, query, &got); err != nil {
			return err
		}
		for _, value := range got.Values {
			if !see(value) {
				return nil
			}
		}
		if got.Last {
			return nil
		}
		if got.Next <= start { // what is missing would be taken for gone
			return fmt.Errorf("%s/%s is %w: the list neither ends nor goes on", api.Base(), path, providers.ErrUnreachable)
		}
		start = got.Next
	}
	if cut {
		return nil
	}
	return fmt.Errorf("%s/%s: %w: the list has more than %d pages", api.Base(), path, providers.ErrTooMany, most)
}

// milliseconds are a time, since 1970.
type milliseconds int64

func (m milliseconds) time() time.Time {
	if m <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

type user struct {
	Name string `json:"name"`
}

type ref struct {
	ID         string `json:"id"` // refs/heads/…
	Commit     string `json:"latestCommit"`
	Default    bool   `json:"isDefault"` // of branches
	Repository struct {
		ID      int64  `json:"id"`
		Slug    string `json:"slug"`
		Project struct {
			Key string `json:"key"`
		} `json:"project"`
	} `json:"repository"`
}

func (r *ref) name() string { return strings.TrimPrefix(r.ID, "refs/heads/") }

func (r *ref) repository() string { return r.Repository.Project.Key + "/" + r.Repository.Slug }

type participant struct {
	User         user   `json:"user"`
	Status       string `json:"status"` // APPROVED, NEEDS_WORK or UNAPPROVED
	LastReviewed string `json:"lastReviewedCommit"`
}

type pullRequest struct {
	Number  int64        `json:"id"`
	Title   string       `json:"title"`
	State   string       `json:"state"`
	Draft   bool         `json:"draft"`
	Created milliseconds `json:"createdDate"`
	From    ref          `json:"fromRef"`
	To      ref          `json:"toRef"`
	Author  struct {
		User user `json:"user"`
	} `json:"author"`
	Reviewers    []participant `json:"reviewers"`
	Participants []participant `json:"participants"`
	Properties   struct {
		Merge struct {
			ID string `json:"id"`
		} `json:"mergeCommit"`
	} `json:"properties"`
	Links struct {
		Self []struct {
			URL string `json:"href"`
		} `json:"self"`
	} `json:"links"`
}

func (p *pullRequest) convert() providers.PullRequest {
	out := providers.PullRequest{
		Number: p.Number, Title: p.Title, Author: p.Author.User.Name, Head: p.From.Commit, Branch: p.From.name(),
		HeadRepository: p.From.repository(), Fork: p.From.Repository.ID != p.To.Repository.ID, Base: p.To.name(),
		Draft: p.Draft, Open: p.State == "OPEN", Merged: p.State == "MERGED", CreatedAt: p.Created.time(),
	}
	if len(p.Links.Self) > 0 {
		out.URL = p.Links.Self[0].URL
	}
	if out.Merged {
		out.MergedAs = p.Properties.Merge.ID
	}
	return out
}

func (f *Forge) pull(number int64) string {
	return core(f.path + "/pull-requests/" + strconv.FormatInt(number, 10))
}

// Pull implements providers.Forge.
func (f *Forge) Pull(ctx context.Context, number int64) (*providers.PullRequest, error) {
	var got pullRequest
	if err := f.api.Get(ctx, f.pull(number), nil, &got); err != nil {
		return nil, err
	}
	return f.whole(ctx, &got)
}

// whole is a pull request with what it was merged as, which older versions tell among what
// happened to it only.
func (f *Forge) whole(ctx context.Context, p *pullRequest) (*providers.PullRequest, error) {
	out := p.convert()
	if !out.Merged || out.MergedAs != "" {
		return &out, nil
	}
	all, err := f.activities(ctx, p.Number)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if one.Action == "MERGED" && one.Commit != nil {
			out.MergedAs = one.Commit.ID
		}
	}
	return &out, nil
}

// searched is how many pages of merged pull requests are searched for a commit.
const searched = 5

// Pulls implements providers.Forge. Those that were merged as a commit are found among the 500
// that something happened to last.
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
	for _, state := range []string{"OPEN", "MERGED"} {
		most, cut := rest.MaxPages, false
		if state == "MERGED" {
			most, cut = searched, true
		}
		if err := list(ctx, f.api, core(f.path+"/pull-requests"), url.Values{"state": {state}, "order": {"NEWEST"}}, most, cut, see); err != nil {
			return nil, err
		}
	}
	for i := range found {
		if found[i].Merged && found[i].MergedAs == "" {
			one, err := f.Pull(ctx, found[i].Number)
			if err != nil {
				return nil, err
			}
			found[i] = *one
		}
	}
	return shape.Newest(found), nil
}

// OpenPulls implements providers.Forge.
func (f *Forge) OpenPulls(ctx context.Context) ([]providers.PullRequest, error) {
	var open []providers.PullRequest
	err := list(ctx, f.api, core(f.path+"/pull-requests"), url.Values{"state": {"OPEN"}}, rest.MaxPages, false, func(p pullRequest) bool {
		open = append(open, p.convert())
		return true
	})
	return shape.Newest(open), err
}

// Member implements providers.Forge. Groups are the instance's, and only who administers it
// sees who is in them; "PROJECT:group" is taken for the repository's own project alone.
func (f *Forge) Member(ctx context.Context, group, login string) (bool, error) {
	project, name, err := shape.SplitGroup(group, f.project)
	if err != nil || !shape.IsLogin(login) {
		return false, err
	}
	if !strings.EqualFold(project, f.project) {
		return false, fmt.Errorf("the group %q: groups are the instance's, and not of %q: %w", name, project, providers.ErrNotFound)
	}
	member := false
	err = list(ctx, f.api, core("admin/groups/more-members"), url.Values{"context": {name}, "filter": {login}}, rest.MaxPages, false, func(u user) bool {
		member = member || strings.EqualFold(u.Name, login)
		return !member
	})
	if err != nil {
		return false, fmt.Errorf("the group %q: %w", name, err)
	}
	return member, nil
}

// branch returns the newest commit of a branch, which must be called so exactly.
func branch(ctx context.Context, api *rest.Client, repository, name string) (string, error) {
	tip := ""
	err := list(ctx, api, core(repository+"/branches"), url.Values{"filterText": {name}}, rest.MaxPages, false, func(b ref) bool {
		if b.ID == "refs/heads/"+name {
			tip = b.Commit
		}
		return tip == ""
	})
	if err == nil && tip == "" {
		err = providers.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("the branch %q: %w", name, err)
	}
	return tip, shape.CheckCommit(tip)
}

// Contains implements providers.Forge.
func (f *Forge) Contains(ctx context.Context, name, commit string) (bool, error) {
	if err := shape.CheckCommit(commit); err != nil {
		return false, err
	}
	tip, err := branch(ctx, f.api, f.path, name)
	if err != nil || tip == commit {
		return err == nil, err
	}
	// What the commit has and the branch has not is nothing where the branch has the commit.
	var missing page[struct {
		ID string `json:"id"`
	}]
	err = f.api.Get(ctx, core(f.path+"/compare/commits"), url.Values{"from": {commit}, "to": {tip}, "limit": {"1"}}, &missing)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil // there is no such commit
	}
	return err == nil && missing.Last && len(missing.Values) == 0, err
}
