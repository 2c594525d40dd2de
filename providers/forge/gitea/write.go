package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// self returns who the token is of.
func (f *Forge) self(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.me != "" {
		return f.me, nil
	}
	var got user
	if err := f.api.Get(ctx, "user", nil, &got); err != nil {
		return "", fmt.Errorf("who the token is of: %w", err)
	}
	if got.Login == "" {
		return "", fmt.Errorf("who the token is of is %w", providers.ErrNotFound)
	}
	f.me = got.Login
	return f.me, nil
}

type comment struct {
	ID   int64  `json:"id"`
	URL  string `json:"html_url"`
	User *user  `json:"user"`
	Body string `json:"body"`
}

// Comment implements providers.Forge.
func (f *Forge) Comment(ctx context.Context, number int64, marker, body string) (providers.Comment, error) {
	text, err := shape.Marked(marker, body, maxComment)
	if err != nil {
		return providers.Comment{}, err
	}
	me, err := f.self(ctx)
	if err != nil {
		return providers.Comment{}, err
	}
	var own int64
	// The list of one issue comes in one page, whatever is asked for.
	var all []comment
	if err := f.api.Get(ctx, f.issue(number)+"/comments", nil, &all); err != nil {
		// Gitea fails over the list of a pull request that there is not.
		if _, pullErr := f.Pull(ctx, number); errors.Is(pullErr, providers.ErrNotFound) {
			err = pullErr
		}
		return providers.Comment{}, err
	}
	for _, c := range all {
		if own == 0 && c.User != nil && c.User.Login == me && shape.IsMarked(c.Body, marker) {
			own = c.ID
		}
	}
	var got comment
	in := map[string]string{"body": text}
	if own != 0 {
		err := f.api.Send(ctx, http.MethodPatch, f.path+"/issues/comments/"+strconv.FormatInt(own, 10), in, &got)
		if err == nil {
			return providers.Comment{ID: strconv.FormatInt(got.ID, 10), URL: got.URL}, nil
		}
		if !errors.Is(err, providers.ErrNotFound) { // else somebody has deleted it
			return providers.Comment{}, err
		}
	}
	if err := f.api.Send(ctx, http.MethodPost, f.issue(number)+"/comments", in, &got); err != nil {
		return providers.Comment{}, err
	}
	return providers.Comment{ID: strconv.FormatInt(got.ID, 10), URL: got.URL, Created: true}, nil
}

// maxDescription is how many bytes of a status are shown.
const maxDescription = 255

// Check implements providers.Forge: it is a status of the commit. Annotations and the summary
// have no place there.
func (f *Forge) Check(ctx context.Context, commit string, check providers.Check) error {
	if err := shape.CheckCommit(commit); err != nil {
		return err
	}
	states := map[providers.CheckState]string{
		providers.CheckPending: "pending", providers.CheckSuccess: "success", providers.CheckFailure: "failure", providers.CheckNeutral: "success",
	}
	in := map[string]string{"state": states[check.State], "context": check.Name, "description": rest.Plain(check.Title, maxDescription), "target_url": check.URL}
	// The newest of a name counts: doing it twice changes nothing.
	_, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: f.path + "/statuses/" + commit, Body: in}, nil)
	return err
}

// labelColour is that of labels that are made.
const labelColour = "#5319e7"

type label struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Label implements providers.Forge. Labels are the repository's, or its organization's.
func (f *Forge) Label(ctx context.Context, number int64, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	if len(remove) > 0 {
		has, err := rest.All[label](ctx, f.api, pages(), f.issue(number)+"/labels", nil)
		if err != nil {
			return err
		}
		for _, one := range has {
			if !slices.Contains(remove, one.Name) {
				continue
			}
			err := f.api.Send(ctx, http.MethodDelete, f.issue(number)+"/labels/"+strconv.FormatInt(one.ID, 10), nil, nil)
			if err != nil && !errors.Is(err, providers.ErrNotFound) {
				return err
			}
		}
	}
	if len(add) == 0 {
		return nil
	}
	ids, err := f.labels(ctx, add)
	if err != nil {
		return err
	}
	_, err = f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: f.issue(number) + "/labels", Body: map[string]any{"labels": ids}}, nil)
	return err
}

// labels returns the ids of labels, and makes those that are not there.
func (f *Forge) labels(ctx context.Context, names []string) ([]int64, error) {
	known := map[string]int64{}
	see := func(l label) bool {
		if _, ok := known[l.Name]; !ok {
			known[l.Name] = l.ID
		}
		return true
	}
	if err := rest.List(ctx, f.api, pages(), f.path+"/labels", nil, see); err != nil {
		return nil, err
	}
	// A person's repository has no organization, whose labels can be missing.
	err := rest.List(ctx, f.api, pages(), "orgs/"+rest.Escape(f.owner)+"/labels", nil, see)
	if err != nil && !errors.Is(err, providers.ErrNotFound) && !errors.Is(err, providers.ErrForbidden) {
		return nil, err
	}
	ids := make([]int64, 0, len(names))
	for _, name := range names {
		id, ok := known[name]
		if !ok {
			var made label
			if err := f.api.Send(ctx, http.MethodPost, f.path+"/labels", map[string]string{"name": name, "color": labelColour}, &made); err != nil {
				return nil, fmt.Errorf("the label %q cannot be made: %w", name, err)
			}
			id = made.ID
			known[name] = id
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// draftPrefix is what the titles of drafts begin with.
const draftPrefix = "WIP: "

// Propose implements providers.Forge.
func (f *Forge) Propose(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	if open, err := f.proposed(ctx, p); err != nil || open != nil {
		return open, err
	}
	title := p.Title
	if p.Draft && !strings.HasPrefix(title, draftPrefix) {
		title = draftPrefix + title
	}
	in := map[string]any{"title": title, "body": p.Body, "head": p.Branch, "base": p.Base}
	if len(p.Labels) > 0 {
		ids, err := f.labels(ctx, p.Labels)
		if err != nil {
			return nil, err
		}
		in["labels"] = ids
	}
	var made pullRequest
	if err := f.api.Send(ctx, http.MethodPost, f.path+"/pulls", in, &made); err != nil {
		if open, again := f.proposed(ctx, p); again == nil && open != nil {
			return open, nil // it was made all the same, or by another at the same time
		}
		return nil, err
	}
	out := made.convert()
	return &out, nil
}

// proposed returns the open pull request from a branch; nil where there is none.
func (f *Forge) proposed(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	var found *providers.PullRequest
	err := rest.List(ctx, f.api, pages(), f.path+"/pulls", url.Values{"state": {"open"}}, func(one pullRequest) bool {
		if c := one.convert(); c.Branch == p.Branch && c.Base == p.Base && !c.Fork {
			found = &c
		}
		return found == nil
	})
	return found, err
}
