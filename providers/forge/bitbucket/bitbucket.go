// Package bitbucket is a providers.Forge of Bitbucket Cloud, by its REST API, version 2.0.
//
// People are told by their account ids: their names are not theirs alone. Approvals have no
// commit; they are told the head that was there when they were given, by the activity of the
// pull request. Pull requests have no labels. Checks are build statuses, and reports with
// annotations. Package forge makes its clients, and nothing else does.
package bitbucket

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

// PublicAPI is the API of the service.
const PublicAPI = "https://api.bitbucket.org"

// maxComment is how many characters Bitbucket takes.
const maxComment = 32768

// Forge is one repository.
type Forge struct {
	api       *rest.Client
	workspace string
	name      string // workspace/name
	path      string // of the repository in the API

	mu    sync.Mutex
	me    string            // the account; empty until it was asked for
	whole map[string]string // ids of commits, by their beginnings
}

// New returns the repository "workspace/name" at an account.
func New(account shape.Account, repository string) (*Forge, error) {
	workspace, name, err := shape.SplitRepository(repository)
	if err != nil {
		return nil, err
	}
	api, err := client(account)
	if err != nil {
		return nil, err
	}
	return &Forge{
		api: api, workspace: workspace, name: repository, whole: map[string]string{},
		path: "2.0/repositories/" + rest.EscapePath(workspace) + "/" + rest.Escape(name),
	}, nil
}

var _ providers.Forge = (*Forge)(nil)

func client(account shape.Account) (*rest.Client, error) {
	base := strings.TrimSuffix(strings.TrimRight(account.URL, "/"), "/2.0")
	if u, err := url.Parse(base); base == "" || err == nil && u.Host == "bitbucket.org" {
		base = PublicAPI
	}
	header := http.Header{}
	switch {
	case account.Token == "":
	case account.Username != "": // an API token of a person
		pair := account.Username + ":" + account.Token.Reveal()
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	default: // an access token of a repository, project or workspace
		header.Set("Authorization", "Bearer "+account.Token.Reveal())
	}
	return rest.New(rest.Options{Base: base, Header: header, Secrets: []object.Sensitive{account.Token}, CAData: account.CAData, Proxy: account.Proxy})
}

// MaxComment implements providers.Forge.
func (*Forge) MaxComment() int { return maxComment }

// NoHTML says that comments show HTML as text.
func (*Forge) NoHTML() bool { return true }

// page is a part of a list.
type page[T any] struct {
	Values []T    `json:"values"`
	Next   string `json:"next"`
}

// list reads a list until see returns false. At the end of so many pages it ends, where cut
// is set, or is an ErrTooMany.
func list[T any](ctx context.Context, api *rest.Client, path string, query url.Values, most int, cut bool, see func(T) bool) error {
	if query == nil {
		query = url.Values{}
	}
	if query.Get("pagelen") == "" {
		query.Set("pagelen", "50")
	}
	for range most {
		var got page[T]
		if err := api.Get(ctx, path, query, &got); err != nil {
			return err
		}
		for _, value := range got.Values {
			if !see(value) {
				return nil
			}
		}
		if got.Next == "" {
			return nil
		}
		// Of the address only the query counts: requests go where they went before.
		next, err := url.Parse(got.Next)
		if err != nil {
			return fmt.Errorf("the list is %w: its next page has no valid URL", providers.ErrUnreachable)
		}
		query = next.Query()
	}
	if cut {
		return nil
	}
	return fmt.Errorf("%s/%s: %w: the list has more than %d pages", api.Base(), path, providers.ErrTooMany, most)
}

type pullRequest struct {
	Number int64     `json:"id"`
	Title  string    `json:"title"`
	Author *account  `json:"author"`
	State  string    `json:"state"`
	Draft  bool      `json:"draft"`
	Source endpoint  `json:"source"`
	Target endpoint  `json:"destination"`
	Merge  *commit   `json:"merge_commit"`
	Links  links     `json:"links"`
	At     time.Time `json:"created_on"`
	// Participants are only in the answer to a request for this one pull request.
	Participants []participant `json:"participants"`
}

type endpoint struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Commit     *commit `json:"commit"`
	Repository *struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
}

type commit struct {
	Hash string `json:"hash"` // its first 12 digits, in pull requests
}

type account struct {
	AccountID string `json:"account_id"`
	UUID      string `json:"uuid"`
}

// id is who an account is: one of a repository's access token has a UUID only.
func (a *account) id() string {
	switch {
	case a == nil:
		return ""
	case a.AccountID != "":
		return a.AccountID
	default:
		return a.UUID
	}
}

type links struct {
	HTML struct {
		URL string `json:"href"`
	} `json:"html"`
}

// convert makes the ids of commits whole, for which Bitbucket has to be asked.
func (f *Forge) convert(ctx context.Context, p *pullRequest) (providers.PullRequest, error) {
	out := providers.PullRequest{
		Number: p.Number, Title: p.Title, Author: p.Author.id(), URL: p.Links.HTML.URL, Branch: p.Source.Branch.Name, Base: p.Target.Branch.Name,
		Fork: true, Draft: p.Draft, Open: p.State == "OPEN", Merged: p.State == "MERGED", CreatedAt: p.At,
	}
	home := f.path
	if p.Source.Repository != nil {
		out.HeadRepository = p.Source.Repository.FullName
		out.Fork = !strings.EqualFold(out.HeadRepository, f.name)
		home = "2.0/repositories/" + rest.EscapePath(out.HeadRepository)
	}
	var err error
	if p.Source.Commit != nil {
		if out.Head, err = f.wholeID(ctx, home, p.Source.Commit.Hash); err != nil {
			return out, err
		}
	}
	if out.Merged && p.Merge != nil {
		out.MergedAs, err = f.wholeID(ctx, f.path, p.Merge.Hash)
	}
	return out, err
}

// wholeID returns the id of a commit that begins so; empty where the commit is gone.
func (f *Forge) wholeID(ctx context.Context, repository, begins string) (string, error) {
	if shape.CheckCommit(begins) == nil {
		return begins, nil
	}
	key := repository + " " + begins
	f.mu.Lock()
	known, ok := f.whole[key]
	f.mu.Unlock()
	if ok {
		return known, nil
	}
	var got commit
	err := f.api.Get(ctx, repository+"/commit/"+rest.Escape(begins), url.Values{"fields": {"hash"}}, &got)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case !strings.HasPrefix(got.Hash, begins) || shape.CheckCommit(got.Hash) != nil:
		return "", fmt.Errorf("the commit %q is %w: the answer is about another", begins, providers.ErrUnreachable)
	}
	f.mu.Lock()
	f.whole[key] = got.Hash
	f.mu.Unlock()
	return got.Hash, nil
}

// searched is how many pages of merged pull requests are searched for a commit.
const searched = 10

// Pulls implements providers.Forge. Merged ones are found among the 500 that something
// happened to last.
func (f *Forge) Pulls(ctx context.Context, id string) ([]providers.PullRequest, error) {
	if err := shape.CheckCommit(id); err != nil {
		return nil, err
	}
	var found []providers.PullRequest
	begins := func(c *commit) bool { return c != nil && c.Hash != "" && strings.HasPrefix(id, c.Hash) }
	for _, state := range []string{"OPEN", "MERGED"} {
		most, cut := rest.MaxPages, false
		if state == "MERGED" {
			most, cut = searched, true
		}
		var problem error
		err := list(ctx, f.api, f.path+"/pullrequests", url.Values{"state": {state}, "sort": {"-updated_on"}}, most, cut, func(p pullRequest) bool {
			if !begins(p.Source.Commit) && !begins(p.Merge) {
				return true
			}
			one, err := f.convert(ctx, &p)
			if err != nil {
				problem = err
				return false
			}
			if shape.Concerns(&one, id) {
				found = append(found, one)
			}
			return true
		})
		if err := errors.Join(err, problem); err != nil {
			return nil, err
		}
	}
	return shape.Newest(found), nil
}

func (f *Forge) pull(number int64) string {
	return f.path + "/pullrequests/" + strconv.FormatInt(number, 10)
}

// Pull implements providers.Forge.
func (f *Forge) Pull(ctx context.Context, number int64) (*providers.PullRequest, error) {
	var got pullRequest
	if err := f.api.Get(ctx, f.pull(number), nil, &got); err != nil {
		return nil, err
	}
	out, err := f.convert(ctx, &got)
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// OpenPulls implements providers.Forge.
func (f *Forge) OpenPulls(ctx context.Context) ([]providers.PullRequest, error) {
	var open []providers.PullRequest
	var problem error
	err := list(ctx, f.api, f.path+"/pullrequests", url.Values{"state": {"OPEN"}}, rest.MaxPages, false, func(p pullRequest) bool {
		one, err := f.convert(ctx, &p)
		open, problem = append(open, one), err
		return err == nil
	})
	return shape.Newest(open), errors.Join(err, problem)
}

// Contains implements providers.Forge.
func (f *Forge) Contains(ctx context.Context, name, id string) (bool, error) {
	if err := shape.CheckCommit(id); err != nil {
		return false, err
	}
	var branch struct {
		Name   string `json:"name"`
		Target commit `json:"target"`
	}
	if err := f.api.Get(ctx, f.path+"/refs/branches/"+rest.EscapePath(name), nil, &branch); err != nil {
		return false, fmt.Errorf("the branch %q: %w", name, err)
	}
	if branch.Name != name {
		return false, fmt.Errorf("the branch %q is %w: the answer is about another", name, providers.ErrNotFound)
	}
	if branch.Target.Hash == id {
		return true, nil
	}
	var base commit
	err := f.api.Get(ctx, f.path+"/merge-base/"+id+".."+rest.Escape(branch.Target.Hash), nil, &base)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil // there is no such commit, or they have nothing in common
	}
	return base.Hash == id, err
}

// Member implements providers.Forge: a group of the workspace, by its slug. Only who
// administers the workspace sees its groups.
func (f *Forge) Member(ctx context.Context, group, login string) (bool, error) {
	workspace, name, err := shape.SplitGroup(group, f.workspace)
	if err != nil || !shape.IsLogin(login) {
		return false, err
	}
	var members []account
	// Groups are in the API of version 1.0 only.
	if err := f.api.Get(ctx, "1.0/groups/"+rest.Escape(workspace)+"/"+rest.Escape(name)+"/members", nil, &members); err != nil {
		return false, fmt.Errorf("the group %q of %q: %w", name, workspace, err)
	}
	for i := range members {
		if members[i].id() == login {
			return true, nil
		}
	}
	return false, nil
}
